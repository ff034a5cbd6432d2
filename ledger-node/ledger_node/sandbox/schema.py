"""The sandbox provider's database. Every cent is in exactly one place: an account, or an open hold.

posting is the journal: the amounts of one operation add up to zero, with "held" and "outside" as the accounts of money
that waits and of money that was paid in. account.available is the journal's sum, kept so that CHECK can refuse.
operation remembers each reference with what was answered, so that asking again changes nothing.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from ledger_node import formats
from ledger_node.home_folder import HomeError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS client (public_key BLOB PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS account (
    account TEXT PRIMARY KEY, merchant INTEGER NOT NULL, level INTEGER NOT NULL,
    available INTEGER NOT NULL DEFAULT 0 CHECK (available >= 0)
) STRICT;
CREATE TABLE IF NOT EXISTS posting (
    id INTEGER PRIMARY KEY, operation TEXT NOT NULL, account TEXT NOT NULL, amount INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS party (
    pseudonym BLOB PRIMARY KEY, event TEXT NOT NULL, account TEXT NOT NULL REFERENCES account
) STRICT;
CREATE TABLE IF NOT EXISTS permission (
    token TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account, event TEXT NOT NULL, purpose TEXT NOT NULL,
    most INTEGER NOT NULL, used_by TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS hold (
    reference TEXT PRIMARY KEY, event TEXT NOT NULL, account TEXT NOT NULL REFERENCES account, payer BLOB NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0), currency TEXT NOT NULL, until INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'expired', 'captured', 'released'))
) STRICT;
CREATE INDEX IF NOT EXISTS open_holds ON hold (until) WHERE state = 'open';
CREATE TABLE IF NOT EXISTS capture (
    reference TEXT PRIMARY KEY, hold TEXT NOT NULL UNIQUE REFERENCES hold,
    refunded INTEGER NOT NULL DEFAULT 0 CHECK (refunded >= 0)
) STRICT;
CREATE TABLE IF NOT EXISTS part (
    capture TEXT NOT NULL REFERENCES capture, pseudonym BLOB NOT NULL, amount INTEGER NOT NULL,
    refunded INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (capture, pseudonym)
) STRICT;
CREATE TABLE IF NOT EXISTS operation (
    reference TEXT PRIMARY KEY, request BLOB NOT NULL, answer TEXT NOT NULL
) STRICT;
"""


def open_database(path: Path) -> sqlite3.Connection:
    """The database, made if it is not there; what is committed survives a power cut."""
    if why := formats.refusal(path):
        raise HomeError(why)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
        formats.mark(connection, path)
        connection.executescript(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection


def secret(connection: sqlite3.Connection, name: str, draw: Callable[[int], bytes]) -> bytes:
    """The provider's secret of this name, 32 bytes, drawn on first use."""
    connection.execute("INSERT OR IGNORE INTO secret VALUES (?, ?)", (name, draw(32)))
    value: bytes = connection.execute("SELECT value FROM secret WHERE name = ?", (name,)).fetchone()[0]
    return value
