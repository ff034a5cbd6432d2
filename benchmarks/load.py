"""A crowd of HTTP clients in one thread: raw keep-alive connections that send requests made beforehand.

The client is not what is measured, so it does as little as it can: it signs nothing and checks nothing while the clock
runs. Whoever asks for the load gets every answer and has to look whether it was a good one.
"""

import selectors
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

_CHUNK = 1 << 18
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as it came: status line and headers, and the body."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Run:
    """What became of a list of requests: seconds for all, seconds of each, and the answers in the order of requests."""

    seconds: float
    each: list[float]
    answers: list[Answered]


def request(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """The bytes of one request (RFC 9112)."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def drive(port: int, requests: Sequence[bytes], clients: int) -> Run:
    """Send all of them over `clients` connections, each of which sends the next as soon as it has its answer."""
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        lines = [_Line(stack.enter_context(socket.create_connection(("127.0.0.1", port)))) for _ in range(clients)]
        for line in lines:
            selector.register(line.socket, selectors.EVENT_READ, line)
        crowd = _Crowd(requests)
        began = time.perf_counter()
        for line in lines:
            crowd.next(line)
        while crowd.waiting:
            ready = selector.select(_PATIENCE)
            assert ready, "the server does not answer"
            for key, _ in ready:
                if key.data.read():
                    crowd.done(key.data)
                    crowd.next(key.data)
        return Run(time.perf_counter() - began, crowd.taken, [_parsed(raw) for raw in crowd.raws])


@dataclass
class _Line:
    """One connection; `number` is the request whose answer it waits for."""

    socket: socket.socket
    number: int = -1
    sent: float = 0.0
    raw: bytearray = field(default_factory=bytearray)

    def read(self) -> bool:
        """Take what has come; whether the answer is whole."""
        data = self.socket.recv(_CHUNK)
        assert data, "the server hung up"
        self.raw += data
        head = self.raw.find(b"\r\n\r\n")
        return head >= 0 and len(self.raw) >= head + 4 + _length(bytes(self.raw[:head]))


class _Crowd:
    """The requests still to send, and what came back."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self._left: Iterator[tuple[int, bytes]] = iter(enumerate(requests))
        self.waiting = 0
        self.taken = [0.0] * len(requests)
        self.raws = [b""] * len(requests)

    def next(self, line: _Line) -> None:
        """Have this line send the next request, if there is one."""
        number, raw = next(self._left, (-1, b""))
        if number < 0:
            return
        line.number, line.raw, line.sent = number, bytearray(), time.perf_counter()
        line.socket.sendall(raw)
        self.waiting += 1

    def done(self, line: _Line) -> None:
        """Keep its answer."""
        self.taken[line.number] = time.perf_counter() - line.sent
        self.raws[line.number] = bytes(line.raw)
        self.waiting -= 1


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise AssertionError("an answer without a length")


def _parsed(raw: bytes) -> Answered:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return Answered(int(first.split()[1]), headers, body)
