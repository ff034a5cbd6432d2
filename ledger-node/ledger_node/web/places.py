"""So many at once, and the others wait: a bounded number of them, for a bounded time. One event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ledger_node.services.errors import ServiceError


class Place:
    """One of them. It may be left more than once."""

    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free: asyncio.Semaphore | None = free

    def leave(self) -> None:
        """The next one's."""
        free, self._free = self._free, None
        if free is not None:
            free.release()


class Places:
    """`at_once` of them; `most_waiting` wait, at most `patience` seconds."""

    def __init__(self, at_once: int, most_waiting: int, patience: float) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._most, self._patience = most_waiting, patience
        self._waiting = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Place]:
        """One's own, until the block ends or it is left. Raises ServiceError "busy" (503)."""
        if self._waiting >= self._most:
            raise _busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError:
            raise _busy() from None
        finally:
            self._waiting -= 1
        place = Place(self._free)
        try:
            yield place
        finally:
            place.leave()


def _busy() -> ServiceError:
    return ServiceError("busy", "too many people at once: try again in a moment", 503)
