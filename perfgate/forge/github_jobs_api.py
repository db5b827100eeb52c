"""The run and the jobs of one attempt, asked of GitHub's REST API: all pages, with patience for limits, and without leaking the token."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from perfgate.errors import InputError, OperationFailed
from perfgate.formats import strict_json

_PAGE, _MOST_PAGES = 100, 100
_TIMEOUT, _PATIENCE, _TRIES = 30.0, 120.0, 5
_ANSWER = 32 * 1024 * 1024


class _SameHost(HTTPRedirectHandler):
    """Follows a redirect on the same host only: another one must not get the token."""

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Request | None:
        if urlsplit(newurl).netloc != urlsplit(req.full_url).netloc:
            raise OperationFailed("GitHub redirected to another host", where=urlsplit(req.full_url).path)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


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
    repository = repository or environ.get("GITHUB_REPOSITORY", "")
    if not re.fullmatch(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+", repository):
        raise InputError(
            "the repository is not known", remedy="name it: --repository OWNER/NAME (in Actions it is set)"
        )
    if not re.fullmatch(r"\d{1,20}", run_id):
        raise InputError(f'"{run_id[:60]}" is not the id of a run', remedy="it is the number in the address of the run")
    api = _Api(environ, sleep)
    path = f"/repos/{quote(repository)}/actions/runs/{run_id}"
    run = api.get(f"{path}/attempts/{attempt}" if attempt else path)
    number = attempt or run.get("run_attempt") or 1
    jobs: list[Any] = []
    for page in range(1, _MOST_PAGES + 1):
        answer = api.get(f"{path}/attempts/{number}/jobs?per_page={_PAGE}&page={page}")
        found = answer.get("jobs")
        if not isinstance(found, list):
            raise OperationFailed("GitHub's answer holds no jobs", where=path)
        jobs += found
        if len(found) < _PAGE or len(jobs) >= answer.get("total_count", 0):
            break
    return {"run": run, "jobs": jobs, "total_count": len(jobs)}


class _Api:
    def __init__(self, environ: Mapping[str, str], sleep: Callable[[float], None]) -> None:
        self._base = environ.get("GITHUB_API_URL", "") or "https://api.github.com"
        if urlsplit(self._base).scheme not in {"https", "http"}:
            raise InputError("GITHUB_API_URL is not an address", remedy="unset it, or set it to https://HOST/api/v3")
        self._token = environ.get("GITHUB_TOKEN", "") or environ.get("GH_TOKEN", "")
        self._opener: OpenerDirector = build_opener(_SameHost())
        self._sleep = sleep
        self._left = _PATIENCE

    def get(self, path: str) -> dict[str, Any]:
        """The object that the API answers; limits and server errors are waited for, as long as patience lasts."""
        for attempt in range(_TRIES):
            try:
                return self._once(path)
            except HTTPError as error:
                with error:
                    pause = self._pause(error, attempt)
                    if pause is None:
                        raise self._told(error, path) from None
            except (URLError, TimeoutError, ConnectionError) as error:
                pause = 2.0**attempt
                if attempt == _TRIES - 1 or pause > self._left:
                    reason = getattr(error, "reason", error)
                    raise OperationFailed(
                        f"GitHub cannot be reached: {reason}",
                        where=urlsplit(self._base).netloc,
                        remedy="check the network, and try again",
                    ) from None
            self._left -= pause
            self._sleep(pause)
        raise OperationFailed("GitHub kept refusing", where=path, remedy="try again later")

    def _once(self, path: str) -> dict[str, Any]:
        headers = {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "perfgate",
        }
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = Request(self._base.rstrip("/") + path, headers=headers)
        with self._opener.open(request, timeout=_TIMEOUT) as answer:
            data = answer.read(_ANSWER + 1)
        value = strict_json.loads(data, f"GitHub's answer to {path}", limit=_ANSWER)
        if not isinstance(value, dict):
            raise OperationFailed("GitHub's answer is not an object", where=path)
        return value

    def _pause(self, error: HTTPError, attempt: int) -> float | None:
        """Seconds to wait before asking again; None where waiting does not help or takes too long."""
        limited = error.code == 429 or (
            error.code == 403
            and (error.headers.get("Retry-After") or error.headers.get("X-RateLimit-Remaining") == "0")
        )
        if not limited and error.code < 500:
            return None
        told = error.headers.get("Retry-After", "")
        pause = float(told) if told.isdigit() else 2.0**attempt
        return pause if attempt < _TRIES - 1 and pause <= self._left else None

    def _told(self, error: HTTPError, path: str) -> InputError | OperationFailed:
        where = path.partition("?")[0]
        if error.code == 404:
            return InputError(
                "GitHub knows no such run, or the token may not see it",
                where=where,
                remedy="check the id; the token needs actions: read",
            )
        if error.code in {401, 403}:
            return OperationFailed(
                f"GitHub refused ({error.code})",
                where=where,
                remedy="set GITHUB_TOKEN to one with actions: read, or try later if the limit is reached",
            )
        return OperationFailed(f"GitHub answered {error.code}", where=where, remedy="try again later")
