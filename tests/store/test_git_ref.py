"""The baseline in a branch of its own: over real git transport, without touching the work tree, and never empty after a failure."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from perfgate.core.budgets import BaselineSettings
from perfgate.core.model import Run, Selector
from perfgate.errors import InputError, OperationFailed
from perfgate.store import directory
from perfgate.store.changes import (
    NotAllowed,
    acceptance,
    admission,
    anchoring,
    pruning,
    retirement,
    union,
)
from perfgate.store.git import Repository
from perfgate.store.lineage import Lineage
from perfgate.store.remote import Unreachable
from perfgate.store.stores import Store
from tests.store.remotes import DATA, SETTINGS, Remote, branch_store, is_root, state, store_in
from tests.store.repositories import Made, run_of


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    """A bare remote whose main has one commit."""
    return Remote(tmp_path)


def ci_run(commit: str, number: int = 0, value: float = 60.0) -> Run:
    return run_of(commit, value, number=number, ci_run=f"{number}", ci_job="bench", provider="github")


def values(store: Store, base: str) -> list[float]:
    return [float(value) for history in store.load(Lineage(base=base)).histories.values() for value in history.values]


# --- what is stored ---------------------------------------------------------------------------------------------------


def test_the_first_run_begins_the_branch_and_is_read_by_every_clone(remote: Remote) -> None:
    one, other = remote.clone("one"), remote.clone("other")
    written = store_in(one).write(admission([ci_run(remote.first)]))
    (stored,) = written.changes.stored
    assert (stored.is_new, written.attempts, written.commit) == (True, 1, remote.tip())
    assert remote.files() == [f"baselines/runs/{stored.name}.json"]
    assert remote.bare.git("log", "--format=%an <%ae> %s %P", DATA).startswith(
        f"perfgate <perfgate@perfgate.invalid> perfgate: baseline of {remote.first[:10]} [skip ci]"
    )
    baseline = store_in(other).load(Lineage(base=remote.first))
    assert [run.id for run in baseline.runs] == [stored.name]
    assert f"origin/perfgate-data ({remote.tip()[:10]}, 20" in baseline.source


def test_neither_reading_nor_writing_touches_head_index_branches_or_work_tree(remote: Remote) -> None:
    made = remote.clone("one")
    made.write("changed.txt", "not committed")
    made.write("staged.txt", "staged")
    made.git("add", "staged.txt")
    made.git("config", "core.splitIndex", "true")
    before = state(made)
    store = store_in(made)
    store.write(admission([ci_run(remote.first)]))
    store.load(Lineage(base=remote.first))
    store.write(anchoring(Selector("*"), store.shelf().runs[0].id, reason="release"))
    assert state(made) == before
    assert not (made.folder / ".git" / "FETCH_HEAD").exists()
    assert not list((made.folder / ".git").glob("sharedindex*"))


def test_the_same_capture_is_stored_once_also_where_the_first_writer_died_after_its_push(remote: Remote) -> None:
    store_in(remote.clone("one")).write(admission([ci_run(remote.first)]))
    before = remote.tip()
    again = store_in(remote.clone("other")).write(admission([ci_run(remote.first, value=61.0)]))
    assert (again.changes.stored[0].is_new, again.attempts, remote.tip()) == (False, 0, before)


def test_several_runs_are_one_commit(remote: Remote) -> None:
    written = store_in(remote.clone("one")).write(admission([ci_run(remote.first, number) for number in range(20)]))
    assert len(remote.files()) == 20
    assert remote.bare.git("rev-list", "--count", DATA) == "1"
    assert written.attempts == 1


def test_a_folder_and_a_branch_give_the_same_baseline_for_the_same_history(remote: Remote) -> None:
    made = remote.clone("one")
    commits = [made.commit(f"state {number}") for number in range(6)]
    folder = store_in(made, BaselineSettings(), in_ci=False)
    branch = store_in(made)
    names: list[str] = []
    for number, commit in enumerate(commits):
        plan = admission([ci_run(commit, number, float(number))], reason="by hand")
        names += [folder.write(plan).changes.stored[0].name]
        assert branch.write(plan).changes.stored[0].name == names[-1]
    for plan in (
        retirement(Selector("size.*"), reason="gone"),
        anchoring(Selector("*"), names[0], reason="release"),
        acceptance(Selector("tests.*"), names[2], reason="agreed"),
        pruning(5, reason="enough"),
    ):
        assert folder.write(plan).changes == branch.write(plan).changes
    for whole in (False, True):
        for base in ("", *commits):
            mine, theirs = (store.load(Lineage(base=base), whole=whole) for store in (folder, branch))
            assert mine._replace(source="") == theirs._replace(source="")
    assert folder.shelf().recorded() == branch.shelf().recorded()
    assert folder.shelf().all_runs() == branch.shelf().all_runs()


def test_a_prune_takes_runs_out_of_the_branch_and_leaves_anchors(remote: Remote) -> None:
    store = store_in(remote.clone("one"))
    store.write(admission([ci_run(remote.first, number) for number in range(5)]))
    oldest = store.shelf().all_runs()[0].id
    store.write(anchoring(Selector("*"), oldest, reason="release"))
    assert len(store.write(pruning(2, reason="enough")).changes.removed) == 2
    assert {path.rpartition("/")[2] for path in remote.files() if "/runs/" in path} == {
        f"{run.id}.json" for run in store.shelf().all_runs()
    }
    assert oldest in {run.id for run in store.shelf().all_runs()}


def test_two_projects_of_a_monorepo_share_a_branch_and_never_meet(remote: Remote) -> None:
    made = remote.clone("one")
    first, second = (store_in(made, root=made.folder / name) for name in ("apps/one", "apps/two"))
    first.write(admission([ci_run(remote.first, 1, 1.0)]))
    second.write(admission([ci_run(remote.first, 1, 2.0)]))
    assert {path.split("/")[1] for path in remote.files()} == {"one", "two"}
    assert (values(first, remote.first), values(second, remote.first)) == ([1.0], [2.0])


# --- which clones can read it -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [["--depth=1"], ["--no-checkout"], ["--single-branch"], ["--filter=blob:none"], ["--no-tags", "--depth=1"]],
)
def test_every_kind_of_clone_reads_and_writes(remote: Remote, options: list[str]) -> None:
    remote.bare.git("config", "uploadpack.allowFilter", "true")
    store_in(remote.clone("full")).write(admission([ci_run(remote.first, number) for number in range(3)]))
    made = remote.clone("other", *options)
    made.git("update-ref", "--no-deref", "HEAD", made.git("rev-parse", "HEAD"))
    store = store_in(made)
    before = state(made)
    assert len(store.load(Lineage(base=remote.first)).runs) == 3
    store.write(admission([ci_run(remote.first, 7)]))
    assert len(store.load(Lineage(base=remote.first)).runs) == 4
    assert state(made) == before


def test_a_clone_that_has_its_whole_history_never_becomes_shallow(remote: Remote) -> None:
    writer = store_in(remote.clone("one"))
    for number in range(3):
        writer.write(admission([ci_run(remote.first, number)]))
    full, shallow = remote.clone("full"), remote.clone("shallow", "--depth=1")
    for made in (full, shallow):
        made.git("update-ref", "-d", "refs/remotes/origin/perfgate-data")
        assert len(store_in(made).load(Lineage(base=remote.first)).runs) == 3
    assert full.git("rev-parse", "--is-shallow-repository") == "false"
    assert full.git("rev-list", "--count", "origin/perfgate-data") == "3"
    assert shallow.git("rev-list", "--count", "origin/perfgate-data") == "1"


def test_a_shallow_branch_of_data_does_not_make_a_whole_history_look_cut(remote: Remote) -> None:
    made = remote.clone("one")
    later = made.commit("later")
    made.git("push", "--quiet", "origin", "main")
    writer = store_in(made)
    for number, commit in enumerate((remote.first, later, "f" * 40)):
        writer.write(admission([ci_run(commit, number, float(number))]))
    cut = store_in(remote.clone("cut", "--depth=1", "--branch=main")).load(Lineage(base=later))
    assert (cut.runs, "shallow" in cut.problem) == ((), True)
    by_hand = remote.clone("by-hand", "--single-branch", "--branch=main")
    by_hand.git("fetch", "--quiet", "--depth=1", "origin", f"+{DATA}:refs/remotes/origin/perfgate-data")
    assert by_hand.git("rev-parse", "--is-shallow-repository") == "true"
    assert values(store_in(by_hand), later) == [0.0, 1.0]


def test_publishing_a_folder_from_a_shallow_clone_keeps_the_history_that_it_has(remote: Remote) -> None:
    made = remote.clone("one")
    for number in range(4):
        commit = made.commit(f"state {number}")
    made.git("push", "--quiet", "origin", "main")
    shallow = remote.clone("shallow", "--depth=3", "--branch=main")
    made.commit("newer")
    made.git("push", "--quiet", "origin", "main")
    before = state(shallow)
    written = store_in(shallow, BaselineSettings()).publish([ci_run(commit)])
    assert remote.tip("refs/heads/main") == written.commit
    assert shallow.git("rev-list", "--count", "HEAD") == "3"
    assert state(shallow) == before


def test_in_ci_the_branch_is_read_as_it_is_on_the_remote_and_locally_as_it_was_fetched(remote: Remote) -> None:
    writer, reader = store_in(remote.clone("one")), remote.clone("other")
    writer.write(admission([ci_run(remote.first, 1)]))
    assert len(store_in(reader, in_ci=False).load(Lineage(base=remote.first)).runs) == 1
    writer.write(admission([ci_run(remote.first, 2)]))
    assert len(store_in(reader, in_ci=False).load(Lineage(base=remote.first)).runs) == 1
    assert len(store_in(reader, in_ci=True).load(Lineage(base=remote.first)).runs) == 2
    assert len(store_in(reader, in_ci=False).load(Lineage(base=remote.first)).runs) == 2


def test_runs_are_chosen_by_ancestry_of_the_base_whatever_the_branch_has(remote: Remote) -> None:
    made = remote.clone("one")
    later = made.commit("later")
    made.git("push", "--quiet", "origin", "main")
    store = store_in(made)
    store.write(admission([ci_run(remote.first, 1, 1.0), ci_run(later, 2, 2.0), ci_run("f" * 40, 3, 3.0)]))
    assert values(store, remote.first) == [1.0]
    assert values(store, later) == [1.0, 2.0]


def test_a_branch_that_nobody_made_yet_is_no_baseline_and_no_problem(remote: Remote) -> None:
    for in_ci in (True, False):
        baseline = store_in(remote.clone(f"clone{in_ci}"), in_ci=in_ci).load(Lineage(base=remote.first))
        assert (baseline.runs, baseline.problem, baseline.caveats) == ((), "", ())


def test_a_deleted_branch_is_told_and_the_copy_that_restores_it_named(remote: Remote) -> None:
    made = remote.clone("one")
    store = store_in(made)
    store.write(admission([ci_run(remote.first)]))
    tip = remote.tip()
    remote.bare.git("branch", "-D", "perfgate-data")
    baseline = store_in(made).load(Lineage(base=remote.first))
    (caveat,) = baseline.caveats
    assert (baseline.runs, baseline.problem) == ((), "")
    assert "is gone" in caveat.message
    assert f"git push origin {tip[:10]}:refs/heads/perfgate-data" in caveat.remedy
    store_in(made).write(admission([ci_run(remote.first, 2)]))
    assert len(remote.files()) == 1


def test_an_unreachable_remote_is_an_error_in_ci_and_a_problem_elsewhere_but_never_an_empty_baseline(
    remote: Remote,
) -> None:
    made = remote.clone("one")
    with_copy = remote.clone("copy")
    store_in(with_copy).write(admission([ci_run(remote.first)]))
    shutil.move(remote.bare.folder, remote.folder / "away.git")
    with pytest.raises(Unreachable, match="cannot be reached"):
        store_in(made).load(Lineage(base=remote.first))
    baseline = store_in(made, in_ci=False).load(Lineage(base=remote.first))
    assert baseline.runs == ()
    assert "not in this clone" in baseline.problem
    with pytest.raises(OperationFailed, match="not in this clone"):
        store_in(made, in_ci=False).shelf()
    assert len(store_in(with_copy, in_ci=False).load(Lineage(base=remote.first)).runs) == 1
    with pytest.raises(Unreachable):
        branch_store(with_copy, in_ci=False).refresh()
    with pytest.raises(Unreachable):
        store_in(made).write(admission([ci_run(remote.first)]))


def test_a_refresh_says_what_is_here_now(remote: Remote) -> None:
    reader = branch_store(remote.clone("one"), in_ci=False)
    assert "no baseline yet" in reader.refresh()
    store_in(remote.clone("other")).write(admission([ci_run(remote.first)]))
    assert f"is at {remote.tip()[:10]} of 20" in reader.refresh()
    assert reader.refresh().endswith("1 runs in baselines")


def test_a_name_that_is_no_remote_is_refused_and_no_folder_passes_for_one(remote: Remote) -> None:
    made = remote.clone("one")
    evil = Made(made.folder / "evil")
    evil.commit("evil")
    evil.git("branch", "perfgate-data")
    for name in ("evil", "other"):
        with pytest.raises(InputError, match=f'no remote "{name}"'):
            store_in(made, SETTINGS._replace(remote=name)).load(Lineage(base=remote.first))


def test_a_clone_without_the_remote_has_no_baseline_yet_and_says_so_but_in_ci_it_is_an_error(made: Made) -> None:
    first = made.commit("first")
    baseline = store_in(made, in_ci=False).load(Lineage(base=first))
    assert (baseline.runs, baseline.problem) == ((), "")
    (caveat,) = baseline.caveats
    assert caveat.message == "no remote origin, so there is no baseline yet"
    for reading in (lambda: store_in(made).load(Lineage(base=first)), store_in(made, in_ci=False).shelf):
        with pytest.raises(InputError, match='no remote "origin"'):
            reading()
    with pytest.raises(InputError, match='no remote "origin"'):
        store_in(made, in_ci=False).write(admission([ci_run(first)]))


def test_the_branch_that_changes_land_on_and_a_folder_without_git_are_refused(remote: Remote, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the branch that changes land on"):
        store_in(remote.clone("one"), SETTINGS._replace(branch="main"))
    (tmp_path / "plain").mkdir()
    made = Made.__new__(Made)
    made.folder = tmp_path / "plain"
    assert Repository.discover(made.folder) is None
    with pytest.raises(InputError, match="no git repository"):
        store_in(made)


@pytest.mark.parametrize("name", ["a.b/c-d_e", "ünï", "x" * 200, "heads/main", "1", "a@b", "a{b", "a'b\"c$(d)`e`"])
def test_strange_but_good_names_of_branches_work(remote: Remote, name: str) -> None:
    made = remote.clone("one")
    store = store_in(made, SETTINGS._replace(branch=name))
    store.write(admission([ci_run(remote.first)]))
    assert len(remote.files(f"refs/heads/{name}")) == 1
    assert len(store.load(Lineage(base=remote.first)).runs) == 1


@pytest.mark.parametrize("path", ["base lines", "ünï/x", "-rf", "a'b\"c$(d)", "runs", ":(top)x", "*"])
def test_strange_but_good_paths_work(remote: Remote, path: str) -> None:
    store = store_in(remote.clone("one"), SETTINGS._replace(path=path))
    store.write(admission([ci_run(remote.first)]))
    assert len(store.load(Lineage(base=remote.first)).runs) == 1


# --- files that are not what they should be ---------------------------------------------------------------------------


def committed(remote: Remote, path: str, content: str) -> None:
    """Put a file into the branch by hand."""
    made = remote.clone(f"by-hand-{len(list(remote.folder.iterdir()))}", "--branch=perfgate-data")
    made.write(path, content)
    made.commit("by hand")
    made.git("push", "--quiet", "origin", "HEAD:perfgate-data")


@pytest.mark.parametrize("part", ["runs", "events"])
def test_a_broken_file_in_the_branch_is_named_and_never_skipped(remote: Remote, part: str) -> None:
    made = remote.clone("one")
    store_in(made).write(admission([ci_run(remote.first)]))
    committed(remote, f"baselines/{part}/broken.json", "{")
    with pytest.raises(InputError) as caught:
        store_in(made).load(Lineage(base=remote.first))
    assert caught.value.where.startswith(f"baselines/{part}/broken.json at origin/perfgate-data")


def test_what_others_keep_in_the_branch_is_left_alone(remote: Remote) -> None:
    made = remote.clone("one")
    store_in(made).write(admission([ci_run(remote.first)]))
    committed(remote, "README.md", "ours")
    committed(remote, "other/runs/x.json", "{")
    store = store_in(made)
    store.write(admission([ci_run(remote.first, 2)]))
    assert {"README.md", "other/runs/x.json"} < set(remote.files())
    assert len(store.load(Lineage(base=remote.first)).runs) == 2


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        ("echo 'error: GH006: Protected branch update failed for refs/heads/perfgate-data.' >&2; exit 1", "GH006"),
        ("echo 'error: GH013: Repository rule violations found' >&2; exit 1", "GH013"),
        ("echo 'no' >&2; exit 1", "hook declined"),
    ],
)
def test_a_protected_branch_is_one_sentence_with_the_way_out(remote: Remote, hook: str, said: str) -> None:
    remote.hook("pre-receive", hook)
    made = remote.clone("one")
    before = state(made)
    with pytest.raises(NotAllowed, match="is protected by a rule") as caught:
        store_in(made).write(admission([ci_run(remote.first)]))
    assert said in caught.value.what
    assert "git-ref" in caught.value.remedy
    assert (remote.tip(), state(made)) == ("", before)


@pytest.mark.skipif(is_root(), reason="permissions mean nothing to root")
def test_a_read_only_remote_is_a_lack_of_rights(remote: Remote) -> None:
    made = remote.clone("one")
    for folder in (remote.bare.folder / "objects", remote.bare.folder / "refs" / "heads"):
        folder.chmod(0o500)
    with pytest.raises(NotAllowed, match="no right"):
        store_in(made).write(admission([ci_run(remote.first)]))


def test_a_remote_that_takes_no_push_is_a_lack_of_rights(remote: Remote) -> None:
    made = remote.clone("one")
    remote.hook("update", "echo 'remote: Permission to o/r.git denied to github-actions[bot].' >&2; exit 1")
    with pytest.raises(NotAllowed):
        store_in(made).write(admission([ci_run(remote.first)]))


def test_a_branch_that_moves_between_reading_and_pushing_is_written_again_on_top(remote: Remote) -> None:
    store_in(remote.clone("one")).write(admission([ci_run(remote.first)]))
    # The first push meets a branch that somebody has moved meanwhile.
    remote.hook(
        "pre-receive",
        f"""if [ ! -e moved ]; then touch moved; unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
