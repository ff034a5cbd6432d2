"""Read-only connections to a ledger's database, each for one view at a time. They never write and never checkpoint."""

import queue
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger_node.contract.state import Device
from ledger_node.log.port import Head, LedgerFault
from ledger_node.log.schema import open_reader
from ledger_node.log.tables import Tables
from ledger_node.log.view import View

_KEPT = 4
_Reader = tuple[sqlite3.Connection, Tables]


class Readers:
    """Hands out views; any thread. The writer must be open, and is to be closed last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: queue.LifoQueue[_Reader] = queue.LifoQueue(_KEPT)

    @contextmanager
    def view(self) -> Iterator[View]:
        """The ledger at its newest durable size, unchanged until the block ends. Raises LedgerFault."""
        with self._taken() as (conn, tables):
            conn.execute("BEGIN")
            size, root = conn.execute("SELECT size, root FROM head").fetchone()
            yield View(tables, Head(size, root))

    def device_by_key(self, public_key: bytes) -> Device | None:
        """The device with this key, or None, without a view: every request of a gate asks. Raises LedgerFault."""
        with self._taken() as (_, tables):
            return tables.device_by_key(public_key)

    def close(self) -> None:
        """Close what is idle; a view that is still open keeps its own until it ends."""
        while not self._idle.empty():
            self._idle.get_nowait()[0].close()

    @contextmanager
    def _taken(self) -> Iterator[_Reader]:
        try:
            reader = self._take()
            try:
                yield reader
            finally:
                self._give_back(reader)
        except sqlite3.Error as error:
            raise LedgerFault(f"{self._path} cannot be read ({error}): see to the disk") from error

    def _take(self) -> _Reader:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            conn = open_reader(self._path)
            return conn, Tables(conn)

    def _give_back(self, reader: _Reader) -> None:
        conn, _ = reader
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        try:
            self._idle.put_nowait(reader)
        except queue.Full:
            conn.close()
