"""What a witness must never forget: the newest checkpoint that it signed of each log, the lists of the log's keys, and
the evidence that it found.

Durable when a method returns, and the newest checkpoint and list twice: in `witness.sqlite3`, and in `keys/signed.json`
beside the key. Whoever restores the database from a backup does not restore the key's folder with it; the newer of the
two counts, so the witness does not sign a second history after it. Evidence is one file a finding, made once and never
written again. Decides nothing. Any thread may call.
"""

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlite_utils

from ledger_node import formats
from ledger_node.home_folder import WITNESS_FILE
from ledger_node.services.errors import ServiceError
from ledger_node.services.evidence import Evidence
from scanner.verify.entry import Malformed
from scanner.verify.merkle import empty_root

MOST_EVIDENCE = 20
"""Findings kept for one log; the first is enough to refuse it."""
MOST_SUSPECTS = 200


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest checkpoint that was signed: `at` unix seconds; the empty log before the first."""

    size: int = 0
    root: bytes = field(default_factory=empty_root)
    note: str = ""
    at: int = 0


class Memory:
    """The witness's home, which the caller holds. Raises ServiceError when the disk fails."""

    def __init__(self, home: Path) -> None:
        self._lock = threading.Lock()
        self._guard, self._findings = home / "keys" / "signed.json", home / "evidence"
        path = home / WITNESS_FILE
        with self._as_service_error():
            if why := formats.refusal(path):
                raise ServiceError("format", why, 503)
            for folder in (self._guard.parent, self._findings):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._signed: dict[str, Seen] = {}
        self._lists: dict[str, str] = {}
        try:
            with self._as_service_error():
                self._db.execute("PRAGMA synchronous=EXTRA")
                self._db.execute("PRAGMA journal_mode=WAL")
                formats.mark(self._db, path)
                _schema(self._db)
            self._read_guard()
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the database; may be called twice."""
        with self._lock:
            self._db.close()

    def seen(self, origin: str) -> Seen:
        """The newest that was signed, whichever of the two places knows it."""
        with self._lock, self._as_service_error():
            query = "SELECT size, root, note, at FROM signed WHERE origin = ?"
            with closing(self._db.execute(query, (origin,))) as cursor:
                row = cursor.fetchone()
        stored, guarded = Seen(*row) if row else Seen(), self._signed.get(origin, Seen())
        if stored.size == guarded.size and stored.root != guarded.root:
            raise ServiceError(
                "memory",
                f"witness.sqlite3 and {self._guard.name} disagree about size {stored.size} of {origin}: one was"
                " tampered with or mixed up with another witness's; sign no more with this key, make a new one",
                503,
            )
        return max(stored, guarded, key=lambda seen: (seen.size, seen.at))

    def keep(self, origin: str, seen: Seen) -> None:
        """Remember that this is about to be signed. Only what has been kept may leave."""
        with self._lock, self._as_service_error():
            values = (origin, seen.size, seen.root, seen.note, seen.at)
            self._db.execute("INSERT OR REPLACE INTO signed VALUES (?, ?, ?, ?, ?)", values)
            self._write_guard({**self._signed, origin: seen}, self._lists)

    def lists(self, origin: str) -> list[str]:
        """Every list of the log's keys that was kept, oldest first, the newest as either of the two places knows it."""
        with self._lock, self._as_service_error():
            query = "SELECT note FROM log_keys WHERE origin = ? ORDER BY version"
            stored = [note for (note,) in self._db.execute(query, (origin,))]
        guarded = self._lists.get(origin, "")
        return stored if guarded in {"", *stored} else [*stored, guarded]

    def keep_list(self, origin: str, version: int, note: str) -> None:
        """Remember this list of the log's keys, which is newer than all before."""
        with self._lock, self._as_service_error():
            self._db.execute("INSERT OR IGNORE INTO log_keys VALUES (?, ?, ?)", (origin, version, note))
            self._write_guard(self._signed, {**self._lists, origin: note})

    def suspect(self, origin: str, size: int, root: bytes, note: str) -> None:
        """Remember a checkpoint that the log signed and could not connect with what it showed before."""
        with self._lock, self._as_service_error():
            count = self._db.execute("SELECT count(*) FROM suspect WHERE origin = ?", (origin,)).fetchone()[0]
            if count < MOST_SUSPECTS:
                self._db.execute("INSERT OR IGNORE INTO suspect VALUES (?, ?, ?, ?)", (origin, size, root, note))

    def suspects(self, origin: str, most: int) -> list[str]:
        """The notes of suspects of at most this size, smallest first."""
        with self._lock, self._as_service_error():
            query = "SELECT note FROM suspect WHERE origin = ? AND size <= ? ORDER BY size"
            return [note for (note,) in self._db.execute(query, (origin, most))]

    def clear(self, origin: str, most: int) -> None:
        """Forget suspects of at most this size: they turned out to belong to the log."""
        with self._lock, self._as_service_error():
            self._db.execute("DELETE FROM suspect WHERE origin = ? AND size <= ?", (origin, most))

    def accuse(self, origin: str, evidence: Evidence) -> None:
        """Keep a finding in a file of its own. Only a proof already kept, and the twenty-first, are left out."""
        with self._lock, self._as_service_error():
            known = self._kept(origin)
            same = (evidence.kind, evidence.earlier, evidence.later, evidence.position)
            if len(known) < MOST_EVIDENCE and same not in {(e.kind, e.earlier, e.later, e.position) for e in known}:
                name = f"{short_name(origin)}-{len(known) + 1:03}.json"
                _write_once(self._findings / name, evidence.to_json().encode())

    def evidence(self, origin: str) -> list[Evidence]:
        """The findings against a log, oldest first. One that cannot be read any more still counts."""
        with self._lock, self._as_service_error():
            return self._kept(origin)

    def _kept(self, origin: str) -> list[Evidence]:
        found = []
        for path in sorted(self._findings.glob(f"{short_name(origin)}-*.json")):
            evidence = Evidence.from_json(path.read_bytes())
            if isinstance(evidence, Malformed):
                evidence = Evidence("fork", origin, f"{path.name} is damaged ({evidence.reason})", 0)
            found.append(evidence)
        return found

    def _read_guard(self) -> None:
        if not self._guard.exists():
            return
        try:
            told = json.loads(self._guard.read_text())
            self._signed = {
                origin: Seen(one["size"], bytes.fromhex(one["root"]), one["note"], one["at"])
                for origin, one in told.items()
            }
            self._lists = {origin: str(one["log_keys"]) for origin, one in told.items() if "log_keys" in one}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ServiceError(
                "memory", f"{self._guard} is damaged ({error}): what this key signed is not known; make a new key", 503
            ) from error

    def _write_guard(self, signed: dict[str, Seen], lists: dict[str, str]) -> None:
        told = {
            origin: {"size": one.size, "root": one.root.hex(), "note": one.note, "at": one.at}
            for origin, one in ({origin: Seen() for origin in lists} | signed).items()
        }
        for origin, note in lists.items():
            told[origin]["log_keys"] = note
        new = self._guard.with_suffix(".new")
        new.unlink(missing_ok=True)
        _write_once(new, json.dumps(told, indent=1, ensure_ascii=False).encode())
        new.replace(self._guard)
        _sync(self._guard.parent)
        self._signed, self._lists = signed, lists

    @contextmanager
    def _as_service_error(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise ServiceError(
                "disk", f"the witness cannot write its memory ({error}): see to the disk", 503
            ) from error


def short_name(origin: str) -> str:
    """A log's name as a file's name can hold it."""
    return hashlib.sha256(origin.encode()).hexdigest()[:16]


def _write_once(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _schema(db: sqlite3.Connection) -> None:
    tables = sqlite_utils.Database(db)
    signed = {"origin": str, "size": int, "root": bytes, "note": str, "at": int}
    tables.table("signed").create(signed, pk="origin", not_null=set(signed), if_not_exists=True)
    suspect = {"origin": str, "size": int, "root": bytes, "note": str}
    lists = {"origin": str, "version": int, "note": str}
    tables.table("log_keys").create(lists, pk=("origin", "version"), not_null=set(lists), if_not_exists=True)
    tables.table("suspect").create(suspect, pk=("origin", "size", "root"), if_not_exists=True)
