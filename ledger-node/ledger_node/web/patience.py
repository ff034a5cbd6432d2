"""How long a connection may keep the server waiting before it is cut, so that slow clients (slowloris) cost nothing.

The HTTP server itself waits for ever: for the end of a request's head, for a body that nobody reads any more, for
somebody to take an answer. Here each of these has its time, a head has its most bytes, and when the server has as many
connections as it may have, the one that has sent nothing whole for longest makes room. How long a body may take that
somebody reads is for `body`; what a request means is for nobody here.
"""

import logging
import resource
from asyncio import TimerHandle, Transport
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ledger_node.services.errors import ServiceError
from ledger_node.web.not_http import NotHttp
from ledger_node.web.reply import problem

_LEAST, _MOST = 64, 20_000
_FAULTS = logging.getLogger("uvicorn.error.faults")
_FAULTS.setLevel(logging.ERROR)
"""For the HTTP library: its warnings are about what strangers send, and name no way; we say what it is (`not_http`)."""
_SPARE_FILES = 512
"""Open files that are no connections: databases, tiles, witnesses, the provider."""


def most_connections() -> int:
    """As many as the process may have files open (RLIMIT_NOFILE), less its own; and not more than memory is worth."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if soft == resource.RLIM_INFINITY else min(_MOST, max(_LEAST, soft - _SPARE_FILES))


def for_gates() -> "Patience":
    """At a port that only gates use: pages that listen have the other connections (`live`)."""
    return Patience(most_connections=max(_LEAST, most_connections() // 4))


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: `head` until a request's head is whole, from the connection's beginning or from its own first byte;
    `idle` between two requests; `leftover` for what is left of a body after its answer; `reader` for taking 48 KiB.
    """

    head: float = 10.0
    idle: float = 75.0
    leftover: float = 5.0
    reader: float = 30.0
    most_head: int = 32_768
    most_connections: int = field(default_factory=most_connections)


class _RefusedError(Exception):
    """The parser is to stop: what follows this head is not to be read."""


def _fault_of_head(version: str, headers: list[tuple[bytes, bytes]]) -> str:
    """Why a proxy and this server may understand two things by a head (RFC 9112, 2.3 and 3.2); "" if they do not."""
    if version not in {"1.0", "1.1"}:
        return "ask in HTTP/1.1"
    hosts = sum(name == b"host" for name, _ in headers)
    if hosts != 1 and (hosts or version == "1.1"):
        return f"a request names one Host, and this one {hosts or 'none'}"
    return ""


def patient(patience: Patience) -> type[HttpToolsProtocol]:
    """A server's protocol with these limits; connections of one server know of each other."""

    class Bound(_PatientProtocol):
        limits = patience
        heads: ClassVar[dict["_PatientProtocol", None]] = {}
        bodies: ClassVar[dict["_PatientProtocol", None]] = {}
        idlers: ClassVar[dict["_PatientProtocol", None]] = {}
        not_http = NotHttp()

    return Bound


