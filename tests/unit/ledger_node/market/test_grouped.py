"""Many threads share one transaction, and one that asks for nonsense spoils nobody else's."""

import sqlite3
import threading

import pytest

from ledger_node.services.database import Database
from ledger_node.services.errors import ServiceError
from ledger_node.services.grouped import Grouped


@pytest.fixture
def line(tmp_path):
    made = Grouped(Database(tmp_path / "some.sqlite3", "CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY)"))
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


def test_after_the_end_nothing_is_taken(line):
    line.close()
    with pytest.raises(ServiceError) as refused:
        line.do(lambda database: database.read("SELECT 1"))
    assert refused.value.status == 503
