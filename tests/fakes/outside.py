"""A real HTTP server on 127.0.0.1 that plays an outside organisation, and what can go wrong with one.

A fault is a function of the exchange and says itself what goes over the wire. What was asked stays in `asked`.
"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.fakes.certificate import Certificate


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Exchange:
    """One request, the raw line to its sender, and `wait` for somebody who does not answer: until the server closes."""

    asked: Asked
    send: Callable[[bytes], Any]
    wait: Callable[[float], bool]


Reply = tuple[int, Mapping[str, str], bytes]
Fault = Callable[[Exchange], None]


class Outside:
    """Use as a context manager. `answer` is what it does when nothing goes wrong; `faults` are for the next requests.

    With `repeats` 2 each answer goes over the line twice.
    """

    def __init__(self, answer: Callable[[Asked], Reply], certificate: Certificate | None = None) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self.faults: deque[Fault | None] = deque()
        self.connections = 0
        self.repeats = 1
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        if certificate:
            self._server.socket = certificate.server_side().wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        scheme, host = ("https", "localhost") if certificate else ("http", "127.0.0.1")
        self.url = f"{scheme}://{host}:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outside = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            timeout = 5

            def setup(self) -> None:
                super().setup()
                outside.connections += 1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                outside._serve(self, Asked(self.command, self.path, dict(self.headers.items()), body))

            do_GET = do_POST  # noqa: N815 - the library's name

            def finish(self) -> None:
                with contextlib.suppress(OSError):
                    super().finish()

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def _serve(self, handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        self.asked.append(asked)
        fault = self.faults.popleft() if self.faults else None
        if fault:
            handler.close_connection = True
            with contextlib.suppress(OSError):
                fault(Exchange(asked, handler.wfile.write, self._closing.wait))
            return
        status, headers, body = self.answer(asked)
        handler.wfile.write(raw(status, headers, body) * self.repeats)


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 50

    def handle_error(self, *_: object) -> None:
        """A client that hangs up in the middle is nothing to report."""


def raw(status: int, headers: Mapping[str, str], body: bytes, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def cut_off(_: Exchange) -> None:
    """No answer at all."""


def silent(exchange: Exchange) -> None:
    exchange.wait(30)


def half(exchange: Exchange) -> None:
    exchange.send(raw(200, {"Content-Type": "application/json"}, b'{"sta', 400))


def garbage(exchange: Exchange) -> None:
    exchange.send(b"\x00\xff\x16\x03 canary-in-garbage\r\n\r\n" * 20)


def oversize(exchange: Exchange) -> None:
    exchange.send(raw(200, {"Content-Type": "application/json"}, b"[" + b"0," * 400_000 + b"0]"))


def endless_header(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000)


def maintenance_page(exchange: Exchange) -> None:
    page = b"<html><body><h1>Under maintenance</h1>canary-in-page</body></html>"
    exchange.send(raw(200, {"Content-Type": "text/html"}, page))


def bad_gateway(exchange: Exchange) -> None:
    exchange.send(raw(502, {"Content-Type": "text/html"}, b"<html>502 canary-in-page</html>"))


def redirect(exchange: Exchange) -> None:
    exchange.send(raw(302, {"Location": "http://127.0.0.1:1/elsewhere"}, b""))


def compressed(exchange: Exchange) -> None:
    exchange.send(raw(200, {"Content-Encoding": "gzip"}, b"\x1f\x8b"))


def drip(exchange: Exchange) -> None:
    """A byte now and then, in the head and the body, so that no single silence is long."""
    for byte in raw(200, {}, b"x" * 2_000):
        if exchange.wait(0.03):
            return
        exchange.send(bytes([byte]))


NO_GOOD_ANSWER: tuple[Fault, ...] = (
    cut_off, silent, half, garbage, oversize, endless_header, compressed, drip,
)  # fmt: skip
"""After each of these nobody can say whether the request was carried out."""
