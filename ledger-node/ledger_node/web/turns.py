"""Requests of the public begin when their share of the process (`share`) allows it, in the order in which they came.

A turn is over when the answer begins; when what runs only waits for others (`give_back`); and at the latest after a
time: an act that takes long mostly waits as well, for a provider.
"""

import asyncio
from collections import deque
from contextvars import ContextVar
from math import inf

from ledger_node.web.share import Share

LONGEST_ACT, LONGEST_READ = 0.05, 2.0
"""Seconds after which the next may begin, whatever this one does."""


class Turn:
    """One request's. It may be ended more than once."""

    def __init__(self, turns: "Turns", longest: float) -> None:
        self._turns = turns
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._late = self._loop.call_later(longest, self.end)
        self._over = False

    def end(self) -> None:
        """The next may begin, once the public has rested."""
        if not self._over:
            self._over = True
            self._late.cancel()
            self._turns.ended(self._began)


class Turns:
    """Everybody's. One event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._share = Share()
        self._waiting: deque[tuple[asyncio.Future[Turn], float]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def claimed(self) -> None:
        """A gate is here, which comes first."""
        self._share.claimed(self._loop.time())

    async def begin(self, longest: float) -> Turn:
        """Wait for one's turn, of at most so many seconds."""
        mine: asyncio.Future[Turn] = self._loop.create_future()
        self._waiting.append((mine, longest))
        self._next()
        return await mine

    def ended(self, began: float) -> None:
        """One that began then is over."""
        self._share.end(began, self._loop.time())
        self._next()

    def _next(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            wait = self._share.wait(self._loop.time())
            if wait:
                if wait < inf:
                    self._timer = self._loop.call_later(wait, self._next)
                return
            first, longest = self._waiting.popleft()
            if not first.done():
                self._share.begin()
                first.set_result(Turn(self, longest))


MINE: ContextVar[Turn | None] = ContextVar("turn", default=None)
"""The turn of the request that is being answered, if it is one of the public."""


def give_back() -> None:
    """What follows waits for others and takes no time of this process: the next request of the public may begin."""
    turn = MINE.get()
    if turn is not None:
        turn.end()
