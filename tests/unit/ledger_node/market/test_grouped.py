"""Many threads share one transaction, and one that asks for nonsense spoils nobody else's."""

import sqlite3
import threading
from contextlib import closing, contextmanager

import pytest

from ledger_node.services.database import Database
from ledger_node.services.errors import ServiceError
from ledger_node.services.grouped import Grouped


class Counted(Database):
    """It counts its transactions."""

    transactions = 0

    @contextmanager
    def transaction(self):
        self.transactions += 1
        with super().transaction():
            yield


def opened(folder):
    return Counted(folder / "some.sqlite3", "CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY)")


@pytest.fixture
def database(tmp_path):
    return opened(tmp_path)


@pytest.fixture
def line(database):
    made = Grouped(database)
    yield made
    made.close()


def put(line, number):
    return line.begin(lambda database: database.write("INSERT INTO t VALUES (?)", number))


def test_what_is_asked_together_is_done_together(line):
    gate = threading.Event()
    first = line.begin(lambda _: gate.wait(10))
    waiting = [put(line, number) for number in range(100)]
    gate.set()
    assert first.result()
    assert [one.result() for one in waiting] == [1] * 100
    assert line.do(lambda database: database.read("SELECT count(*) FROM t")) == [(100,)]


def test_one_fault_is_its_own_askers(line):
    gate = threading.Event()
    line.begin(lambda _: gate.wait(10))
    good, bad, again = put(line, 1), put(line, 1), put(line, 2)
    gate.set()
    assert (good.result(), again.result()) == (1, 1)
    with pytest.raises(sqlite3.IntegrityError):
        bad.result()


def put_soon(line, number):
    line.soon(lambda database: database.write("INSERT INTO t VALUES (?)", number))


def test_what_no_one_waits_for_takes_part_in_the_next_transaction(line, database, monkeypatch):
    monkeypatch.setattr("ledger_node.services.grouped.SOON", 60)
    for number in range(20):
        put_soon(line, number)
    assert line.do(lambda database: database.read("SELECT count(*) FROM t")) == [(20,)]
    assert database.transactions == 1


def test_what_no_one_waits_for_is_done_although_nothing_else_comes(line):
    done = threading.Event()
    line.soon(lambda _: done.set())
    assert done.wait(10)


def test_what_no_one_waits_for_is_done_before_the_file_is_closed(line, tmp_path, monkeypatch):
    monkeypatch.setattr("ledger_node.services.grouped.SOON", 60)
    put_soon(line, 1)
    line.close()
    with closing(opened(tmp_path)) as database:
        assert database.read("SELECT n FROM t") == [(1,)]


def test_a_fault_that_no_one_hears_spoils_nothing_else(line):
    put_soon(line, 1)
    put_soon(line, 1)
    assert put(line, 2).result() == 1
    assert line.do(lambda database: database.read("SELECT count(*) FROM t")) == [(2,)]


def test_after_the_end_nothing_is_taken(line):
    line.close()
    with pytest.raises(ServiceError) as refused:
        line.do(lambda database: database.read("SELECT 1"))
    assert refused.value.status == 503
