"""The public front: what stands at the public port, and asks the ledger's process for what it cannot answer itself.

It keeps what never changes, asks once for all who wait for the same public thing, lets a few requests through at a
time, and says "busy" to those beyond a bounded queue. Bodies are read here to their end, and answers taken from the
ledger's process before a slow reader has them, so that no client holds that process up. It knows no secret and decides
nothing: who may do what is decided behind it.
"""

import asyncio
from contextlib import suppress

from starlette.types import Receive, Scope, Send

from ledger_node.services.errors import ServiceError
from ledger_node.web.bodies import Bodies
from ledger_node.web.busy_log import BusyLog
from ledger_node.web.front_kinds import Kind, Kinds
from ledger_node.web.places import Places
from ledger_node.web.reply import problem
from ledger_node.web.shelf import Answer, Shelf
from ledger_node.web.upstream import CLIENT, Head, Line, Question, Upstream, going_on

READS_AT_ONCE, ACTS_AT_ONCE, DEVICES_AT_ONCE = 16, 256, 128
"""Requests at the ledger's process. Acts may wait there for a provider, and gates that still use the public port for
the log to grow: reading is not to wait for them.
"""
MOST_WAITING, PATIENCE = 1_000, 10.0
"""Requests of each of the three that wait to be let through; seconds that one waits."""
MOST_BODY, MOST_OF_DEVICE = 2 << 20, 8 << 20
"""Bytes. Each handler has a bound of its own; the largest are the ticketing system's and a gate's upload."""
MOST_HELD = 64 << 20
"""Bytes of all bodies that are held here at a time."""
_SHELF = 64 << 20
_WHOLE = 1 << 20
"""Bytes of an answer that is taken whole; larger ones go through piece by piece."""
_PIECE = 1 << 16
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_OURS = frozenset({b"content-length", b"expect", CLIENT})
_CUT = frozenset({408, 413})


class Front:
    """ASGI. One event loop."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._kinds = Kinds()
        self._shelf = Shelf(_SHELF)
        self._reads, self._acts, self._devices = (
            Places(at_once, MOST_WAITING, PATIENCE) for at_once in (READS_AT_ONCE, ACTS_AT_ONCE, DEVICES_AT_ONCE)
        )
        self._coming: dict[bytes, asyncio.Task[Answer]] = {}
        self._bodies = Bodies(MOST_HELD)
        self._log = BusyLog()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        try:
            kind = self._kinds.of(scope["method"], scope["path"])
            if kind in {Kind.FILE, Kind.SHARED}:
                await _send(await self._common(kind, scope), send)
            else:
                await self._own(kind, scope, receive, send)
        except ServiceError as error:
            self._log.refused(error, asyncio.get_running_loop().time())
            await _send(_refusal(error), send)

    async def _common(self, kind: Kind, scope: Scope) -> Answer:
        """The same for everybody: nothing of the request goes on but its target. A file has no query."""
        query = scope["query_string"] if kind is Kind.SHARED else b""
        target = scope["raw_path"] + (b"?" + query if query else b"")
        kept = self._shelf.find(target)
        if kept is not None:
            return kept
        if target not in self._coming:
            task = asyncio.create_task(self._ask_for_all(Question(b"GET", target, _told(scope, []))))
            task.add_done_callback(_seen)
            self._coming[target] = task
        answer = await asyncio.shield(self._coming[target])
        if answer.immutable or (kind is Kind.FILE and answer.status == 200):
            self._shelf.keep(target, answer)
        return answer

    async def _ask_for_all(self, question: Question) -> Answer:
        try:
            async with self._reads.place():
                # Who comes from now on waits for the next answer: they may know of something that is not in this one.
                del self._coming[question.target]
                line, head = await self._ask(question)
                return await self._taken(question, line, head)
        finally:
            if self._coming.get(question.target) is asyncio.current_task():
                del self._coming[question.target]

    async def _own(self, kind: Kind, scope: Scope, receive: Receive, send: Send) -> None:
        """One caller's own question."""
        reads = scope["method"] in _WITHOUT_BODY
        most = 0 if reads else MOST_OF_DEVICE if kind is Kind.DEVICE else MOST_BODY
        async with self._bodies.read(scope, receive, most) as body:
            question = _question(scope, body)
            async with self._places(kind, reads=reads).place() as place:
                line, head = await self._ask(question)
                if question.method == b"HEAD" or (head.length is not None and head.length <= _WHOLE):
                    answer = await self._taken(question, line, head)
                    place.leave()
                    await _send(answer, send)
                    return
        await _stream(line, head, receive, send)

    def _places(self, kind: Kind, *, reads: bool) -> Places:
        if kind is Kind.DEVICE:
            return self._devices
        return self._reads if reads else self._acts

    async def _ask(self, question: Question) -> tuple[Line, Head]:
        line = await self._upstream.line()
        try:
            return line, await line.ask(question)
        except BaseException:
            line.close()
            raise

    async def _taken(self, question: Question, line: Line, head: Head) -> Answer:
        """The answer whole, and the line free for the next."""
        try:
            body = b"".join([piece async for piece in line.pieces()])
        except BaseException:
            line.close()
            raise
        self._upstream.keep(line)
        headers = head.headers
        if head.length is None and question.method != b"HEAD" and head.status not in {204, 304}:
            headers = [*headers, (b"content-length", b"%d" % len(body))]
        return Answer(head.status, headers, body)


