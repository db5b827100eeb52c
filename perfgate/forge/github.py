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
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def read_event(environ: Mapping[str, str]) -> Event:
    """The event that started this workflow; what the event file does not tell comes from the variables, or stays empty."""
    payload = _payload(environ)
    name = environ.get("GITHUB_EVENT_NAME", "")
    ref = environ.get("GITHUB_REF", "")
    default = _text(payload, "repository", "default_branch")
    common: dict[str, Any] = {
        "provider": "github",
        "name": name,
        "ci_run": environ.get("GITHUB_RUN_ID", ""),
        "ci_attempt": _number(environ.get("GITHUB_RUN_ATTEMPT", ""), 1),
        "ci_job": environ.get("GITHUB_JOB", ""),
        "runner": _runner(environ),
        "default_branch": default,
    }
    if name in {"pull_request", "pull_request_target"}:
        return Event(**common, **_pull_request(payload, environ, ref))
    if name == "merge_group":
        group = _part(payload, "merge_group")
        target = _text(group, "base_ref").removeprefix("refs/heads/")
        return Event(
            **common, branch=_text(group, "head_ref").removeprefix("refs/heads/"), target=target, target_sha=_sha(group, "base_sha"), head=_sha(group, "head_sha")
        )  # fmt: skip
    branch = ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else ""
    # A push to another branch is a change that will land on the default branch.
    return Event(**common, branch=branch, target=default or branch, head=environ.get("GITHUB_SHA", ""))


def _pull_request(payload: Mapping[str, Any], environ: Mapping[str, str], ref: str) -> dict[str, Any]:
    change = _part(payload, "pull_request")
    number = change.get("number", payload.get("number"))
    labels = change.get("labels")
    base_repository, head_repository = _part(change, "base", "repo").get("id"), _part(change, "head", "repo").get("id")
    return {
        "branch": _text(change, "head", "ref") or environ.get("GITHUB_HEAD_REF", ""),
        "target": _text(change, "base", "ref") or environ.get("GITHUB_BASE_REF", ""),
        "target_sha": _sha(_part(change, "base"), "sha"),
        "head": _sha(_part(change, "head"), "sha"),
        "merge": bool(re.fullmatch(r"refs/pull/\d+/merge", ref)),
        "pull_request": number if isinstance(number, int) and not isinstance(number, bool) else None,
        # The repository of a deleted fork is null.
        "from_fork": bool(change) and head_repository != base_repository,
        "labels": tuple(str(each["name"]) for each in labels if isinstance(each, dict) and "name" in each)
        if isinstance(labels, list)
        else (),
    }


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
    return found if isinstance(found, str) else ""


def _sha(value: Mapping[str, Any], name: str) -> str:
    found = _text(value, name)
    return found if _SHA.fullmatch(found) else ""


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isdigit() and 0 < len(text) < 10 else otherwise


def _runner(environ: Mapping[str, str]) -> str:
    """What a runner is, coarsely: hosted ones by their image, own ones as such. Their names differ on every run."""
    image = environ.get("ImageOS", "")
    kind = environ.get("RUNNER_ENVIRONMENT", "")
    return " ".join(part for part in (kind, image) if part) or environ.get("RUNNER_OS", "")


def write_summary(environ: Mapping[str, str], markdown: str) -> str:
    """Add Markdown to the job summary; a sentence where that failed, "" where it worked or there is no summary."""
    path = environ.get("GITHUB_STEP_SUMMARY", "")
    if not path:
        return ""
    data = (markdown.rstrip("\n") + "\n").encode()
    if len(data) > SUMMARY_LIMIT:
        return "the job summary is larger than GitHub takes, so it was left out"
    return _append(path, data, "the job summary")


def write_outputs(environ: Mapping[str, str], pairs: Mapping[str, str]) -> str:
    """Set outputs of the step; a sentence where that failed. A random delimiter keeps a value from setting further outputs."""
    path = environ.get("GITHUB_OUTPUT", "")
    if not path:
        return ""
    # Imported here: it brings OpenSSL, and most decisions are made outside GitHub.
    import secrets

    text = ""
    for name, value in pairs.items():
        delimiter = f"perfgate_{secrets.token_hex(16)}"
        text += f"{name}<<{delimiter}\n{value}\n{delimiter}\n"
    return _append(path, text.encode(), "the outputs")


def _append(path: str, data: bytes, what: str) -> str:
    try:
        with Path(path).open("ab") as file:
            file.write(data)
    except OSError as error:
        return f"{what} could not be written: {error.strerror}"
    return ""
