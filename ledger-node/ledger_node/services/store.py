"""What is the node's own business and belongs on no ledger: enrolment codes, device reports, early nonces. SQLite.

Durable when a method returns. Any thread may call; calls wait for each other. Codes are kept only as keyed hashes, so
a copy of this file enrols nobody. Nothing here is needed to rebuild the ledger: losing the file loses unused codes.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlite_utils

from ledger_node import formats
from ledger_node.services.errors import ServiceError


@dataclass(frozen=True, slots=True)
class CodeRow:
    """One enrolment code: for which event and gate, until when (unix seconds), and who used it, if anybody did."""

    event: str
    gate: str
    expires: int
    used_by: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """What a device last said of itself; times are unix seconds."""

    device: str
    seen_at: int
    view_size: int
    queue: int


class Store:
    """The open database of one node; the lock on the home folder makes sure that it has only one writer."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        fresh = not path.exists()
        if why := formats.refusal(path):
            raise ServiceError("format", why, 503)
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            if fresh:
                # A power cut while the file is being made must not leave half of it: EXTRA first, then WAL with FULL.
                self._db.execute("PRAGMA synchronous=EXTRA")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            formats.mark(self._db, path)
            _schema(self._db)
        except sqlite3.OperationalError as error:
            self._db.close()
            raise _fault(error) from error
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file; may be called twice."""
        with self._lock:
            self._db.close()

    def add_code(self, digest: bytes, event: str, gate: str, expires: int) -> None:
        """Remember a new code by its keyed hash."""
        self._write("INSERT INTO codes VALUES (?, ?, ?, ?, NULL)", digest, event, gate, expires)

    def code(self, digest: bytes) -> CodeRow | None:
        """The code with this hash, used and expired ones too."""
        rows = self._read("SELECT event, gate, expires, used_by FROM codes WHERE digest = ?", digest)
        return CodeRow(*rows[0]) if rows else None

    def use_code(self, digest: bytes, device: str) -> bool:
        """Spend the code for `device`: True only for the first to ask, and for the same device asking again."""
        self._write("UPDATE codes SET used_by = ? WHERE digest = ? AND used_by IS NULL", device, digest)
        rows = self._read("SELECT used_by FROM codes WHERE digest = ?", digest)
        return bool(rows) and rows[0][0] == device

    def report(self, report: Report) -> None:
        """Keep the newest report of a device."""
        values = (report.device, report.seen_at, report.view_size, report.queue)
        self._write("INSERT OR REPLACE INTO reports VALUES (?, ?, ?, ?)", *values)

    def reports(self) -> dict[str, Report]:
        """The newest report of each device, by device id."""
        return {row[0]: Report(*row) for row in self._read("SELECT device, seen_at, view_size, queue FROM reports")}

    def remember_nonce(self, keyid: str, nonce: str, created: int) -> bool:
        """Keep a nonce beyond a restart; False if it was there."""
        try:
            self._write("INSERT INTO nonces VALUES (?, ?, ?)", keyid, nonce, created)
        except sqlite3.IntegrityError:
            return False
        return True

    def begin(self, since: int) -> tuple[bool, list[tuple[str, str, int]]]:
        """Mark the node as running: whether the last run ended in order, and the nonces kept from `since` on."""
        clean = not self._read("SELECT 1 FROM running")
        self._write("INSERT OR IGNORE INTO running VALUES (1)")
        self._write("DELETE FROM nonces WHERE created < ?", since)
        return clean, self._read("SELECT keyid, nonce, created FROM nonces")

    def finish(self, nonces: Iterable[tuple[str, str, int]]) -> None:
        """Keep all nonces, then mark the run as ended in order, in one transaction."""
        with self._lock, self._as_service_error():
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR IGNORE INTO nonces VALUES (?, ?, ?)", nonces)
            self._db.execute("DELETE FROM running")
            self._db.execute("COMMIT")

    def _write(self, statement: str, *values: object) -> None:
        with self._lock, self._as_service_error():
            self._db.execute(statement, values)

    def _read(self, statement: str, *values: object) -> list[Any]:
        with self._lock, self._as_service_error(), closing(self._db.execute(statement, values)) as cursor:
            return cursor.fetchall()

    @contextmanager
    def _as_service_error(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise _fault(error) from error


def _fault(error: sqlite3.Error) -> ServiceError:
    return ServiceError("disk", f"the node cannot write its own notes ({error}): look at the disk", 503)


def _schema(db: sqlite3.Connection) -> None:
    tables = sqlite_utils.Database(db)
    codes = {"digest": bytes, "event": str, "gate": str, "expires": int, "used_by": str}
    tables.table("codes").create(codes, pk="digest", not_null={"event", "gate", "expires"}, if_not_exists=True)
    reports = {"device": str, "seen_at": int, "view_size": int, "queue": int}
    tables.table("reports").create(reports, pk="device", if_not_exists=True)
    nonces = {"keyid": str, "nonce": str, "created": int}
    tables.table("nonces").create(nonces, pk=("keyid", "nonce"), if_not_exists=True)
    tables.table("running").create({"running": int}, pk="running", if_not_exists=True)
