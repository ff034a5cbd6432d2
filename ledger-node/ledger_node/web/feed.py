"""Lets any number of gates wait for the log to grow, without a thread for each. What has changed is not known here."""

import asyncio
from collections.abc import Callable

from ledger_node.log.ledger import Ledger
from ledger_node.web.turns import give_back

GATHER = 0.1
"""Seconds between the first new entry and the answer: a busy door makes one answer of many entries."""


class Feed:
    """The log's growth as seen from one event loop."""

    def __init__(self, ledger: Ledger) -> None:
        loop = asyncio.get_running_loop()
        self._size = ledger.size
        self._grown = asyncio.Event()
        self._closed = False
        self._closing: list[Callable[[], None]] = []

        def wake(size: int) -> None:
            loop.call_soon_threadsafe(self._grow, size)

        self._unsubscribe = ledger.subscribe(wake)

    def close(self) -> None:
        """Stop listening and let everybody who waits go."""
        self._unsubscribe()
        self._closed = True
        self._grown.set()
        for wake in self._closing:
            wake()

    def on_close(self, wake: Callable[[], None]) -> None:
        """Call `wake` when the node stops, so that what waits for something else than the log goes too."""
        self._closing.append(wake)

    async def beyond(self, size: int, until: float) -> bool:
        """Wait for the log to be larger than `size`, at most until this time of the loop's clock; whether it is."""
        try:
            if self._size <= size:
                give_back()
            async with asyncio.timeout_at(until):
                while self._size <= size and not self._closed:
                    await self._grown.wait()
                await asyncio.sleep(GATHER)
        except TimeoutError:
            pass
        return self._size > size

    @property
    def closed(self) -> bool:
        """Whether the node is stopping, so that nobody should wait any longer."""
        return self._closed

    def _grow(self, size: int) -> None:
        self._size = max(self._size, size)
        if not self._closed:
            waiting, self._grown = self._grown, asyncio.Event()
            waiting.set()
