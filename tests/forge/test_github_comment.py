"""The comment on GitHub: what is asked and written, what others keep, and what goes wrong without hurting the verdict."""

from __future__ import annotations

import pytest

from perfgate.core.budgets import Level
from perfgate.forge import github_comment, github_rest
from perfgate.forge.comment_plan import Author
from perfgate.forge.marker import Marker
from perfgate.forge.telling import Mode, Outcome, Told
from tests.forge.github_service import ACTIONS, OWNER, Service

HEAD, OLDER = "ab" * 20, "cd" * 20


def told(level: Level = Level.BLOCK, *, head: str = HEAD, run: int = 5, key: str = ".") -> Told:
    return Told(Marker(key, head, run, 1, level), f"## {level.word} of {run}\n", lambda _: "## resolved\n")


def tell(github: Service, words: Told, *, token: str = "job-token", mode: Mode = Mode.ON) -> Outcome:
    return github_comment.tell(github.environ(token), 7, words, mode, sleep=lambda _: None)


def bodies(github: Service) -> list[str]:
    return [each["body"].partition("\n")[2] for each in github.comments()]


@pytest.fixture(autouse=True)
def _pull(github: Service) -> None:
    github.pull(7, head=HEAD)


def test_a_breach_is_commented_once_and_the_same_again_writes_nothing(github: Service) -> None:
    assert tell(github, told()) == Outcome("commented on the pull request")
    assert tell(github, told()) == Outcome("the comment on the pull request says so already")
    assert github.wrote == ["POST comments"]
    assert bodies(github) == ["## block of 5\n"]


def test_our_comment_is_found_behind_hundreds_of_others(github: Service) -> None:
    for number in range(120):
        github.comment(f"comment {number}")
    tell(github, told(Level.WARN))
    for number in range(120):
        github.comment(f"comment {number}")
    tell(github, told(Level.WARN, run=6))
    assert github.wrote == ["POST comments", "PATCH comments"]
    assert bodies(github) == ["## warn of 6\n"]


def test_a_comment_that_quotes_the_marker_is_left_to_its_author(github: Service) -> None:
    quoted = told(Level.PASS).body()
    github.comment(quoted)
    other = {**ACTIONS, "login": "other[bot]", "id": 12}
    github.comment(quoted, by=other)
    tell(github, told())
    tell(github, told(Level.PASS, run=6))
    assert [each["body"] for each in github.comments(by=OWNER)] == [quoted]
    assert [each["body"] for each in github.comments(by=other)] == [quoted]
    assert bodies(github) == ["## resolved\n"]


def test_a_breach_that_is_over_is_marked_resolved_and_folded(github: Service) -> None:
    tell(github, told())
    assert tell(github, told(Level.PASS, run=6)).said == "the comment on the pull request is resolved"
    assert set(github.state.hidden.values()) == {"RESOLVED"}
    tell(github, told(Level.INCONCLUSIVE, run=7))
    assert not github.state.hidden


def test_it_does_not_matter_that_folding_fails(github: Service) -> None:
    tell(github, told())
    github.fault("POST", "/graphql", 502, times=9)
    assert tell(github, told(Level.PASS, run=6)) == Outcome("the comment on the pull request is resolved")
    assert bodies(github) == ["## resolved\n"]


def test_news_is_posted_anew_and_the_comment_before_goes(github: Service) -> None:
    tell(github, told(Level.WARN))
    tell(github, told(Level.BLOCK, run=6))
    assert github.wrote == ["POST comments", "POST comments", "DELETE comments"]
    assert bodies(github) == ["## block of 6\n"]


def test_a_run_of_a_commit_that_is_not_the_head_any_more_says_nothing(github: Service) -> None:
    assert "was judged" in tell(github, told(head=OLDER)).said
    assert not github.writes


@pytest.mark.parametrize(("token", "by"), [("person-token", OWNER), ("app-token", {"id": 99})])
def test_whoever_the_token_speaks_for_finds_its_own_comment(github: Service, token: str, by: dict[str, int]) -> None:
    tell(github, told(Level.WARN), token=token)
    tell(github, told(Level.WARN, run=6), token=token)
    assert github.wrote == ["POST comments", "PATCH comments"]
    assert len(github.comments(by=by)) == 1


def test_an_app_that_graphql_does_not_name_is_that_of_actions(github: Service) -> None:
    github.fault("POST", "/graphql", 403, times=9)
    assert github_comment.who(github_rest.client(github.environ())) == Author("github-actions[bot]")


def test_a_comment_deleted_between_reading_and_editing_is_posted_anew(github: Service) -> None:
    tell(github, told(Level.WARN))
    github.fault("PATCH", "/comments/", before=github.state.comments.clear)
    assert not tell(github, told(Level.WARN, run=6)).failed
    assert github.wrote == ["POST comments", "PATCH comments", "POST comments"]
    assert bodies(github) == ["## warn of 6\n"]


