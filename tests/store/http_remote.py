"""A remote over HTTP on loopback: git's own http-backend behind a server that wants a password."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit


class Served(NamedTuple):
    """The server: its address, and the Authorization header of every request that came ("" where there was none)."""

    address: str
    headers: list[str]


class _Server(ThreadingHTTPServer):
    """A repository at /o/r.git: who may read and who may write it."""

    def __init__(self, bare: Path, wanted: str, *, may_push: bool, public: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bare = bare
        self.wanted = wanted
        self.may_push = may_push
        self.public = public
        self.headers: list[str] = []

    def refusal(self, path: str, given: list[str]) -> int:
        """The status of a request that is refused; 0 for one that is not."""
        pushing = "git-receive-pack" in path
        if len(given) > 1:
            # As GitHub does.
            return 400
        if given[0] != self.wanted and (pushing or not self.public):
            return 401
        return 403 if pushing and not self.may_push else 0


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        body = self._body()
        given = self.headers.get_all("Authorization") or [""]
        self.server.headers.extend(given)
        if status := self.server.refusal(self.path, given):
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="here"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._backend(body, self.server.bare)

    def do_POST(self) -> None:
        self.do_GET()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _backend(self, body: bytes, bare: Path) -> None:
        parts = urlsplit(self.path)
        variables = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_PROJECT_ROOT": str(bare.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": parts.path.replace("/o/r.git", f"/{bare.name}"),
            "QUERY_STRING": parts.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "HTTP_GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "somebody",
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=variables, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(fields.pop("Status", "200 OK").split()[0]))
        for name, value in (fields | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Tests are quiet."""


@contextmanager
def serve(bare: Path, *, user: str, secret: str, may_push: bool = True, public: bool = False) -> Iterator[Served]:
    """Serve a bare repository as ADDRESS/o/r.git; `public` lets everybody read, `may_push` lets the one with the secret write."""
    wanted = "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()
    server = _Server(bare, wanted, may_push=may_push, public=public)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Served(f"http://127.0.0.1:{server.server_port}", server.headers)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
