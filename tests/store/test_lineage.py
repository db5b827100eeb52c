"""What a tree started from and whose budgets rule, in every way a change can be checked out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perfgate.core.model import Event
from perfgate.store.git import Repository
from perfgate.store.lineage import Lacks, Lineage, trace
from tests.store.repositories import Made

LOCAL = Event()


def traced(made: Made, event: Event = LOCAL) -> Lineage:
    return trace(Repository.discover(made.folder), event)


def pull_request(**facts: Any) -> Event:
    plain = Event(provider="github", name="pull_request", target="main", default_branch="main", pull_request=7)
    return plain._replace(**facts)


def push(branch: str = "main") -> Event:
    return Event(provider="github", name="push", branch=branch, target="main", default_branch="main")


class Forked:
    """main: first, second, third; feature: one, two, begun at second. As the host keeps it, and a clone of it."""

    def __init__(self, folder: Path) -> None:
        self.host = Made(folder / "host")
        self.first = self.host.commit("first", a="1")
        self.second = self.host.commit("second", a="2")
        self.host.git("checkout", "--quiet", "-b", "feature")
        self.one = self.host.commit("one", b="1")
        self.two = self.host.commit("two", c="1")
        self.host.git("checkout", "--quiet", "main")
        self.third = self.host.commit("third", d="1")
        self.host.git("checkout", "--quiet", "--detach")
        self.merge = self.host.merge("feature", "Merge two into third")
        self.host.git("update-ref", "refs/pull/7/merge", self.merge)
        self.host.git("update-ref", "refs/pull/7/head", self.two)
        self.host.git("checkout", "--quiet", "main")
        self.clone = Made.cloned(self.host, folder / "clone")

    def fetched(self, folder: Path, ref: str, *options: str) -> Made:
        """A checkout as actions/checkout makes it: only the one ref, unless options say more."""
        made = Made(folder)
        made.git("remote", "add", "origin", self.host.folder.as_uri())
        made.git("fetch", "--quiet", "--no-tags", *options, "origin", f"+{ref}:refs/remotes/pull/7/merge")
        made.git("checkout", "--quiet", "--force", "refs/remotes/pull/7/merge")
        return made


@pytest.fixture
def forked(tmp_path: Path) -> Forked:
    return Forked(tmp_path)


# --- a pull request in CI ---------------------------------------------------------------------------------------------


def test_the_hosts_merge_commit_starts_from_its_first_parent(forked: Forked) -> None:
    forked.clone.git("fetch", "--quiet", "origin", "refs/pull/7/merge")
    forked.clone.git("checkout", "--quiet", "--detach", forked.merge)
    event = pull_request(merge=True, head=forked.two, target_sha=forked.second, branch="feature")
    lineage = traced(forked.clone, event)
    assert (lineage.base, lineage.head, lineage.tested) == (forked.third, forked.two, forked.merge)
    assert (lineage.tip, lineage.on_target, lineage.problem) == (forked.third, False, "")
    assert lineage.changed_paths == ("b.txt", "c.txt")
    assert {message.strip() for message in lineage.messages} == {"one", "two", "Merge two into third"}


def test_a_merge_commit_says_its_head_where_the_event_does_not(forked: Forked) -> None:
    forked.clone.git("fetch", "--quiet", "origin", "refs/pull/7/merge")
    forked.clone.git("checkout", "--quiet", "--detach", forked.merge)
    lineage = traced(forked.clone, pull_request(merge=True))
    assert (lineage.base, lineage.head) == (forked.third, forked.two)


def test_the_head_of_a_pull_request_starts_where_it_left_the_target(forked: Forked) -> None:
    forked.clone.git("checkout", "--quiet", "--detach", forked.two)
    lineage = traced(forked.clone, pull_request(merge=True, head=forked.two, target_sha=forked.third))
    assert (lineage.base, lineage.head, lineage.tip) == (forked.second, forked.two, forked.third)
    assert lineage.tip_name == f"origin/main ({forked.third[:10]})"


def test_a_head_that_is_a_merge_itself_is_not_taken_for_the_hosts_merge(forked: Forked) -> None:
    forked.clone.git("checkout", "--quiet", "-b", "feature", forked.two)
    head = forked.clone.merge("origin/main", "take main in")
    lineage = traced(forked.clone, pull_request(merge=True, head=head))
    assert (lineage.base, lineage.head) == (forked.third, head)


def test_a_branch_from_an_ancient_commit_is_ruled_by_the_newest_tip(forked: Forked) -> None:
    forked.clone.git("checkout", "--quiet", "-b", "ancient", forked.first)
    forked.clone.commit("old")
    lineage = traced(forked.clone, pull_request(target_sha=forked.first))
    assert (lineage.base, lineage.tip) == (forked.first, forked.third)


def test_a_stale_event_does_not_make_the_tip_older_than_what_was_merged_with(forked: Forked, tmp_path: Path) -> None:
    checkout = forked.fetched(tmp_path / "checkout", "refs/pull/7/merge")
    lineage = traced(checkout, pull_request(merge=True, head=forked.two, target_sha=forked.first))
    assert (lineage.base, lineage.tip) == (forked.third, forked.third)


def test_a_merge_group_starts_from_the_groups_base(forked: Forked) -> None:
    forked.clone.git("checkout", "--quiet", "-b", "gh-readonly-queue/main/pr-7-x", forked.third)
    stacked = forked.clone.commit("the pull request before in the queue")
    group = forked.clone.commit("the group")
    event = Event(provider="github", name="merge_group", target="main", target_sha=stacked, head=group)
    lineage = traced(forked.clone, event)
    assert (lineage.base, lineage.tip, lineage.on_target) == (stacked, forked.third, False)


# --- shallow clones ---------------------------------------------------------------------------------------------------


def test_a_shallow_merge_commit_knows_its_base_though_its_history_is_not_here(forked: Forked, tmp_path: Path) -> None:
    checkout = forked.fetched(tmp_path / "checkout", "refs/pull/7/merge", "--depth=1")
    lineage = traced(checkout, pull_request(merge=True, head=forked.two, target_sha=forked.third))
    assert (lineage.base, lineage.head, lineage.tip) == (forked.third, forked.two, "")
    assert "fetch-depth: 0" in lineage.problem
    assert (lineage.lacks, lineage.changed_paths, lineage.on_target) == (Lacks.TIP, None, False)


def test_a_shallow_checkout_of_the_head_of_a_pull_request_says_what_to_fetch(forked: Forked, tmp_path: Path) -> None:
    checkout = forked.fetched(tmp_path / "checkout", "refs/pull/7/head", "--depth=1")
    lineage = traced(checkout, pull_request(head=forked.two, target_sha=forked.third))
    assert (lineage.base, lineage.lacks) == ("", Lacks.TIP)
    assert "fetch-depth: 0" in lineage.problem


def test_without_the_place_where_the_change_left_its_target_the_tip_stands_for_it(
    forked: Forked, tmp_path: Path
) -> None:
    checkout = forked.fetched(tmp_path / "checkout", "refs/pull/7/head", "--depth=1")
    checkout.git("fetch", "--quiet", "--depth=1", "origin", "+refs/heads/main:refs/remotes/origin/main")
    lineage = traced(checkout, pull_request(head=forked.two, target_sha=forked.second))
    assert (lineage.base, lineage.tip, lineage.problem, lineage.lacks) == (forked.third, forked.third, "", Lacks.BASE)
    assert "held against origin/main" in lineage.approximate


def test_the_events_merge_base_is_exact_where_git_cannot_see_it(forked: Forked, tmp_path: Path) -> None:
    checkout = forked.fetched(tmp_path / "checkout", "refs/pull/7/head", "--depth=1")
    checkout.git("fetch", "--quiet", "--depth=1", "origin", "+refs/heads/main:refs/remotes/origin/main")
    lineage = traced(checkout, pull_request(head=forked.two, merge_base=forked.second))
    assert (lineage.base, lineage.approximate, lineage.lacks) == (forked.second, "", Lacks.HISTORY)
    assert "fetch-depth: 0" in lineage.problem


def test_a_merge_base_of_another_commit_than_the_checked_out_one_does_not_count(forked: Forked) -> None:
    forked.clone.git("checkout", "--quiet", "--detach", forked.one)
    assert traced(forked.clone, pull_request(head=forked.two, merge_base=forked.first)).base == forked.second


def test_a_merge_base_that_a_whole_clone_does_not_know_does_not_count(forked: Forked) -> None:
    forked.clone.git("checkout", "--quiet", "--detach", forked.two)
    assert traced(forked.clone, pull_request(head=forked.two, merge_base="1" * 40)).base == forked.second


def test_a_shallow_change_says_that_not_all_of_its_commits_were_read(forked: Forked, tmp_path: Path) -> None:
    checkout = forked.fetched(tmp_path / "checkout", "refs/pull/7/merge", "--depth=2")
    lineage = traced(checkout, pull_request(merge=True, head=forked.two, target_sha=forked.third))
    assert [caveat.code for caveat in lineage.caveats] == ["history cut"]
    deeper = forked.fetched(tmp_path / "deeper", "refs/pull/7/merge", "--depth=4")
    assert traced(deeper, pull_request(merge=True, head=forked.two, target_sha=forked.third)).caveats == ()


def test_a_shallow_clone_that_is_used_again_does_not_rule_by_an_older_tip(forked: Forked, tmp_path: Path) -> None:
    checkout = forked.fetched(tmp_path / "checkout", "refs/pull/7/merge", "--depth=3")
    checkout.git("update-ref", "refs/remotes/origin/main", forked.second)
    lineage = traced(checkout, pull_request(merge=True, head=forked.two, target_sha=forked.third))
    assert lineage.tip == forked.third


def test_in_ci_a_local_branch_of_the_targets_name_does_not_rule(forked: Forked) -> None:
    # Some systems merge a pull request into a local branch that is called as the target is.
    forked.clone.git("checkout", "--quiet", "-B", "main", forked.two)
    forked.clone.git("update-ref", "-d", "refs/remotes/origin/main")
    lineage = traced(forked.clone, pull_request(head=forked.two))
    assert (lineage.tip, lineage.lacks) == ("", Lacks.TIP)


@pytest.mark.parametrize("cloned", ["fork", "target"])
def test_the_branches_of_a_fork_do_not_rule(forked: Forked, tmp_path: Path, cloned: str) -> None:
    forked.clone.git("checkout", "--quiet", "--detach", forked.two)
    name = f"{forked.host.folder.parent.name}/{forked.host.folder.name}" if cloned == "target" else "somebody/else"
    lineage = traced(forked.clone, pull_request(head=forked.two, from_fork=True, repository=name))
    assert lineage.tip == (forked.third if cloned == "target" else "")


def test_a_shallow_clone_of_the_target_branch_says_what_to_fetch(forked: Forked, tmp_path: Path) -> None:
    shallow = Made.cloned(forked.host, tmp_path / "shallow", "--depth=1")
    lineage = traced(shallow, push())
    assert "fetch-depth: 0" in lineage.problem
    assert lineage.on_target


def test_a_clone_of_two_commits_knows_the_base_of_a_merge(forked: Forked, tmp_path: Path) -> None:
    checkout = forked.fetched(tmp_path / "checkout", "refs/pull/7/merge", "--depth=2")
    lineage = traced(checkout, pull_request(merge=True, head=forked.two, target_sha=forked.third))
    assert (lineage.base, lineage.tip, lineage.problem) == (forked.third, forked.third, "")


def test_a_shallow_clone_without_a_common_ancestor_is_held_against_the_tip(forked: Forked, tmp_path: Path) -> None:
    shallow = Made.cloned(forked.host, tmp_path / "shallow", "--depth=1", "--no-single-branch")
    shallow.git("checkout", "--quiet", "feature")
    lineage = traced(shallow)
    assert (lineage.base, lineage.problem) == (forked.third, "")
    assert "shallow" in lineage.approximate


# --- the target branch itself -----------------------------------------------------------------------------------------


def test_a_push_to_the_target_branch_starts_from_the_first_parent(forked: Forked) -> None:
    merged = forked.clone.merge("origin/feature", "Merge pull request 7")
    lineage = traced(forked.clone, push())
    assert (lineage.base, lineage.tested, lineage.on_target) == (forked.third, merged, True)
    assert lineage.tip == ""
    assert {message.strip() for message in lineage.messages} == {"one", "two", "Merge pull request 7"}


def test_a_checkout_of_the_pushed_commit_by_itself_is_still_the_target_branch(forked: Forked) -> None:
    forked.clone.git("checkout", "--quiet", "--detach", "origin/main")
    lineage = traced(forked.clone, push())
    assert (lineage.base, lineage.on_target) == (forked.second, True)


def test_a_push_of_several_commits_starts_from_what_it_replaced(forked: Forked) -> None:
    lineage = traced(forked.clone, push()._replace(before=forked.first, sha=forked.third))
    assert (lineage.base, lineage.on_target) == (forked.first, True)
    assert {message.strip() for message in lineage.messages} == {"second", "third"}


@pytest.mark.parametrize("before", ["two", "nowhere", "third", ""])
def test_a_forced_or_unknown_push_starts_from_the_first_parent(forked: Forked, before: str) -> None:
    commit = {"two": forked.two, "nowhere": "1" * 40, "third": forked.third, "": ""}[before]
    assert traced(forked.clone, push()._replace(before=commit, sha=forked.third)).base == forked.second


def test_something_else_checked_out_is_not_the_target_branch(forked: Forked) -> None:
    forked.clone.git("checkout", "--quiet", "--detach", forked.two)
    for name in ("push", "schedule", "workflow_dispatch", "repository_dispatch"):
        assert not traced(forked.clone, push()._replace(name=name, sha=forked.third)).on_target, name


def test_an_older_commit_of_the_target_branch_is_still_the_target_branch(forked: Forked) -> None:
    forked.clone.git("checkout", "--quiet", "--detach", forked.second)
    lineage = traced(forked.clone, push()._replace(sha=forked.third))
    assert (lineage.on_target, lineage.base) == (True, forked.first)


@pytest.mark.parametrize("name", ["issue_comment", "release", "merge_group", "check_run", "other", "unheard_of"])
def test_only_events_of_a_branch_are_the_target_branch(forked: Forked, name: str) -> None:
    assert not traced(forked.clone, push()._replace(name=name, sha=forked.third)).on_target


@pytest.mark.parametrize("name", ["schedule", "workflow_dispatch", "repository_dispatch", "web", "api"])
def test_a_run_of_the_default_branch_by_another_event_is_the_target_branch(forked: Forked, name: str) -> None:
    lineage = traced(forked.clone, push()._replace(name=name, sha=forked.third))
    assert (lineage.on_target, lineage.base) == (True, forked.second)


def test_a_system_that_does_not_tell_the_default_branch_is_believed_only_with_the_remotes_word(forked: Forked) -> None:
    event = Event(provider="circleci", name="push", branch="main", head=forked.third, sha=forked.third)
    assert traced(forked.clone, event).on_target
    forked.clone.git("remote", "set-head", "origin", "--delete")
    assert not traced(forked.clone, event).on_target


def test_changes_in_the_work_tree_of_the_target_branch_start_from_its_commit(forked: Forked) -> None:
    forked.clone.write("a.txt", "edited")
    lineage = traced(forked.clone)
    assert (lineage.base, lineage.on_target) == (forked.third, True)
    assert lineage.worktree != ""
    assert lineage.changed_paths == ("a.txt",)


def test_the_first_commit_starts_from_nothing_and_that_is_no_problem(made: Made) -> None:
    commit = made.commit()
    lineage = traced(made)
    assert (lineage.base, lineage.tested, lineage.problem, lineage.on_target) == ("", commit, "", True)


def test_a_tag_of_the_target_branch_never_has_itself_in_its_baseline(forked: Forked) -> None:
    forked.clone.git("checkout", "--quiet", "--detach", forked.second)
    lineage = traced(forked.clone, Event(provider="github", name="push", target="main", default_branch="main"))
    assert (lineage.base, lineage.on_target) == (forked.first, False)


@pytest.mark.parametrize("name", ["workflow_run", "pull_request_target"])
def test_what_runs_on_behalf_of_a_change_never_passes_for_the_target_branch(forked: Forked, name: str) -> None:
    event = Event(provider="github", name=name, branch="main", target="main", default_branch="main", from_fork=True)
    assert not traced(forked.clone, event).on_target


# --- local work -------------------------------------------------------------------------------------------------------


def test_a_local_branch_starts_where_it_left_origins_default_branch(forked: Forked) -> None:
    forked.clone.git("checkout", "--quiet", "feature")
    lineage = traced(forked.clone)
    assert (lineage.base, lineage.tip, lineage.target) == (forked.second, forked.third, "main")
    assert (lineage.branch, lineage.on_target) == ("feature", False)


def test_a_local_branch_without_a_remote_starts_where_it_left_the_local_default_branch(made: Made) -> None:
    first = made.commit()
    made.git("checkout", "--quiet", "-b", "feature")
    made.commit()
    made.git("checkout", "--quiet", "main")
    newer = made.commit()
    made.git("checkout", "--quiet", "feature")
    lineage = traced(made)
    assert (lineage.base, lineage.tip) == (first, newer)
    assert lineage.tip_name == f"main ({newer[:10]})"


def test_a_new_branch_with_uncommitted_changes_starts_from_its_commit(forked: Forked) -> None:
    forked.clone.git("checkout", "--quiet", "-b", "new")
    forked.clone.write("a.txt", "edited")
    lineage = traced(forked.clone)
    assert (lineage.base, lineage.on_target, lineage.tip) == (forked.third, False, forked.third)


def test_a_new_branch_without_changes_never_has_itself_in_its_baseline(forked: Forked) -> None:
    forked.clone.git("checkout", "--quiet", "-b", "new")
    assert traced(forked.clone).base == forked.second


def test_a_repository_with_one_branch_of_an_unusual_name_is_its_own_target(made: Made) -> None:
    made.git("checkout", "--quiet", "-b", "develop")
    made.commit()
    assert traced(made).on_target


def test_ci_that_does_not_name_the_default_branch_takes_no_branch_for_it(made: Made) -> None:
    made.git("checkout", "--quiet", "-b", "develop")
    made.commit()
    lineage = traced(made, Event(provider="ci", name="push"))
    assert not lineage.on_target
    assert "git remote set-head" in lineage.problem


def test_a_target_branch_that_is_not_here_is_a_problem_with_a_remedy(made: Made) -> None:
    made.git("checkout", "--quiet", "-b", "feature")
    made.commit()
    lineage = traced(made, pull_request())
    assert '"main" is not in this clone' in lineage.problem
    assert lineage.base == ""


def test_histories_without_a_common_ancestor_are_a_problem(made: Made) -> None:
    made.commit()
    made.git("checkout", "--quiet", "--orphan", "other")
    made.commit()
    assert "no common ancestor" in traced(made).problem


def test_a_repository_without_commits_has_an_empty_lineage(made: Made) -> None:
    lineage = traced(made)
    assert (lineage.tested, lineage.base, lineage.worktree, lineage.branch) == ("", "", "no-commit", "main")


def test_a_folder_without_git_is_a_problem_in_ci_only() -> None:
    assert trace(None, LOCAL) == Lineage()
    assert "not in a git repository" in trace(None, pull_request()).problem


def test_a_work_tree_beside_the_main_one_has_its_own_lineage(forked: Forked, tmp_path: Path) -> None:
    forked.clone.git("worktree", "add", "--quiet", str(tmp_path / "beside"), "feature")
    lineage = trace(Repository.discover(tmp_path / "beside"), LOCAL)
    assert (lineage.base, lineage.tested) == (forked.second, forked.two)


def test_a_submodule_has_its_own_lineage(forked: Forked, tmp_path: Path) -> None:
    outer = Made(tmp_path / "outer")
    outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", forked.host.folder.as_uri(), "inner")
    outer.commit("with a submodule")
    inner = Repository.discover(tmp_path / "outer" / "inner")
    assert inner is not None
    assert (trace(inner, LOCAL).tested, trace(inner, LOCAL).base) == (forked.third, forked.second)


def test_a_detached_local_checkout_starts_where_it_left_the_default_branch(forked: Forked) -> None:
    forked.clone.git("checkout", "--quiet", "--detach", forked.one)
    lineage = traced(forked.clone)
    assert (lineage.base, lineage.branch, lineage.on_target) == (forked.second, "", False)


def test_a_hostile_event_reaches_git_as_nothing(forked: Forked) -> None:
    hostile = "--output=evil"
    event = pull_request(target=hostile, target_sha=hostile, head=hostile, branch=hostile, merge=True)
    lineage = traced(forked.clone, event)
    assert lineage.problem
    assert lineage.head == lineage.tested
    assert not list(forked.clone.folder.rglob("evil*"))
