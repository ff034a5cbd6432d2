"""The audit trail: it only grows, and whoever changes the file is found out, by the row."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ledger_node.services.accounts.tables import SCHEMA
from ledger_node.services.database import Database
from ledger_node.services.errors import ServiceError
from ledger_node.services.trail import CONSOLE, Actor, Trail
from scanner.verify.keys import SigningKey

KEY = SigningKey(bytes(range(32)))
BY = Actor(CONSOLE)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "accounts.sqlite3"
    with closing(Database(made, SCHEMA)) as database:
        trail = Trail(database, KEY)
        for n in range(1, 8):
            trail.add(1_000 + n, BY, "account.invite", f"subject {n}", {"n": n})
    return made


def check(path: Path, tampering: str = "", key: SigningKey = KEY) -> str | None:
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(f"DROP TRIGGER trail_stays; DROP TRIGGER trail_keeps; {tampering};")
    with closing(Database(path, SCHEMA)) as database:
        return Trail(database, key).check()


def test_an_honest_trail_is_good_and_its_head_can_be_kept_elsewhere(path: Path) -> None:
    assert check(path) is None
    with closing(Database(path, SCHEMA)) as database:
        head = Trail(database, KEY).head()
    assert (head.n, head.good(KEY.public), head.good(bytes(32))) == (7, True, False)


def test_an_empty_trail_is_good(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "a.sqlite3", SCHEMA)) as database:
        assert Trail(database, KEY).check() is None


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ("UPDATE trail SET who = 'somebody else' WHERE n = 3", "row 3 was changed"),
        ("UPDATE trail SET detail = '{}' WHERE n = 7", "row 7 was changed"),
        ("UPDATE trail SET hash = zeroblob(32) WHERE n = 4", "row 4 was changed"),
        ("DELETE FROM trail WHERE n = 5", "row 5 is missing"),
        ("DELETE FROM trail WHERE n = 7", "ends at row 6, its head says 7"),
        ("DELETE FROM trail; DELETE FROM trail_head WHERE 0", "ends at row 0"),
        ("UPDATE trail_head SET signature = zeroblob(64)", "bad signature"),
        ("INSERT INTO trail SELECT 8, at, who, what, subject, origin, detail, hash FROM trail WHERE n = 7", "row 8"),
    ],
)
def test_a_trail_that_was_tampered_with_names_the_row(path: Path, tampering: str, found: str) -> None:
    assert found in str(check(path, tampering))


def test_rows_rewritten_with_good_hashes_still_lack_the_nodes_signature(path: Path) -> None:
    with closing(Database(path, SCHEMA)) as database:
        Trail(database, SigningKey(bytes(32))).add(2_000, BY, "account.revoke", "x")
    assert "bad signature" in str(check(path))


@pytest.mark.parametrize("statement", ["UPDATE trail SET who = 'x'", "DELETE FROM trail"])
def test_the_program_itself_cannot_change_a_row(path: Path, statement: str) -> None:
    with closing(Database(path, SCHEMA)) as database:
        with pytest.raises((ServiceError, sqlite3.IntegrityError), match="only grows"):
            database.write(statement)
        assert len(Trail(database, KEY).acts()) == 7


def fail_after_adding(database: Database, trail: Trail) -> None:
    with database.transaction():
        trail.add(3_000 // 1, BY, "account.invite", "x")
        trail.add(3_000 // 0, BY, "account.invite", "y")


def test_an_act_that_fails_leaves_no_row(path: Path) -> None:
    with closing(Database(path, SCHEMA)) as database:
        trail = Trail(database, KEY)
        with pytest.raises(ZeroDivisionError):
            fail_after_adding(database, trail)
        assert trail.head().n == 7
        assert trail.check() is None
