"""Opening a file so that a commit survives a power cut, looking without touching, and setting aside."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from scanner import store
from tests.fakes.disk import Disk

MIGRATIONS = Migrations("test")


@MIGRATIONS()
def first(db: Database) -> None:
    db.table("thing").create({"id": int, "name": str}, pk="id")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "things.db"


def fill(connection: sqlite3.Connection, count: int) -> None:
    with store.transaction(connection):
        connection.executemany("INSERT INTO thing (name) VALUES (?)", [(f"thing {n}",) for n in range(count)])


def count(path: Path) -> int:
    with store.looking(path) as connection:
        return int(connection.execute("SELECT count(*) FROM thing").fetchone()[0])


def test_the_file_is_created_durably_before_it_becomes_a_wal(path: Path) -> None:
    disk = Disk()
    with closing(store.open_store(path, MIGRATIONS, disk)) as connection:
        assert [made.statements[1] for made in disk.connections[:1]] == ["PRAGMA synchronous=EXTRA"]
        settings = [sql for sql in disk.last.statements if sql.startswith("PRAGMA")]
        assert settings[0] == "PRAGMA synchronous=EXTRA"
        assert settings.index("PRAGMA journal_mode=WAL") < settings.index("PRAGMA synchronous=FULL")
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA wal_autocheckpoint").fetchone() == (946,)


def test_where_no_wal_can_be_had_nothing_is_opened() -> None:
    """SQLite stays with another mode and raises nothing; in that mode acknowledged commits are lost in a power cut."""
    with pytest.raises(sqlite3.OperationalError, match="journal mode memory"):
        store.open_store(Path(), MIGRATIONS, lambda _: sqlite3.connect(":memory:"))


def test_what_fails_inside_a_transaction_leaves_nothing(path: Path) -> None:
    with closing(store.open_store(path, MIGRATIONS)) as connection:
        rows = [(1, "whole"), (1, "twice")]
        with pytest.raises(sqlite3.IntegrityError), store.transaction(connection):
            connection.executemany("INSERT INTO thing (id, name) VALUES (?, ?)", rows)
        assert not connection.in_transaction
        fill(connection, 3)
    assert count(path) == 3


def test_an_open_that_fails_closes_the_connection(path: Path) -> None:
    path.write_bytes(b"no database" * 100)
    disk = Disk()
    with pytest.raises(sqlite3.DatabaseError):
        store.open_store(path, MIGRATIONS, disk)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        disk.last.execute("SELECT 1")


def test_looking_leaves_the_wal_as_it_is(path: Path) -> None:
    wal = path.with_name("things.db-wal")
    with closing(store.open_store(path, MIGRATIONS)) as writer:
        fill(writer, 5)
        files = path.read_bytes(), wal.read_bytes()
    path.write_bytes(files[0])
    wal.write_bytes(files[1])
    assert count(path) == 5
    assert (path.read_bytes(), wal.read_bytes()) == files


def test_looking_rolls_back_a_creation_that_was_cut_short(path: Path) -> None:
    """A rollback journal that is left must be played back, which a connection that only reads cannot do."""
    hot = path.with_name("things.db-journal")
    store.open_store(path, MIGRATIONS).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=DELETE")
        writer.execute("PRAGMA cache_size=1")
        writer.execute("PRAGMA cache_spill=1")
        writer.execute("BEGIN")
        writer.executemany("INSERT INTO thing (name) VALUES (?)", [("x" * 3000,)] * 50)
        files = path.read_bytes(), hot.read_bytes()
        writer.execute("ROLLBACK")
    path.write_bytes(files[0])
    hot.write_bytes(files[1])
    assert count(path) == 0
    assert not hot.exists()


def test_folding_leaves_one_file(path: Path, tmp_path: Path) -> None:
    connection = store.open_store(path, MIGRATIONS)
    fill(connection, 5)
    store.fold(connection)
    assert [file.name for file in tmp_path.iterdir()] == ["things.db"]
    assert count(path) == 5


def test_folding_while_somebody_reads_is_an_error(path: Path) -> None:
    disk = Disk(lambda connection: connection.execute("PRAGMA busy_timeout=1"))
    connection = store.open_store(path, MIGRATIONS, disk)
    fill(connection, 5)
    with store.looking(path) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM thing").fetchone()
        fill(connection, 5)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            store.fold(connection)


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT 1", ""),
        ("DROP TABLE thing", "not as they were made: thing"),
        ("ALTER TABLE thing RENAME COLUMN name TO nome", "not as they were made: thing"),
        ("DELETE FROM _sqlite_migrations", "not as they were made: thing"),
        ("UPDATE _sqlite_migrations SET migration_set = 'tess'", "not as they were made: thing"),
    ],
)
def test_tables_that_are_not_as_they_were_made_are_damage(path: Path, sql: str, says: str) -> None:
    store.open_store(path, MIGRATIONS).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(sql)
        connection.commit()
    with store.looking(path) as connection:
        found = store.damage(path, connection, MIGRATIONS)
    assert says in found
    assert bool(says) == bool(found)


def test_a_store_that_was_only_begun_is_no_damage(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        MIGRATIONS.ensure_migrations_table(Database(connection))
    with store.looking(path) as connection:
        assert store.damage(path, connection, MIGRATIONS) == ""
    store.open_store(path, MIGRATIONS).close()
    assert count(path) == 0


def test_a_disk_at_fault_is_not_taken_for_a_damaged_file() -> None:
    for words in ("database is locked", "attempt to write a readonly database", "disk I/O error"):
        with pytest.raises(sqlite3.OperationalError):
            store.told(sqlite3.OperationalError(words))
    assert "malformed" in store.told(sqlite3.DatabaseError("database disk image is malformed"))
    assert "no such column" in store.told(sqlite3.OperationalError("no such column: raw"))


def test_setting_aside_takes_all_companions_and_overwrites_nothing(path: Path, tmp_path: Path) -> None:
    for round_ in (b"first", b"second"):
        for suffix in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + suffix).write_bytes(round_)
        store.set_aside(path, "T")
        assert not store.exists(path)
    kept = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert kept == {
        f"things.db.damaged-T{number}{suffix}": content
        for number, content in (("", b"first"), ("-2", b"second"))
        for suffix in ("", "-wal", "-shm", "-journal")
    }
    assert store.aside(path, "T").name == "things.db.damaged-T-3"