def test_a_surplus_comment_that_somebody_else_deleted_first_does_not_matter(github: Service) -> None:
    for run in (5, 6):
        github.comment(told(Level.WARN, run=run).body(), by=ACTIONS)
    github.fault("DELETE", "/comments/", 404)
    assert not tell(github, told(Level.WARN, run=7)).failed


def test_two_that_post_at_once_leave_one_comment(github: Service) -> None:
    """The other one reads and posts between our reading and our posting."""
    github.fault("POST", "/issues/7/comments", before=lambda: github.comment(told(run=6).body(), by=ACTIONS))
    assert not tell(github, told(run=5)).failed
    assert bodies(github) == ["## block of 6\n"]


@pytest.mark.parametrize("lost", [{"status": 502, "done": True}, {"drop": True}, {"cut": 10}])
def test_an_answer_that_was_lost_makes_no_second_comment(github: Service, lost: dict[str, int]) -> None:
    more = dict(lost)
    github.fault("POST", "/issues/7/comments", more.pop("status", 0), **more)
    assert not tell(github, told()).failed
    assert github.wrote == ["POST comments"]
    assert bodies(github) == ["## block of 5\n"]


@pytest.mark.parametrize(
    ("status", "message", "said"),
    [
        (403, "Resource not accessible by integration", "needs pull-requests: write"),
        (403, "Unable to create comment because issue is locked.", "its conversation is locked"),
        (404, "Not Found", "GitHub answered 404: Not Found"),
        (422, "Validation Failed", "GitHub answered 422: Validation Failed"),
    ],
)
def test_a_refusal_becomes_one_sentence(github: Service, status: int, message: str, said: str) -> None:
    github.fault("POST", "/issues/7/comments", status, body={"message": message})
    outcome = tell(github, told())
    assert outcome.failed
    assert said in outcome.said
    assert "\n" not in outcome.said
    assert "job-token" not in outcome.said


def test_the_token_of_a_fork_can_only_read(github: Service) -> None:
    outcome = tell(github, told(), token="fork-token")
    assert outcome.failed
    assert "a fork's pull request never has" in outcome.said
    assert not bodies(github)


def test_limits_are_waited_for(github: Service) -> None:
    github.fault("POST", "/issues/7/comments", 429, headers={"Retry-After": "0"}, times=2)
    github.fault("GET", "/issues/7/comments", 403, headers={"Retry-After": "0"})
    assert not tell(github, told()).failed
    assert bodies(github) == ["## block of 5\n"]


def test_patience_with_a_limit_ends(github: Service) -> None:
    github.fault("POST", "/issues/7/comments", 429, headers={"Retry-After": "3600"}, times=9)
    assert "limit" in tell(github, told()).said
    github.fault(
        "POST", "/issues/7/comments", 403, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999999"}
    )
    assert tell(github, told()).failed


@pytest.mark.parametrize(
    "environ",
    [{"GITHUB_API_URL": "http://127.0.0.1:1"}, {"GITHUB_REPOSITORY": "../x"}, {"GITHUB_TOKEN": "two words"}],
)
def test_surroundings_that_are_not_there_become_one_sentence(github: Service, environ: dict[str, str]) -> None:
    outcome = github_comment.tell(github.environ() | environ, 7, told(), Mode.ON, sleep=lambda _: None)
    assert outcome.failed
    assert outcome.said.startswith("the pull request could not be told: ")
    assert "\n" not in outcome.said


@pytest.mark.parametrize("strange", [[], {"head": None}, {"head": {"sha": 5}}, "x", None])
def test_an_answer_of_another_shape_becomes_one_sentence(github: Service, strange: object) -> None:
    github.fault("GET", "/pulls/7", 200, body=b"null" if strange is None else strange)
    assert tell(github, told()).failed


def test_comments_of_another_shape_are_nobodys(github: Service) -> None:
    body = told(Level.PASS).body()
    strange = [
        None,
        5,
        {},
        {"body": None},
        {"id": "1", "body": body, "user": ACTIONS},
        {"id": 1, "body": body, "user": 3},
    ]
    github.fault("GET", "/issues/7/comments", 200, body=strange, times=1)
    assert not tell(github, told()).failed
    assert github.wrote == ["POST comments"]


def test_switched_off_asks_nothing(github: Service) -> None:
    assert not tell(github, told(), mode=Mode.OFF).failed
    assert not github.asked


def test_the_address_of_a_run_is_made_of_known_parts_only() -> None:
    known = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "owner/name"}
    assert github_comment.link(known, 5) == "https://github.com/owner/name/actions/runs/5"
    assert github_comment.link(known, 0) == ""
    assert github_comment.link({**known, "GITHUB_SERVER_URL": "https://x/)[y](z"}, 5) == ""
    assert github_comment.link({**known, "GITHUB_REPOSITORY": "a/b/c"}, 5) == ""
