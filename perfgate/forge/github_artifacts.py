"""The artifact that a workflow run left: the one of that name, run, head and attempt, and its bytes within a limit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from perfgate.errors import InputError, OperationFailed
from perfgate.forge.github_pulls import FinishedRun
from perfgate.forge.rest import Client, Refused

#: Seconds by which GitHub's clocks may differ: an artifact is made by the storage service, a job ended by the runner.
_SKEW = 5.0


class Artifact(NamedTuple):
    """An uploaded artifact: `created` in seconds since 1970, `digest` as the API tells it ("" where it does not)."""

    id: int
    size: int
    created: float
    digest: str = ""


class Chosen(NamedTuple):
    """The artifact of a run, or a sentence that says why there is none."""

    artifact: Artifact | None
    why: str = ""


def choose(client: Client, repository: str, run: FinishedRun, name: str, jobs: Sequence[Any]) -> Chosen:
    """The newest artifact of this name that this attempt of the run left; `jobs` are those of the attempt.

    GitHub does not tell an artifact's attempt: it counts where it was made since the attempt began, or by a job of an earlier
    attempt that this one did not run again, and therefore lists.
    """
    path = f"{repository}/actions/runs/{run.id}/artifacts?name={quote(name, safe='')}"
    listed = [each for each in client.every(path, within="artifacts") if isinstance(each, dict)]
    ours = [each for each in listed if each.get("name") == name and _is_of(each.get("workflow_run"), run)]
    if not ours:
        return Chosen(None, "the run left no artifact of this name: its job ended before it could report")
    if all(each.get("expired") is not False for each in ours):
        return Chosen(None, "the run's artifact has expired; run it again")
    found = [made for each in ours if each.get("expired") is False and (made := _artifact(each)) is not None]
    begun = moment(run.started_at)
    if begun is None:
        return Chosen(
            None, "GitHub does not tell when this attempt began, so nothing tells its artifact from an earlier one"
        )
    current = [each for each in found if each.created >= begun - _SKEW or made_by(each, jobs)]
    if not current:
        return Chosen(
            None, "the run's artifact is of an earlier attempt: in this one its job ended before it could report"
        )
    return Chosen(max(current, key=lambda each: (each.created, each.id)))


def made_by(artifact: Artifact, jobs: Sequence[Any]) -> list[dict[str, Any]]:
    """The jobs during which the artifact was made: the one that uploaded it, and those that ran beside it."""
    found = []
    for job in jobs:
        if not isinstance(job, dict):
            continue
        start, end = moment(job.get("started_at")), moment(job.get("completed_at"))
        if start is not None and end is not None and start - _SKEW <= artifact.created <= end + _SKEW:
            found.append(job)
    return found


def download(client: Client, repository: str, artifact: Artifact, most: int) -> bytes:
    """The artifact's zip; InputError where it has more than `most` bytes or is not what GitHub's digest says, OperationFailed
    where GitHub cannot give it."""
    too_large = InputError(f"it has more than the {most:,} bytes that are read", where=f"artifact {artifact.id}")
    if artifact.size > most:
        raise too_large
    try:
        data = client.download(f"{repository}/actions/artifacts/{artifact.id}/zip", most + 1)
    except Refused as error:
        if error.status in {404, 410}:
            raise InputError("it is gone", where=f"artifact {artifact.id}", remedy="run the workflow again") from error
        raise
    if len(data) > most:
        raise too_large
    algorithm, _, told = artifact.digest.partition(":")
    if algorithm == "sha256":
        from hashlib import sha256

        if sha256(data).hexdigest() != told.lower():
            raise OperationFailed(
                "what was downloaded is not what GitHub's digest says",
                where=f"artifact {artifact.id}",
                remedy="try again",
            )
    return data


def moment(value: Any) -> float | None:
    """Seconds since 1970 of a time as GitHub writes it; None for anything else."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) and len(value) < 64 else None
        return found.timestamp() if found is not None and found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _is_of(value: Any, run: FinishedRun) -> bool:
    """Whether an artifact's run is this one, by its id and head, and by its head's repository where both are told."""
    if not isinstance(value, dict) or (value.get("id"), value.get("head_sha")) != (run.id, run.head):
        return False
    from_there = value.get("head_repository_id")
    return not (from_there and run.head_repository) or from_there == run.head_repository


def _artifact(value: dict[str, Any]) -> Artifact | None:
    number, size, created = value.get("id"), value.get("size_in_bytes"), moment(value.get("created_at"))
    if type(number) is not int or number <= 0 or type(size) is not int or size < 0 or created is None:
        return None
    digest = value.get("digest")
    return Artifact(number, size, created, digest if isinstance(digest, str) else "")
