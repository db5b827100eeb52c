"""GitHub's API, played by a real HTTP server on this machine: pages, limits, refusals, and a token that goes nowhere else."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from perfgate.errors import InputError, OperationFailed
from perfgate.forge.github_jobs_api import fetch


class Host:
    """What the server answers, by path, and what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, list[tuple[int, dict[str, str], Any]]] = {}
        self.asked: list[tuple[str, str]] = []
        self.slept: list[float] = []
        self.address = ""

    def fetch(self, run_id: str = "7", **more: Any) -> dict[str, Any]:
        environ = {"GITHUB_API_URL": self.address, "GITHUB_REPOSITORY": "owner/name", "GITHUB_TOKEN": "secret-token"}
        return fetch(environ, "", run_id, sleep=self.slept.append, **more)


@contextmanager
def serving() -> Iterator[Host]:
    host = Host()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host.asked.append((self.path, self.headers.get("Authorization", "")))
            answers = host.answers.get(self.path, [(404, {}, {})])
            code, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(code)
            for name, text in headers.items():
                self.send_header(name, text)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        host.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield host
        server.shutdown()


@pytest.fixture
def host() -> Iterator[Host]:
    with serving() as made:
        made.answers["/repos/owner/name/actions/runs/7"] = [(200, {}, {"id": 7, "run_attempt": 2})]
        yield made


def page(number: int) -> str:
    return f"/repos/owner/name/actions/runs/7/attempts/2/jobs?per_page=100&page={number}"


def test_every_page_of_the_newest_attempt_is_read(host: Host) -> None:
    host.answers[page(1)] = [(200, {}, {"total_count": 130, "jobs": [{"id": n} for n in range(100)]})]
    host.answers[page(2)] = [(200, {}, {"total_count": 130, "jobs": [{"id": n} for n in range(100, 130)]})]
    found = host.fetch()
    assert [job["id"] for job in found["jobs"]] == list(range(130))
    assert {token for _, token in host.asked} == {"Bearer secret-token"}


def test_limits_and_server_errors_are_waited_for(host: Host) -> None:
    good: tuple[int, dict[str, str], Any] = (200, {}, {"total_count": 1, "jobs": [{}]})
    host.answers[page(1)] = [(429, {"Retry-After": "7"}, {}), (502, {}, b"oops"), (403, {"Retry-After": "3"}, {}), good]
    assert len(host.fetch()["jobs"]) == 1
    assert host.slept == [7.0, 2.0, 3.0]


def test_patience_ends(host: Host) -> None:
    host.answers[page(1)] = [(429, {"Retry-After": "3600"}, {})]
    with pytest.raises(OperationFailed):
        host.fetch()
    host.answers[page(1)] = [(503, {}, {})]
    with pytest.raises(OperationFailed, match="503"):
        host.fetch()
    assert len(host.slept) < 10


def test_refusals_are_told_without_the_token(host: Host) -> None:
    host.answers[page(1)] = [(403, {}, {})]
    with pytest.raises(OperationFailed, match="403") as caught:
        host.fetch()
    assert "secret-token" not in str(caught.value)
    with pytest.raises(InputError, match="no such run"):
        host.fetch("8")


def test_the_token_is_not_sent_to_another_host(host: Host) -> None:
    with serving() as other:
        host.answers[page(1)] = [(302, {"Location": other.address.replace("127.0.0.1", "localhost") + "/x"}, {})]
        with pytest.raises(OperationFailed, match="another host"):
            host.fetch()
        assert not other.asked


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"jobs": 5}', b"\xff"])
def test_an_answer_that_is_no_list_of_jobs_is_refused(host: Host, body: bytes) -> None:
    host.answers[page(1)] = [(200, {}, body)]
    with pytest.raises((InputError, OperationFailed)):
        host.fetch()


def test_a_host_that_is_not_there_is_told() -> None:
    with pytest.raises(OperationFailed, match="cannot be reached"):
        fetch({"GITHUB_API_URL": "http://127.0.0.1:1"}, "owner/name", "7", sleep=lambda _: None)


