"""The check run on GitHub: begun, filled in portions, concluded in any case, and one for each attempt of a run."""

from __future__ import annotations

import pytest

from perfgate.core.budgets import Level
from perfgate.core.model import Caveat
from perfgate.errors import Stopped
from perfgate.forge import github_check
from perfgate.forge.github_check import Annotation, Check, conclusion_of
from perfgate.forge.marker import Marker
from perfgate.forge.telling import Outcome
from tests.forge.github_service import Service
from tests.render import decisions

HEAD = "ab" * 20


def check(
    conclusion: str = "failure", *, run: int = 5, attempt: int = 1, notes: int = 2, summary: str = "all"
) -> Check:
    beside = tuple(
        Annotation("budgets.yaml", 3 + at, Level.BLOCK if at == 0 else Level.WARN, "perfgate: block", f"note {at}")
        for at in range(notes)
    )
    marker = Marker(".", HEAD, run, attempt, Level.BLOCK)
    return Check("perfgate", marker, conclusion, "block: 1 verdict", summary, beside, "https://github.invalid/run")


def tell(github: Service, wanted: Check, token: str = "job-token") -> Outcome:
    return github_check.tell(github.environ(token), wanted, sleep=lambda _: None)


def test_it_is_in_progress_first_and_then_concluded(github: Service) -> None:
    assert tell(github, check()) == Outcome('the check run "perfgate" says failure')
    assert github.wrote == ["POST check-runs", "PATCH check-runs"]
    assert github.writes[0].body["status"] == "in_progress"
    assert "conclusion" not in github.writes[0].body
    (made,) = github.state.checks
    assert (made["name"], made["head_sha"], made["status"], made["conclusion"]) == (
        "perfgate",
        HEAD,
        "completed",
        "failure",
    )
    assert made["details_url"] == "https://github.invalid/run"
    first, second = github.state.annotations[made["id"]]
    assert (first["path"], first["start_line"], first["annotation_level"]) == ("budgets.yaml", 3, "failure")
    assert second["annotation_level"] == "warning"


def test_fifty_annotations_go_into_one_request(github: Service) -> None:
    tell(github, check(notes=120))
    assert [len(each.body["output"]["annotations"]) for each in github.writes[1:]] == [50, 50, 20]
    assert [each.body.get("conclusion") for each in github.writes] == [None, None, None, "failure"]
    (made,) = github.state.checks
    assert [each["message"] for each in github.state.annotations[made["id"]]] == [f"note {at}" for at in range(120)]


def test_the_same_attempt_again_updates_its_own_check_and_adds_nothing_twice(github: Service) -> None:
    tell(github, check())
    assert "says so already" in tell(github, check()).said
    tell(github, check("neutral"))
    assert github.wrote == ["POST check-runs", "PATCH check-runs", "PATCH check-runs"]
    (made,) = github.state.checks
    assert made["conclusion"] == "neutral"
    assert len(github.state.annotations[made["id"]]) == 2
    tell(github, check(attempt=2))
    assert len(github.state.checks) == 2


def test_one_that_was_left_in_progress_is_concluded_by_the_next_try(github: Service) -> None:
    github.fault("PATCH", "/check-runs/", 502, times=99)
    assert tell(github, check()).failed
    assert github.state.checks[0]["status"] == "in_progress"
    github._faults.clear()
    tell(github, check())
    assert [each["conclusion"] for each in github.state.checks] == ["failure"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), Stopped(15), MemoryError()])
def test_whoever_stops_it_in_between_the_check_is_concluded(github: Service, stop: BaseException) -> None:
    """The stop comes while a limit is waited for."""

    def sleep(_: float) -> None:
        raise stop

    github.fault("PATCH", "/check-runs/", 429, headers={"Retry-After": "1"})
    with pytest.raises(type(stop)):
        github_check.tell(github.environ(), check(), sleep=sleep)
    (made,) = github.state.checks
    assert (made["conclusion"], made["output"]["title"]) == ("action_required", "perfgate failed")


def test_annotations_that_github_refuses_do_not_keep_the_verdict_back(github: Service) -> None:
    github.fault("PATCH", "/check-runs/", 422)
    assert not tell(github, check()).failed
    (made,) = github.state.checks
    assert (made["conclusion"], made["output"]["title"]) == ("failure", "block: 1 verdict")


@pytest.mark.parametrize(
    ("token", "why"),
    [("fork-token", "checks: write"), ("nobody's", "not one that GitHub knows"), ("", "has no GITHUB_TOKEN")],
)
def test_a_token_that_may_not_is_one_sentence(github: Service, token: str, why: str) -> None:
    outcome = tell(github, check(), token)
    assert outcome.failed
    assert why in outcome.said
    assert "\n" not in outcome.said
    assert not github.state.checks


def test_a_commit_that_is_not_known_gets_no_check(github: Service) -> None:
    wanted = check()
    assert tell(github, wanted._replace(marker=wanted.marker._replace(head=""))).failed
    assert not github.asked


def test_a_text_that_is_too_long_is_replaced_whole(github: Service) -> None:
    assert not tell(github, check(summary="é" * 40_000)).failed
    assert "the rest is too long" in github.state.checks[0]["output"]["summary"]


def test_every_decision_has_a_conclusion_and_only_a_pass_is_a_success() -> None:
    found = {name: conclusion_of(make()) for name, make in decisions.EVERY.items()}
    assert found["block"] == "failure"
    assert found["warn"] == "neutral"
    assert found["pass"] == "success"
    nothing = decisions.mixed()._replace(level=Level.INCONCLUSIVE, verdicts=())
    assert conclusion_of(nothing) == "action_required"
    failed = decisions.EVERY["pass"]()._replace(caveats=(Caveat("command failed", "it ended with exit code 1"),))
    assert conclusion_of(failed) == "failure"