def _question(scope: Scope, body: bytes) -> Question:
    query = scope["query_string"]
    target = scope["raw_path"] + (b"?" + query if query else b"")
    headers = [(name, value) for name, value in going_on(scope["headers"]) if name not in _OURS]
    if scope["method"] not in _WITHOUT_BODY:
        headers.append((b"content-length", b"%d" % len(body)))
    return Question(scope["method"].encode(), target, _told(scope, headers), body)


def _told(scope: Scope, headers: list[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    """With who asks, for the limits of an address."""
    if not any(name == b"host" for name, _ in headers):
        headers = [(b"host", b"ledger"), *headers]
    client = scope["client"]
    return (*headers, (CLIENT, f"{client[0]} {client[1]}".encode())) if client else tuple(headers)


async def _send(answer: Answer, send: Send) -> None:
    """Piece by piece, so that what a slow reader has not taken is not copied for each."""
    # A client that has hung up is told so by the event loop as a fault of ours.
    with suppress(RuntimeError):
        await _pieces(answer, send)


async def _pieces(answer: Answer, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    for at in range(0, len(answer.body), _PIECE):
        more = at + _PIECE < len(answer.body)
        await send({"type": "http.response.body", "body": answer.body[at : at + _PIECE], "more_body": more})
    if not answer.body:
        await send({"type": "http.response.body", "body": b""})


async def _stream(line: Line, head: Head, receive: Receive, send: Send) -> None:
    """What is long, or has no end yet: until it ends, or either side goes."""
    gone = asyncio.ensure_future(_gone(receive))
    gone.add_done_callback(lambda _: line.close())
    whole = False
    try:
        await send({"type": "http.response.start", "status": head.status, "headers": head.headers})
        with suppress(ServiceError):
            async for piece in line.pieces():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            whole = True
        if whole or head.length is None:
            await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        line.close()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _refusal(error: ServiceError) -> Answer:
    made = problem(error)
    told = {
        "content-type": made.content_type,
        "content-length": str(len(made.body)),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        **({"connection": "close"} if error.status in _CUT else {}),
        **{name.lower(): value for name, value in made.headers.items()},
    }
    return Answer(made.status, [(name.encode(), value.encode()) for name, value in told.items()], made.body)


def _seen(task: "asyncio.Task[Answer]") -> None:
    """All who waited may have gone."""
    if not task.cancelled():
        task.exception()
