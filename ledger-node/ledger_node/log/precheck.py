"""Has uploads looked at on another core (`looks`), before the writer's one thread gets them.

Where the helper is missing, dead or late, entries go on unlooked at and the writer looks itself.
"""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from pathlib import Path

from ledger_node.log.helper_process import answer, end, fits, helper, pieces
from ledger_node.log.looks import look, look_ahead, with_looks
from ledger_node.log.writer import Submitted

LEAST = 32
"""Entries for which it is worth the way to another process."""
PATIENCE_S = 5.0


class Precheck:
    """See the module. `look` may be called from any thread; the process is started by the first large batch, and reads
    the ledger's `database`.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._guard = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._warm: Future[bytes] | None = None
        self._closed = False

    def look(self, batch: Sequence[bytes]) -> Sequence[Submitted]:
        """The batch with what is known of its signatures; blocks for as long as that takes, five seconds at most."""
        pool = self._ready() if len(batch) >= LEAST else None
        if pool is None:
            return batch
        try:
            return self._looked(pool, batch)
        except (CancelledError, TimeoutError, RuntimeError):
            self._drop(pool)
            return batch

    def close(self) -> None:
        """End the other process."""
        with self._guard:
            self._closed, pool, self._pool = True, self._pool, None
        if pool:
            end(pool)

    def _looked(self, pool: ProcessPoolExecutor, batch: Sequence[bytes]) -> list[Submitted]:
        """In pieces of which two fit into a pipe; a record that alone is longer is the writer's to look at."""
        give_up = time.monotonic() + PATIENCE_S
        asked = [
            (piece, pool.submit(look_ahead, piece, self._database) if fits(piece) else None) for piece in pieces(batch)
        ]
        looked: list[Submitted] = []
        for piece, future in asked:
            looked += with_looks(piece, *answer(pool, future, give_up - time.monotonic())) if future else piece
        return looked

    def _ready(self) -> ProcessPoolExecutor | None:
        """The process, once it has answered; nobody waits for its start."""
        with self._guard:
            if self._closed:
                return None
            if self._pool is None:
                try:
                    self._pool = helper()
                    self._warm = self._pool.submit(look, [])
                except OSError:
                    self._pool = None
                    return None
            if self._warm is None or not self._warm.done():
                return None
            if self._warm.exception():
                self._pool = None
            return self._pool

    def _drop(self, pool: ProcessPoolExecutor) -> None:
        with self._guard:
            if self._pool is pool:
                self._pool = None
        end(pool)
