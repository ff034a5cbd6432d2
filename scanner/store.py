"""Opening a SQLite file so that what is committed survives a power cut. No table of anybody's is known here.

The file is created with synchronous=EXTRA, so that its directory entry is on disk too, then switched to WAL with
synchronous=FULL. One connection writes and also checkpoints: SQLite before 3.51.3 can lose a WAL reset with two.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

Connect = Callable[[Path], sqlite3.Connection]


def connect(path: Path) -> sqlite3.Connection:
    """One connection for all threads of this process; the caller serialises them."""
    return sqlite3.connect(path, check_same_thread=False, timeout=5)


def open_store(path: Path, migrations: Migrations, connector: Connect = connect) -> sqlite3.Connection:
    """Open or create `path`, bring its schema up to date, and make commits durable. Raises sqlite3.Error."""
    connection = connector(path)
    try:
        connection.execute("PRAGMA synchronous=EXTRA")
        migrations.apply(Database(connection))
        connection.commit()
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        # Checkpoints are taken when the gate is idle (`checkpoint`), not inside somebody's commit.
        connection.execute("PRAGMA wal_autocheckpoint=0")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """BEGIN IMMEDIATE .. COMMIT; durable when it ends. Any failure, that of the commit too, leaves nothing behind."""
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


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def set_aside(path: Path, stamp: str) -> Path:
    """Rename a damaged file, with SQLite's companions, to a name that nothing overwrites; returns the new path."""
    target = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    for suffix in ("", "-wal", "-shm"):
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.rename(target.with_name(target.name + suffix))
    sync_folder(path.parent)
    return target
