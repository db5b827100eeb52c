"""The run and the jobs of one attempt, asked of GitHub's REST API."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from perfgate.errors import InputError, OperationFailed
from perfgate.forge import github_rest
from perfgate.forge.rest import Client, Refused


def fetch(
    environ: Mapping[str, str],
    repository: str,
    run_id: str,
    attempt: int = 0,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """`{run, jobs}` of one attempt of a run (0: the newest), as the API tells them.

    GITHUB_API_URL, GITHUB_REPOSITORY and GITHUB_TOKEN (or GH_TOKEN) are used where they are set. Raises InputError for an
    unknown run and OperationFailed where GitHub cannot be asked.
    """
    path = github_rest.repository(environ, repository)
    if not re.fullmatch(r"[0-9]{1,20}", run_id):
        raise InputError(f'"{run_id[:60]}" is not the id of a run', remedy="it is the number in the address of the run")
    client = github_rest.client(environ, sleep=sleep)
    try:
        return _asked(client, f"{path}/actions/runs/{run_id}", attempt)
    except Refused as error:
        if error.status == 404:
            raise InputError(
                "GitHub knows no such run, or the token may not see it",
                where=error.where,
                remedy="check the id; the token needs actions: read",
            ) from error
        if error.status in {401, 403, 429}:
            error.remedy = "set GITHUB_TOKEN to one with actions: read, or try later if the limit is reached"
        raise


def _asked(client: Client, path: str, attempt: int) -> dict[str, Any]:
    run = client.get(f"{path}/attempts/{attempt}" if attempt else path)
    if not isinstance(run, dict):
        raise OperationFailed("GitHub's answer is not an object", where=path, remedy="try again later")
    told = run.get("run_attempt")
    number = attempt or (told if isinstance(told, int) and not isinstance(told, bool) and told > 0 else 1)
    jobs = client.every(f"{path}/attempts/{number}/jobs", within="jobs")
    return {"run": run, "jobs": jobs, "total_count": len(jobs)}
