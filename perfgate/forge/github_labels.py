"""Whether somebody with triage rights accepts a pull request's blocks: its label `perfgate: accepted`, asked of GitHub as it is now.

An event tells the labels of when it happened, and not who set them; so everything is asked of the API. What is not surely so
is refused with a sentence that says what to do: a refusal leaves the verdict as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from perfgate.core.decision import ACCEPTED_LABEL, Acceptance
from perfgate.errors import OperationFailed
from perfgate.forge.rest import Client, Refused

#: The roles that may label (docs.github.com, repository roles for an organization).
_ROLES = frozenset({"triage", "write", "maintain", "admin"})
#: What changes a pull request without a commit that comes after the others: what was seen may not be what is there.
_MOVED = {
    "head_ref_force_pushed": "its branch was rewritten",
    "head_ref_restored": "its branch was restored",
    "base_ref_changed": "its base branch was changed",
    "automatic_base_change_succeeded": "its base branch was changed",
}
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_QUEUE = re.compile(r"gh-readonly-queue/.+/pr-([1-9][0-9]{0,8})-[0-9a-f]{40,64}")
_AGAIN = "take the label off and put it on again"


class Answer(NamedTuple):
    """The acceptance, or why the label that is there does not count; neither where there is no such label."""

    acceptance: Acceptance | None = None
    refusal: str = ""


def accepted(client: Client, repository: str, number: int, *, head: str = "") -> Answer:
    """Whether pull request `number` carries the label now, set by a person with triage rights after its newest commit was pushed.

    `repository` is the path `/repos/OWNER/NAME`, `head` the commit that was judged: the label counts for the newest one only.
    Never raises for what GitHub answers or fails to answer.
    """
    try:
        return _Asked(client, repository, number).answer(head)
    except Refused as error:
        return Answer(refusal=_not_told(number, error))
    except OperationFailed as error:
        return Answer(refusal=f"the label of pull request {number} could not be asked for: {error.what}")


def merged_numbers(client: Client, repository: str, commit: str, branch: str) -> tuple[int, ...]:
    """The pull requests that were merged into `branch` by this commit: its squash, its merge commit, or the last that was rebased.

    Raises Refused where GitHub does not tell, and OperationFailed where it cannot be asked.
    """
    if not _SHA.fullmatch(commit):
        return ()
    pulls = client.every(f"{repository}/commits/{commit}/pulls")
    owner_and_name = repository.removeprefix("/repos/").lower()
    return tuple(
        pull["number"]
        for pull in pulls
        if isinstance(pull, dict)
        and type(pull.get("number")) is int
        and pull.get("merged_at")
        and pull.get("merge_commit_sha") == commit
        and _text(pull, "base", "ref") == branch
        and _text(pull, "base", "repo", "full_name").lower() == owner_and_name
    )


def queued_number(branch: str) -> int | None:
    """The pull request in the name of a merge queue's branch: the newest one of its group."""
    match = _QUEUE.fullmatch(branch)
    return int(match[1]) if match else None


