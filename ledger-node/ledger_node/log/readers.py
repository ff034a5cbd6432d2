"""Read-only connections to a ledger's database, each for one view at a time. They never write and never checkpoint."""

import queue
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger_node.log.port import Head, LedgerFault
from ledger_node.log.schema import open_reader
from ledger_node.log.tables import Tables
from ledger_node.log.view import View

_KEPT = 4


class Readers:
    """Hands out views; any thread. The writer must be open, and is to be closed last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue(_KEPT)

    @contextmanager
    def view(self) -> Iterator[View]:
        """The ledger at its newest durable size, unchanged until the block ends. Raises LedgerFault."""
        try:
            conn = self._take()
            try:
                conn.execute("BEGIN")
                size, root = conn.execute("SELECT size, root FROM head").fetchone()
                yield View(Tables(conn), Head(size, root))
            finally:
                self._give_back(conn)
        except sqlite3.Error as error:
            raise LedgerFault(f"{self._path} cannot be read ({error}): see to the disk") from error

    def close(self) -> None:
        """Close what is idle; a view that is still open keeps its own until it ends."""
        while not self._idle.empty():
            self._idle.get_nowait().close()

    def _take(self) -> sqlite3.Connection:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return open_reader(self._path)

    def _give_back(self, conn: sqlite3.Connection) -> None:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        try:
            self._idle.put_nowait(conn)
        except queue.Full:
            conn.close()
