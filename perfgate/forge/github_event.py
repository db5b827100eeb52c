"""What GitHub Actions says of the change: the variables of the job and the file of the event, read as hostile text.

The shapes are those of docs.github.com, "Events that trigger workflows" and "Webhook events and payloads".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perfgate.core.model import Event
from perfgate.errors import PerfgateError
from perfgate.formats import strict_json

_MOST_LABELS = 100
_LONGEST = 500
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_WHOLE = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_MERGE = re.compile(r"refs/pull/(\d{1,9})/merge", re.ASCII)
_QUEUE = re.compile(r"refs/heads/gh-readonly-queue/(.+)/pr-\d+-[0-9a-f]{40,64}", re.ASCII)
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
#: Events that carry a pull request and act on it.
_PULL_REQUESTS = frozenset(
    {"pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment"}
)


def read_event(environ: Mapping[str, str]) -> Event:
    """The event that started this workflow; what the event file does not tell comes from the variables, or stays empty."""
    payload = _payload(environ)
    name = environ.get("GITHUB_EVENT_NAME", "")
    ref = environ.get("GITHUB_REF", "")
    sha = _sha(environ, "GITHUB_SHA")
    repository = environ.get("GITHUB_REPOSITORY", "")
    common = Event(
        provider="github",
        name=name,
        ci_run=environ.get("GITHUB_RUN_ID", ""),
        ci_attempt=_number(environ.get("GITHUB_RUN_ATTEMPT", ""), 1),
        ci_job=environ.get("GITHUB_JOB", ""),
        runner=_runner(environ),
        head=sha,
        default_branch=_text(payload, "repository", "default_branch"),
        sha=sha,
        ref=ref,
        repository=repository if _REPOSITORY.fullmatch(repository) else "",
    )
    if name in _PULL_REQUESTS:
        return _pull_request(common, payload, environ)
    if name == "merge_group":
        return _merge_group(common, _part(payload, "merge_group"))
    if name == "workflow_run":
        return _workflow_run(common, payload)
    branch = ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else ""
    if name == "push":
        return _push(common, payload, branch)
    # GitHub runs schedules on the default branch only, and does not name it in their event. A push to another branch is a change
    # that will land on the default branch.
    default = common.default_branch or (branch if name == "schedule" else "")
    return common._replace(branch=branch, target=default, default_branch=default)


def _push(common: Event, payload: Mapping[str, Any], branch: str) -> Event:
    """A pushed branch or tag. Where it was deleted, what is checked out is something else's newest commit."""
    gone = payload.get("deleted") is True
    return common._replace(
        branch="" if gone else branch, target=common.default_branch, before="" if gone else _sha(payload, "before")
    )


def _pull_request(common: Event, payload: Mapping[str, Any], environ: Mapping[str, str]) -> Event:
    change = _part(payload, "pull_request")
    merge = _MERGE.fullmatch(common.ref)
    number = change.get("number", payload.get("number"))
    if type(number) is not int or not 0 < number < 10**9:
        number = int(merge[1]) if merge else None
    labels = change.get("labels")
    names = [_text(each, "name") for each in labels if isinstance(each, dict)] if isinstance(labels, list) else []
    return common._replace(
        branch=_text(change, "head", "ref") or environ.get("GITHUB_HEAD_REF", ""),
        target=_text(change, "base", "ref") or environ.get("GITHUB_BASE_REF", ""),
        target_sha=_sha(_part(change, "base"), "sha"),
        head=_sha(_part(change, "head"), "sha"),
        merge=merge is not None,
        pull_request=number,
        # The repository of a deleted fork is null.
        from_fork=bool(change) and _part(change, "head", "repo").get("id") != _part(change, "base", "repo").get("id"),
        labels=tuple(label for label in names if label)[:_MOST_LABELS],
    )


def _merge_group(common: Event, group: Mapping[str, Any]) -> Event:
    queue = _QUEUE.fullmatch(common.ref)
    return common._replace(
        branch=_text(group, "head_ref").removeprefix("refs/heads/"),
        target=_text(group, "base_ref").removeprefix("refs/heads/") or (queue[1] if queue else ""),
        target_sha=_sha(group, "base_sha"),
        head=_sha(group, "head_sha") or common.head,
    )


def _workflow_run(common: Event, payload: Mapping[str, Any]) -> Event:
    """The change that the finished workflow ran on; the trusted workflow itself has the default branch checked out."""
    run = _part(payload, "workflow_run")
    return common._replace(
        branch=_text(run, "head_branch"),
        target=common.default_branch,
        head=_sha(run, "head_sha"),
        # The repository of a deleted fork is null.
        from_fork=bool(run) and _part(run, "head_repository").get("id") != _part(run, "repository").get("id"),
    )


def _payload(environ: Mapping[str, str]) -> Mapping[str, Any]:
    path = environ.get("GITHUB_EVENT_PATH", "")
    try:
        found = strict_json.read(Path(path)) if path else {}
    except PerfgateError:
        return {}
    return found if isinstance(found, dict) else {}


def _part(value: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    for name in path:
        inner = value.get(name)
        value = inner if isinstance(inner, dict) else {}
    return value


def _text(value: Mapping[str, Any], *path: str) -> str:
    found = _part(value, *path[:-1]).get(path[-1])
    # JSON can hold half a character, which no file could be written with.
    return found.encode("utf-8", "replace").decode()[:_LONGEST] if isinstance(found, str) else ""


def _sha(value: Mapping[str, Any], name: str) -> str:
    """A full hash; nothing else may reach git. Zeros stand for none: a branch that was not there before, or is not any more."""
    found = _text(value, name)
    return found if _SHA.fullmatch(found) and found.strip("0") else ""


def _number(text: str, otherwise: int) -> int:
    return int(text) if _WHOLE.fullmatch(text) else otherwise


def _runner(environ: Mapping[str, str]) -> str:
    """What a runner is, coarsely: hosted ones by their image, own ones as such. Their names differ on every run."""
    image = environ.get("ImageOS", "")
    kind = environ.get("RUNNER_ENVIRONMENT", "")
    return " ".join(part for part in (kind, image) if part) or environ.get("RUNNER_OS", "")
