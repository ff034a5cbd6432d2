"""Attack: a request within a request, by two lengths or by an odd one, which a proxy and the node cut differently."""

import re
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.fakes.running_node import Running, staged

INNER = b"GET /v1/events HTTP/1.1\r\nHost: n\r\n\r\n"
POST = b"POST /v1/activation HTTP/1.1\r\nHost: n\r\nContent-Type: application/json\r\n"
GET = b"GET /v1/events HTTP/1.1\r\nHost: n\r\n"
END = b"0\r\n\r\n"
SHAPES = {
    "both lengths": POST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n" + END + b"G",
    "both lengths, whole": POST + b"Content-Length: 42\r\nTransfer-Encoding: chunked\r\n\r\n" + END + INNER,
    "chunked is not last": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n" + END + INNER,
    "a blank before the colon": POST + b"Transfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n" + INNER,
    "an unknown encoding": POST + b"Transfer-Encoding: xchunked\r\n\r\n" + END + INNER,
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: 37\r\n\r\n" + INNER,
    "a length with a sign": POST + b"Content-Length: +5\r\n\r\nAAAAA",
    "a list of lengths": POST + b"Content-Length: 5, 5\r\n\r\nAAAAA",
    "a chunk without end": POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n" + END,
    "a bare line feed in a chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n2;\nxx\r\n{}\r\n" + END,
    "a bare carriage return": GET + b"X: a\rb\r\n\r\n",
    "a zero byte": GET + b"X: a\0b\r\n\r\n",
    "a folded line": GET + b"X: a\r\n b\r\n\r\n",
    "no host": b"GET /v1/events HTTP/1.1\r\n\r\n" + INNER,
    "two hosts": GET + b"Host: other\r\n\r\n" + INNER,
    "one host twice": GET + b"Host: n\r\n\r\n" + INNER,
    "a post with two hosts": POST + b"Host: other\r\nContent-Length: 2\r\n\r\n{}" + INNER,
    "HTTP/0.9": b"GET /v1/events\r\n\r\n",
    "HTTP/0.9, said": b"GET /v1/events HTTP/0.9\r\nHost: n\r\n\r\n" + INNER,
    "HTTP/2.0, said": b"GET /v1/events HTTP/2.0\r\nHost: n\r\n\r\n" + INNER,
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with staged(Path(tmp_path_factory.mktemp("node")), 1) as run:
        yield run


def statuses(running: Running, sent: bytes) -> list[bytes]:
    """Of every answer, until the node hangs up."""
    with closing(socket.create_connection(("127.0.0.1", running.port), timeout=20)) as wire:
        wire.sendall(sent)
        heard = b"".join(iter(lambda: wire.recv(65_536), b""))
    return re.findall(rb"HTTP/1\.1 (\d{3}) ", heard)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_unclear_end_is_refused_and_nothing_behind_it_is_read(running: Running, shape: str) -> None:
    assert statuses(running, SHAPES[shape]) == [b"400"]


ENDLESS = {
    "one trailer after the other": b"a: b\r\n" * 20_000,
    "a trailer without an end": b"a: " + b"b" * 200_000,
    "an extension of a chunk without an end": b"1;" + b"a" * 200_000,
}


@pytest.mark.parametrize("after", ENDLESS)
def test_what_is_neither_head_nor_body_has_an_end(running: Running, after: str) -> None:
    """Attack: it is kept before any limit, and fills the memory."""
    first = b"" if after.startswith("an extension") else b"2\r\n{}\r\n0\r\n"
    heard: list[bytes] = []
    # It hangs up; the answer may be lost to the flood that is still on its way.
    with suppress(ConnectionError):
        heard = statuses(running, POST + b"Transfer-Encoding: chunked\r\n\r\n" + first + ENDLESS[after])
    assert heard in ([b"431"], [])


def test_a_trailer_is_no_header(running: Running) -> None:
    """Attack: an address, or a Host, that no proxy looked at."""
    chunked = POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\n"
    without = statuses(running, chunked + b"\r\n")
    assert statuses(running, chunked + b"Host: other\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n") == without
    assert len(without) == 1


def test_two_clear_requests_on_one_line_are_two(running: Running) -> None:
    last = INNER.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert statuses(running, INNER + last) == [b"200", b"200"]


def test_an_old_client_need_not_name_the_host(running: Running) -> None:
    assert statuses(running, b"GET /v1/events HTTP/1.0\r\n\r\n") == [b"200"]


def test_a_request_is_not_sent_back_to_who_asks_for_it(running: Running) -> None:
    """TRACE."""
    assert statuses(
        running, INNER.replace(b"GET", b"TRACE").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    ) == [b"405"]
