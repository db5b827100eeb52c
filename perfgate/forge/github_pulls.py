"""Whose work a finished workflow run judged: the run, its pull request and its change, from GitHub's own word and never from a file of the run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from perfgate.errors import InputError, OperationFailed
from perfgate.forge.rest import Client, Refused
from perfgate.formats import strict_json

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_RUN_ID = re.compile(r"[0-9]{1,19}")
_QUEUE = re.compile(r"gh-readonly-queue/(.+)/pr-\d+-[0-9a-f]{40,64}", re.ASCII)
#: What GitHub lists at most of one comparison: https://docs.github.com/rest/commits/commits#compare-two-commits
MOST_COMMITS, MOST_FILES = 250, 300
_MOST_LABELS = 100


class Home(NamedTuple):
    """The repository whose gate this is: its number, which survives a new name, and its default branch."""

    id: int
    default_branch: str


class FinishedRun(NamedTuple):
    """One attempt of a workflow run, as GitHub tells of it.

    `branch` is any text that somebody could name a branch. `head_repository` is 0 and `head_owner` "" where the fork is gone.
    `workflow` is the name of its file, `pull_requests` the numbers that GitHub gives with it: none for forks.
    """

    id: int
    attempt: int
    head: str
    event: str
    status: str = ""
    conclusion: str = ""
    branch: str = ""
    started_at: str = ""
    workflow: str = ""
    repository: int = 0
    head_repository: int = 0
    head_owner: str = ""
    pull_requests: tuple[int, ...] = ()

    @property
    def queue_target(self) -> str:
        """The branch that a merge queue's run is to land on, "" for any other run."""
        match = _QUEUE.fullmatch(self.branch) if self.event == "merge_group" else None
        return match[1] if match else ""


class Pull(NamedTuple):
    """An open pull request: its number, the branch it is to land on, and its labels."""

    number: int
    base: str
    labels: tuple[str, ...] = ()


class Found(NamedTuple):
    """The one open pull request of a run's head, or a sentence that says why there is none to tell."""

    pull: Pull | None
    why: str = ""


class Change(NamedTuple):
    """What a change consists of: where it left the base branch, its commits' messages, its paths (None where there are too many)."""

    merge_base: str
    messages: tuple[str, ...] = ()
    paths: tuple[str, ...] | None = None
    commits: int = 0


# --- the run ----------------------------------------------------------------------------------------------------------


def of_event(environ: Mapping[str, str]) -> tuple[FinishedRun, Home]:
    """The run in the event of a `workflow_run` workflow; InputError where the event tells of none."""
    where = "the event of this workflow"
    path = environ.get("GITHUB_EVENT_PATH", "")
    value = strict_json.read(Path(path), shown=where) if path else {}
    run = finished(_object(value, "workflow_run"))
    home = _home(_object(value, "repository"))
    if run is None or home is None:
        raise InputError(
            "it does not tell of a finished workflow run",
            where=where,
            remedy="run this in a workflow with `on: workflow_run`, or name a run: --run ID",
        )
    return run, home


def of_id(client: Client, repository: str, run_id: str) -> tuple[FinishedRun, Home]:
    """The newest attempt of a run by its id; InputError for one that GitHub does not know."""
    if not _RUN_ID.fullmatch(run_id):
        raise InputError(f'"{run_id[:60]}" is not the id of a run', remedy="it is the number in the address of the run")
    try:
        run = finished(client.get(f"{repository}/actions/runs/{run_id}"))
        home = _home(client.get(repository))
    except Refused as error:
        if error.status == 404:
            raise InputError("GitHub knows no such run", where=error.where, remedy="check the id") from error
        raise
    if run is None or home is None:
        raise OperationFailed("GitHub's answer does not tell of a run", where=repository, remedy="try again later")
    return run, home


