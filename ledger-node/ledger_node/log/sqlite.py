"""The embedded store: one SQLite database in WAL mode, one connection that writes and checkpoints.

Durable when `commit` returns (synchronous=FULL). docs/adr/0010-sqlite-log.md says why it is set up so. Opening checks
what is cheap to check: the newest entries against their hashes, and the hashes against the root; the rest is the
audit's work.
"""

import sqlite3
from contextlib import suppress
from pathlib import Path

from ledger_node.log.port import Head, LedgerFault
from ledger_node.log.schema import BUSY_SECONDS, open_writer
from ledger_node.log.state import SqliteState
from ledger_node.log.tables import Tables
from ledger_node.log.tiles import WIDTH, frontier_of, grow
from scanner.verify.merkle import Frontier, empty_root, leaf_hash

_MOST_WAITING = 20_000
"""Changes that are kept back in memory: a million tickets may come in one transaction."""
_WAL_MOST, _WAL_STEP = 5 << 20, 2 << 20
"""Bytes of the write-ahead log from which on readers are waited for, so that it can begin anew: SQLite's own folding
needs a moment without any, which a busy node may not have for hours. And how much more there is before the next try.
"""
_FOLD_MS = 50
_RESTORE = "keep it as it is, run `ledger-node audit` on it, and restore the newest backup"


class SqliteStore:
    """A `Store` on a file, created if it is not there. `state` is a `State` over the open transaction."""

    def __init__(self, path: Path, operator: bytes, origin: str) -> None:
        self._path = path
        self._conn = open_writer(path)
        self.state = SqliteState(self._conn, operator)
        self._frontier = Frontier()
        self._entries: list[tuple[int, bytes]] = []
        self._hashes: list[tuple[int, int, bytes]] = []
        self._in_doubt = True
        self._fold_at = _WAL_MOST
        try:
            self._adopt(operator, origin)
            self.recover()
            self._check_tail()
        except (LedgerFault, sqlite3.Error) as error:
            self._conn.close()
            raise self.explain(error) from error
        except Exception as error:
            # A flipped bit can change a cell's type, which SQLite does not notice.
            self._conn.close()
            raise self._damaged(f"what is in it cannot be read ({error!r})") from error

    def begin(self) -> int:
        """As the port says."""
        if self._in_doubt:
            self.recover()
        self._in_doubt = True
        self._conn.execute("BEGIN IMMEDIATE")
        return self._frontier.size

    def append(self, raw: bytes) -> None:
        """As the port says."""
        self._entries.append((self._frontier.size, raw))
        self._hashes += grow(self._frontier, leaf_hash(raw))
        if self.state.waiting >= _MOST_WAITING:
            self._write()

    def commit(self) -> Head:
        """As the port says."""
        head = Head(self._frontier.size, self._frontier.root())
        self._write()
        self._conn.execute("UPDATE head SET size = ?, root = ?, clock = ?", (head.size, head.root, self.state.clock))
        self._conn.execute("COMMIT")
        self._in_doubt = False
        self._fold()
        return head

    def _fold(self) -> None:
        """Begin the write-ahead log anew if it has grown long. What was committed is durable already, whatever comes of
        this; a disk that fails says so at the next commit.
        """
        wal = self._path.with_name(f"{self._path.name}-wal")
        with suppress(OSError, sqlite3.Error):
            size = wal.stat().st_size
            if size < self._fold_at:
                return
            self._fold_at = size + _WAL_STEP
            self._conn.execute(f"PRAGMA busy_timeout = {_FOLD_MS}")
            try:
                busy, *_ = self._conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                self._conn.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
            if not busy:
                self._fold_at = _WAL_MOST

    def _write(self) -> None:
        """Put what was kept back into the open transaction."""
        self.state.flush()
        self._conn.executemany("INSERT INTO entry VALUES (?, ?)", self._entries)
        self._conn.executemany("INSERT INTO hash VALUES (?, ?, ?)", self._hashes)
        self._entries, self._hashes = [], []

    def recover(self) -> Head:
        """As the port says."""
        self._in_doubt = True
        self._entries, self._hashes = [], []
        if self._conn.in_transaction:
            self._conn.execute("ROLLBACK")
        self._frontier = self._resume()
        self._in_doubt = False
        return Head(self._frontier.size, self._frontier.root())

    def explain(self, error: Exception) -> LedgerFault:
        """As the port says."""
        if isinstance(error, LedgerFault):
            return error
        if not isinstance(error, sqlite3.Error):
            return LedgerFault(f"this could not be taken in, and nothing of it was kept ({error!r}): please report it")
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            return LedgerFault(f"the disk of {self._path} is full: make room; nothing of this was kept")
        # Said by Python, which has no code for it: a text that is no UTF-8 any more.
        no_text = not code and str(error).startswith("Could not decode to UTF-8")
        if no_text or code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CONSTRAINT}:
            return LedgerFault(f"{self._path} is damaged ({error}); {_RESTORE}", lasting=True)
        return LedgerFault(f"{self._path} cannot be read or written ({error}): see to the disk")

    def close(self) -> None:
        """As the port says."""
        self._conn.close()

    def _adopt(self, operator: bytes, origin: str) -> None:
        found = self._conn.execute("SELECT operator, origin FROM head").fetchone()
        if found is None:
            self._conn.execute("INSERT INTO head VALUES (1, 0, ?, 0, ?, ?)", (empty_root(), operator, origin))
        elif found[0] != operator:
            raise LedgerFault(
                f"{self._path} belongs to the operator key {found[0].hex()}, not {operator.hex()};"
                " start with the key that it was made with",
                lasting=True,
            )
        elif found[1] != origin:
            raise LedgerFault(
                f"{self._path} is the log {found[1]!r}, not {origin!r}; set the origin back", lasting=True
            )

    def _resume(self) -> Frontier:
        """Start over from what the tables say."""
        size, root, clock = self._conn.execute("SELECT size, root, clock FROM head").fetchone()
        self.state.forget(clock)
        frontier = frontier_of(Tables(self._conn), size)
        if frontier.root() != root:
            raise self._damaged(f"the hashes do not lead to the root of size {size}")
        return frontier

    def _check_tail(self) -> None:
        size, tables = self._frontier.size, Tables(self._conn)
        last = self._conn.execute("SELECT coalesce(max(position), -1) FROM entry").fetchone()[0]
        if last != size - 1:
            raise self._damaged(f"entries end at {last}, but the root is of size {size}")
        start = max(0, size - WIDTH)
        leaves = [leaf_hash(raw) for raw in tables.entries(start, size)]
        if len(leaves) != size - start:
            raise self._damaged(f"an entry after {start} is missing")
        for position, (leaf, stored) in enumerate(zip(leaves, tables.hashes(0, start, WIDTH), strict=True), start):
            if leaf != stored:
                raise self._damaged(f"entry {position} is not the one that was hashed")

    def _damaged(self, what: str) -> LedgerFault:
        return LedgerFault(f"{self._path}: {what}; {_RESTORE}", lasting=True)