tree=$(git rev-parse {DATA}^{{tree}})
new=$(GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b git commit-tree -p {DATA} -m moved $tree)
git update-ref {DATA} $new; fi""",
    )
    written = store_in(remote.clone("other")).write(admission([ci_run(remote.first, 2)]))
    assert written.attempts == 2
    assert remote.bare.git("log", "--format=%s", DATA).split("\n")[1] == "moved"
    assert len(remote.files()) == 2


def test_a_branch_that_was_rewritten_by_force_is_followed(remote: Remote) -> None:
    made = remote.clone("one")
    store = store_in(made)
    store.write(admission([ci_run(remote.first, 1)]))
    first = remote.tip()
    store.write(admission([ci_run(remote.first, 2)]))
    remote.bare.git("update-ref", DATA, first)
    assert len(store_in(made).load(Lineage(base=remote.first)).runs) == 1
    assert store_in(made).write(admission([ci_run(remote.first, 2)])).changes.stored[0].is_new


def test_a_push_that_a_server_forgets_is_no_success(remote: Remote) -> None:
    made = remote.clone("one")
    remote.hook("post-receive", f"git update-ref -d {DATA}")
    store = branch_store(made)
    store.branch = store.branch._replace(deadline=0.5)
    with pytest.raises(OperationFailed, match=r"given up after \d+ attempts"):
        store.write(admission([ci_run(remote.first)]))


# --- between stores ---------------------------------------------------------------------------------------------------


def test_runs_and_events_go_from_a_folder_to_a_branch_and_back_and_nothing_comes_twice(
    remote: Remote, tmp_path: Path
) -> None:
    made = remote.clone("one")
    folder = made.folder / "baselines"
    for number in range(12):
        directory.admit(folder, ci_run(remote.first, number), reason="by hand")
    directory.anchor(folder, Selector("*"), directory.list_runs(folder)[0].id, reason="release")
    source = store_in(made, BaselineSettings(), in_ci=False)
    branch = store_in(made)
    written = branch.write(union(source.shelf()))
    assert (len(written.changes.added), remote.bare.git("rev-list", "--count", DATA)) == (25, "1")
    again = branch.write(union(source.shelf()))
    assert (again.changes.added, len(again.changes.stored), again.attempts) == ((), 25, 0)
    back = store_in(made, BaselineSettings(path="back"), in_ci=False)
    back.write(union(branch.shelf()))
    for path in folder.rglob("*.json"):
        assert (made.folder / "back" / path.relative_to(folder)).read_bytes() == path.read_bytes()


def test_a_copy_that_was_killed_half_way_is_finished_by_the_next_one(remote: Remote) -> None:
    made = remote.clone("one")
    branch = store_in(made)
    branch.write(admission([ci_run(remote.first, number) for number in range(6)]))
    folder = store_in(made, BaselineSettings(), in_ci=False)
    folder.write(union(branch.shelf()))
    for path in sorted((made.folder / "baselines" / "runs").iterdir())[2:]:
        path.unlink()
    (made.folder / "baselines" / "runs" / ".perfgate-x.tmp").write_text("{", encoding="utf-8")
    assert len(folder.write(union(branch.shelf())).changes.added) == 4
    assert folder.shelf().all_runs() == branch.shelf().all_runs()


def test_a_copy_brings_back_no_pruned_run_no_second_capture_and_refuses_an_edited_one(
    remote: Remote, tmp_path: Path
) -> None:
    made = remote.clone("one")
    for number in range(4):
        directory.admit(tmp_path / "source", ci_run(remote.first, number))
    source = store_in(made, BaselineSettings(path="source"), root=tmp_path, in_ci=False)
    branch = store_in(made)
    branch.write(union(source.shelf()))
    branch.write(pruning(2, reason="enough"))
    assert branch.write(union(source.shelf())).changes.added == ()
    twin = directory.admit(tmp_path / "twins", ci_run(remote.first, 3, 99.0))
    assert twin.is_new
    twins = store_in(made, BaselineSettings(path="twins"), root=tmp_path, in_ci=False)
    assert branch.write(union(twins.shelf())).changes.added == ()
    victim = max((tmp_path / "source" / "runs").iterdir())
    victim.write_bytes(victim.read_bytes().replace(b"60", b"61"))
    with pytest.raises(InputError, match="another content"):
        branch.write(union(source.shelf()))
    victim.write_bytes(b"{")
    with pytest.raises(InputError) as caught:
        branch.write(union(source.shelf()))
    assert victim.name in caught.value.where
