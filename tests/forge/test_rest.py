"""The client against hosts that are broken, slow or hostile: always an answer or an error of ours, in bounded time, without the token."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from perfgate.errors import InputError, OperationFailed
from perfgate.forge import github_rest, rest

TOKEN = "ghp_0123456789abcdef0123456789abcdef0123"
Say = Callable[[socket.socket, bytes], object]


def answer(status: str = "200 OK", body: bytes = b"{}", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@contextmanager
def host(say: Say) -> Iterator[str]:
    """The address of a server that says this to every request."""
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()
    threads: list[threading.Thread] = []

    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            asked = connection.recv(65536)
            while not over.is_set() and say(connection, asked) is not None:
                over.wait(0.05)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threads.append(threading.Thread(target=one, args=(listening.accept()[0],)))
                threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        over.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for thread in (accepting, *threads):
            thread.join()


def once(data: bytes) -> Say:
    return lambda connection, _: connection.sendall(data)


def slowly(first: bytes, more: bytes) -> Say:
    """Bytes that never end, some at a time."""
    begun: set[int] = set()

    def say(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(more if connection.fileno() in begun else first)
        begun.add(connection.fileno())
        return True

    return say


def client(address: str) -> rest.Client:
    environ = {"GITHUB_API_URL": address, "GITHUB_TOKEN": TOKEN}
    return github_rest.client(environ, sleep=lambda _: None)


@pytest.mark.parametrize(
    "data",
    [
        answer(body=b"<html>maintenance</html>"),
        answer(body=b""),
        answer(body=b'{"a": NaN}'),
        answer(body=b"[" * 100_000),
        answer(body=b'{"a": ' + b"9" * 100_000 + b"}"),
        answer("200 OK", gzip.compress(b"0" * 10_000_000), "Content-Encoding: gzip"),
        b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a":',
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":',
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 500 + b"\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n{}",
        b"\x00\xff" * 500,
        answer("302 Found", b"", "Location: /again"),
        answer("302 Found", b"", "Location: file:///etc/passwd"),
        answer("302 Found", b"", "Location: http://[::1/x"),
        answer("302 Found", b"", "Location: http://a..b/x"),
        answer("301 Moved Permanently", b"", "Location: http://127.0.0.2:1/x"),
        answer("302 Found", b""),
        answer("429 Too Many", b"{}", "Retry-After: 99999999"),
        answer("429 Too Many", b"{}", "Retry-After: Wed, 21 Oct 2065 07:28:00 GMT"),
        answer("403 No", b"{}", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 99999999999999999"),
        answer("403 No", b'{"message": "you said ' + TOKEN.encode() + b'"}'),
        answer("500 Oh", b"no"),
    ],
)
def test_whatever_a_host_says_is_an_error_of_ours_that_does_not_tell_the_token(data: bytes) -> None:
    with host(once(data)) as address, pytest.raises(OperationFailed) as raised:
        client(address).get("/x")
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize(
    ("first", "more"),
    [
        (b"HTTP/1.1 200 OK\r\nX: ", b"a"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 403 No\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ],
)
def test_a_host_that_trickles_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch, first: bytes, more: bytes) -> None:
    monkeypatch.setattr(rest, "_DEADLINE", 0.15)
    begun = time.monotonic()
    with host(slowly(first, more)) as address, pytest.raises(OperationFailed, match="takes too long"):
        client(address).get("/x")
    assert time.monotonic() - begun < 5


def test_all_that_one_client_asks_ends_in_time_however_often_a_slow_answer_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rest, "_WHOLE", 0.5)

    def say(connection: socket.socket, _: bytes) -> None:
        time.sleep(0.1)
        connection.sendall(answer("200 OK", b"[{}]", 'Link: <x>; rel="next"'))

    with host(say) as address, pytest.raises(OperationFailed, match="takes too long"):
        client(address).every("/x")


@pytest.mark.parametrize("tail", ["?a=b", "#a"])
def test_an_address_with_a_password_or_a_query_is_refused_and_not_told(tail: str) -> None:
    for address in ("https://user:hunter2@127.0.0.1", f"https://127.0.0.1{tail}"):
        with pytest.raises(InputError) as raised:
            client(address)
        assert "hunter2" not in str(raised.value)
