"""The disk under the journal: full, failing, read-only, lying, and a process that is killed at any moment.

After each: a clear JournalError or a new journal with an incident in it, nothing overwritten, no counter used twice, no
second entry, and everything unsent still in the outbox.
"""

import itertools
import os
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scanner import store
from scanner.errors import JournalError
from scanner.journal import Journal
from scanner.journal_recovery import JUMP, verify_chain
from scanner.ports import Receipt
from tests.fakes.admitting import admit
from tests.fakes.disk import Disk, Moment, read_only
from tests.fakes.event import DEVICE, full_code, holder, scan_of, stamp_at
from tests.fakes.journals import (
    Gates,
    admit_pending,
    crash,
    entries,
    evening,
    open_journal,
    outside,
    query,
    refuse,
    set_aside_files,
    spoil,
)

SHOWN = "nobody is admitted before it works"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def companion(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def until_it_fails(write: Callable[[int], object], why: str) -> int:
    """Write until the disk says no; the number of the write that failed."""
    done = itertools.count(2)
    with pytest.raises(JournalError, match=why):
        all(write(number) for number in itertools.islice(done, 300))
    return next(done) - 1


def flip(path: Path, offset: int, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1 << bit]))


def assert_carries_on(path: Path, tickets: int, *, released: int | None = 3, records: int | None = None) -> str:
    """Open a damaged evening's journal; returns what its incident says of the damage."""
    with open_journal(path) as journal:
        first = entries(journal)[0]
        assert (first.type, first.body["kind"], first.body["counter"]) == ("incident", "journal-damaged", JUMP + 1)
        for ticket in range(1, tickets + 1):
            use = journal.use_of(ticket)
            assert use, f"ticket {ticket} may enter twice"
            assert use.released == (ticket == released)
        waiting = [w.counter for w in journal.waiting(999)]
        assert waiting == [*range(1, (tickets + 2 if records is None else records) + 1), JUMP + 1]
        assert refuse(journal, 1).counter == JUMP + 2
        assert verify_chain(journal.records(), DEVICE.public) == ""
    with open_journal(path) as journal:
        assert len(list(journal.records())) == 2, "the new journal is whole"
    assert first.body["detail"]["file"] in set_aside_files(path)
    return str(first.body["detail"]["damage"])


# The disk is full


def test_disk_full_admits_nobody_and_the_gate_goes_on_when_there_is_room(path: Path) -> None:
    disk = Disk()
    with open_journal(path, disk) as journal:
        admit(journal, 1)
        disk.fill()
        ticket = until_it_fails(lambda number: admit(journal, number), "full")
        refused = journal.use_of(ticket)
        assert refused is None, "what was not written is not in the way of a second try"
        with pytest.raises(JournalError, match=SHOWN):
            admit(journal, ticket)
        until_it_fails(lambda _: refuse(journal, 1), "full")
        disk.empty()
        journal.probe()
        admit(journal, ticket)
        counters = [entry.body["counter"] for entry in entries(journal)]
        assert counters == list(range(1, len(counters) + 1))
        assert verify_chain(journal.records(), DEVICE.public) == ""


def test_disk_full_at_the_first_start_is_said_clearly(path: Path) -> None:
    disk = Disk(lambda connection: connection.execute("PRAGMA max_page_count=3"))
    with pytest.raises(JournalError, match=r"full.*check that the disk"):
        open_journal(path, disk)
    with open_journal(path) as journal:
        admit(journal, 1)
    assert set_aside_files(path) == {}


def test_a_damaged_journal_on_a_full_disk_is_not_forgotten(path: Path) -> None:
    """The salvage needs room. Until there is some, the damaged journal stays where the next start finds it."""
    evening(path)
    spoil(path, "UPDATE record SET raw = zeroblob(300) WHERE counter = 2")
    full = Disk(lambda connection: connection.execute("PRAGMA max_page_count=4"))
    for _ in range(2):
        with pytest.raises(JournalError, match="full"):
            open_journal(path, full)
    with open_journal(path) as journal:
        assert [journal.use_of(ticket) is not None for ticket in (1, 2, 3, 12)] == [True, False, True, True]
        assert entries(journal)[0].body["counter"] == JUMP + 1


