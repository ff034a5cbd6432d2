"""Clients that keep a connection and do not use it: whatever they are slow at, they are cut, and others are served."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from ledger_node.web.patience import Patience
from tests.fakes.running_node import EVENT, open_home, process, stage, staged

SHORT = Patience(head=0.4, idle=0.8, leftover=0.3, reader=0.4, most_head=32_768, most_connections=24)
HEAD = b"GET /v1/events HTTP/1.1\r\nHost: node\r\n"
BODY = b"POST /v1/events/x/holds HTTP/1.1\r\nHost: node\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with staged(tmp_path_factory.mktemp("node"), 1, SHORT) as running:
        yield running.port


def connect(port: int) -> socket.socket:
    wire = socket.create_connection(("127.0.0.1", port))
    wire.settimeout(20)
    return wire


@contextlib.contextmanager
def dribbling(wire: socket.socket, first: bytes, drop: bytes) -> Iterator[None]:
    """Send `first`, and a drop every now and then, so that the connection is never quiet."""
    over = threading.Event()
    wire.sendall(first)

    def drip() -> None:
        with contextlib.suppress(OSError):
            while drop and not over.wait(0.05):
                wire.sendall(drop)

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def all_that_comes(wire: socket.socket) -> bytes:
    """Until the server hangs up; fails if it does not."""
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := wire.recv(65_536):
            got += piece
    return got


def served(port: int) -> bool:
    return requests.get(f"http://127.0.0.1:{port}/v1/events", timeout=5).json()[0]["event"] == EVENT


@pytest.mark.parametrize(
    ("first", "drop", "answers"),
    [
        pytest.param(b"", b"", [], id="says nothing"),
        pytest.param(b"GET /v1/ev", b"", [], id="stops in the first line"),
        pytest.param(HEAD, b"X: y\r\n", [], id="one header after the other"),
        pytest.param(HEAD + b"X: ", b"y", [], id="one header without an end"),
        pytest.param(b"\r\n", b"\r\n", [], id="blank lines"),
        pytest.param(HEAD + b"\r\n", b"", [b"200"], id="one request, then nothing"),
        pytest.param(HEAD + b"\r\n", b"\r\n", [b"200"], id="one request, then blank lines"),
        pytest.param(HEAD + b"\r\n" + HEAD, b"X: y\r\n", [b"200"], id="the second request never ends"),
        pytest.param(HEAD + b"Content-Length: 90000\r\n\r\n", b"x", [b"200"], id="a body that nobody reads"),
    ],
)
def test_who_keeps_a_connection_without_using_it_is_cut(port: int, first: bytes, drop: bytes, answers: list) -> None:
    with connect(port) as slow, dribbling(slow, first, drop):
        assert served(port)
        got = all_that_comes(slow)
    assert [line.split()[1] for line in got.split(b"\n") if line.startswith(b"HTTP/1.1")] == answers
    assert served(port)


def test_a_head_without_an_end_is_refused_before_it_fills_the_memory(port: int) -> None:
    with connect(port) as endless:
        with contextlib.suppress(OSError):
            for _ in range(10_000):
                endless.sendall(HEAD + b"X: " + b"y" * 4_000)
        head, _, body = all_that_comes(endless).partition(b"\r\n\r\n")
    if head:  # the answer may be lost to the flood that is still on its way
        assert head.startswith(b"HTTP/1.1 431 ")
        assert json.loads(body)["code"] == "head-too-large"
    assert served(port)


def test_a_head_that_is_too_long_is_told_so(port: int) -> None:
    with connect(port) as sender:
        sender.sendall(HEAD + b"X: " + b"y" * (SHORT.most_head - 10))
        head, _, body = all_that_comes(sender).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    assert json.loads(body)["code"] == "head-too-large"


def test_more_slow_clients_than_there_is_room_for_keep_nobody_out(port: int) -> None:
    """Patience is long here against the time of this test: it is the crowd that cuts them."""
    crowd = [connect(port) for _ in range(SHORT.most_connections * 4)]
    for number, one in enumerate(crowd):
        with contextlib.suppress(OSError):
            one.sendall(HEAD if number % 2 else b"")
        if number % 8 == 0:
            assert served(port)
    for one in crowd:
        assert all_that_comes(one) == b""
        one.close()


def test_who_uses_the_connection_keeps_it(port: int) -> None:
    until = time.monotonic() + 3 * SHORT.head
    with requests.Session() as session:
        wires = set()
        while time.monotonic() < until:
            with session.get(f"http://127.0.0.1:{port}/v1/events", timeout=5, stream=True) as answer:
                wires.add(answer.raw.connection.sock.getsockname())
                answer.content  # noqa: B018 - read, so that the connection is free again
    assert len(wires) == 1


def test_who_does_not_take_the_answer_is_cut(port: int) -> None:
    with socket.socket() as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        lazy.settimeout(20)
        lazy.connect(("127.0.0.1", port))
        asked = 0
        with contextlib.suppress(OSError):
            while asked < 400:
                lazy.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: node\r\n\r\n")
                asked += 1
                lazy.settimeout(1)
        assert served(port)
        lazy.settimeout(20)
        assert all_that_comes(lazy).count(b"HTTP/1.1 200") < 400
    assert served(port)


@pytest.mark.parametrize(
    ("first", "told"),
    [
        pytest.param((b"", HEAD), b"", id="head"),
        pytest.param((BODY,), b"HTTP/1.1 408 ", id="body", marks=pytest.mark.soak),
    ],
)
def test_the_real_server_cuts_a_slow_crowd_and_serves_the_others_meanwhile(
    tmp_path: Path, first: tuple[bytes, ...], told: bytes
) -> None:
    """With its own patience: 10 s for a head, 20 s for a body."""
    with open_home(tmp_path) as node:
        stage(node, 1)
    with process(tmp_path) as (_, port), contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(connect(port)) for _ in range(200)]
        for number, wire in enumerate(crowd):
            wire.settimeout(40)
            wire.sendall(first[number % len(first)])
        for wire in crowd:
            assert served(port)
            got = all_that_comes(wire)
            assert got.startswith(told)
            assert bool(got) == bool(told)


def test_bodies_that_do_not_end_make_room_for_others(port: int) -> None:
    """Attack: every connection is in the middle of a body, so that none counts as one that may be cut."""
    with contextlib.ExitStack() as stack:
        for _ in range(3 * (SHORT.most_connections or 0)):
            wire = stack.enter_context(connect(port))
            with contextlib.suppress(OSError):
                wire.sendall(BODY + b"{")
        assert served(port)
