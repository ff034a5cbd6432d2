"""Finding out whether a journal is whole, and what of it can be believed. Nothing is changed here.

The chain in the database proves what it holds, but not that nothing was cut off its end: a deleted -wal file leaves a
shorter chain that is still a chain. So the highest counter is also kept in a small file beside it, `NAME.head`; it may
lag behind after a power cut, never run ahead. What is not signed (use marks, outbox, outcomes) is held against what is.
"""

import os
import re
import sqlite3
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from scanner import store
from scanner.admission_life import AdmissionOutcome
from scanner.journal_schema import MIGRATIONS
from scanner.verify.admit import MARK_CERTIFICATE
from scanner.verify.entry import Entry, Malformed, open_entry, signature_good
from scanner.verify.gatecode import GateCode, parse_raw
from scanner.verify.keys import SigningKey
from scanner.verify.record import (
    ADMISSION,
    FIRST_PREVIOUS,
    INCIDENT,
    RELEASE,
    VOID,
    Way,
    check_record,
    record_hash,
    ways_stated,
)

DAMAGED = "journal-damaged"
JUMP = 100_000
"""Counters left free after a damaged journal: records that can't be read any more may already be on the ledger."""

_ENDS = {"released": RELEASE, "voided": VOID}
"""Outcomes that a record states: without it the outcome is not so, and with it there is no other."""
_HEAD = re.compile(rb"(\d{20}) ([0-9a-f]{8})\n")
UseMark = tuple[int, int, bytes, str, int, int]
"""counter, owner_seq, holder_key (empty if the records don't tell it), gate, unix second, released (0 or 1)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signs the records: the device, the gate it stands at, the event it serves."""

    device: str
    gate: str
    event: str
    key: SigningKey


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain goes on: the next counter and the hash of the record before it."""

    counter: int = 1
    previous: bytes = FIRST_PREVIOUS


@dataclass(slots=True)
class Salvage:
    """What an inspection found: the chain's head, and every record that is provably this device's."""

    head: Head = field(default_factory=Head)
    chain: dict[int, Entry] = field(default_factory=dict)
    older: dict[int, Entry] = field(default_factory=dict)
    given_up: set[tuple[str, int]] = field(default_factory=set)
    given_up_whole: bool = False
    noted: int = 0

    @property
    def records(self) -> dict[int, Entry]:
        """Those of the chain and those that an older journal left to it, in the order of their counters."""
        return dict(sorted((self.older | self.chain).items()))

    @property
    def next_counter(self) -> int:
        """A counter that no record before the damage can have had."""
        return (max([self.noted, *self.records], default=0) // JUMP + 1) * JUMP + 1


def inspect(path: Path, public_key: bytes, connector: store.Connect, used: int = 0) -> tuple[str, Salvage]:
    """Read the whole journal. Returns what is wrong ("" if nothing is) and what could be read. `used` = a counter that
    is known to be spent.
    """
    salvage = Salvage(noted=max(used, _noted_head(path)))
    if not path.exists() or not path.stat().st_size:
        gone = salvage.noted or store.held_something(path)
        return ("the journal is gone, but it once held records" if gone else ""), salvage
    try:
        with store.looking(path, connector) as connection:
            damage = _read(path, connection, public_key, salvage)
    except store.UNREADABLE as error:
        damage = store.told(error)
    if salvage.noted >= salvage.head.counter:
        # What is older than the newest record does not know what was given up since.
        salvage.given_up_whole = False
    if not damage and salvage.noted >= salvage.head.counter:
        damage = f"records {salvage.head.counter} to {salvage.noted} are missing at the end"
    return damage, salvage


def ways_told(salvage: Salvage) -> dict[int, Way]:
    """In what way admissions of the chain were decided, as far as a record states it."""
    return {counter: way for entry in salvage.chain.values() for counter, way in ways_stated(entry).items()}


def use_marks(salvage: Salvage) -> dict[tuple[str, int], UseMark]:
    """The use marks that follow from the records, by event and ticket."""
    records = salvage.records
    gone = {entry.body["of"] for entry in records.values() if entry.type in {RELEASE, VOID}}
    keys: dict[tuple[str, int, int], bytes] = {}
    marks: dict[tuple[str, int], UseMark] = {}
    for counter, entry in records.items():
        if entry.type != ADMISSION:
            continue
        body, owner_seq = entry.body, entry.body["owner_seq"]
        owner = (entry.event, body["ticket"], owner_seq)
        keys[owner] = _certified_key(entry) or keys.get(owner, b"")
        mark = (counter, owner_seq, keys[owner], body["gate"], entry.at, int(counter in gone))
        marks[entry.event, body["ticket"]] = mark
    return marks


def verify_chain(raws: Iterable[bytes], public_key: bytes) -> str:
    """What is wrong with a chain of records, "" if nothing is."""
    return _read_chain(((None, None, raw) for raw in raws), public_key, Salvage())


def note_head(path: Path, counter: int) -> None:
    """Remember the highest counter beside the journal. Not synced, as it only has to outlive this process; a failure is
    no fault, as the record itself is already on disk.
    """
    digits = b"%020d" % counter
    with suppress(OSError):
        handle = os.open(_head_file(path), os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(handle, b"%s %08x\n" % (digits, zlib.crc32(digits)), 0)
        finally:
            os.close(handle)


def _noted_head(path: Path) -> int:
    try:
        noted = _HEAD.fullmatch(_head_file(path).read_bytes())
    except FileNotFoundError:
        return 0
    return int(noted[1]) if noted and zlib.crc32(noted[1]) == int(noted[2], 16) else 0


def _head_file(path: Path) -> Path:
    return path.with_name(path.name + ".head")


def _read(path: Path, connection: sqlite3.Connection, public_key: bytes, salvage: Salvage) -> str:
    """Every step is taken, whatever the one before found, but for the last, which needs all of them whole."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'record'").fetchone():
        return "its tables are gone" if salvage.noted else store.damage(path, connection, MIGRATIONS)
    _step(lambda: _read_given_up(connection, salvage))
    damage = (
        _step(lambda: _read_older(connection, public_key, salvage)),
        _step(lambda: _read_records(connection, public_key, salvage)),
        _step(lambda: store.damage(path, connection, MIGRATIONS)),
    )
    return next(filter(None, damage), "") or _step(lambda: _compare(connection, salvage))