@pytest.mark.parametrize("step", ["open_store", "sync_folder", "set_aside"])
def test_a_crash_in_the_middle_of_a_salvage_loses_nothing(
    path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    evening(path)
    spoil(path, "DELETE FROM use WHERE ticket = 5")

    def power_cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        for module in ("scanner.journal_rebuild", "scanner.store"):
            cut.setattr(f"{module}.{step}", power_cut, raising=False)
        with pytest.raises(KeyboardInterrupt):
            open_journal(path)
    assert "use marks" in assert_carries_on(path, 12)


@pytest.mark.parametrize("allowed", range(4))
def test_a_crash_between_the_renames_of_a_salvage_loses_nothing(
    path: Path, allowed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    evening(path)
    spoil(path, "DELETE FROM use WHERE ticket = 5")
    companion(path, "-shm").write_bytes(b"")
    rename, done = Path.rename, list[Path]()

    def cut(self: Path, target: Path) -> Path:
        if len(done) == allowed:
            raise KeyboardInterrupt
        done.append(target)
        return rename(self, target)

    with monkeypatch.context() as power:
        power.setattr(Path, "rename", cut)
        with pytest.raises(KeyboardInterrupt):
            open_journal(path)
    assert len(done) == allowed
    assert "use marks" in assert_carries_on(path, 12)


# EIO


def test_an_io_error_before_the_commit_leaves_nothing_behind(path: Path) -> None:
    disk = Disk()
    with open_journal(path, disk) as journal:
        admit(journal, 1)
        disk.last.fail("before")
        with pytest.raises(JournalError, match=f"disk I/O error.*{SHOWN}"):
            admit_pending(journal, 2)
        assert journal.use_of(2) is None
        assert len(journal.waiting(9)) == 1
        assert admit(journal, 2) == 2
        assert verify_chain(journal.records(), DEVICE.public) == ""


@pytest.mark.parametrize("outcome", ["pending", "alone"])
def test_an_error_after_the_commit_keeps_the_chain_and_does_not_lock_the_holder_out(path: Path, outcome: str) -> None:
    """The gate was told that nothing was written, so it did not open; then the record is released, not forgotten."""
    disk = Disk()
    with open_journal(path, disk) as journal:
        admit(journal, 1)
        disk.last.fail("after")
        with pytest.raises(JournalError, match="disk I/O error"):
            journal.admit(scan_of(full_code(2, 0, 500)), holder(2).public, stamp_at(), outcome)  # type: ignore[arg-type]
        use = journal.use_of(2)
        assert use
        assert use.released
        assert admit(journal, 2) == 4
        assert [(e.type, e.body["counter"]) for e in entries(journal)] == [
            ("admission", 1),
            ("admission", 2),
            ("release", 3),
            ("admission", 4),
        ]
        assert verify_chain(journal.records(), DEVICE.public) == ""
        assert [w.counter for w in journal.waiting(9)] == [1, 2, 3, 4]
    with open_journal(path) as journal:
        assert journal.settle_restart(stamp_at()) == []


def test_a_refusal_that_was_written_with_an_error_is_followed_by_the_next_counter(path: Path) -> None:
    disk = Disk()
    with open_journal(path, disk) as journal:
        disk.last.fail("after")
        with pytest.raises(JournalError):
            refuse(journal, 1)
        assert refuse(journal, 1).counter == 2
        assert verify_chain(journal.records(), DEVICE.public) == ""


@pytest.mark.parametrize("seed", range(4))
def test_a_disk_that_fails_now_and_then_leaves_a_whole_chain(path: Path, seed: int) -> None:
    rng, disk = random.Random(seed), Disk()
    moments: list[Moment] = ["before", "after"]
    admitted = []
    with open_journal(path, disk) as journal:
        for ticket in range(1, 60):
            if rng.random() < 0.4:
                disk.last.fail(*rng.choices(moments, k=rng.randint(1, 2)))
            try:
                admitted.append((admit_pending(journal, ticket).counter, ticket))
            except JournalError:
                continue
    with open_journal(path) as journal:
        chain = entries(journal)
        assert [entry.body["counter"] for entry in chain] == list(range(1, len(chain) + 1))
        on_record = {(e.body["counter"], e.body["ticket"]) for e in chain if e.type == "admission"}
        assert on_record >= set(admitted)
        released = {e.body["of"] for e in chain if e.type == "release"}
        told = {counter for counter, _ in admitted}
        last = max((counter for counter, _ in on_record), default=0)
        assert {counter for counter, _ in on_record} - told - {last} <= released
        assert not told & released


def test_an_error_at_the_pulse_mark_leaves_the_admission_in_doubt_at_the_next_start(path: Path) -> None:
    disk = Disk()
    with open_journal(path, disk) as journal:
        counter = admit_pending(journal, 1).counter
        journal.decided(counter, "claimed")
        disk.last.fail("before")
        with pytest.raises(JournalError):
            journal.pulsed(counter, 1)
    with open_journal(path) as journal:
        assert [f.outcome for f in journal.settle_restart(stamp_at())] == ["claimed"]
        use = journal.use_of(1)
        assert use
        assert not use.released


def test_a_crash_while_a_restart_settles_settles_the_rest_next_time(path: Path) -> None:
    disk = Disk()
    with open_journal(path) as journal:
        for ticket in (1, 2):
            journal.decided(admit_pending(journal, ticket).counter, "claimed")
    with open_journal(path, disk) as journal:
        disk.last.fail("before")
        with pytest.raises(JournalError):
            journal.settle_restart(stamp_at())
    with open_journal(path) as journal:
        assert len(journal.settle_restart(stamp_at())) == 2
        shown = [e.body["detail"]["ticket"] for e in entries(journal) if e.type == "incident"]
        assert shown == [1, 2]


# Read-only, locked, not there


def test_a_read_only_disk_admits_nobody(path: Path) -> None:
    evening(path)
    before = path.read_bytes()
    disk = Disk()
    with open_journal(path, disk) as journal:
        read_only(disk.last)
        with pytest.raises(JournalError, match=f"readonly.*{SHOWN}"):
            admit(journal, 50)
        with pytest.raises(JournalError, match="readonly"):
            journal.probe()
        assert journal.use_of(50) is None
        assert journal.use_of(1) is not None
        assert len(journal.waiting(99)) == 14
    assert path.read_bytes() == before


def test_a_read_only_disk_at_the_start_is_said_and_nothing_is_set_aside(path: Path) -> None:
    with pytest.raises(JournalError, match="readonly"):
        open_journal(path, Disk(read_only))
    evening(path)
    spoil(path, "DELETE FROM use WHERE ticket = 5")
    with pytest.raises(JournalError, match="readonly"):
        open_journal(path, Disk(read_only))
    assert set_aside_files(path) == {}


@pytest.mark.parametrize("where", ["journal.db", "missing/journal.db"])
def test_a_path_that_cannot_be_a_file_is_said(tmp_path: Path, where: str) -> None:
    (tmp_path / "journal.db").mkdir()
    with pytest.raises(JournalError, match="cannot be opened"):
        open_journal(tmp_path / where)


def test_a_journal_that_somebody_else_writes_is_an_error_and_no_damage(path: Path) -> None:
    def impatient(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA busy_timeout=1")

    disk = Disk(impatient)
    with open_journal(path, disk) as journal:
        admit(journal, 1)
        with outside(path), pytest.raises(JournalError, match="locked"):
            admit(journal, 2)
        assert admit(journal, 2) == 2
    assert set_aside_files(path) == {}


# Damage


def test_records_that_were_lost_with_the_wal_are_missed(path: Path) -> None:
    """The gate died by kill -9 and somebody deleted the -wal: the uses are gone, their counters are not used again."""
    with open_journal(path) as journal:
        for ticket in range(1, 5):
            admit(journal, ticket)
    with Gates(path) as gates:
        assert len([line for line in gates.begin(6) if line.isdigit()]) == 6
    companion(path, "-wal").unlink()
    damage = assert_carries_on(path, 4, released=None, records=4)
    assert "records 5 to 10 are missing" in damage


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.9])
def test_a_torn_wal_gives_back_what_it_holds(path: Path, share: float) -> None:
    crash(path, 10)
    wal = companion(path, "-wal")
    content = wal.read_bytes().rstrip(b"\0")
    torn = content[: int(len(content) * share)]
    wal.write_bytes(torn)
    with open_journal(path) as journal:
        first = entries(journal)[0]
        carried = first.body["detail"]["carried"]
        assert first.body["counter"] == JUMP + 1
        assert carried < 10
        assert [w.counter for w in journal.waiting(99)] == [*range(1, carried + 1), JUMP + 1]
        assert all(journal.use_of(ticket) for ticket in range(1, carried + 1))
    kept = set_aside_files(path)
    assert kept.get(first.body["detail"]["file"] + "-wal", b"") == torn, "what is damaged is kept as it was found"


def test_a_bit_flipped_in_the_wal_is_noticed_and_the_wal_kept(path: Path) -> None:
    crash(path, 10)
    wal = companion(path, "-wal")
    flip(wal, len(wal.read_bytes().rstrip(b"\0")) // 2, 3)
    content = wal.read_bytes()
    with open_journal(path) as journal:
        assert "missing at the end" in entries(journal)[0].body["detail"]["damage"]
    assert content in set_aside_files(path).values()


def test_a_deleted_journal_is_missed(path: Path) -> None:
    evening(path)
    path.unlink()
    with open_journal(path) as journal:
        first = entries(journal)[0]
        assert (first.body["kind"], first.body["counter"]) == ("journal-damaged", JUMP + 1)
        assert "gone" in first.body["detail"]["damage"]


@pytest.mark.parametrize("left", [None, b""], ids=["deleted", "emptied"])
def test_a_journal_of_which_only_the_wal_is_left_is_kept(path: Path, left: bytes | None) -> None:
    """SQLite deletes a -wal that it finds beside nothing."""
    crash(path, 10)
    path.unlink()
    companion(path, ".head").unlink()
    if left is not None:
        path.write_bytes(left)
    wal = companion(path, "-wal").read_bytes()
    with open_journal(path) as journal:
        assert entries(journal)[0].body["counter"] == JUMP + 1
    assert wal in set_aside_files(path).values()


def test_a_deleted_head_file_changes_nothing_and_comes_back(path: Path) -> None:
    evening(path)
    head = companion(path, ".head")
    content = head.read_bytes()
    head.unlink()
    with open_journal(path) as journal:
        assert len(list(journal.records())) == 14
    assert head.read_bytes() == content


def test_a_bit_flipped_in_the_head_file_is_no_reason_to_give_up_a_whole_journal(path: Path) -> None:
    evening(path, 5)
    head = companion(path, ".head")
    content = head.read_bytes()
    for offset in range(len(content)):
        for bit in range(8):
            head.write_bytes(content)
            flip(head, offset, bit)
            with open_journal(path) as journal:
                assert len(list(journal.records())) == 7
    assert set_aside_files(path) == {}


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("DELETE FROM use WHERE ticket = 5", "use marks"),
        ("UPDATE use SET ticket = 500 WHERE ticket = 5", "use marks"),
        ("UPDATE use SET released = 1 WHERE ticket = 5", "use marks"),
        ("UPDATE use SET released = 0 WHERE ticket = 3", "use marks"),
        ("DELETE FROM outbox WHERE counter = 5", "outbox"),
        ("INSERT INTO receipt (counter, verdict) VALUES (5, 'accepted')", "outbox"),
        ("DELETE FROM admission WHERE counter = 5", "admissions"),
        ("UPDATE admission SET outcome = 'qending' WHERE counter = 5", "admissions"),
        ("UPDATE record SET type = 'refusal' WHERE counter = 5", "record 5"),
        ("DROP TABLE use", "tables"),
        ("DROP INDEX idx_admission_outcome", "tables"),
        ("UPDATE _sqlite_migrations SET name = 'girst' WHERE name = 'first'", "tables"),
        ("ALTER TABLE _sqlite_migrations RENAME COLUMN name TO mame", "name"),
    ],
)
def test_what_is_not_signed_is_held_against_what_is(path: Path, sql: str, says: str) -> None:
    evening(path)
    spoil(path, sql)
    assert says in assert_carries_on(path, 12)


