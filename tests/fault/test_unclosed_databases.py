"""A file that cannot be opened is given back: nothing of ours holds it while its error is told.

Python 3.13 speaks of a database that is collected unclosed; this Python is asked for the files that are open.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger_node.log.ledger import DATABASE
from ledger_node.log.port import LedgerFault
from ledger_node.log.schema import open_reader, open_writer
from ledger_node.sandbox.schema import open_database
from ledger_node.services.database import Database
from ledger_node.services.errors import ServiceError
from ledger_node.services.store import Store
from ledger_node.services.witness_memory import WITNESS_FILE, Memory
from scanner.errors import SyncError
from scanner.store import damage, open_store
from scanner.sync.peer_store import PeerStore
from scanner.view_db import MIGRATIONS
from tests.fakes.disk import Disk

_FAULTS = (sqlite3.Error, ServiceError, LedgerFault)
_OPENERS: dict[str, Callable[[Path], object]] = {
    "notes": Store,
    "books": lambda path: Database(path, "CREATE TABLE a (b)"),
    "witness": lambda path: Memory(path.parent),
    "provider": open_database,
    "log-writer": open_writer,
    "log-reader": open_reader,
    "gate": lambda path: open_store(path, MIGRATIONS),
}


def held(folder: Path) -> set[str]:
    """Files in the folder that this process has open."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return {str(link.readlink()) for link in links if str(link.readlink()).startswith(str(folder))}


@pytest.mark.parametrize("opener", _OPENERS.values(), ids=_OPENERS)
def test_a_damaged_file_is_given_back(tmp_path: Path, opener: Callable[[Path], object]) -> None:
    path = tmp_path / (WITNESS_FILE if opener is _OPENERS["witness"] else DATABASE)
    path.write_bytes(b"not a database" * 600)
    with pytest.raises(_FAULTS) as told:
        opener(path)
    assert told.tb is not None  # the frames that opened it live as long as this
    assert held(tmp_path) == set()


def test_a_disk_that_fails_when_the_owner_is_noted_gets_its_file_back(tmp_path: Path) -> None:
    path, disk = tmp_path / "peers.db", Disk()
    PeerStore(path, "event", "A1", "then").close()
    full = Disk(lambda connection: connection.set_authorizer(_no_deletes))
    with pytest.raises(SyncError) as told:
        PeerStore(path, "event", "another", "then", full)
    assert told.tb is not None
    assert held(tmp_path) == set()
    PeerStore(path, "event", "another", "then", disk).close()


def test_looking_for_damage_leaves_no_database_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = open_store(tmp_path / "view.db", MIGRATIONS)
    made, plain = [], sqlite3.connect

    def connect(*args: object, **kwargs: object) -> sqlite3.Connection:
        made.append(plain(*args, **kwargs))  # type: ignore[call-overload]
        return made[-1]

    monkeypatch.setattr(sqlite3, "connect", connect)
    assert damage(tmp_path / "view.db", connection, MIGRATIONS) == ""
    connection.close()
    assert made
    for one in made:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            one.execute("SELECT 1")


def _no_deletes(action: int, *_: object) -> int:
    return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_DELETE else sqlite3.SQLITE_OK
