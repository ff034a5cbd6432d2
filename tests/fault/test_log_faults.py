"""The ledger's disk fails, fills up or loses power: on either side of a commit nothing is half kept; it goes on."""

import errno
import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from ledger_node.contract.outcome import Outcome
from ledger_node.log.ledger import DATABASE, Ledger, LedgerFault
from ledger_node.log.readers import Readers
from ledger_node.log.sqlite import SqliteStore
from ledger_node.log.writer import Sequencer
from ledger_node.services.audit import audit
from ledger_node.services.export import export
from scanner.verify.checkpoint import VerifierKey
from tests.fakes.box_office import EVENT, NODE, NOW, OPERATOR, code, gates, opening, ticket

ORIGIN = "ticketme.example/log"
VKEY = VerifierKey(ORIGIN, NODE.public).encode()
ROOT = Path(__file__).parents[2]


class FailingStore(SqliteStore):
    """A real store whose disk fails when it is told to, before or after the commit has reached it."""

    def __init__(self, path):
        super().__init__(path, NODE.public, ORIGIN)
        self.failures = []
        self.happened = []

    def commit(self):
        failure = self.failures.pop(0) if self.failures else None
        if failure == "before":
            self.happened.append(failure)
            raise sqlite3.OperationalError("disk I/O error")
        head = super().commit()
        if failure == "after":
            self.happened.append(failure)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return head

    def recover(self):
        if getattr(self, "failures", None) and self.failures[0] == "unreadable":
            self.happened.append(self.failures.pop(0))
            raise sqlite3.OperationalError("disk I/O error")
        return super().recover()


@pytest.fixture
def store(tmp_path):
    opened = FailingStore(tmp_path / DATABASE)
    yield opened
    opened.close()


@pytest.fixture
def ledger(store, tmp_path):
    opened = Ledger(store, Readers(tmp_path / DATABASE), NODE, ORIGIN, lambda: NOW, (tmp_path / "lock").open("ab"))
    opened.submit(opening()).result()
    yield opened
    opened.close()


def is_sound(ledger, folder):
    export(ledger, folder)
    report = audit(folder, VKEY)
    assert report.findings == ()
    with ledger.view() as view:
        assert report.digests[EVENT] == view.state_digest(EVENT)
        return report.good


def test_a_commit_that_never_reached_the_disk_kept_nothing(ledger, store, tmp_path):
    gate, size = gates()[0], ledger.size
    raw = gate.admit(code(1))
    store.failures = ["before"]
    with pytest.raises(LedgerFault, match="see to the disk"):
        ledger.submit([raw]).result()
    with ledger.view() as view:
        assert (ledger.size, view.size, view.ticket(EVENT, 1).row.uses) == (size, size, 0)
    (answer,) = ledger.submit([raw]).result()
    assert (answer.position, answer.verdict, answer.new) == (size, "accepted", True)
    assert is_sound(ledger, tmp_path / "out")


def test_a_commit_that_was_kept_but_answered_with_an_error_is_found_on_the_disk(ledger, store, tmp_path):
    gate, size = gates()[0], ledger.size
    raw = gate.admit(code(1))
    store.failures = ["after"]
    with pytest.raises(LedgerFault):
        ledger.submit([raw]).result()
    assert ledger.size == size + 1
    (answer,) = ledger.submit([raw]).result()
    assert (answer.position, answer.verdict, answer.new) == (size, "accepted", False)
    assert is_sound(ledger, tmp_path / "out")


def test_a_disk_that_cannot_even_be_read_after_the_failure_is_read_again_later(ledger, store, tmp_path):
    gate, size = gates()[0], ledger.size
    raw = gate.admit(code(1))
    store.failures = ["before", "unreadable", "unreadable"]
    for _ in range(2):
        with pytest.raises(LedgerFault):
            ledger.submit([raw]).result()
    assert store.happened == ["before", "unreadable", "unreadable"]
    (answer,) = ledger.submit([raw]).result()
    assert (answer.position, answer.verdict) == (size, "accepted")
    assert is_sound(ledger, tmp_path / "out")


def test_a_failure_reaches_every_caller_of_the_commit_and_nobody_else(ledger, store):
    a1, a2, _ = gates()
    store.failures = ["before"]
    lost = ledger.submit([a1.admit(code(1))])
    assert isinstance(lost.exception(), LedgerFault)
    assert ledger.submit([a2.admit(code(1))]).result()[0].verdict == "accepted"


def test_a_full_disk_keeps_nothing_of_the_batch_and_takes_the_next_when_there_is_room(tmp_path):
    ledger = Ledger.open(tmp_path, NODE, ORIGIN, lambda: NOW)
    ledger.submit(opening(20, capacity=100_000)).result()
    size = ledger.size
    conn = ledger._store._conn
    pages = conn.execute("PRAGMA page_count").fetchone()[0]
    conn.execute(f"PRAGMA max_page_count = {pages + 10}")
    batch = list(OPERATOR.issue(EVENT, (ticket(i, held=False) for i in range(100, 6_000)), NOW))
    with pytest.raises(LedgerFault, match="is full: make room"):
        ledger.submit(batch, whole=True).result()
    assert ledger.size == size
    assert ledger.submit([gates()[0].admit(code(1))]).result()[0].verdict == "accepted"
    conn.execute("PRAGMA max_page_count = 1000000")
    assert all(isinstance(answer, Outcome) for answer in ledger.submit(batch, whole=True).result())
    assert is_sound(ledger, tmp_path / "out")
    ledger.close()