def test_the_database_of_another_program_is_set_aside_and_not_written_to(path: Path) -> None:
    spoil(path, "CREATE TABLE photos (name)")
    content = path.read_bytes()
    with open_journal(path) as journal:
        assert entries(journal)[0].body["kind"] == "journal-damaged"
    assert list(set_aside_files(path).values()) == [content]


def test_a_record_that_cannot_be_read_costs_only_itself(path: Path) -> None:
    evening(path)
    spoil(path, "UPDATE record SET raw = zeroblob(300) WHERE counter = 5")
    with open_journal(path) as journal:
        assert [w.counter for w in journal.waiting(99)] == [1, 2, 3, 4, *range(6, 15), JUMP + 1]
        assert "record 5" in entries(journal)[0].body["detail"]["damage"]


def test_records_on_both_sides_of_a_broken_page_are_saved(path: Path) -> None:
    evening(path, 60)
    page = query(path, "PRAGMA page_size")[0][0]
    content = path.read_bytes()
    middle = query(path, "SELECT raw FROM record WHERE counter = 30")[0][0]
    at = content.index(middle) // page * page
    path.write_bytes(content[:at] + b"\xff" * page + content[at + page :])
    with open_journal(path) as journal:
        saved = {w.counter for w in journal.waiting(999)} - {JUMP + 1}
        assert {1, 2, 3, 60, 61, 62} <= saved
        assert 30 not in saved
        assert len(saved) > 50


