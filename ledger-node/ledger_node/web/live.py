"""Tells open wallet pages that a ticket of theirs has changed: one quiet stream of server-sent events for each.

A phone in a queue that asks every few seconds is a request every few seconds, and there are thousands of them; one that
listens costs a connection and a line now and then. One task reads what has changed for them all. A stream says which
ticket and nothing about it: the page then asks as it always does.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ledger_node.log.ledger import LedgerFault
from ledger_node.services.changes import PAGE
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.web.authorisation_matrix import LIVE
from ledger_node.web.feed import Feed
from ledger_node.web.patience import most_connections
from ledger_node.web.routes import add_route

MOST_TICKETS = 20
LONGEST = 3_600
GATHER = 0.25
"""Seconds between two looks at the log: a busy door makes one look of many entries."""
_PULSE = 25.0
"""Seconds after which a silent stream says that it is there, so that proxies keep it and dead phones are noticed."""
_TICKETS = re.compile(r"(0|[1-9][0-9]{0,9})(,(0|[1-9][0-9]{0,9}))*")
_QUERY = {
    "tickets": f"indexes of the tickets, with commas between them, at most {MOST_TICKETS}",
    "wait": f"seconds after which the stream ends, at most {LONGEST}",
}
_HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
Place = tuple[str, int]


class Live:
    """Who listens to which tickets. One event loop."""

    def __init__(self, node: Node, feed: Feed, most: int | None = None) -> None:
        self._node = node
        self._feed = feed
        # The rest is for gates, and for pages that ask.
        self._most = most_connections() * 3 // 4 if most is None else most
        self._watches: defaultdict[Place, set[Watch]] = defaultdict(set)
        self._open = 0
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return self._open

    async def watch(self, event: str, tickets: list[int], wait: float) -> "Watch":
        """A stream to be sent. Raises ServiceError "unknown-event", or "busy" when there are enough."""
        await asyncio.to_thread(self._known, event)
        if self._open >= self._most:
            raise ServiceError("busy", "as many pages listen as this node can serve: ask now and then", 503)
        return Watch(self, [(event, ticket) for ticket in tickets], wait)

    def begin(self, watch: "Watch") -> None:
        """From here on it hears of changes."""
        self._open += 1
        for place in watch.places:
            self._watches[place].add(watch)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._read(self._node.ledger.size))

    def end(self, watch: "Watch") -> None:
        """It is gone."""
        self._open -= 1
        for place in watch.places:
            self._watches[place].discard(watch)
            if not self._watches[place]:
                del self._watches[place]

    @property
    def closing(self) -> bool:
        """Whether the node is stopping."""
        return self._feed.closed

    def _known(self, event: str) -> None:
        with self._node.view() as view:
            self._node.event(view, event)

    async def _read(self, size: int) -> None:
        """What has changed, for as long as anybody listens."""
        loop = asyncio.get_running_loop()
        while self._open and not self._feed.closed:
            if not await self._feed.beyond(size, loop.time() + _PULSE):
                continue
            events = {event for event, _ in self._watches}
            try:
                size, changed = await asyncio.to_thread(self._changed, events, size)
            except (ServiceError, LedgerFault):
                # Pages ask by themselves, too; the next look begins where this one did.
                await asyncio.sleep(_PULSE)
                continue
            for place in changed & self._watches.keys():
                for watch in self._watches[place]:
                    watch.tell(place[1])
            await asyncio.sleep(GATHER)
        for watch in {one for watches in self._watches.values() for one in watches}:
            watch.wake()

    def _changed(self, events: set[str], start: int) -> tuple[int, set[Place]]:
        found: set[Place] = set()
        with self._node.view() as view:
            for event in events:
                at = start
                while at < view.size:
                    page = view.changed_since(event, at, PAGE)
                    found.update((event, ticket.row.ticket) for ticket in page.tickets)
                    at = page.size
            return view.size, found


class Watch(Response):
    """One stream: the tickets that have changed since it was last written to."""

    def __init__(self, live: Live, places: list[Place], wait: float) -> None:
        super().__init__(None, 200, _HEADERS)
        self.places = places
        self._live = live
        self._wait = wait
        self._news: set[int] = set()
        self._awake = asyncio.Event()

    def tell(self, ticket: int) -> None:
        """This ticket is another now."""
        self._news.add(ticket)
        self._awake.set()

    def wake(self) -> None:
        """Look whether there is anything to do."""
        self._awake.set()

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, until the reader is gone or its time is over."""
        head = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        await send({"type": "http.response.start", "status": self.status_code, "headers": head})
        gone = asyncio.ensure_future(_gone(receive))
        gone.add_done_callback(lambda _: self.wake())
        self._live.begin(self)
        try:
            await self._write(send, gone)
        finally:
            self._live.end(self)
            gone.cancel()

    async def _write(self, send: Send, gone: "asyncio.Future[None]") -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._wait
        # Readers come back after a time of their own, so that a node that was restarted is not stormed.
        await _say(send, f"retry: {2_000 + id(self) // 64 % 4_000}\n\n")
        while not gone.done() and not self._live.closing and loop.time() < until:
            try:
                async with asyncio.timeout_at(min(until, loop.time() + _PULSE)):
                    await self._awake.wait()
            except TimeoutError:
                await _say(send, ":\n\n")
                continue
            self._awake.clear()
            news, self._news = self._news, set()
            if news:
                await _say(send, "".join(f"event: ticket\ndata: {ticket}\n\n" for ticket in sorted(news)))
        await _say(send, "", more=False)


def add_live(app: FastAPI, live: Live) -> None:
    """/v1/events/{event}/live"""

    async def listen(request: Request) -> Response:
        """Server-sent events for open wallet pages: `event: ticket` with the index of each ticket that has changed."""
        tickets, wait = _asked(request.query_params)
        return await live.watch(str(request.path_params["event"]), tickets, wait)

    add_route(app, "GET", LIVE, listen, listen.__doc__, "wallet", query=_QUERY)


def _asked(query: Mapping[str, str]) -> tuple[list[int], float]:
    said, wait = query.get("tickets", ""), query.get("wait", str(LONGEST))
    tickets = sorted({int(one) for one in said.split(",")}) if _TICKETS.fullmatch(said) else []
    if not 0 < len(tickets) <= MOST_TICKETS:
        raise ServiceError("bad-tickets", f"tickets has 1 to {MOST_TICKETS} indexes, with commas between them", 400)
    if not (wait.isascii() and wait.isdecimal() and len(wait) < 5):
        raise ServiceError("bad-wait", "wait is a number of seconds", 400)
    return tickets, min(int(wait), LONGEST)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _say(send: Send, text: str, *, more: bool = True) -> None:
    message: dict[str, Any] = {"type": "http.response.body", "body": text.encode(), "more_body": more}
    await send(message)
