"""Threads for what makes a person wait for others (the provider, the disk), apart from those that serve gates; bounded,
so that a rush is told to come back instead of waiting without end.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from ledger_node.services.errors import ServiceError

_T = TypeVar("_T")
HANDS = 24
MOST_WAITING = 2_000


class Hands:
    """One event loop."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(HANDS, "market")
        self._busy = 0

    async def do(self, work: Callable[[], _T]) -> _T:
        """What `work` gives, done on a thread. Raises ServiceError "busy", and what `work` raises."""
        if self._busy >= MOST_WAITING:
            raise ServiceError("busy", "too many people at once: try again in a moment", 503)
        self._busy += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._busy -= 1

    def close(self) -> None:
        """Finish what is under way."""
        self._pool.shutdown()


class Lane:
    """Work that costs much, so many at a time; a bounded number is let in, and so many of one network. One loop."""

    def __init__(self, at_a_time: int, most: int, most_of_one: int) -> None:
        self._turns = asyncio.Semaphore(at_a_time)
        self._most, self._most_of_one = most, most_of_one
        self._inside: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, who: str) -> AsyncIterator[None]:
        """One's turn, for a request from `who`. Raises ServiceError "busy"."""
        if self._inside.total() >= self._most or self._inside[who] >= self._most_of_one:
            raise ServiceError("busy", "too many people at once: try again in a moment", 503)
        self._inside[who] += 1
        try:
            async with self._turns:
                yield
        finally:
            self._inside[who] -= 1
            if not self._inside[who]:
                del self._inside[who]