@pytest.mark.parametrize("content", [b"", b"no database at all, just text" * 200, bytes(8192)])
def test_a_file_that_is_no_journal_is_set_aside(path: Path, content: bytes) -> None:
    evening(path)
    path.write_bytes(content)
    with open_journal(path) as journal:
        assert entries(journal)[0].body["counter"] == JUMP + 1
    assert list(set_aside_files(path).values()) == ([content] if content else [])


def test_the_journal_of_another_device_is_set_aside(path: Path) -> None:
    evening(path)
    records = query(path, "SELECT counter, raw FROM record")
    spoil(path, "UPDATE record SET raw = (SELECT raw FROM record WHERE counter = 9) WHERE counter = 5")
    with open_journal(path) as journal:
        assert "record 5" in entries(journal)[0].body["detail"]["damage"]
        assert len(journal.waiting(99)) == len(records)


def test_a_second_damage_keeps_what_the_first_one_saved(path: Path) -> None:
    """Uses and unsent records of the first journal, and of the second, are in the third."""
    evening(path)
    spoil(path, "DELETE FROM use WHERE ticket = 5")
    with open_journal(path) as journal:
        admit(journal, 50)
        journal.settle([Receipt(1, "accepted", 7), Receipt(JUMP + 2, "accepted", 8)], 20)
    spoil(path, "DELETE FROM use WHERE ticket = 50")
    with open_journal(path) as journal:
        for ticket in (*range(1, 13), 50):
            use = journal.use_of(ticket)
            assert use
            assert use.released == (ticket == 3)
        assert [w.counter for w in journal.waiting(99)] == [*range(1, 15), JUMP + 1, JUMP + 2, 2 * JUMP + 1]
        journal.settle([Receipt(w.counter, "accepted", 7) for w in journal.waiting(99)], 20)
    with open_journal(path) as journal:
        assert journal.queue_length() == 0
        assert entries(journal)[0].body["detail"]["carried"] == 16
    assert len(set_aside_files(path)) == 2


