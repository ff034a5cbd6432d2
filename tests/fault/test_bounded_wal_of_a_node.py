"""A node's write-ahead logs over thousands of commits, while it is read as well: each is folded within its bound."""

import threading
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from ledger_node.contract.entries import NewTicket
from ledger_node.home_folder import LEDGER_FILE
from ledger_node.services.database import Database
from ledger_node.services.events import EventOrder, create_event
from ledger_node.services.store import Report, Store
from tests.fakes.running_node import DOORS, EVENT, open_home
from tests.fakes.wallet import Wallet

COMMITS = 2_000
MOST = 1_100 * (4_096 + 24)
"""SQLite folds at a thousand pages; the commit that reaches it may be of some more."""


def wal(path: Path) -> int:
    return path.with_name(f"{path.name}-wal").stat().st_size


def test_the_wal_of_the_nodes_own_notes_is_folded(tmp_path: Path) -> None:
    path = tmp_path / "node.sqlite3"
    with closing(Store(path)) as notes:
        for number in range(COMMITS):
            notes.report(Report(f"device {number % 50}", DOORS + number, number, 0))
        assert wal(path) <= MOST


def test_the_wal_of_the_other_databases_is_folded(tmp_path: Path) -> None:
    """Accounts, market, vault, links, alerts and the chronicle are opened in this one way."""
    path = tmp_path / "market.sqlite3"
    with closing(
        Database(path, "CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
    ) as notes:
        for number in range(COMMITS):
            notes.write("INSERT INTO note (text) VALUES (?)", "x" * 500)
            if number % 100 == 0:
                notes.read("SELECT count(*) FROM note")
        assert wal(path) <= MOST


@pytest.mark.timeout(120)
def test_the_wal_of_the_log_is_folded_though_there_is_always_a_reader(tmp_path: Path) -> None:
    """SQLite by itself begins its log anew only when nobody reads, and a busy node is read all the time."""
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            with node.view() as view:
                list(view.rows(EVENT))

    with open_home(tmp_path, lambda: DOORS - 86_400.0) as node:
        create_event(node, EventOrder(EVENT, "Harbour Nights", DOORS, DOORS + 5400, 1000))
        wallet, readers = Wallet.new(Random(1)), [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        most = 0
        for index in range(1, 350):
            new = NewTicket(index, index, 0, 1, 88_000, wallet.public, wallet.proof(EVENT, index))
            node.commit(list(node.operator.issue(EVENT, [new], node.seconds)))
            most = max(most, wal(tmp_path / LEDGER_FILE))
        done.set()
        for reader in readers:
            reader.join()
    assert most <= 8 << 20