def test_a_poisoned_entry_that_trips_the_ledger_itself_is_a_fault_and_the_next_goes_through(store):
    sequencer = Sequencer(store, lambda: NOW)
    with pytest.raises(LedgerFault, match="please report it"):
        sequencer.step([object()], whole=False)
    assert len(sequencer.step(opening(), whole=False)) == 5


_CHILD = """
import sys
from pathlib import Path
from ledger_node.log.ledger import Ledger
from tests.fakes.box_office import NODE, NOW, code, gates, opening
gate = gates()[0]
ledger = Ledger.open(Path(sys.argv[1]), NODE, "ticketme.example/log", lambda: NOW)
ledger.submit(opening(200)).result()
raws = [gate.admit(code(index)) for index in range(200)] + [gate.refuse(code(1)) for _ in range(600)]
print("ready", flush=True)
for at in range(0, len(raws), 7):
    for answer in ledger.submit(raws[at : at + 7]).result():
        print(answer.position, flush=True)
"""


@pytest.mark.parametrize("seed", range(3))
def test_killed_in_mid_batch_everything_answered_is_there_once_and_all_is_sound(tmp_path, seed):
    command = [sys.executable, "-c", _CHILD, str(tmp_path / "home")]
    env = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'ledger-node'}"}
    after = random.Random(seed).randrange(1, 600)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as child:
        assert child.stdout.readline() == "ready\n"
        answered = [int(child.stdout.readline()) for _ in range(after)]
        child.send_signal(signal.SIGKILL)
    gate = gates()[0]
    raws = [gate.admit(code(index)) for index in range(200)] + [gate.refuse(code(1)) for _ in range(600)]
    ledger = Ledger.open(tmp_path / "home", NODE, ORIGIN, lambda: NOW)
    assert ledger.size > answered[-1]
    with ledger.view() as view:
        logged = list(view.entries(0, view.size))
    assert logged[5:] == raws[: len(logged) - 5]
    assert [logged[position] for position in answered] == raws[:after]
    answers = ledger.submit(raws[: len(logged) + 50]).result()
    assert [answer.position for answer in answers] == list(range(5, len(logged) + 55))
    assert [answer.new for answer in answers] == [False] * (len(logged) - 5) + [True] * 55
    assert is_sound(ledger, tmp_path / "out")
    ledger.close()


def flip_a_bit(path, table, column, where):
    conn = sqlite3.connect(path)
    try:
        with conn:
            (value,) = conn.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchone()
            flipped = bytes([value[0] ^ 1]) + value[1:]
            assert conn.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (flipped,)).rowcount == 1
    finally:
        conn.close()


@pytest.mark.parametrize(
    ("table", "column", "where", "named"),
    [("entry", "raw", "position = 7", "entry 7"), ("hash", "hash", "level = 0 AND place = 11", "entry 11")],
)
def test_a_bit_that_flips_in_the_database_is_named_by_the_audit(tmp_path, table, column, where, named):
    gate = gates()[0]
    ledger = Ledger.open(tmp_path, NODE, ORIGIN, lambda: NOW)
    ledger.submit([*opening(), *(gate.refuse(code(1)) for _ in range(600))]).result()
    ledger.close()
    flip_a_bit(tmp_path / DATABASE, table, column, where)
    again = Ledger.open(tmp_path, NODE, ORIGIN, lambda: NOW)
    export(again, tmp_path / "out")
    again.close()
    found = audit(tmp_path / "out", VKEY).findings
    assert str(found[0]).startswith(f"{named}: ")


def test_a_ledger_whose_wal_is_deleted_after_a_crash_says_so_or_is_an_older_sound_one(tmp_path):
    """SQLite cannot know that its WAL is gone; gates notice by their newer checkpoint. Broken it must not be."""
    gate = gates()[0]
    ledger = Ledger.open(tmp_path / "a", NODE, ORIGIN, lambda: NOW)
    ledger.submit(opening()).result()
    ledger._store._conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = ledger.size
    ledger.submit([gate.admit(code(1))]).result()
    copy = tmp_path / "b"
    copy.mkdir()
    (copy / DATABASE).write_bytes((tmp_path / "a" / DATABASE).read_bytes())
    ledger.close()
    older = Ledger.open(copy, NODE, ORIGIN, lambda: NOW)
    assert older.size == size
    assert is_sound(older, tmp_path / "out")
    older.close()


def test_a_home_that_cannot_be_used_is_a_clear_fault(tmp_path):
    (tmp_path / "home").write_text("a file where the folder should be")
    with pytest.raises(LedgerFault, match="cannot be used"):
        Ledger.open(tmp_path / "home", NODE, ORIGIN, lambda: NOW)