class _PatientProtocol(HttpToolsProtocol):
    """One connection. `heads`, `bodies` and `idlers` have those that may be cut for others, longest waiting first:
    in the middle of a head, in the middle of a body, between two requests.
    """

    limits: ClassVar[Patience]
    heads: ClassVar[dict["_PatientProtocol", None]]
    bodies: ClassVar[dict["_PatientProtocol", None]]
    idlers: ClassVar[dict["_PatientProtocol", None]]
    not_http: ClassVar[NotHttp]

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.logger = _FAULTS
        self._newest = b""
        self._timer: TimerHandle | None = None
        self._unread: TimerHandle | None = None
        self._head_bytes = 0
        self._trailer_bytes = 0
        self._silent_bytes = 0
        self._whole = True

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Somebody connected, and is to ask soon."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.most_connections:
            self._make_room()
        self._begin_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._rest()
        self.bodies.pop(self, None)
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request."""
        if self.transport.is_closing():
            return
        if self in self.idlers:
            self._begin_head()
        self._newest = data[:2]
        if not self._whole:
            self._silent_bytes += len(data)
        super().data_received(data)
        if not self._whole and self._silent_bytes > self.limits.most_head and not self.transport.is_closing():
            self._refuse_trailers()
        if self in self.heads:
            self._head_bytes += len(data)
            if self._head_bytes > self.limits.most_head:
                most = self.limits.most_head
                self._refuse(ServiceError("head-too-large", f"the request's head has more than {most} bytes", 431))

    def send_400_response(self, _msg: str) -> None:
        """What came is no HTTP; the library's own words would say no more."""
        if self.transport.is_closing():
            return
        address = self.client[0] if self.client else "this machine"
        self._refuse(ServiceError("not-http", self.not_http.came(self._newest, address, self.loop.time), 400))

    def on_message_begin(self) -> None:
        """The first byte of a request, maybe while another one is answered."""
        super().on_message_begin()
        if self not in self.heads:
            self._begin_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A line of the head; or a trailer behind a body in chunks, which is no header and is not kept."""
        if self._whole:
            super().on_header(name, value)
            return
        self._trailer_bytes += len(name) + len(value)
        if self._trailer_bytes > self.limits.most_head:
            self._refuse_trailers()
            raise _RefusedError

    def on_body(self, body: bytes) -> None:
        """A piece of the body; who reads it bounds it."""
        self._silent_bytes = 0
        super().on_body(body)

    def on_headers_complete(self) -> None:
        """The head is whole; whoever handles it reads the body."""
        self._rest()
        self._whole = False
        self._trailer_bytes = self._silent_bytes = 0
        self.bodies[self] = None
        if fault := _fault_of_head(self.parser.get_http_version(), self.headers):
            self._refuse(ServiceError("bad-head", fault, 400))
            raise _RefusedError(fault)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole."""
        super().on_message_complete()
        self._whole = True
        self.bodies.pop(self, None)
        if self.cycle.response_complete:
            self._begin_idling()

    def on_response_complete(self) -> None:
        """An answer is out; the next request, or the rest of this one, is to come."""
        super().on_response_complete()
        if self.cycle.response_complete and not self.transport.is_closing() and self not in self.heads:
            if self._whole:
                self._begin_idling()
            else:
                self._wait(self.limits.leftover)

    def pause_writing(self) -> None:
        """The client is behind with its answer."""
        super().pause_writing()
        self._unread = self.loop.call_later(self.limits.reader, self.transport.abort)

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()

    def _begin_head(self) -> None:
        self._wait(self.limits.head)
        self._head_bytes = 0
        self.heads[self] = None

    def _begin_idling(self) -> None:
        self._wait(self.limits.idle)
        self.idlers[self] = None

    def _wait(self, seconds: float) -> None:
        self._rest()
        self._timer = self.loop.call_later(seconds, self._late, seconds)

    def _rest(self) -> None:
        """Nothing is waited for."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.heads.pop(self, None)
        self.idlers.pop(self, None)

    def _late(self, seconds: float) -> None:
        if self.flow.read_paused:
            # It was told to wait, so it is not late.
            self._timer = self.loop.call_later(seconds, self._late, seconds)
        else:
            self._cut()

    def _make_room(self) -> None:
        waiting = next((one for some in (self.heads, self.bodies, self.idlers) for one in some), self)
        waiting._cut()  # noqa: SLF001 - another connection of the same server

    def _cut(self) -> None:
        """Hang up; without waiting for somebody who takes no answer either."""
        self._rest()
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    def _refuse_trailers(self) -> None:
        """What is neither head nor body has no end."""
        most = self.limits.most_head
        self._refuse(ServiceError("head-too-large", f"there are more than {most} bytes around the request's body", 431))

    def _refuse(self, error: ServiceError) -> None:
        """Say why there is no other answer, and hang up."""
        self._rest()
        answer = problem(error)
        head = f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\nContent-Type: {answer.content_type}\r\n"
        head += f"Content-Length: {len(answer.body)}\r\nConnection: close\r\n\r\n"
        self.transport.write(head.encode() + answer.body)
        self.transport.close()
