"""GitHub Actions: what the event says of the change, and the files in which a job leaves its summary and outputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perfgate.core.model import Event
from perfgate.errors import PerfgateError
from perfgate.formats import strict_json

#: GitHub shows no more of one step's summary.
SUMMARY_LIMIT = 1024 * 1024
_MOST_LABELS = 100
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_WHOLE = re.compile(r"[1-9][0-9]{0,8}")
_OUTPUT = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_MERGE = re.compile(r"refs/pull/(\d{1,9})/merge", re.ASCII)
_QUEUE = re.compile(r"refs/heads/gh-readonly-queue/(.+)/pr-\d+-[0-9a-f]{40,64}", re.ASCII)


def read_event(environ: Mapping[str, str]) -> Event:
    """The event that started this workflow; what the event file does not tell comes from the variables, or stays empty."""
    payload = _payload(environ)
    name = environ.get("GITHUB_EVENT_NAME", "")
    common = Event(
        provider="github",
        name=name,
        ci_run=environ.get("GITHUB_RUN_ID", ""),
        ci_attempt=_number(environ.get("GITHUB_RUN_ATTEMPT", ""), 1),
        ci_job=environ.get("GITHUB_JOB", ""),
        runner=_runner(environ),
        head=_sha(environ, "GITHUB_SHA"),
        default_branch=_text(payload, "repository", "default_branch"),
    )
    ref = environ.get("GITHUB_REF", "")
    if name in {"pull_request", "pull_request_target"}:
        return _pull_request(common, payload, environ, ref)
    if name == "merge_group":
        return _merge_group(common, _part(payload, "merge_group"), ref)
    if name == "workflow_run":
        return _workflow_run(common, payload)
    branch = ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else ""
    # GitHub runs schedules on the default branch only, and does not name it in their event. A push to another branch is a change
    # that will land on the default branch.
    default = common.default_branch or (branch if name == "schedule" else "")
    return common._replace(branch=branch, target=default, default_branch=default)


def _pull_request(common: Event, payload: Mapping[str, Any], environ: Mapping[str, str], ref: str) -> Event:
    change = _part(payload, "pull_request")
    merge = _MERGE.fullmatch(ref)
    number = change.get("number", payload.get("number"))
    if type(number) is not int:
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


def _merge_group(common: Event, group: Mapping[str, Any], ref: str) -> Event:
    queue = _QUEUE.fullmatch(ref)
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
    return found.encode("utf-8", "replace").decode() if isinstance(found, str) else ""


def _sha(value: Mapping[str, Any], name: str) -> str:
    """A full hash; nothing else may reach git."""
    found = _text(value, name)
    return found if _SHA.fullmatch(found) else ""


def _number(text: str, otherwise: int) -> int:
    return int(text) if _WHOLE.fullmatch(text) else otherwise


def _runner(environ: Mapping[str, str]) -> str:
    """What a runner is, coarsely: hosted ones by their image, own ones as such. Their names differ on every run."""
    image = environ.get("ImageOS", "")
    kind = environ.get("RUNNER_ENVIRONMENT", "")
    return " ".join(part for part in (kind, image) if part) or environ.get("RUNNER_OS", "")


def summary_room(environ: Mapping[str, str]) -> int:
    """How many bytes the summary of this step can still take; all of it where there is none."""
    try:
        return SUMMARY_LIMIT - Path(environ.get("GITHUB_STEP_SUMMARY", "")).stat().st_size
    except (OSError, ValueError):
        return SUMMARY_LIMIT


def write_summary(environ: Mapping[str, str], markdown: str) -> str:
    """Add Markdown to the job summary; a sentence where that failed, "" where it worked or there is no summary."""
    path = environ.get("GITHUB_STEP_SUMMARY", "")
    if not path:
        return ""
    data = (markdown.rstrip("\n") + "\n").encode("utf-8", "replace")
    return _append(path, data, "the job summary", limit=SUMMARY_LIMIT)


def write_outputs(environ: Mapping[str, str], pairs: Mapping[str, str]) -> str:
    """Set outputs of the step; a sentence where that failed. A random delimiter keeps a value from setting further outputs."""
    path = environ.get("GITHUB_OUTPUT", "")
    if not path:
        return ""
    # Imported here: it brings OpenSSL, and most decisions are made outside GitHub.
    import secrets

    text = ""
    for name, value in pairs.items():
        if not _OUTPUT.fullmatch(name):
            return f"the outputs could not be written: {name[:80]!r} cannot be the name of one"
        delimiter = f"perfgate_{secrets.token_hex(16)}"
        text += f"{name}<<{delimiter}\n{value}\n{delimiter}\n"
    return _append(path, text.encode("utf-8", "replace"), "the outputs")


def _append(path: str, data: bytes, what: str, *, limit: int | None = None) -> str:
    try:
        with Path(path).open("ab") as file:
            if limit is not None and file.tell() + len(data) > limit:
                return f"{what} would be larger than the {limit:,} bytes that GitHub takes, so it was left out"
            file.write(data)
    except OSError as error:
        return f"{what} could not be written: {error.strerror}"
    except ValueError:
        return f"{what} could not be written: {path!r} cannot be the name of a file"
    return ""
