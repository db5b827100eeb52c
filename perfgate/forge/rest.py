"""One REST API over HTTP: JSON in and out, all pages, patience for limits and stumbles, and a token that goes to no other host."""

from __future__ import annotations

import json
import math
import re
import threading
import time
from collections.abc import Callable, Mapping
from email.message import Message
from http.client import HTTPException
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from perfgate.errors import InputError, OperationFailed
from perfgate.formats import strict_json

_PAGE, _MOST_PAGES = 100, 100
#: Seconds for one step of the network, for one whole answer, of waiting altogether, and for all that one client asks; and how often
#: one thing is asked.
_TIMEOUT, _DEADLINE, _PATIENCE, _WHOLE, TRIES = 30.0, 120.0, 120.0, 300.0, 5
#: GitHub asks for at least a minute where it names no time for its second kind of limit.
_SECOND_LIMIT = 60.0
_ANSWER, _CHUNK = 32 * 1024 * 1024, 1024 * 1024
_REFUSAL = 64 * 1024
_T = TypeVar("_T")


class Refused(OperationFailed):
    """The host answered, and refused: `status` is the HTTP status."""

    def __init__(self, what: str, *, status: int, where: str = "", remedy: str = "") -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.status = status


class _Said(Exception):
    """What the host said instead of an answer: its status, headers, and words."""

    def __init__(self, code: int, headers: Message, message: str) -> None:
        super().__init__(code)
        self.code, self.headers, self.message = code, headers, message


