"""GitLab's merge request with its discussions, played by a real HTTP server on this machine, which keeps what is written."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "glpat-a-token-of-a-test"
BOT = {"id": 42, "username": "project_7_bot_1f"}
SOMEBODY = {"id": 1, "username": "somebody"}
#: What GitLab takes as one note.
MOST = 1_000_000

Answer = tuple[int, dict[str, str], Any]


class GitLab:
    """Project 7 with merge request 5. `faults` are answered first: a status and headers for a method, one after the other."""

    def __init__(self, head: str) -> None:
        self.merge_request: dict[str, Any] = {"iid": 5, "sha": head}
        self.discussions: list[dict[str, Any]] = []
        self.faults: dict[str, list[tuple[int, dict[str, str]]]] = {}
        self.asked: list[tuple[str, str]] = []
        self.tokens: set[str] = set()
        self.slept: list[float] = []
        self.address = ""
        self.may_write = True
        self._last = 0

    @property
    def environ(self) -> dict[str, str]:
        return {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": f"{self.address}/api/v4",
            "CI_MERGE_REQUEST_PROJECT_ID": "7",
            "CI_MERGE_REQUEST_IID": "5",
            "CI_PIPELINE_ID": "300",
            "PERFGATE_GITLAB_TOKEN": TOKEN,
        }

    @property
    def notes(self) -> list[dict[str, Any]]:
        return [note for each in self.discussions for note in each["notes"] if not note["system"]]

    def write(self, body: str, author: dict[str, Any] = SOMEBODY, *, thread: bool = False, system: bool = False) -> Any:
        self._last += 1
        note = {"id": self._last, "body": body, "author": author, "system": system, "resolvable": thread}
        known = {"id": f"{self._last:040x}", "individual_note": not thread, "notes": [note], "resolved": False}
        self.discussions.append(known)
        return note

    def answer(self, method: str, address: str, body: Any) -> Answer:
        parts = urlsplit(address)
        path, query = parts.path.removeprefix("/api/v4"), parse_qs(parts.query)
        if self.faults.get(method):
            status, headers = self.faults[method].pop(0)
            return status, headers, {"message": f"{status} refused"}
        if method != "GET" and not self.may_write:
            return 403, {}, {"message": "403 Forbidden"}
        if path == "/user":
            return 200, {}, BOT
        inside = path.removeprefix("/projects/7/merge_requests/5")
        if inside == path:
            return 404, {}, {"message": "404 Project Not Found"}
        if inside == "" and method == "GET":
            return 200, {}, self.merge_request
        if inside == "/discussions" and method == "GET":
            return self._page(parts.path, query)
        return self._written(method, inside, body)

    def _page(self, path: str, query: dict[str, list[str]]) -> Answer:
        size, number = int(query.get("per_page", ["20"])[0]), int(query.get("page", ["1"])[0])
        found = self.discussions[size * (number - 1) : size * number]
        further = len(self.discussions) > size * number
        headers = {"X-Next-Page": str(number + 1) if further else "", "X-Per-Page": str(size)}
        if further:
            headers["Link"] = f'<{self.address}{path}?page={number + 1}&per_page={size}>; rel="next"'
        return 200, headers, found

    def _written(self, method: str, inside: str, body: Any) -> Answer:
        if method == "POST" and inside == "/notes":
            if not body.get("body") or len(body["body"]) > MOST:
                return 400, {}, {"message": {"note": ["is too long (maximum is 1000000 characters)"]}}
            return 201, {}, self.write(body["body"], BOT)
        if match := re.fullmatch(r"/notes/(\d+)", inside):
            found = next((note for note in self.notes if note["id"] == int(match[1])), None)
            if found is None:
                return 404, {}, {"message": "404 Note Not Found"}
            if found["author"] != BOT:
                return 403, {}, {"message": "403 Forbidden"}
            if method == "DELETE":
                self.discussions = [each for each in self.discussions if found not in each["notes"]]
                return 204, {}, None
            found["body"] = body["body"]
            return 200, {}, found
        if (match := re.fullmatch(r"/discussions/([0-9a-f]+)", inside)) and method == "PUT":
            known = next(each for each in self.discussions if each["id"] == match[1])
            known["resolved"] = body["resolved"]
            return 200, {}, known
        return 404, {}, {"message": "404 Not Found"}


@contextmanager
def serving(made: GitLab) -> Iterator[GitLab]:
    """The merge request behind an address."""

    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            body = json.loads(self.rfile.read(length)) if length else None
            made.asked.append((self.command, self.path))
            made.tokens.add(self.headers.get("PRIVATE-TOKEN", ""))
            status, headers, value = made.answer(self.command, self.path, body)
            data = b"" if value is None else json.dumps(value).encode()
            self.send_response(status)
            for name, text in headers.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            self._reply()

        def do_POST(self) -> None:
            self._reply()

        def do_PUT(self) -> None:
            self._reply()

        def do_DELETE(self) -> None:
            self._reply()

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield made
        server.shutdown()