def test_what_was_set_aside_in_the_same_second_is_not_overwritten(path: Path) -> None:
    contents = []
    for _ in range(3):
        evening(path, 3)
        spoil(path, "DELETE FROM use WHERE ticket = 1")
        contents.append(path.read_bytes())
        open_journal(path).close()
    assert sorted(set_aside_files(path).values()) == sorted(contents)
    with open_journal(path) as journal:
        assert entries(journal)[0].body["counter"] == 3 * JUMP + 1


def test_a_set_aside_wal_without_its_journal_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    older = companion(path, ".damaged-X-wal")
    older.write_bytes(b"older")
    companion(path, "-wal").write_bytes(b"newer")
    path.write_bytes(b"newer")
    assert store.set_aside(path, "X").read_bytes() == b"newer"
    assert older.read_bytes() == b"older"


def test_the_key_of_a_certified_owner_survives_the_damage(path: Path) -> None:
    with open_journal(path) as journal:
        scan = scan_of(full_code(5, 2, ledger_size=500), marks=["certificate"])
        journal.admit(scan, holder(5, 2).public, stamp_at(), "alone")
        admit(journal, 6)
    spoil(path, "DELETE FROM use WHERE ticket = 6")
    with open_journal(path) as journal:
        use = journal.use_of(5)
        assert use
        assert (use.owner_seq, use.holder_key) == (2, holder(5, 2).public)