def finished(value: Any) -> FinishedRun | None:
    """A run from the object that events and the API share; None where what must be known is missing or of a wrong shape."""
    number, attempt = _whole(value, "id"), _whole(value, "run_attempt")
    head, event = _text(value, "head_sha"), _text(value, "event")
    if not (number and attempt and event and _SHA.fullmatch(head)):
        return None
    listed = _item(value, "pull_requests")
    numbers = [_whole(each, "number") for each in listed] if isinstance(listed, list) else []
    return FinishedRun(
        id=number,
        attempt=attempt,
        head=head,
        event=event[:100],
        status=_text(value, "status"),
        conclusion=_text(value, "conclusion"),
        branch=_text(value, "head_branch")[:1000],
        started_at=_text(value, "run_started_at")[:60],
        workflow=_text(value, "path").partition("@")[0].rpartition("/")[2][:200],
        repository=_whole(value, "repository", "id"),
        head_repository=_whole(value, "head_repository", "id"),
        head_owner=_text(value, "head_repository", "owner", "login"),
        pull_requests=tuple(each for each in numbers if each),
    )


def _home(value: Any) -> Home | None:
    number, branch = _whole(value, "id"), _text(value, "default_branch")
    return Home(number, branch) if number and branch else None


# --- the pull request -------------------------------------------------------------------------------------------------


def find(client: Client, repository: str, run: FinishedRun, home: Home) -> Found:
    """The open pull request whose head is the run's, in the run's head repository, to land here.

    Asked by the branch, and held against the commit and both repositories' numbers; nothing that the run left behind is asked.
    """
    if not (run.head_repository and run.head_owner and run.branch):
        return Found(None, "the repository that the change came from is gone, so its pull request cannot be told")
    head = quote(f"{run.head_owner}:{run.branch}", safe="")
    listed = client.every(f"{repository}/pulls?state=open&head={head}")
    ours = [
        each
        for each in listed
        # GitHub answers a filter that it cannot read with every pull request.
        if _text(each, "head", "ref") == run.branch
        and _whole(each, "head", "repo", "id") == run.head_repository
        and _whole(each, "base", "repo", "id") == home.id
        and _item(each, "state") == "open"
        and _whole(each, "number")
        and _text(each, "base", "ref")
    ]
    current = [each for each in ours if _text(each, "head", "sha") == run.head]
    named = [each for each in current if _whole(each, "number") in run.pull_requests]
    if len(current) > 1 and len(named) == 1:
        current = named
    if len(current) == 1:
        return Found(_pull(current[0]))
    if current:
        return Found(None, f"{len(current)} open pull requests have this very head, so none of them is told")
    if ours:
        return Found(None, "the pull request has moved on to another commit, so it is not told")
    return Found(None, "no open pull request has this head")


def _pull(value: Any) -> Pull:
    labels = _item(value, "labels")
    names = [_text(each, "name") for each in labels] if isinstance(labels, list) else []
    return Pull(_whole(value, "number"), _text(value, "base", "ref"), tuple(filter(None, names))[:_MOST_LABELS])


# --- the change -------------------------------------------------------------------------------------------------------


def change(client: Client, repository: str, base: str, head: str) -> Change | None:
    """What leads from the base branch's commit to the head, both full hashes; None where GitHub cannot compare them."""
    if not (_SHA.fullmatch(base) and _SHA.fullmatch(head)):
        return None
    try:
        answer = client.get(f"{repository}/compare/{base}...{head}")
    except Refused as error:
        if error.status in {404, 422}:
            return None
        raise
    merge_base = _text(answer, "merge_base_commit", "sha")
    commits, files = _item(answer, "commits"), _item(answer, "files")
    if not _SHA.fullmatch(merge_base) or not isinstance(commits, list):
        return None
    return Change(
        merge_base,
        tuple(_text(each, "commit", "message") for each in commits[:MOST_COMMITS]),
        _paths(files) if isinstance(files, list) and len(files) < MOST_FILES else None,
        max(_whole(answer, "total_commits"), len(commits)),
    )


def _paths(files: list[Any]) -> tuple[str, ...]:
    """The changed paths; a renamed file counts under both names."""
    found = {_text(each, name) for each in files for name in ("filename", "previous_filename")}
    return tuple(sorted(found - {""}))


# --- reading ----------------------------------------------------------------------------------------------------------


def _item(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _object(value: Any, name: str) -> Any:
    found = _item(value, name)
    return found if isinstance(found, dict) else {}


def _text(value: Any, *path: str) -> str:
    found = _item(value, *path)
    # JSON can hold half a character, which no file could be written with.
    return found.encode("utf-8", "replace").decode() if isinstance(found, str) else ""


def _whole(value: Any, *path: str) -> int:
    found = _item(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0