@pytest.mark.parametrize(("repository", "run_id"), [("", "7"), ("a/b/c", "7"), ("o/n", "7;x"), ("o/../..", "../7")])
def test_names_from_outside_do_not_reach_the_address(repository: str, run_id: str) -> None:
    with pytest.raises(InputError):
        fetch({"GITHUB_API_URL": "http://127.0.0.1:1"}, repository, run_id)


@pytest.mark.parametrize(
    "address", ["http://[", "http://localhost:abc", "http://local host", "ftp://x", "file:///etc", "x", "http://"]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="GITHUB_API_URL"):
        fetch({"GITHUB_API_URL": address}, "owner/name", "7")


def test_the_line_end_of_a_token_does_not_matter_and_a_broken_one_is_never_shown(host: Host) -> None:
    host.answers[page(1)] = [(200, {}, {"total_count": 1, "jobs": [{}]})]
    environ = {"GITHUB_API_URL": host.address, "GITHUB_REPOSITORY": "owner/name"}
    fetch({**environ, "GH_TOKEN": "secret-token\n"}, "", "7")
    assert {token for _, token in host.asked} == {"Bearer secret-token"}
    for broken in ("secret\ntoken", "secret–token"):
        with pytest.raises(InputError) as caught:
            fetch({**environ, "GITHUB_TOKEN": broken}, "", "7")
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("wrong", [{"total_count": "x"}, {"total_count": None}, {"total_count": True}, {}])
def test_a_count_that_is_none_does_not_matter(host: Host, wrong: dict[str, Any]) -> None:
    host.answers[page(1)] = [(200, {}, {"jobs": [{"id": n + 1} for n in range(100)], **wrong})]
    host.answers[page(2)] = [(200, {}, {"jobs": [{"id": 101}], **wrong})]
    assert len(host.fetch()["jobs"]) == 101


def test_jobs_that_are_told_of_but_not_listed_are_an_error(host: Host) -> None:
    host.answers[page(1)] = [(200, {}, {"total_count": 30, "jobs": [{"id": 1}]})]
    with pytest.raises(OperationFailed, match="30 jobs and listed 1"):
        host.fetch()


def test_a_job_that_moved_to_the_next_page_is_one_job(host: Host) -> None:
    host.answers[page(1)] = [(200, {}, {"total_count": 101, "jobs": [{"id": n} for n in range(1, 101)]})]
    host.answers[page(2)] = [(200, {}, {"total_count": 102, "jobs": [{"id": 100}, {"id": 101}]})]
    assert len(host.fetch()["jobs"]) == 101


def test_an_attempt_number_from_outside_does_not_reach_the_address(host: Host) -> None:
    host.answers["/repos/owner/name/actions/runs/7"] = [(200, {}, {"run_attempt": "1/../../x"})]
    host.answers["/repos/owner/name/actions/runs/7/attempts/1/jobs?per_page=100&page=1"] = [(200, {}, {"jobs": []})]
    assert host.fetch()["jobs"] == []


@pytest.mark.parametrize("told", ["²", "soon", "-1", "", "9" * 400])
def test_a_pause_that_is_no_number_is_not_waited_for(host: Host, told: str) -> None:
    host.answers[page(1)] = [(429, {"Retry-After": told.encode("latin-1").decode("latin-1")}, {})]
    with pytest.raises(OperationFailed, match="limit"):
        host.fetch()
    assert sum(host.slept) < 60


@pytest.mark.parametrize(
    "answer",
    [
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc",
        b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"a": 1}',
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"",
    ],
)
def test_an_answer_that_breaks_off_is_a_failure_of_the_network(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for _ in range(5):
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        environ = {"GITHUB_API_URL": f"http://127.0.0.1:{server.getsockname()[1]}"}
        with pytest.raises(OperationFailed, match="cannot be reached"):
            fetch(environ, "owner/name", "7", sleep=lambda _: None)
        thread.join()
