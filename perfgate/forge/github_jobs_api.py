"""The run and the jobs of one attempt, asked of GitHub's REST API: all pages, with patience for limits, and without leaking the token."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from perfgate.errors import InputError, OperationFailed
from perfgate.formats import strict_json

_PAGE, _MOST_PAGES = 100, 100
#: Seconds for one step of the network, for one whole answer, and of waiting altogether; and how often one thing is asked.
_TIMEOUT, _DEADLINE, _PATIENCE, _TRIES = 30.0, 120.0, 120.0, 5
_ANSWER, _CHUNK = 32 * 1024 * 1024, 1024 * 1024


class _SameHost(HTTPRedirectHandler):
    """Follows a redirect on the same host only: another one must not get the token."""

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Request | None:
        # urllib passes the old request's headers on, so a plain http of the same host is another one too.
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if (new.scheme, new.netloc) != (old.scheme, old.netloc):
            raise OperationFailed(
                "GitHub redirected to another host, which must not get the token",
                where=old.path,
                remedy="set GITHUB_API_URL to the address that it redirects to, if you trust it",
            )
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
    if not re.fullmatch(r"(?!\.\.?/)[A-Za-z0-9_.-]{1,100}/(?!\.\.?$)[A-Za-z0-9_.-]{1,100}", repository):
        raise InputError(
            "the repository is not known", remedy="name it: --repository OWNER/NAME (in Actions it is set)"
        )
    if not re.fullmatch(r"[0-9]{1,20}", run_id):
        raise InputError(f'"{run_id[:60]}" is not the id of a run', remedy="it is the number in the address of the run")
    api = _Api(environ, sleep)
    path = f"/repos/{quote(repository)}/actions/runs/{run_id}"
    run = api.get(f"{path}/attempts/{attempt}" if attempt else path)
    number = attempt or _whole(run.get("run_attempt")) or 1
    jobs: list[Any] = []
    total = 0
    for page in range(1, _MOST_PAGES + 1):
        answer = api.get(f"{path}/attempts/{number}/jobs?per_page={_PAGE}&page={page}")
        found = answer.get("jobs")
        if not isinstance(found, list):
            raise OperationFailed("GitHub's answer holds no jobs", where=path, remedy="try again later")
        jobs += found
        total = max(total, _whole(answer.get("total_count")))
        if len(found) < _PAGE or len(jobs) >= total > 0:
            break
    if len(jobs) < total:
        raise OperationFailed(
            f"GitHub told of {total} jobs and listed {len(jobs)}", where=path, remedy="try again later"
        )
    # A job that begins between two questions moves the others on, so that one may be on both pages.
    apart = {job["id"] if isinstance(job, dict) and _whole(job.get("id")) else -at: job for at, job in enumerate(jobs)}
    return {"run": run, "jobs": list(apart.values()), "total_count": len(apart)}


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _base(environ: Mapping[str, str]) -> str:
    """The API's address; InputError where it is none."""
    address = environ.get("GITHUB_API_URL", "").strip() or "https://api.github.com"
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"https", "http"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not re.fullmatch(r"[!-~]+", address):
        raise InputError("GITHUB_API_URL is not an address", remedy="unset it, or set it to https://HOST/api/v3")
    return address.rstrip("/")


def _token(environ: Mapping[str, str]) -> str:
    """The token, without the line end that files and secrets often have; InputError where no header can carry it."""
    token = (environ.get("GITHUB_TOKEN", "") or environ.get("GH_TOKEN", "")).strip()
    if not re.fullmatch(r"[!-~]*", token):
        raise InputError(
            "the token holds blanks or other characters that no token has", where="GITHUB_TOKEN", remedy="copy it again"
        )
    return token


class _Api:
    def __init__(self, environ: Mapping[str, str], sleep: Callable[[float], None]) -> None:
        self._base, self._token = _base(environ), _token(environ)
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
            except (URLError, HTTPException, OSError) as error:
                pause = 2.0**attempt
                if attempt == _TRIES - 1 or pause > self._left:
                    raise OperationFailed(
                        f"GitHub cannot be reached: {_reason(error)}",
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
            data = _body(answer)
        try:
            value = strict_json.loads(data, path, limit=_ANSWER)
        except InputError as error:
            raise OperationFailed(
                f"GitHub's answer cannot be read: {error.what}", where=path, remedy="try again later"
            ) from error
        if not isinstance(value, dict):
            raise OperationFailed("GitHub's answer is not an object", where=path, remedy="try again later")
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
        pause = float(told[:9]) if told.isdecimal() else 2.0**attempt
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
        if error.code == 429:
            return OperationFailed(
                "GitHub's limit of requests is reached (429)", where=where, remedy="set GITHUB_TOKEN, or try later"
            )
        return OperationFailed(f"GitHub answered {error.code}", where=where, remedy="try again later")


def _body(answer: Any) -> bytes:
    """The body of an answer, at most one byte more than the limit; a server that trickles is given up."""
    parts: list[bytes] = []
    size, end = 0, time.monotonic() + _DEADLINE
    while size <= _ANSWER and (part := answer.read1(_CHUNK)):
        parts.append(part)
        size += len(part)
        if time.monotonic() > end:
            raise TimeoutError("the answer takes too long")
    told = answer.headers.get("Content-Length", "")
    if told.isdecimal() and size < int(told[:12]):
        raise ConnectionError("the answer was cut off")
    return b"".join(parts)


def _reason(error: Exception) -> str:
    """Why a host could not be asked, in one line; the address of the request, and so nothing of ours, is not in it."""
    reason = getattr(error, "reason", error)
    return " ".join(str(reason).split())[:200] or type(reason).__name__
