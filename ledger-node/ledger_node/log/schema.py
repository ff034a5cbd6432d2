"""The tables of a ledger's database, how they came to be, and how a connection is opened. No query is here.

A flipped bit passes SQLite's own checks, so nothing here is believed for being stored: entries are under the signed
root, and the state can be derived from them again.
"""

import sqlite3
from pathlib import Path

from sqlite_utils import Database, Migrations

from ledger_node import formats
from ledger_node.contract.apply import act_key
from ledger_node.log.port import LedgerFault
from ledger_node.log.tables import Tables
from scanner.verify.entry import reopen
from scanner.verify.row import Row

BUSY_SECONDS = 10.0
migrations = Migrations("ledger")

_FIRST = """
CREATE TABLE head (
    id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL, root BLOB NOT NULL, clock INTEGER NOT NULL,
    operator BLOB NOT NULL, origin TEXT NOT NULL) STRICT;
CREATE TABLE entry (position INTEGER PRIMARY KEY, raw BLOB NOT NULL) STRICT;
CREATE TABLE hash (
    level INTEGER, place INTEGER, hash BLOB NOT NULL, PRIMARY KEY (level, place)) STRICT, WITHOUT ROWID;
CREATE TABLE event (
    number INTEGER PRIMARY KEY, event TEXT NOT NULL UNIQUE, manifest BLOB NOT NULL, issued INTEGER NOT NULL,
    changed INTEGER NOT NULL) STRICT;
CREATE TABLE ticket (
    event INTEGER, ticket INTEGER, row BLOB NOT NULL, face_value INTEGER NOT NULL, used_device TEXT,
    used_counter INTEGER, changed INTEGER NOT NULL, PRIMARY KEY (event, ticket)) STRICT, WITHOUT ROWID;
CREATE INDEX ticket_changed ON ticket (event, changed, ticket);
CREATE TABLE device (
    device TEXT PRIMARY KEY, event TEXT NOT NULL, public_key BLOB NOT NULL UNIQUE, gate TEXT NOT NULL,
    enrolled_at INTEGER NOT NULL, revoked_at INTEGER, position INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE record (
    event TEXT NOT NULL, device TEXT, counter INTEGER, position INTEGER NOT NULL, digest BLOB NOT NULL,
    type TEXT NOT NULL, gate TEXT NOT NULL, time_ms INTEGER NOT NULL, ticket INTEGER, owner_seq INTEGER NOT NULL,
    code_digest BLOB NOT NULL, verdict TEXT NOT NULL, cause TEXT NOT NULL, first_device TEXT, first_counter INTEGER,
    PRIMARY KEY (device, counter)) STRICT, WITHOUT ROWID;
CREATE INDEX record_admission ON record (event, ticket, position) WHERE type = 'admission';
CREATE INDEX record_doubt ON record (event, position) WHERE verdict IN ('duplicate', 'stale');
CREATE TABLE undone (
    device TEXT, counter INTEGER, undo TEXT NOT NULL, PRIMARY KEY (device, counter)) STRICT, WITHOUT ROWID;
CREATE TABLE act (
    digest BLOB PRIMARY KEY, position INTEGER NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE incident (device TEXT, counter INTEGER, PRIMARY KEY (device, counter)) STRICT, WITHOUT ROWID;
"""


@migrations()
def first_tables(db: Database) -> None:
    """The ledger as it began."""
    for statement in _FIRST.split(";"):
        if statement.strip():
            db.execute(statement)


_SECOND = """
CREATE TABLE fact (
    kind TEXT, event TEXT, key BLOB, value BLOB NOT NULL, PRIMARY KEY (kind, event, key)) STRICT, WITHOUT ROWID;
CREATE TABLE tally (id INTEGER PRIMARY KEY CHECK (id = 1), total BLOB NOT NULL) STRICT;
"""


@migrations()
def whole_life(db: Database) -> None:
    """Facts beside the tickets, and the tally over all of the state as it stands."""
    for statement in _SECOND.split(";"):
        if statement.strip():
            db.execute(statement)
    db.execute("INSERT INTO tally VALUES (1, ?)", (Tables(db.conn).tally_anew().pack(),))


@migrations()
def seats(db: Database) -> None:
    """Which ticket has a seat, found without looking at all."""
    db.execute("CREATE INDEX ticket_seat ON ticket (event, substr(row, 11, 4))")


_FOURTH = """
CREATE TABLE seat (
    event INTEGER, seat INTEGER, ticket INTEGER, PRIMARY KEY (event, seat, ticket)) STRICT, WITHOUT ROWID;
INSERT INTO seat SELECT event, seat_of(row), ticket FROM ticket;
DROP INDEX ticket_seat;
UPDATE act SET digest = (SELECT act_key(raw) FROM entry WHERE entry.position = act.position);
"""


@migrations()
def near_each_other(db: Database) -> None:
    """What comes together stands together: a seat is written when it changes, not with its ticket, and an act is known
    by its time before its hash. An entry in a long log costs what one in a short log does.
    """
    db.conn.create_function("seat_of", 1, lambda row: Row.unpack(row).seat, deterministic=True)
    db.conn.create_function("act_key", 1, lambda raw: act_key(reopen(raw)), deterministic=True)
    for statement in _FOURTH.split(";"):
        if statement.strip():
            db.execute(statement)


def open_writer(path: Path) -> sqlite3.Connection:
    """The one connection that writes and checkpoints, for use by any one thread at a time. Creates and migrates.

    Created with synchronous=EXTRA, so that the file's own name survives a power cut, and only then switched to WAL;
    from there on FULL makes each commit durable.
    """
    try:
        if why := formats.refusal(path):
            raise LedgerFault(why, lasting=True)
        conn = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    except (sqlite3.Error, OSError) as error:
        raise LedgerFault(f"{path} cannot be opened: {error}", lasting=True) from error
    try:
        conn.execute("PRAGMA synchronous = EXTRA")
        formats.mark(conn, path)
        migrations.apply(Database(conn))
        conn.execute("PRAGMA journal_mode = WAL")
        conn.execute("PRAGMA synchronous = FULL")
        conn.execute("PRAGMA cache_size = -65536")
    except (sqlite3.Error, UnicodeDecodeError) as error:
        # The second: a damaged schema, whose text the message would quote.
        conn.close()
        raise LedgerFault(f"{path} cannot be used: {error}", lasting=True) from error
    return conn


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads, and never checkpoints; the writer must be open and stay open longer."""
    conn = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        conn.execute("PRAGMA query_only = ON")
        conn.execute("PRAGMA cache_size = -16384")
    except BaseException:
        conn.close()
        raise
    return conn
