"""Opening a SQLite file so that what is committed survives a power cut. No table of anybody's is known here.

The file is created with synchronous=EXTRA under another name, renamed when it is whole, then switched to WAL with
synchronous=FULL. One connection writes and also checkpoints: SQLite before 3.51.3 can lose a WAL reset with two.

A commit costs a memory card one flush, and a few pages, each written whole for the row that changed in it: of 512
bytes, the least that SQLite has, in files that are made new. So that it is one flush and not two, the WAL is written
full of zeros when it is opened: a file that grows makes the file system flush its own journal as well. The WAL is
folded into the database before it outgrows that, and then begun again in the same place.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from scanner.errors import FormatError
from scanner.verify.file_format import HEADER_BYTES, Format, refusal

Connect = Callable[[Path], sqlite3.Connection]
FORMATS = {"journal": Format(3), "view": Format(), "peers": Format()}
"""By the name of the migrations. A change of the tables is one more of them, and takes a new number here."""

_PAGE_BYTES = 512
_WAL_ROOM = 512 * 1024
_WAL_HEADER, _FRAME_HEADER = 32, 24
_COMMIT_PAGES = 32
"""A commit is seldom of more: the one that folds the WAL still has room in it."""
_COMPANIONS = ("", "-wal", "-shm", "-journal")
_FORMATS = (b"\1\1", b"\2\2")
"""Bytes 18 and 19 of the file: rollback journal or WAL. With others SQLite would only read it, or not at all."""


def connect(path: Path) -> sqlite3.Connection:
    """One connection for all threads of this process; the caller serialises them."""
    return sqlite3.connect(path, check_same_thread=False, timeout=5)


def open_store(path: Path, migrations: Migrations, connector: Connect = connect) -> sqlite3.Connection:
    """Open or create `path`, bring its schema up to date, and make commits durable. Raises sqlite3.Error.

    The commit that fills the WAL's room also folds it, unless `checkpoint` did so at a better moment. Call
    `check_format` before anything else that reads the file.
    """
    if not path.exists() or not path.stat().st_size:
        _create(path, migrations, connector)
    connection = connector(path)
    try:
        connection.execute("PRAGMA synchronous=EXTRA")
        _mark(connection, migrations)
        migrations.apply(Database(connection))
        connection.commit()
        connection.isolation_level = None
        _switch_to_wal(connection)
        connection.execute("PRAGMA synchronous=FULL")
        page = connection.execute("PRAGMA page_size").fetchone()[0]
        connection.execute(f"PRAGMA wal_autocheckpoint={_WAL_ROOM // (page + _FRAME_HEADER) - _COMMIT_PAGES}")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the WAL is made by the first look
        _make_room(path)
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: Path, migrations: Migrations, connector: Connect) -> None:
    """Made whole under another name: a power cut leaves no half of it that would be taken for a damaged one."""
    building = path.with_name(f"{path.name}.building")
    discard(building)
    with closing(connector(building)) as connection:
        connection.execute(f"PRAGMA page_size={_PAGE_BYTES}")
        connection.execute("PRAGMA synchronous=EXTRA")
        migrations.apply(Database(connection))
        _mark(connection, migrations)
        connection.commit()
    building.rename(path)
    sync_folder(path.parent)


def check_format(path: Path) -> None:
    """Raises FormatError, with the file untouched, if a later release made it. Raises OSError."""
    try:
        with path.open("rb") as file:
            header = file.read(HEADER_BYTES)
    except FileNotFoundError:
        return
    if why := refusal(str(path), header, FORMATS.get(path.stem, Format())):
        raise FormatError(why)


def _mark(connection: sqlite3.Connection, migrations: Migrations) -> None:
    """Write the format into the file itself, before its tables become those of this format."""
    known = FORMATS.get(migrations.name, Format()).pragmas()
    found = [connection.execute(f"PRAGMA {one}").fetchone()[0] for one in ("application_id", "user_version")]
    if found == [int(pragma.rpartition(" ")[2]) for pragma in known]:
        return
    for pragma in known:
        connection.execute(pragma)
    # Another release reads the header of the file, not the WAL beside it.
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


@contextmanager
def transaction(connection: sqlite3.Connection, *, soon: bool = False) -> Iterator[None]:
    """BEGIN IMMEDIATE .. COMMIT; durable when it ends. A commit that fails may be on disk all the same.

    With `soon` it outlives this process when it ends, and a power cut from the next commit without `soon` on, or from
    the next time the WAL is folded. A power cut before that takes the last commits of this kind, in the order in which
    they were made, and nothing else.
    """
    connection.execute(f"PRAGMA synchronous={'NORMAL' if soon else 'FULL'}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def checkpoint(connection: sqlite3.Connection) -> None:
    """Move what the WAL holds into the database."""
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


def fold(connection: sqlite3.Connection) -> None:
    """Move all of the WAL into the database and close: one file is left. Raises sqlite3.Error, closed all the same."""
    with closing(connection):
        if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            raise sqlite3.OperationalError("database is locked")


# Looking at a file that may be damaged


def held_something(path: Path) -> bool:
    """Whether there is a WAL with content beside a database that is gone or empty; SQLite would delete it unread."""
    wal = path.with_name(f"{path.name}-wal")
    if not wal.exists():
        return False
    with wal.open("rb") as file:
        return any(file.read(_WAL_HEADER))


@contextmanager
def looking(path: Path, connector: Connect = connect) -> Iterator[sqlite3.Connection]:
    """A connection that only reads, and leaves the WAL as it is; an ordinary one folds it away when it closes."""
    if path.with_name(f"{path.name}-journal").exists():
        with closing(connector(path)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
        yield connection


def damage(path: Path, connection: sqlite3.Connection, migrations: Migrations) -> str:
    """What is wrong with the structure or the tables of the file, "" if nothing is. Values are not looked at."""
    with path.open("rb") as file:
        if file.read(20)[18:] not in _FORMATS:
            return "its header is not that of a database"
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        return f"SQLite says: {found}"
    done = connection.execute("SELECT migration_set, name, applied_at FROM _sqlite_migrations").fetchall()
    applied = {name for group, name, _ in done if group == migrations.name}
    with closing(Database(memory=True)) as empty:
        known = {migration.name for migration in migrations.pending(empty)}
    wanted, there = _made_by(migrations, applied), _schema(connection)
    odd = (wanted - there) | ((_made_by(migrations, known) - wanted) & there)
    return f"its tables are not as they were made: {min(odd)[0]}" if odd else ""


UNREADABLE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What reading a damaged file raises; the second where SQLite's own words quote bytes of the file."""


