"""The public front's way to the ledger's process: HTTP/1.1 over the unix socket in the home folder, kept alive.

What is sent and what comes is HTTP by h11; here are connections, and what it means when one is not there. One event
loop.
"""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import h11

from ledger_node.home_folder import PUBLIC_SOCKET_FILE
from ledger_node.services.errors import ServiceError

CLIENT = b"x-ticketme-client"
"""The header in which the front says who asks: address, blank, port. It lets no other pass."""
Headers = list[tuple[bytes, bytes]]
_PIECE = 1 << 16
_KEPT = 32
_FRESH = 30.0
"""Seconds for which a connection that rests is used again: less than the ledger's process waits (`patience`)."""
_HEAD = 45.0
"""Seconds until an answer must begin: a gate's question may wait for 30."""
_HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)


@dataclass(frozen=True, slots=True)
class Question:
    """A whole request, with the headers that go on."""

    method: bytes
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Head:
    """How an answer begins. `length` is its body's in bytes, None for one that ends when it ends."""

    status: int
    headers: Headers
    length: int | None


class Line:
    """One connection to the ledger's process, for one request after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._http = h11.Connection(h11.CLIENT)
        self._rested = 0.0

    async def ask(self, question: Question) -> Head:
        """Send it; how the answer begins. Raises ServiceError "ledger-away", "ledger-slow" (503), "not-http" (400)."""
        try:
            asked = h11.Request(method=question.method, target=question.target, headers=list(question.headers))
            sent = self._http.send(asked) or b""
        except h11.LocalProtocolError as error:
            raise ServiceError("not-http", f"the request cannot be handed on ({error})", 400) from error
        if question.body:
            sent += self._http.send(h11.Data(data=question.body)) or b""
        sent += self._http.send(h11.EndOfMessage()) or b""
        try:
            async with asyncio.timeout(_HEAD):
                self._writer.write(sent)
                await self._writer.drain()
                while not isinstance(event := await self._event(), h11.Response):
                    pass
        except TimeoutError:
            raise ServiceError("ledger-slow", "the ledger's process does not answer: ask again later", 503) from None
        except OSError as error:
            raise _away() from error
        return _head(event)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The answer's body as it comes. Raises ServiceError "ledger-away" if it breaks off."""
        try:
            while isinstance(event := await self._event(), h11.Data):
                yield bytes(event.data)
        except OSError as error:
            raise _away() from error

    def rest(self, now: float) -> bool:
        """The answer has been read; whether another request can follow."""
        self._rested = now
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            return True
        return False

    def fresh(self, now: float) -> bool:
        """Whether it can still be used."""
        return now - self._rested < _FRESH and not (self._reader.at_eof() or self._writer.is_closing())

    def close(self) -> None:
        """Hang up, whatever is under way."""
        with suppress(OSError):
            self._writer.transport.abort()

    async def _event(self) -> object:
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                raise _away() from error
            if event is not h11.NEED_DATA:
                return event
            self._http.receive_data(await self._reader.read(_PIECE))


class Upstream:
    """Lines to the node in `home`. Close it at the end."""

    def __init__(self, home: Path) -> None:
        # By the folder's descriptor: the path of a unix socket has only 107 bytes.
        self._folder = os.open(home, os.O_RDONLY)
        self._idle: deque[Line] = deque()

    async def line(self) -> Line:
        """One for this request alone. Raises ServiceError "ledger-away" (503)."""
        now = asyncio.get_running_loop().time()
        while self._idle:
            line = self._idle.pop()
            if line.fresh(now):
                return line
            line.close()
        try:
            path = f"/proc/self/fd/{self._folder}/{PUBLIC_SOCKET_FILE}"
            return Line(*await asyncio.open_unix_connection(path, limit=_PIECE))
        except OSError as error:
            raise _away() from error

    def keep(self, line: Line) -> None:
        """For the next one, now that its answer has been read."""
        if line.rest(asyncio.get_running_loop().time()) and len(self._idle) < _KEPT:
            self._idle.append(line)
        else:
            line.close()

    def close(self) -> None:
        """Hang up all that rest."""
        while self._idle:
            self._idle.pop().close()
        os.close(self._folder)


def going_on(headers: Headers) -> Headers:
    """Those that are not about one connection only (RFC 9110, 7.6.1)."""
    return [(name, value) for name, value in headers if name not in _HOP_BY_HOP]


def _head(answer: h11.Response) -> Head:
    headers = [(bytes(name), bytes(value)) for name, value in answer.headers]
    lengths = [int(value) for name, value in headers if name == b"content-length"]
    # The server in front says its own time.
    kept = [(name, value) for name, value in going_on(headers) if name != b"date"]
    return Head(answer.status_code, kept, lengths[0] if lengths else None)


def _away() -> ServiceError:
    return ServiceError("ledger-away", "the ledger's process is not there: ask again in a moment", 503)
