"""Whether a request is one that GitHub takes: Stoplight Prism, asked with GitHub's own OpenAPI description.

One Prism serves the whole test run: the first process that needs it starts it, the last one that leaves ends it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from tests.forge.github_service.state import Asked

#: The folder that `install-prism` filled.
VARIABLE = "PERFGATE_PRISM"
_STARTS_WITHIN = 90.0


class _Still(HTTPRedirectHandler):
    """Follows nothing: where a redirect leads is made up."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Prism:
    """Prism at an address; it remembers what it has seen, so that a request is looked at once."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._seen: dict[str, list[str]] = {}
        self._opener = build_opener(_Still)

    def complaints(self, asked: Iterable[Asked]) -> list[str]:
        """What is wrong with these requests by GitHub's description; its GraphQL is not in there."""
        found: list[str] = []
        for each in asked:
            if each.path.endswith("/graphql"):
                continue
            name = f"{each.method} {each.path}"
            data = None if each.body is None else json.dumps(each.body)
            known = f"{name} {data}"
            if known not in self._seen:
                self._seen[known] = [f"{name}: {wrong}" for wrong in self._ask(each, data)]
            found += self._seen[known]
        return found

    def _ask(self, asked: Asked, data: str | None) -> list[str]:
        # The description knows plain JSON only, not GitHub's own name for it, which GitHub's manual asks for.
        headers = {name: asked.headers[name] for name in ("content-type",) if name in asked.headers}
        body = data.encode() if data is not None else None
        request = Request(self.address + asked.path, data=body, headers=headers, method=asked.method)
        try:
            with self._opener.open(request, timeout=30) as answer:
                told, text = answer.headers, answer.read()
        except HTTPError as error:
            with error:
                told, text = error.headers, error.read()
        wrong = [
            str(each["message"])
            for each in json.loads(told.get("sl-violations") or "[]")
            # It also looks at its own made-up answers, which are GitHub's examples and not always right.
            if each["location"][0] == "request"
        ]
        if not wrong and b"stoplight.io/prism/errors" in text:
            wrong = [text.decode()[:500]]
        return wrong


def why_not() -> str:
    """Why Prism cannot be asked here; "" where it can."""
    if shutil.which("node") is None:
        return "node is not installed, and Prism needs it"
    folder = os.environ.get(VARIABLE, "")
    if not folder or not (Path(folder) / "github.json").is_file():
        return f"{VARIABLE} does not name a folder filled by tests/forge/github_service/install-prism"
    return ""


def description() -> dict[str, Any]:
    """The part of GitHub's OpenAPI description that perfgate uses."""
    found: dict[str, Any] = json.loads((Path(os.environ[VARIABLE]) / "github.json").read_bytes())
    return found


@contextmanager
def shared(folder: Path) -> Iterator[Prism]:
    """The one Prism of this test run, whose processes all know `folder`."""
    place = folder / "prism.address"
    # One goes through the door at a time; as long as it uses Prism it holds its share of the users' lock.
    with (folder / "prism.door").open("a") as door, (folder / "prism.users").open("a") as mine:
        fcntl.flock(door, fcntl.LOCK_EX)
        if not place.exists():
            place.write_text(_start(folder), encoding="utf-8")
        fcntl.flock(mine, fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        address, number = place.read_text(encoding="utf-8").split()
        try:
            yield Prism(address)
        finally:
            fcntl.flock(door, fcntl.LOCK_EX)
            with suppress(BlockingIOError):
                fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
                place.unlink(missing_ok=True)
                with suppress(ProcessLookupError):
                    os.kill(int(number), signal.SIGTERM)


def _start(folder: Path) -> str:
    """Start it and wait until it answers: its address and process."""
    home = Path(os.environ[VARIABLE])
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = home / "node_modules/@stoplight/prism-cli/dist/index.js"
    with (folder / "prism.log").open("wb") as log:
        process = subprocess.Popen(
            ["node", str(program), "mock", "-h", "127.0.0.1", "-p", str(port), str(home / "github.json")],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    end = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            # The handle is let go on purpose: another process may be the one that ends it.
            process.returncode = 0
            return f"http://127.0.0.1:{port} {process.pid}"
        time.sleep(0.1)
    process.kill()
    process.wait()
    raise AssertionError((folder / "prism.log").read_text(encoding="utf-8", errors="replace")[-2000:])