def test_what_was_given_up_is_not_at_hand_again_after_damage(path: Path) -> None:
    with open_journal(path) as journal:
        admit(journal, 5)
        assert journal.give_up([7]) == [7]
    spoil(path, "DELETE FROM use WHERE ticket = 5")
    with open_journal(path) as journal, journal.use_at_hand(7) as mine:
        assert set_aside_files(path)
        assert not mine


def at_hand(path: Path, *tickets: int) -> list[bool]:
    held = []
    with open_journal(path) as journal:
        for ticket in tickets:
            with journal.use_at_hand(ticket) as mine:
                held.append(mine)
    return held


@pytest.mark.parametrize("loss", ["the table", "the journal", "the newest part"])
def test_where_it_is_not_known_what_was_given_up_each_use_may_have_been(path: Path, loss: str) -> None:
    with open_journal(path) as journal:
        admit(journal, 5)
    older = path.read_bytes()
    with open_journal(path) as journal:
        admit(journal, 6)
        assert journal.give_up([7]) == [7]
    if loss == "the table":
        spoil(path, "DROP TABLE given_up")
        spoil(path, "DELETE FROM use WHERE ticket = 5")
    elif loss == "the journal":
        path.unlink()
    else:
        path.write_bytes(older)
    assert at_hand(path, 7, 8) == [False, False]


def test_a_journal_of_the_first_format_gave_nothing_up(path: Path) -> None:
    with open_journal(path) as journal:
        admit(journal, 5)
    spoil(path, "DROP TABLE given_up")
    spoil(path, "DELETE FROM _sqlite_migrations WHERE name = 'second'")
    spoil(path, "DELETE FROM use WHERE ticket = 5")
    assert at_hand(path, 7) == [True]


def snapshot_of(journal: Journal) -> tuple[object, ...]:
    """All that a decision, an upload or the next record depends on."""
    uses = [journal.use_of(ticket) for ticket in range(1, 14)]
    return [(u.gate, u.at, u.owner_seq, u.released) if u else None for u in uses], journal.waiting(99)


def assert_noticed_or_harmless(path: Path, whole: tuple[object, ...], offset: int) -> bool:
    with open_journal(path) as journal:
        first = entries(journal)[0]
        if first.body["counter"] == 1:
            assert snapshot_of(journal) == whole, f"byte {offset}: changed, and not noticed"
            assert refuse(journal, 1).counter == 9
            return False
        assert first.body["counter"] == JUMP + 1
        assert len(set_aside_files(path)) == 1
        return True


