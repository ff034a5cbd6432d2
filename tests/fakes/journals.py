"""Journals for tests: made, crashed and looked at from outside."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from scanner.admission_life import AdmissionOutcome
from scanner.journal import Journal
from scanner.ports import Waiting
from scanner.store import Connect, connect
from scanner.verify.entry import Entry, open_entry
from tests.fakes.admitting import IDENTITY, admit
from tests.fakes.event import compact_code, holder, scan_of, stamp_at


def open_journal(path: Path, connector: Connect = connect) -> Journal:
    """As gate A1 opens it."""
    return Journal.open(path, IDENTITY, stamp_at, connector)


def admit_pending(journal: Journal, ticket: int) -> Waiting:
    """An admission before its claim is answered."""
    return journal.admit(scan_of(compact_code(ticket)), holder(ticket).public, stamp_at(), "pending")


def admit_alone(journal: Journal, ticket: int, outcome: AdmissionOutcome = "alone") -> int:
    """An admission with no one to ask; its counter."""
    return journal.admit(scan_of(compact_code(ticket)), holder(ticket).public, stamp_at(), outcome).counter


def refuse(journal: Journal, ticket: int) -> Waiting:
    """A refusal of a code that was used already."""
    return journal.refuse(scan_of(compact_code(ticket), "refuse", "already-used"), stamp_at())


def evening(path: Path, tickets: int = 12) -> None:
    """A journal closed in order: admissions 1..tickets, of which the third was released, and a refusal."""
    with open_journal(path) as journal:
        counters = [admit(journal, ticket) for ticket in range(1, tickets + 1)]
        journal.release(counters[2], "not-turned", stamp_at())
        refuse(journal, 1)


def opened(raw: bytes) -> Entry:
    """A record that is known to be well-formed."""
    entry = open_entry(raw)
    assert isinstance(entry, Entry)
    return entry


def entries(journal: Journal) -> list[Entry]:
    """The journal's own chain."""
    return [opened(raw) for raw in journal.records()]


def query(path: Path, sql: str) -> list[Any]:
    """What a second program reads."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def spoil(path: Path, sql: str) -> None:
    """What a bad disk or a curious hand does to a closed journal."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(sql)
        connection.commit()


def set_aside_files(path: Path) -> dict[str, bytes]:
    """Everything with content that was set aside beside `path`; SQLite's index of the -wal is no content."""
    found = {file.name: file.read_bytes() for file in sorted(path.parent.glob(f"{path.name}.damaged-*"))}
    return {name: content for name, content in found.items() if content and not name.endswith("-shm")}


class Gates:
    """Gates in processes of their own on one journal, one after the other, each killed without warning."""

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-m", "tests.fakes.admitting", str(path)]
        self._forker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def __enter__(self) -> "Gates":
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self._forker.communicate(timeout=30)

    def begin(self, most: int = -1) -> Iterator[str]:
        """Fork a gate that admits `most` tickets and dies (-1: until killed); its lines, until it is dead."""
        assert self._forker.stdin
        assert self._forker.stdout
        self._forker.stdin.write(f"{most}\n")
        self._forker.stdin.flush()
        for line in self._forker.stdout:
            if line == "dead\n":
                return
            yield line.strip()


def crash(path: Path, admissions: int) -> None:
    """A gate's process that admits, with all of it still in the -wal, and dies by kill -9."""
    with Gates(path) as gates:
        counters = [line for line in gates.begin(admissions) if line.isdigit()]
    assert len(counters) == admissions


@contextmanager
def outside(path: Path) -> Iterator[sqlite3.Connection]:
    """Another program that holds the journal's write lock."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("ROLLBACK")
