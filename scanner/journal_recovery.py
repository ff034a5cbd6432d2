"""Finding out whether a journal is whole, and saving what can be saved of one that is not.

The chain in the database proves what it holds, but not that nothing was cut off its end: a deleted -wal file leaves a
shorter chain that is still a chain. So the highest counter is also kept in a small file beside it, `NAME.head`; it may
lag behind after a power cut, never run ahead. Nothing is repaired in place.
"""

import os
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from scanner import store
from scanner.verify.entry import Entry, Malformed, open_entry, signature_good
from scanner.verify.record import ADMISSION, FIRST_PREVIOUS, INCIDENT, RELEASE, VOID, check_record, record_hash

DAMAGED = "journal-damaged"
JUMP = 100_000
"""Counters left free after a damaged journal: records that can't be read any more may already be on the ledger."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain goes on: the next counter and the hash of the record before it."""

    counter: int = 1
    previous: bytes = FIRST_PREVIOUS


@dataclass(slots=True)
class Salvage:
    """What an inspection found: the chain's head, and every record that is provably this device's."""

    head: Head = field(default_factory=Head)
    records: dict[int, Entry] = field(default_factory=dict)
    settled: set[int] = field(default_factory=set)
    noted: int = 0

    @property
    def next_counter(self) -> int:
        """A counter that no record before the damage can have had."""
        return (max([self.noted, *self.records], default=0) // JUMP + 1) * JUMP + 1


def inspect(path: Path, public_key: bytes, connector: store.Connect) -> tuple[str, Salvage]:
    """Read the whole journal. Returns what is wrong ("" if nothing is) and what could be read."""
    salvage = Salvage(noted=_noted_head(path))
    if not path.exists():
        return ("the journal is gone, but it once held records" if salvage.noted else ""), salvage
    connection = connector(path)
    try:
        connection.execute("PRAGMA query_only=ON")
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'record'").fetchone():
            return ("its tables are gone" if salvage.noted else ""), salvage
        rows = connection.execute("SELECT counter, raw FROM record ORDER BY counter")
        damage = _read_chain(rows, public_key, salvage)
        salvage.settled = {counter for (counter,) in connection.execute("SELECT counter FROM receipt")}
    except sqlite3.DatabaseError as error:
        if _transient(error):
            raise
        damage = f"SQLite says: {error}"
    finally:
        connection.close()
    if not damage and salvage.noted >= salvage.head.counter:
        damage = f"records {salvage.head.counter} to {salvage.noted} are missing at the end"
    return damage, salvage


def carry_over(connection: sqlite3.Connection, salvage: Salvage) -> None:
    """Put the salvaged uses and unsent records into a new journal, inside the caller's transaction."""
    gone = {e.body["of"] for e in salvage.records.values() if e.type in {RELEASE, VOID}}
    for counter, entry in sorted(salvage.records.items()):
        body = entry.body
        if entry.type == ADMISSION:
            connection.execute(
                "INSERT OR REPLACE INTO use (ticket, counter, owner_seq, gate, at, released) VALUES (?, ?, ?, ?, ?, ?)",
                (body["ticket"], counter, body["owner_seq"], body["gate"], entry.at, int(counter in gone)),
            )
        if counter not in salvage.settled:
            connection.execute("INSERT INTO outbox (counter, raw) VALUES (?, ?)", (counter, entry.raw))


def note_head(path: Path, counter: int) -> None:
    """Remember the highest counter beside the journal. Not synced, as it only has to outlive this process; a failure is
    no fault, as the record itself is already on disk.
    """
    with suppress(OSError):
        handle = os.open(_head_file(path), os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(handle, b"%020d\n" % counter, 0)
        finally:
            os.close(handle)


def set_aside(path: Path, time_ms: int) -> Path:
    """Rename the damaged journal and its companions; returns where it went."""
    return store.set_aside(path, datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ"))


def verify_chain(raws: Iterable[bytes], public_key: bytes) -> str:
    """What is wrong with a chain of records, "" if nothing is."""
    salvage = Salvage()
    return _read_chain(((None, raw) for raw in raws), public_key, salvage)


def _read_chain(rows: Iterable[tuple[int | None, bytes]], public_key: bytes, salvage: Salvage) -> str:
    damage = ""
    for counter, raw in rows:
        entry = _own_record(raw, public_key)
        if isinstance(entry, Malformed):
            damage = damage or f"record {counter}: {entry.reason}"
            continue
        salvage.records[entry.body["counter"]] = entry
        damage = damage or _link(entry, counter, salvage.head)
        salvage.head = Head(entry.body["counter"] + 1, record_hash(raw))
    return damage


def _own_record(raw: object, public_key: bytes) -> Entry | Malformed:
    entry = open_entry(raw) if isinstance(raw, bytes) else Malformed("it is not bytes")
    if isinstance(entry, Malformed):
        return entry
    if wrong := check_record(entry):
        return wrong
    if entry.actor != public_key:
        return Malformed("it is another device's")
    return entry if signature_good(entry) else Malformed("its signature is not good")


def _link(entry: Entry, counter: int | None, head: Head) -> str:
    body = entry.body
    if counter is not None and body["counter"] != counter:
        return f"record {counter} says it is record {body['counter']}"
    if (body["counter"], body["previous"]) == (head.counter, head.previous):
        return ""
    starts_anew = entry.type == INCIDENT and body["kind"] == DAMAGED and head == Head()
    return "" if starts_anew else f"record {body['counter']} does not follow the one before it"


def _noted_head(path: Path) -> int:
    try:
        return int(_head_file(path).read_text())
    except (FileNotFoundError, ValueError):
        return 0


def _head_file(path: Path) -> Path:
    return path.with_name(path.name + ".head")


def _transient(error: sqlite3.DatabaseError) -> bool:
    """Whether the disk, not the file, is at fault: then nothing is set aside."""
    return isinstance(error, sqlite3.OperationalError) and any(
        word in str(error) for word in ("locked", "readonly", "full", "unable to open", "disk I/O")
    )
