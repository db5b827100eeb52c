"""The label `perfgate: accepted`: who set it, when, and what does not count as an acceptance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from perfgate.core.decision import Acceptance
from perfgate.forge import github_rest
from perfgate.forge.github_labels import Answer, accepted, merged_numbers, queued_number
from tests.forge.labelled import Labelled, role, serving

HEAD, OTHER, MERGED = "a" * 40, "b" * 40, "c" * 40
YES = Answer(Acceptance("perfgate: accepted", "pull request 12"))


@pytest.fixture
def pull() -> Iterator[Labelled]:
    with serving(Labelled()) as made:
        made.roles["maintainer"] = role("triage")
        made.roles["author"] = role("read")
        made.push(HEAD)
        yield made


def asked(pull: Labelled, head: str = HEAD) -> Answer:
    client = github_rest.client(pull.environ, sleep=lambda _: None)
    return accepted(client, github_rest.repository(pull.environ), 12, head=head)


def refused(pull: Labelled, why: str, head: str = HEAD) -> None:
    answer = asked(pull, head)
    assert answer.acceptance is None
    assert why in answer.refusal
    assert "maintainer" not in answer.refusal


def test_a_label_set_by_somebody_with_triage_rights_counts(pull: Labelled) -> None:
    pull.label()
    assert asked(pull) == YES
    assert pull.tokens == {"Bearer a-token-of-a-test"}


def test_without_the_label_only_the_pull_request_is_asked_for(pull: Labelled) -> None:
    pull.label(name="perf")
    assert asked(pull) == Answer()
    assert pull.asked == ["/repos/owner/name/pulls/12"]


def test_a_label_that_was_taken_off_does_not_count(pull: Labelled) -> None:
    pull.label()
    pull.unlabel()
    assert asked(pull) == Answer()


def test_who_set_it_last_counts(pull: Labelled) -> None:
    pull.label("maintainer")
    pull.unlabel("author")
    pull.label("author")
    refused(pull, "no triage rights")
    pull.unlabel("author")
    pull.label("maintainer")
    assert asked(pull) == YES


def test_the_event_is_found_on_any_page_whatever_the_order(pull: Labelled) -> None:
    for _ in range(130):
        pull.happens("subscribed", "somebody")
    pull.label()
    for _ in range(130):
        pull.happens("mentioned", "somebody")
    assert asked(pull) == YES
    pull.events.reverse()
    assert asked(pull) == YES


@pytest.mark.parametrize("name", ["Perfgate: Accepted", "PERFGATE: ACCEPTED"])
def test_the_size_of_letters_makes_no_other_label(pull: Labelled, name: str) -> None:
    pull.label(name=name)
    assert asked(pull) == YES


@pytest.mark.parametrize("name", ["perfgate: accepted ", "perfgate:accepted", "not perfgate: accepted"])
def test_another_label_is_none(pull: Labelled, name: str) -> None:
    pull.label(name=name)
    assert asked(pull) == Answer()


ROLES: list[tuple[Any, bool]] = [
    (role("triage"), True),
    (role("write"), True),
    (role("maintain"), True),
    (role("admin"), True),
    (role("read"), False),
    (role("none", "none"), False),
    (role("release captain", "write"), True),
    (role("reader with a view", "read"), False),
    (role("labeler", "read", triage=True), True),
    (role("reader", "read", triage=False, pull=True), False),
    ({}, False),
    ([], False),
    ({"role_name": ["admin"], "permission": {"admin": True}}, False),
    ({"role_name": "read", "user": {"permissions": {"triage": "yes"}}}, False),
]


@pytest.mark.parametrize(("rights", "counts"), ROLES)
def test_triage_rights_are_needed_however_a_role_is_called(pull: Labelled, rights: Any, counts: bool) -> None:
    pull.roles["maintainer"] = rights
    pull.label()
    if counts:
        assert asked(pull) == YES
    else:
        refused(pull, "no triage rights")


def test_a_bot_that_labels_by_paths_opens_no_gate(pull: Labelled) -> None:
    pull.roles["labeler[bot]"] = role("admin")
    pull.label("labeler[bot]")
    refused(pull, "by an app or a bot")
    assert not any("collaborators" in path for path in pull.asked)


def test_a_person_s_token_in_an_app_s_hands_is_an_app(pull: Labelled) -> None:
    pull.label(performed_via_github_app={"slug": "labeler"})
    refused(pull, "by an app or a bot")


@pytest.mark.parametrize("actor", [None, {}, {"login": "maintainer"}, {"login": "x", "type": "Mannequin"}])
def test_somebody_who_is_not_told_accepts_nothing(pull: Labelled, actor: Any) -> None:
    pull.label(actor=actor)
    refused(pull, "by an app or a bot")


@pytest.mark.parametrize("login", ["", "../../../user", "a/b", "a?b", "a%2fb", "maintainer\n", "a" * 200, "-x"])
def test_a_name_that_is_none_is_never_part_of_an_address(pull: Labelled, login: str) -> None:
    pull.label(actor={"login": login, "type": "User"})
    refused(pull, "cannot be asked for")
    assert not any("collaborators" in path for path in pull.asked)


def test_a_label_without_its_event_says_nothing_of_who_set_it(pull: Labelled) -> None:
    pull.label()
    pull.events.clear()
    refused(pull, "does not tell who set it")


# --- what was accepted is what was seen -------------------------------------------------------------------------------


def test_a_later_push_needs_the_label_again(pull: Labelled) -> None:
    pull.label()
    pull.push(OTHER)
    refused(pull, "before the newest commit was pushed", OTHER)
    pull.unlabel()
    pull.label()
    assert asked(pull, OTHER) == YES


def test_a_second_run_of_the_same_commit_keeps_the_label(pull: Labelled) -> None:
    pull.label()
    pull.measure()
    assert asked(pull) == YES


def test_the_label_counts_for_the_commit_that_was_judged(pull: Labelled) -> None:
    pull.label()
    refused(pull, "a newer commit", OTHER)


def test_a_commit_that_had_its_run_before_comes_back_without_the_label(pull: Labelled) -> None:
    pull.push(OTHER, forced=True)
    pull.label()
    pull.push(HEAD, forced=True)
    refused(pull, "its branch was rewritten")


@pytest.mark.parametrize("event", ["base_ref_changed", "head_ref_restored", "automatic_base_change_succeeded"])
def test_another_base_or_a_branch_that_came_back_needs_the_label_again(pull: Labelled, event: str) -> None:
    pull.happens(event, "author")
    pull.label()
    assert asked(pull) == YES
    pull.happens(event, "author")
    refused(pull, "after it was set")


def test_a_run_of_another_branch_or_fork_does_not_tell_when_this_one_was_pushed(pull: Labelled) -> None:
    pull.runs.clear()
    pull.measure(head_branch="elsewhere")
    pull.measure(head_repository={"id": 2})
    pull.label()
    refused(pull, "does not tell when")
    pull.measure()
    refused(pull, "before the newest commit was pushed")


def test_a_pull_request_from_a_fork_can_be_accepted_too(pull: Labelled) -> None:
    pull.pull["head"]["repo"] = {"id": 77}
    pull.push(OTHER)
    pull.label()
    assert asked(pull, OTHER) == YES


@pytest.mark.parametrize("moment", ["", "yesterday", "9999", None, 5])
def test_a_time_that_is_none_is_no_time(pull: Labelled, moment: Any) -> None:
    pull.label(created_at=moment)
    refused(pull, "does not tell when")


# --- what GitHub does not tell ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/pulls/12$", "/events$", "/permission$", "/actions/runs$"])
@pytest.mark.parametrize("status", [403, 404, 401, 500])
def test_what_is_not_told_is_not_accepted_and_says_what_to_do(pull: Labelled, path: str, status: int) -> None:
    pull.label()
    pull.statuses[path] = status
    refused(pull, str(status))
    assert ("try again later" if status == 500 else "pull-requests: read") in asked(pull).refusal


def test_a_host_that_is_not_there_accepts_nothing(pull: Labelled) -> None:
    pull.address = "http://127.0.0.1:9"
    refused(pull, "could not be asked")


@pytest.mark.parametrize(
    "answer", [[], None, "x", {"labels": "perfgate: accepted"}, {"labels": [None, 5, {"name": 5}]}]
)
def test_an_answer_that_is_no_pull_request_carries_no_label(pull: Labelled, answer: Any) -> None:
    pull.pull = answer
    assert asked(pull) == Answer()


# --- after the merge --------------------------------------------------------------------------------------------------


def merged(pull: Labelled, commit: str = MERGED, branch: str = "main") -> tuple[int, ...]:
    client = github_rest.client(pull.environ)
    return merged_numbers(client, github_rest.repository(pull.environ), commit, branch)


def test_the_commit_that_merged_a_pull_request_leads_to_it(pull: Labelled) -> None:
    pull.label()
    pull.merge(MERGED)
    assert merged(pull) == (12,)
    assert asked(pull, "") == YES


def test_a_commit_that_merged_nothing_leads_nowhere(pull: Labelled) -> None:
    # Still open, merged by another commit, into another branch, of another repository; and no commit at all.
    assert merged(pull) == ()
    pull.merge(OTHER)
    assert merged(pull) == ()
    pull.merge(MERGED)
    assert merged(pull, branch="stable") == ()
    assert merged(pull, commit="--help") == ()
    pull.pull["base"]["repo"]["full_name"] = "owner/other"
    assert merged(pull) == ()


@pytest.mark.parametrize(
    ("branch", "number"),
    [
        (f"gh-readonly-queue/main/pr-104-{HEAD}", 104),
        (f"gh-readonly-queue/release/v1/pr-7-{HEAD}", 7),
        ("gh-readonly-queue/main/pr-104", None),
        (f"feature/pr-104-{HEAD}", None),
        ("", None),
    ],
)
def test_the_branch_of_a_merge_queue_names_its_pull_request(branch: str, number: int | None) -> None:
    assert queued_number(branch) == number