def flips(path: Path, count: int, seed: int) -> int:
    """Flip one bit at a time; returns how many were noticed."""
    evening(path, 6)
    content, head = path.read_bytes(), companion(path, ".head").read_bytes()
    with open_journal(path) as journal:
        whole = snapshot_of(journal)
    rng, noticed = random.Random(seed), 0
    filled = [offset for offset, byte in enumerate(content) if byte]
    for _ in range(count):
        offset = rng.choice(filled) if rng.random() < 0.8 else rng.randrange(len(content))
        path.write_bytes(content)
        companion(path, ".head").write_bytes(head)
        flip(path, offset, rng.randrange(8))
        noticed += assert_noticed_or_harmless(path, whole, offset)
        for left in path.parent.glob(f"{path.name}?*"):
            left.unlink()
    return noticed


def test_a_flipped_bit_is_noticed_or_changes_nothing_that_counts(path: Path) -> None:
    assert flips(path, 200, seed=1) > 60


@pytest.mark.soak
def test_five_thousand_flipped_bits(path: Path) -> None:
    assert flips(path, 5_000, seed=2) > 1_500


# kill -9


def kill_some_gates(path: Path, kills: int, seed: int) -> None:
    rng, printed = random.Random(seed), set[int]()
    with Gates(path) as gates:
        for _ in range(kills):
            wanted, pid, seen = rng.randint(0, 30), 0, 0
            ready = threading.Event()
            for line in gates.begin():
                if line.startswith("pid"):
                    pid = int(line.split()[1])
                elif line.isdigit():
                    printed.add(int(line))
                    seen += 1
                if pid and seen >= wanted and not ready.is_set():
                    time.sleep(rng.random() * 0.004)
                    ready.set()
                    kill(pid)
    with open_journal(path) as journal:
        chain = entries(journal)
        counters = [entry.body["counter"] for entry in chain]
        assert counters == list(range(1, len(chain) + 1)), "a gap, or a counter twice"
        assert printed <= {e.body["counter"] for e in chain if e.type == "admission"}, "an acknowledged record is lost"
        assert verify_chain(journal.records(), DEVICE.public) == ""
        assert journal.queue_length() == len(chain)
        assert_one_use_each(journal, chain_of_uses(journal))
    assert set_aside_files(path) == {}


def kill(pid: int) -> None:
    """kill -9, the one that can't be caught."""
    os.kill(pid, signal.SIGKILL)


def chain_of_uses(journal: Journal) -> dict[int, list[int]]:
    """The admissions of each ticket that were not released."""
    chain = entries(journal)
    released = {entry.body["of"] for entry in chain if entry.type == "release"}
    uses: dict[int, list[int]] = {}
    for entry in chain:
        if entry.type == "admission" and entry.body["counter"] not in released:
            uses.setdefault(entry.body["ticket"], []).append(entry.body["counter"])
    return uses


def assert_one_use_each(journal: Journal, uses: dict[int, list[int]]) -> None:
    for ticket, counters in uses.items():
        use = journal.use_of(ticket)
        assert use, f"ticket {ticket} may enter again"
        assert not use.released
        assert len(counters) == 1, f"ticket {ticket} was admitted twice"


def test_kill_9_at_any_moment_loses_no_admission(path: Path) -> None:
    kill_some_gates(path, 25, seed=3)


@pytest.mark.soak
def test_kill_9_five_hundred_times(path: Path) -> None:
    kill_some_gates(path, 500, seed=4)


def test_counters_never_repeat_over_several_lives(path: Path) -> None:
    seen: list[int] = []
    for life in range(4):
        with open_journal(path) as journal:
            seen.extend(admit(journal, 100 * life + ticket) for ticket in range(1, 4))
        if life % 2:
            spoil(path, f"DELETE FROM use WHERE ticket = {100 * life + 1}")
    assert all(before < after for before, after in itertools.pairwise(seen))