class Client:
    """The API at `address`; `headers` (the token among them) go with every request to it and nowhere else.

    Every method raises Refused where the host refuses and OperationFailed where it cannot be asked. Limits and server errors
    are waited for, two minutes altogether, and each thing is asked `tries` times at most; a POST that may have arrived is never sent
    again. Whatever the host does, all requests of one client end five minutes after its first.
    """

    def __init__(
        self,
        address: str,
        *,
        headers: Mapping[str, str],
        host: str = "GitHub",
        sleep: Callable[[float], None] = time.sleep,
        tries: int = TRIES,
    ) -> None:
        self.address = address.rstrip("/")
        self.host = host
        self._headers = {"User-Agent": "perfgate", **headers}
        self.sleep = sleep
        self._left = _PATIENCE
        self._tries = tries
        self._end = math.inf

    def at(self, address: str) -> Client:
        """The same client at another address of the same host; it has the same patience left."""
        made = Client(self.address, headers=self._headers, host=self.host, sleep=self.sleep)
        if urlsplit(address)[:2] == urlsplit(self.address)[:2]:
            made.address = address
        made._left, made._end = self._left, self._end
        return made

    def get(self, path: str) -> Any:
        """What the API answers to a GET, parsed."""
        return self._parsed(path, self._ask("GET", path, None, _ANSWER)[0])

    def every(self, path: str, within: str = "") -> list[Any]:
        """All pages of a list, or of the list that answers hold under the name `within`; an item that moved on is there once."""
        items: list[Any] = []
        total = 0
        for page in range(1, _MOST_PAGES + 1):
            mark = "&" if "?" in path else "?"
            asked = f"{path}{mark}per_page={_PAGE}&page={page}"
            data, headers = self._ask("GET", asked, None, _ANSWER)
            answer = self._parsed(asked, data)
            found = (answer.get(within) if isinstance(answer, dict) else None) if within else answer
            if not isinstance(found, list):
                raise OperationFailed(
                    f"{self.host}'s answer holds no {within or 'list'}", where=path, remedy="try again later"
                )
            items += found
            total = max(total, _whole(answer.get("total_count")) if isinstance(answer, dict) else 0)
            further = 'rel="next"' in headers.get("Link", "") or len(found) >= _PAGE
            if not found or not further or len(items) >= total > 0:
                break
        else:
            raise OperationFailed(f"{self.host} lists more than {len(items):,} {within or 'items'}", where=path)
        if len(items) < total:
            raise OperationFailed(
                f"{self.host} told of {total} {within} and listed {len(items)}", where=path, remedy="try again later"
            )
        # What begins between two questions moves the others on, so that one may be on both pages.
        apart = {
            each["id"] if isinstance(each, dict) and _whole(each.get("id")) else -at: each
            for at, each in enumerate(items)
        }
        return list(apart.values())

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """What the API answers to a request with this body as JSON, parsed; None where it answers nothing."""
        data = None if body is None else json.dumps(body, allow_nan=False).encode()
        answer = self._ask(method, path, data, _ANSWER)[0]
        return self._parsed(path, answer) if answer.strip() else None

    def download(self, path: str, most: int) -> bytes:
        """The bytes at a path, which the API may answer with an address elsewhere; OperationFailed for more than `most`."""
        data = self._ask("GET", path, None, most, elsewhere=True)[0]
        if len(data) > most:
            raise OperationFailed(f"the answer has more than the {most:,} bytes that are read", where=_plain(path))
        return data

    def _ask(
        self, method: str, path: str, data: bytes | None, most: int, *, elsewhere: bool = False
    ) -> tuple[bytes, Mapping[str, str]]:
        """The answer to one request, at most one byte more than `most`, and its headers; asked again where that may help."""
        self._end = min(self._end, time.monotonic() + _WHOLE)
        for attempt in range(self._tries):
            begun = time.monotonic()
            try:
                return _within(
                    min(_DEADLINE, self._end - begun),
                    lambda: self._once(method, path, data, most, elsewhere=elsewhere),
                )
            except _Said as said:
                pause = self._pause(said, method, attempt)
                if pause is None:
                    raise self._refused(said, path) from None
            # A ValueError is what urllib makes of a host whose name cannot be one.
            except (URLError, HTTPException, OSError, ValueError) as error:
                self._left -= time.monotonic() - begun
                pause = 2.0**attempt
                again = attempt < self._tries - 1 and self._has_time_for(pause)
                if not again or (method == "POST" and not _never_arrived(error)):
                    raise OperationFailed(
                        f"{self.host} cannot be reached: {_reason(error)}",
                        where=urlsplit(self.address).netloc,
                        remedy="check the network, and try again",
                    ) from None
            self._left -= pause
            self.sleep(pause)
        raise OperationFailed(f"{self.host} kept refusing", where=_plain(path), remedy="try again later")

    def _has_time_for(self, pause: float) -> bool:
        return pause <= min(self._left, self._end - time.monotonic())

    def _once(
        self, method: str, path: str, data: bytes | None, most: int, *, elsewhere: bool
    ) -> tuple[bytes, Mapping[str, str]]:
        headers = dict(self._headers)
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = Request(self.address + path, data=data, headers=headers, method=method)
        try:
            with build_opener(_Redirects(self.host, elsewhere=elsewhere)).open(request, timeout=_TIMEOUT) as answer:
                return _body(answer, most), answer.headers
        except HTTPError as error:
            with error:
                raise _Said(error.code, error.headers, _message(error)) from None

    def _parsed(self, path: str, data: bytes) -> Any:
        try:
            return strict_json.loads(data, _plain(path), limit=_ANSWER)
        except InputError as error:
            raise OperationFailed(
                f"{self.host}'s answer cannot be read: {error.what}", where=_plain(path), remedy="try again later"
            ) from error

    def _pause(self, error: _Said, method: str, attempt: int) -> float | None:
        """Seconds to wait before asking again; None where waiting does not help, may do a thing twice, or takes too long."""
        told = error.headers.get("Retry-After", "")
        spent = error.headers.get("X-RateLimit-Remaining") == "0"
        second = "secondary rate limit" in error.message.lower()
        limited = error.code == 429 or (error.code == 403 and bool(told or spent or second))
        if not limited and (error.code < 500 or method == "POST"):
            return None
        reset = error.headers.get("X-RateLimit-Reset", "")
        if told.isdecimal():
            pause = float(told[:9])
        elif limited and spent and reset.isdecimal():
            pause = max(1.0, float(reset[:12]) - time.time())
        else:
            pause = _SECOND_LIMIT if second else 2.0**attempt
        return pause if attempt < self._tries - 1 and self._has_time_for(pause) else None

    def _refused(self, said: _Said, path: str) -> Refused:
        status, message = said.code, said.message
        for secret in (word for value in self._headers.values() for word in value.split() if len(word) > 8):
            message = message.replace(secret, "…")
        words = f": {message}" if message else ""
        if status == 429 or (status == 403 and said.headers.get("X-RateLimit-Remaining") == "0"):
            what, remedy = f"{self.host}'s limit of requests is reached ({status})", "try again later"
        elif status in {401, 403}:
            what, remedy = f"{self.host} refused ({status}){words}", "the token may lack the permission for this"
        else:
            what = f"{self.host} answered {status}{words}"
            remedy = "try again later" if status >= 500 else ""
        return Refused(what, status=status, where=_plain(path), remedy=remedy)


