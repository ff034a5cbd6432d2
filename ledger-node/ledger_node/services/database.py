"""One SQLite file of the node that is not the log, opened so that a power cut loses nothing and deleting deletes.

Durable when a method returns. Any thread may call; calls wait for each other. What is in the file, its owner says.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from ledger_node import formats
from ledger_node.services.errors import ServiceError

_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON", "temp_store=MEMORY")
Row = tuple[Any, ...]


class Database:
    """The open file; the lock on the home folder makes sure that no other process writes it."""

    def __init__(self, path: Path, schema: str) -> None:
        self._name = path.name
        self._lock = threading.RLock()
        fresh = not path.exists()
        with self._as_service_error():
            if why := formats.refusal(path):
                raise ServiceError("format", why, 503)
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            try:
                path.chmod(0o600)
                if fresh:
                    # A power cut while the file is made must not leave half of it: EXTRA first, then WAL with FULL.
                    self._db.execute("PRAGMA synchronous=EXTRA")
                for pragma in (
                    "journal_mode=WAL",
                    "synchronous=FULL",
                    "secure_delete=ON",
                    "foreign_keys=ON",
                    "temp_store=MEMORY",
                ):
                    self._db.execute(f"PRAGMA {pragma}")
                formats.mark(self._db, path)
                self._db.executescript(schema)
                self._flush()
            except BaseException:
                self._db.close()
                raise

    def close(self) -> None:
        """Close the file; may be called twice."""
        with self._lock:
            self._db.close()

    def read(self, statement: str, *values: object) -> list[Row]:
        """All rows."""
        with self._lock, self._as_service_error(), closing(self._db.execute(statement, values)) as cursor:
            return cursor.fetchall()

    def write(self, statement: str, *values: object) -> int:
        """One statement; how many rows it changed."""
        with self._lock, self._as_service_error(), closing(self._db.execute(statement, values)) as cursor:
            return cursor.rowcount

    def write_many(self, statement: str, rows: Iterable[Row]) -> None:
        """One statement for each row; within a transaction of the caller, or each row by itself."""
        with self._lock, self._as_service_error(), closing(self._db.executemany(statement, rows)):
            pass

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything in the block is kept, or nothing; other threads wait. A block within a block is part of it."""
        with self._lock, self._as_service_error():
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                # After some faults SQLite has rolled back by itself.
                with suppress(sqlite3.OperationalError):
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def scrub(self) -> None:
        """Make the file anew without what was deleted, and empty the write-ahead log.

        secure_delete zeroes deleted cells where they stand, but cells that had moved between pages before leave copies
        behind, and older pages stand in the log: VACUUM drops the former, a truncating checkpoint the latter. What the
        disk keeps of blocks that a file gave back is beyond a program's reach.
        """
        with self._lock, self._as_service_error():
            self._db.execute("VACUUM")
            self._flush()

    def _flush(self) -> None:
        busy, *_ = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise ServiceError("disk", f"another program is reading {self._name}: end it, and do this again", 503)

    @contextmanager
    def _as_service_error(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except (sqlite3.DatabaseError, OSError) as error:
            raise ServiceError(
                "disk", f"{self._name} cannot be read or written ({error}): see to the disk", 503
            ) from error