class _Asked(NamedTuple):
    """One pull request, and whom to ask about it."""

    client: Client
    repository: str
    number: int

    def answer(self, head: str) -> Answer:
        pull = _mapping(self.client.get(f"{self.repository}/pulls/{self.number}"))
        labels = pull.get("labels")
        names = [_text(each, "name") for each in labels if isinstance(each, dict)] if isinstance(labels, list) else []
        if not any(_is_ours(name) for name in names):
            return Answer()
        newest = _text(pull, "head", "sha")
        if not _SHA.fullmatch(newest) or (head and head != newest):
            return self.refused("it has a newer commit than the one that was judged, and counts for that one")
        events = [
            each
            for each in self.client.every(f"{self.repository}/issues/{self.number}/events")
            if isinstance(each, dict)
        ]
        events.sort(key=lambda each: (_text(each, "created_at"), _whole(each.get("id"))))
        placed = _placed(events)
        if placed is None:
            return self.refused(f"GitHub does not tell who set it; {_AGAIN}")
        for why_not in (self.by_nobody, self.since_moved, self.before_head):
            if refusal := why_not(pull, events, placed):
                return self.refused(refusal)
        return self.by_whom(events[placed])

    def refused(self, why: str) -> Answer:
        return Answer(refusal=f'the label "{ACCEPTED_LABEL}" of pull request {self.number} does not count: {why}')

    def by_nobody(self, pull: Mapping[str, Any], events: Sequence[Mapping[str, Any]], placed: int) -> str:
        """Apps label by paths or titles, which the change itself chooses: only a person can accept."""
        del pull
        event = events[placed]
        if _text(event, "actor", "type") != "User" or event.get("performed_via_github_app"):
            return "it was set by an app or a bot; a person with triage rights must set it"
        return ""

    def since_moved(self, pull: Mapping[str, Any], events: Sequence[Mapping[str, Any]], placed: int) -> str:
        del pull
        later = (_MOVED.get(_text(event, "event"), "") for event in events[placed + 1 :])
        why = next((why for why in later if why), "")
        return f"{why} after it was set; look at the new verdict, then {_AGAIN}" if why else ""

    def before_head(self, pull: Mapping[str, Any], events: Sequence[Mapping[str, Any]], placed: int) -> str:
        """The first run of the newest commit tells when it was pushed; the commit's own dates are the author's to write."""
        head = _mapping(pull.get("head"))
        runs = self.client.every(f"{self.repository}/actions/runs?head_sha={head.get('sha')}", within="workflow_runs")
        times = [
            _text(run, "created_at")
            for run in runs
            if isinstance(run, dict)
            and run.get("head_sha") == head.get("sha")
            and run.get("head_branch") == head.get("ref")
            and _mapping(run.get("head_repository")).get("id") == _mapping(head.get("repo")).get("id")
        ]
        pushed = min((time for time in times if _MOMENT.fullmatch(time)), default="")
        set_at = _text(events[placed], "created_at")
        if not pushed or not _MOMENT.fullmatch(set_at):
            return f"GitHub does not tell when its newest commit was pushed; run the workflow on it, then {_AGAIN}"
        if set_at <= pushed:
            return f"it was set before the newest commit was pushed; look at the new verdict, then {_AGAIN}"
        return ""

    def by_whom(self, event: Mapping[str, Any]) -> Answer:
        login = _text(event, "actor", "login")
        if not _LOGIN.fullmatch(login):
            return self.refused("the name of who set it cannot be asked for")
        answer = _mapping(self.client.get(f"{self.repository}/collaborators/{login}/permission"))
        # An organization's own role has a name of its own, and tells the usual one that it builds on as the permission.
        rights = (
            _text(answer, "role_name") in _ROLES
            or _text(answer, "permission") in {"write", "admin"}
            or _mapping(_mapping(answer.get("user")).get("permissions")).get("triage") is True
        )
        if not rights:
            return self.refused("who set it has no triage rights in this repository")
        return Answer(Acceptance(ACCEPTED_LABEL, f"pull request {self.number}"))


def _placed(events: Sequence[Mapping[str, Any]]) -> int | None:
    """Which event put the label on that is there now; None where it is not among them. The oldest event is first."""
    found = None
    for position, event in enumerate(events):
        if _is_ours(_text(event, "label", "name")):
            kind = _text(event, "event")
            found = position if kind == "labeled" else None if kind == "unlabeled" else found
    return found


def _not_told(number: int, error: Refused) -> str:
    remedy = (
        "give the job the permissions pull-requests: read and actions: read"
        if error.status in {401, 403, 404}
        else "try again later"
    )
    return (
        f'whether the label "{ACCEPTED_LABEL}" of pull request {number} counts is not known, '
        f"because GitHub answered {error.status}; {remedy}"
    )


def _is_ours(name: str) -> bool:
    """GitHub tells no two labels apart by the size of their letters."""
    return name.casefold() == ACCEPTED_LABEL


def _whole(value: Any) -> int:
    return value if type(value) is int else 0


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any, *path: str) -> str:
    for name in path:
        value = _mapping(value).get(name)
    return value if isinstance(value, str) else ""