def told(error: Exception) -> str:
    """Words for what an UNREADABLE file raised. Raises it again if the disk is at fault: then nothing is set aside."""
    if _transient(error):
        raise error
    return f"SQLite says: {error}"


def _transient(error: Exception) -> bool:
    return isinstance(error, sqlite3.OperationalError) and any(
        word in str(error) for word in ("locked", "readonly", "full", "unable to open", "disk I/O", "write-ahead log")
    )


def _make_room(path: Path) -> None:
    """Fill the WAL's room with zeros, which SQLite takes for its end; the first commit's sync takes them along. A
    disk that is too full for that is no fault: a commit then costs more, and says so itself if it cannot be made.
    """
    with suppress(OSError), path.with_name(f"{path.name}-wal").open("r+b") as wal:
        if (there := wal.seek(0, os.SEEK_END)) < _WAL_ROOM:
            wal.write(bytes(_WAL_ROOM - there))


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """SQLite says so in its answer, and not by an error, when it stays with a mode that loses commits."""
    mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal":
        raise sqlite3.OperationalError(f"no write-ahead log can be had here (journal mode {mode})")


def _made_by(migrations: Migrations, applied: set[str]) -> set[tuple[Any, ...]]:
    made = Database(memory=True)
    try:
        later = [migration.name for migration in migrations.pending(made) if migration.name not in applied]
        migrations.apply(made, stop_before=later)
        return _schema(made.conn)
    finally:
        made.close()


def _schema(connection: sqlite3.Connection) -> set[tuple[Any, ...]]:
    """Columns, not the SQL that made them: another release of a library may write it in other words."""
    rows = connection.execute(
        'SELECT m.name, c.name, c.type, c."notnull", c.pk FROM sqlite_master m, pragma_table_info(m.name) c'
        " WHERE m.type = 'table'"
        " UNION ALL SELECT m.name, c.name, m.tbl_name, c.seqno, 0 FROM sqlite_master m, pragma_index_info(m.name) c"
        " WHERE m.type = 'index'"
    )
    return set(rows)


# Files


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def aside(path: Path, stamp: str) -> Path:
    """The name that a damaged file is given: one that nothing has."""
    target = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 1
    while any(one.exists() for one in _with_companions(target)):
        number += 1
        target = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    return target


def set_aside(path: Path, stamp: str) -> Path:
    """Rename a damaged file, with SQLite's companions, to a name that nothing overwrites; returns the new path."""
    target = aside(path, stamp)
    for source, kept in zip(_with_companions(path), _with_companions(target), strict=True):
        if source.exists():
            source.rename(kept)
    sync_folder(path.parent)
    return target


def discard(path: Path) -> None:
    """Delete a database that never came into use."""
    for one in _with_companions(path):
        one.unlink(missing_ok=True)


def exists(path: Path) -> bool:
    """Whether the database or any companion of it is there."""
    return any(one.exists() for one in _with_companions(path))


def _with_companions(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in _COMPANIONS]