def checked_address(address: str, name: str, remedy: str) -> str:
    """An API's address as a variable called `name` gives it; InputError where it is none."""
    address = address.strip()
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"https", "http"} and parts.hostname and parts.port != 0
        # A name and password in it would be taken for a part of the host, and told with it.
        usable = usable and "@" not in parts.netloc and not parts.query and not parts.fragment
    except ValueError:
        usable = False
    if not usable or not re.fullmatch(r"[!-~]+", address):
        raise InputError(f"{name} is not an address", remedy=remedy)
    return address


def checked_token(token: str, name: str) -> str:
    """A token without the line end that files and secrets often have; InputError where no header can carry it."""
    token = token.strip()
    if not re.fullmatch(r"[!-~]*", token):
        raise InputError(
            "the token holds blanks or other characters that no token has", where=name, remedy="copy it again"
        )
    return token


class _Redirects(HTTPRedirectHandler):
    """Follows a redirect on the same host; to another one only where the caller asks for that, and then without our headers."""

    def __init__(self, host: str, *, elsewhere: bool) -> None:
        self._host = host
        self._elsewhere = elsewhere

    def http_error_302(self, req: Request, fp: Any, code: int, msg: str, headers: Any) -> Any:
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except ValueError:
            fp.close()
            raise URLError("it was redirected to an address that is none") from None

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Request | None:
        # urllib passes the old request's headers on, so a plain http of the same host is another one too.
        before, after = urlsplit(req.full_url), urlsplit(newurl)
        same = (after.scheme, after.netloc) == (before.scheme, before.netloc)
        if not same and self._elsewhere and after.scheme in {"https", before.scheme}:
            return Request(newurl, headers={"User-Agent": "perfgate"})
        if not same:
            fp.close()
            raise OperationFailed(
                f"{self._host} redirected to another host, which must not get the token",
                where=before.path,
                remedy="set the API's address to the one that it redirects to, if you trust it",
            )
        if req.get_method() == "GET":
            return super().redirect_request(req, fp, code, msg, headers, newurl)
        # What is sent to a renamed repository is sent on; the other codes would make a GET of it, which does nothing.
        if code in {307, 308}:
            return Request(newurl, data=req.data, headers=dict(req.headers), method=req.get_method())
        return None


def _plain(path: str) -> str:
    return path.partition("?")[0]


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _within(seconds: float, work: Callable[[], _T]) -> _T:
    """What `work` returns or raises; TimeoutError where it is not done in so many seconds.

    A time limit of a socket begins anew with every byte, so that a host which trickles headers would keep us for ever. What is given
    up goes on beside us, and ends with the process at the latest.
    """
    done: list[_T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            failed.append(error)

    worker = threading.Thread(target=run, daemon=True)
    worker.start()
    worker.join(max(0.0, seconds))
    if failed:
        raise failed[0]
    if not done:
        raise TimeoutError("the answer takes too long")
    return done[0]


def _body(answer: Any, most: int) -> bytes:
    """The body of an answer, at most one byte more than the limit."""
    parts: list[bytes] = []
    size = 0
    while size <= most and (part := answer.read1(min(_CHUNK, most + 1 - size))):
        parts.append(part)
        size += len(part)
    told = answer.headers.get("Content-Length", "")
    if size <= most and told.isdecimal() and size < int(told[:12]):
        raise ConnectionError("the answer was cut off")
    return b"".join(parts)


def _message(error: HTTPError) -> str:
    """What a refusal says of itself, in one short line; "" where it says nothing that can be read."""
    try:
        value = strict_json.loads(error.read(_REFUSAL), "answer")
    except (InputError, HTTPException, OSError):
        return ""
    found = value.get("message") if isinstance(value, dict) else None
    return " ".join(found.split())[:200] if isinstance(found, str) else ""


def _never_arrived(error: Exception) -> bool:
    """Whether nothing can have been done by a request that ended so."""
    return isinstance(getattr(error, "reason", error), ConnectionRefusedError)


def _reason(error: Exception) -> str:
    """Why a host could not be asked, in one line; the address of the request, and so nothing of ours, is not in it."""
    reason = getattr(error, "reason", error)
    return " ".join(str(reason).split())[:200] or type(reason).__name__