def _read_given_up(connection: sqlite3.Connection, salvage: Salvage) -> str:
    """Not signed, and believed all the same: one that is there falsely only has a holder asked for a supervisor."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'given_up'").fetchone():
        # A release that knew no such table gave nothing up.
        known = connection.execute("SELECT 1 FROM _sqlite_migrations WHERE name = 'second'").fetchone()
        salvage.given_up_whole = not known
        return ""
    for event, ticket in connection.execute("SELECT event, ticket FROM given_up"):
        if isinstance(event, str) and isinstance(ticket, int):
            salvage.given_up.add((event, ticket))
    salvage.given_up_whole = True
    return ""


def _step(read: Callable[[], str]) -> str:
    try:
        return read()
    except store.UNREADABLE as error:
        return store.told(error)


def _read_older(connection: sqlite3.Connection, public_key: bytes, salvage: Salvage) -> str:
    damage = ""
    for counter, raw in connection.execute("SELECT counter, raw FROM older ORDER BY counter"):
        entry = _own_record(raw, public_key)
        if isinstance(entry, Malformed):
            damage = damage or f"older record {counter}: {entry.reason}"
            continue
        salvage.older[entry.body["counter"]] = entry
    return damage


def _read_records(connection: sqlite3.Connection, public_key: bytes, salvage: Salvage) -> str:
    query = "SELECT counter, CAST(type AS BLOB), raw FROM record ORDER BY counter"
    try:
        return _read_chain(connection.execute(query), public_key, salvage)
    except store.UNREADABLE:
        # What stands behind the broken page is read from the other end.
        behind = Salvage()
        with suppress(*store.UNREADABLE):
            _read_chain(connection.execute(f"{query} DESC"), public_key, behind)
        salvage.chain |= behind.chain
        raise


def _read_chain(rows: Iterable[tuple[int | None, bytes | None, bytes]], public_key: bytes, salvage: Salvage) -> str:
    damage = ""
    for place, (counter, kind, raw) in enumerate(rows, 1):
        entry = _own_record(raw, public_key)
        if isinstance(entry, Malformed):
            damage = damage or f"record {counter or f'in place {place}'}: {entry.reason}"
            continue
        salvage.chain[entry.body["counter"]] = entry
        damage = damage or _link(entry, counter, kind, salvage.head)
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


def _link(entry: Entry, counter: int | None, kind: bytes | None, head: Head) -> str:
    body = entry.body
    if counter is not None and (body["counter"], entry.type.encode()) != (counter, kind):
        return f"record {counter} says it is {entry.type} {body['counter']}"
    if (body["counter"], body["previous"]) == (head.counter, head.previous):
        return ""
    starts_anew = entry.type == INCIDENT and body["kind"] == DAMAGED and head == Head()
    return "" if starts_anew else f"record {body['counter']} does not follow the one before it"


def _compare(connection: sqlite3.Connection, salvage: Salvage) -> str:
    marks = {
        (event, ticket): tuple(mark)
        for event, ticket, *mark in connection.execute(
            "SELECT event, ticket, counter, owner_seq, holder_key, gate, at, released FROM use"
        )
    }
    if not _same_marks(use_marks(salvage), marks):
        return "the use marks are not those of the records"
    waiting = {counter for (counter,) in connection.execute("SELECT counter FROM outbox")}
    settled = {counter for (counter,) in connection.execute("SELECT counter FROM receipt")}
    if waiting & settled or waiting | settled != salvage.records.keys():
        return "the outbox and the receipts are not those of the records"
    admissions = {(n, entry.body["ticket"]) for n, entry in salvage.chain.items() if entry.type == ADMISSION}
    known = connection.execute("SELECT 1 FROM pragma_table_info('admission') WHERE name = 'way'").fetchone()
    # A release that knew no such column stated no way.
    way = "way" if known else "NULL"
    rows = connection.execute(f"SELECT counter, ticket, outcome, {way} FROM admission").fetchall()  # noqa: S608
    if {row[:2] for row in rows} != admissions or not {row[2] for row in rows} <= set(get_args(AdmissionOutcome)):
        return "the admissions are not those of the records"
    undone = {(entry.body["of"], entry.type) for entry in salvage.chain.values() if entry.type in _ENDS.values()}
    ended = {counter for counter, _ in undone}
    told = ways_told(salvage)
    for counter, _, outcome, way in rows:
        if told.get(counter, way) != way:
            return f"admission {counter} was decided in another way than the records say"
        if counter in ended if outcome not in _ENDS else (counter, _ENDS[outcome]) not in undone:
            return f"admission {counter} is {outcome}, and the records say otherwise"
    return ""


def _same_marks(ours: dict[tuple[str, int], UseMark], theirs: dict[tuple[str, int], tuple[object, ...]]) -> bool:
    """A holder's key is compared only where the records tell it: that of a compact code is in the snapshot."""
    return ours.keys() == theirs.keys() and all(
        mark == theirs[ticket] or (not mark[2] and (*mark[:2], *mark[3:]) == (*theirs[ticket][:2], *theirs[ticket][3:]))
        for ticket, mark in ours.items()
    )


def _certified_key(entry: Entry) -> bytes:
    code = parse_raw(entry.body["code"]) if MARK_CERTIFICATE in entry.body["marks"] else None
    return code.certificate.holder_key if isinstance(code, GateCode) and code.certificate else b""
