"""A repository with one pull request and its label, played by a real HTTP server on this machine, which keeps what happens to it."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from perfgate.core.decision import ACCEPTED_LABEL

TOKEN = "a-token-of-a-test"


class Labelled:
    """One pull request of `owner/name`. Its clock goes on a second with everything that happens."""

    def __init__(self, number: int = 12) -> None:
        self.number = number
        self.pull: dict[str, Any] = {
            "number": number,
            "labels": [],
            "head": {"sha": "", "ref": "change", "repo": {"id": 1}},
            "base": {"ref": "main", "repo": {"id": 1, "full_name": "owner/name"}},
            "merged_at": None,
            "merge_commit_sha": None,
        }
        self.events: list[dict[str, Any]] = []
        self.runs: list[dict[str, Any]] = []
        self.roles: dict[str, Any] = {}
        #: Answers in the place of the usual ones: a status for each path that a pattern finds.
        self.statuses: dict[str, int] = {}
        self.asked: list[str] = []
        self.tokens: set[str] = set()
        self.address = ""
        self._clock = 0

    def now(self) -> str:
        self._clock += 1
        return f"2026-11-21T10:{self._clock // 60:02d}:{self._clock % 60:02d}Z"

    @property
    def environ(self) -> dict[str, str]:
        return {"GITHUB_API_URL": self.address, "GITHUB_REPOSITORY": "owner/name", "GITHUB_TOKEN": TOKEN}

    # --- what happens to it -------------------------------------------------------------------------------------------

    def push(self, sha: str, *, forced: bool = False, measured: bool = True) -> None:
        self.pull["head"]["sha"] = sha
        if forced:
            self.happens("head_ref_force_pushed", "somebody")
        if measured:
            self.measure()

    def measure(self, **changes: Any) -> None:
        head = self.pull["head"]
        run = {
            "id": len(self.runs) + 1,
            "head_sha": head["sha"],
            "head_branch": head["ref"],
            "head_repository": head["repo"],
            "created_at": self.now(),
        }
        self.runs.append(run | changes)

    def label(self, by: str = "maintainer", name: str = ACCEPTED_LABEL, **changes: Any) -> None:
        self.pull["labels"].append({"name": name})
        self.happens("labeled", by, label={"name": name}, **changes)

    def unlabel(self, by: str = "maintainer", name: str = ACCEPTED_LABEL) -> None:
        self.pull["labels"] = [each for each in self.pull["labels"] if each["name"] != name]
        self.happens("unlabeled", by, label={"name": name})

    def happens(self, event: str, by: str, **changes: Any) -> None:
        kind = "Bot" if by.endswith("[bot]") else "User"
        known = {
            "id": 1000 + len(self.events),
            "event": event,
            "actor": {"login": by, "type": kind},
            "created_at": self.now(),
            "performed_via_github_app": None,
        }
        self.events.append(known | changes)

    def merge(self, sha: str) -> None:
        self.pull |= {"merged_at": self.now(), "merge_commit_sha": sha}

    # --- what it answers ----------------------------------------------------------------------------------------------

    def answer(self, address: str) -> tuple[int, Any]:
        parts = urlsplit(address)
        path, query = parts.path, parse_qs(parts.query)
        for pattern, status in self.statuses.items():
            if re.search(pattern, path):
                return status, {"message": "Resource not accessible by integration"}
        page = self._page(query)
        if path == f"/repos/owner/name/pulls/{self.number}":
            return 200, self.pull
        if path == f"/repos/owner/name/issues/{self.number}/events":
            return 200, page(self.events)
        if path == "/repos/owner/name/actions/runs":
            found = [run for run in self.runs if run["head_sha"] == query["head_sha"][0]]
            return 200, {"total_count": len(found), "workflow_runs": page(found)}
        if match := re.fullmatch(r"/repos/owner/name/collaborators/([^/]+)/permission", path):
            return (200, self.roles[match[1]]) if match[1] in self.roles else (404, {"message": "Not Found"})
        if re.fullmatch(r"/repos/owner/name/commits/[0-9a-f]+/pulls", path):
            return 200, page([self.pull])
        return 404, {"message": "Not Found"}

    @staticmethod
    def _page(query: dict[str, list[str]]) -> Any:
        size, number = int(query.get("per_page", ["30"])[0]), int(query.get("page", ["1"])[0])
        return lambda items: items[size * (number - 1) : size * number]


def role(name: str, permission: str = "", **permissions: bool) -> dict[str, Any]:
    """What GitHub says of somebody's rights; the older word for a role knows four of them."""
    older = {"triage": "read", "maintain": "write", "admin": "admin", "write": "write"}.get(name, "read")
    return {"permission": permission or older, "role_name": name, "user": {"permissions": permissions}}


@contextmanager
def serving(made: Labelled) -> Iterator[Labelled]:
    """The pull request behind an address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            made.tokens.add(self.headers.get("Authorization", ""))
            status, body = made.answer(self.path)
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield made
        server.shutdown()
