"""HTTP around the played GitHub: tokens, pages with Link headers, faults, and a second host that holds the artifacts."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.forge.github_service.faults import Fault
from tests.forge.github_service.prism import Prism
from tests.forge.github_service.routes import Answer, answer, refusal
from tests.forge.github_service.state import ACTIONS, OWNER, REPOSITORY, Asked, State

_HEAD = "ab" * 20


class Service:
    """The played GitHub: `state` may be read and changed at any time, `asked` is every request in order."""

    def __init__(self, prism: Prism | None = None) -> None:
        self.state = State()
        self.asked: list[Asked] = []
        self.elsewhere: list[Asked] = []
        self.address = ""
        self.blobs = ""
        self.prism = prism
        self._faults: list[list[Any]] = []
        self.lock = threading.RLock()

    # --- what tests say ---

    def environ(self, token: str = "job-token", **more: str) -> dict[str, str]:
        """The variables that a job of Actions has to find this service."""
        found = {
            "GITHUB_API_URL": self.address,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_TOKEN": token,
            "GITHUB_SERVER_URL": "https://github.invalid",
        }
        return found | more

    def pull(self, number: int = 7, head: str = _HEAD, **more: Any) -> dict[str, Any]:
        """A pull request; `head_repository` and `branch` place its head, `labels` are names, the rest is set as it is."""
        repository = more.pop("head_repository", self.state.repository())
        branch, labels = more.pop("branch", "topic"), more.pop("labels", [])
        owner = repository["owner"]["login"] if repository else "gone"
        user = more.pop("user", OWNER)
        made: dict[str, Any] = {
            "id": 5000 + number,
            "node_id": f"PR_{number}",
            "number": number,
            "state": "open",
            "title": "a change",
            "user": user,
            "draft": False,
            "merge_commit_sha": None,
            "labels": [{"name": name} for name in labels],
            "head": {"sha": head, "ref": branch, "label": f"{owner}:{branch}", "repo": repository, "user": user},
            "base": {
                "sha": "ba" * 20,
                "ref": "main",
                "label": "owner:main",
                "repo": self.state.repository(),
                "user": OWNER,
            },
        }
        self.state.pulls[number] = made | more
        self.state.labels[number] = labels
        return self.state.pulls[number]

    def comment(self, body: str, number: int = 7, by: Mapping[str, Any] = OWNER) -> dict[str, Any]:
        """A comment that is there already."""
        app = {"id": 15368, "slug": by["login"].removesuffix("[bot]")} if by["type"] == "Bot" else None
        return self.state.add_comment(number, body, dict(by), app)

    def comments(self, number: int = 7, by: Mapping[str, Any] = ACTIONS) -> list[dict[str, Any]]:
        """The comments that somebody has on a pull request."""
        return [each for of, each in self.state.comments if of == number and each["user"]["id"] == by["id"]]

    def fault(self, method: str, path: str, status: int = 0, **more: Any) -> None:
        """Let something go wrong; see Fault."""
        headers = tuple(more.pop("headers", {}).items())
        made = Fault(method, path, status, headers, **more)
        self._faults.append([made, made.times])

    @property
    def writes(self) -> list[Asked]:
        """The requests that meant to change something, in order."""
        return [each for each in self.asked if each.method != "GET" and "viewer" not in str(each.body)]

    @property
    def wrote(self) -> list[str]:
        """The same in short: "POST comments"."""
        return [f"{each.method} {_kind(each.path)}" for each in self.writes]

    # --- what the server does ---

    def take_fault(self, method: str, path: str) -> Fault | None:
        """The fault that meets this request, once."""
        for each in self._faults:
            if each[1] > 0 and each[0].meets(method, path):
                each[1] -= 1
                found: Fault = each[0]
                return found
        return None

    def truth(self, asked: Asked) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the right answer."""
        parts = urlsplit(asked.path)
        query = dict(parse_qsl(parts.query))
        token = self.state.tokens.get(asked.headers.get("authorization", "").removeprefix("Bearer "))
        if token is None:
            made = refusal(401, "Bad credentials")
        else:
            made = answer(self.state, token, asked.method, parts.path, query, asked.body)
        if made.location:
            return made.status, {"Location": self.blobs + made.location}, b""
        if made.items is not None:
            return self._paged(made, parts.path, query)
        return made.status, {}, b"" if made.body is None else json.dumps(made.body).encode()

    def _paged(self, made: Answer, path: str, query: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        size, page = min(int(query.get("per_page", "30")), 100), int(query.get("page", "1"))
        items = made.items or []
        shown = items[(page - 1) * size : page * size]
        headers = {}
        if page * size < len(items):
            further = urlencode({**query, "page": page + 1})
            headers["Link"] = f'<{self.address}{path}?{further}>; rel="next"'
        body = {"total_count": len(items), made.within: shown} if made.within else shown
        return made.status, headers, json.dumps(body).encode()


def _kind(path: str) -> str:
    words = [each for each in urlsplit(path).path.split("/") if each and not each.isdigit()]
    return words[-1]


@contextmanager
def serving(prism: Prism | None = None) -> Iterator[Service]:
    """The service, for as long as the block lasts; with `prism` its requests are held against GitHub's description at the end."""
    service = Service(prism)
    with ExitStack() as stack:
        service.address = stack.enter_context(_listening("127.0.0.1", _api(service)))
        service.blobs = stack.enter_context(_listening("localhost", _blob(service)))
        yield service
    if prism is not None and (wrong := prism.complaints(service.asked)):
        raise AssertionError("GitHub would not take these requests:\n" + "\n".join(wrong))


@contextmanager
def _listening(host: str, handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http://{host}:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class _Quiet(BaseHTTPRequestHandler):
    def asked(self) -> Asked:
        """The request, whole."""
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Asked(self.command, self.path, json.loads(data) if data else None, headers)

    def reply(self, status: int, headers: Mapping[str, str], data: bytes, cut: int = -1) -> None:
        """Send an answer; with `cut`, break off after so many bytes of its body."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data if cut < 0 else data[:cut])

    def log_message(self, *_: Any) -> None:
        return


def _api(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(_Quiet):
        def do_GET(self) -> None:
            asked = self.asked()
            with service.lock:
                service.asked.append(asked)
                fault = service.take_fault(asked.method, asked.path)
            if fault is None:
                with service.lock:
                    truth = service.truth(asked)
                self.reply(*truth)
                return
            if fault.before is not None:
                fault.before()
            time.sleep(fault.slow)
            with service.lock:
                truth = service.truth(asked) if fault.done or not fault.status else (0, {}, b"")
            if fault.drop:
                self.close_connection = True
            elif fault.status:
                body = {"message": "as asked"} if fault.body is None else fault.body
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.reply(fault.status, dict(fault.headers), data)
            else:
                self.reply(*truth, cut=fault.cut)

        def do_POST(self) -> None:
            self.do_GET()

        def do_PATCH(self) -> None:
            self.do_GET()

        def do_DELETE(self) -> None:
            self.do_GET()

    return Handler


def _blob(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(_Quiet):
        def do_GET(self) -> None:
            service.elsewhere.append(self.asked())
            number = urlsplit(self.path).path.rpartition("/")[2]
            _, data = service.state.artifacts.get(int(number) if number.isdigit() else 0, ({}, b""))
            self.reply(200, {}, data)

    return Handler
