"""Threads for what makes a person wait for others (the provider, the disk), apart from those that serve gates; bounded,
so that a rush is told to come back instead of waiting without end.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
