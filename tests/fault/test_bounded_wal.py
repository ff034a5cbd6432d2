"""Two thousand admissions, at this gate and heard of others: no file but the records grows, and no answer gets dearer.

A write-ahead log that is never folded fills the card in the middle of a show, and a full card admits nobody.
"""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from scanner import store
from scanner.errors import JournalError, SnapshotError
from scanner.journal import Journal
from scanner.kept_time import Kept
from scanner.ports import Change, Receipt
from scanner.sync.peer_book import Chain, Plan
from scanner.sync.peer_store import PeerStore
from scanner.verify.told import Told
from scanner.view import GateView, Trust
from tests.fakes.admitting import admit
from tests.fakes.disk import Disk
from tests.fakes.event import EVENT, NODE, NOON, row, stamp_at, used, write_snapshot_file
from tests.fakes.journals import admit_pending, open_journal, query, refuse

ADMISSIONS = 2_000
ROOM = store._WAL_ROOM


def wal(path: Path) -> int:
    return path.with_name(f"{path.name}-wal").stat().st_size


def opened_view(folder: Path, disk: Disk | None = None) -> GateView:
    view = GateView(folder / "view", Trust(NODE.public, EVENT), "test", disk or store.connect)
    if not view.size:
        view.install(write_snapshot_file(folder / "download", [row(number) for number in range(1, 50)], 100))
    return view


def follow(view: GateView, number: int) -> None:
    """What the sync does when one more ticket was used somewhere."""
    size, at = view.size, NOON + number
    view.note_checkpoint(f"checkpoint {number} " + "x" * 400, size + 1)
    view.apply(Change(size, size + 1, (used(row(number % 49 + 1), at=at),), None, "", at))
    view.keep_time(Kept(float(at)))


def test_the_wal_of_the_view_stays_within_its_room(tmp_path: Path) -> None:
    with closing(opened_view(tmp_path)) as view:
        for number in range(ADMISSIONS):
            follow(view, number)
        assert wal(tmp_path / "view" / "view.db") <= ROOM
        assert (tmp_path / "view" / "view.db").stat().st_size < ROOM, "nor does the file grow"
    with closing(opened_view(tmp_path)) as view:
        assert view.size == 100 + ADMISSIONS


def test_the_wal_of_what_peers_told_stays_within_its_room(tmp_path: Path) -> None:
    path = tmp_path / "peers.db"
    with closing(PeerStore(path, EVENT, "A1-device", "test")) as peers:
        for number in range(1, ADMISSIONS + 1):
            chain = Chain("A2-device", have=number, head=bytes(32))
            peers.add(Plan(chain, (Told("A2-device", "A2", number, number, NOON * 1000),)))
        assert wal(path) <= ROOM


@pytest.mark.parametrize("idle", [True, False])
def test_the_wal_of_the_journal_stays_within_its_room(tmp_path: Path, *, idle: bool) -> None:
    """Also at a gate that has never a second without a code in view."""
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        for ticket in range(1, ADMISSIONS // 4):
            counter = admit(journal, ticket)
            journal.passed(counter)
            journal.settle([Receipt(counter, "accepted", counter)], counter)
            if idle:
                journal.tidy()
        assert wal(path) <= ROOM


def test_a_view_on_a_full_disk_goes_on_when_there_is_room(tmp_path: Path) -> None:
    disk = Disk()
    with closing(opened_view(tmp_path, disk)) as view:
        disk.fill()
        rows = tuple(used(row(number)) for number in range(1, 50))
        change = Change(100, 101, rows, None, "", NOON)
        with pytest.raises(SnapshotError, match="full"):
            view.apply(change)
        assert view.size == 100
        disk.empty()
        view.apply(change)
        assert view.size == 101


# What is kept, not counted


def steps(journal: Journal, question: Callable[[], object]) -> int:
    """How many steps of SQLite's machine it takes to answer: a measure of rows looked at, whatever the machine does."""
    taken = [0]

    def step() -> int:
        taken[0] += 1
        return 0

    journal._db.set_progress_handler(step, 1)
    try:
        question()
    finally:
        journal._db.set_progress_handler(None, 1)
    return taken[0]


def test_a_tick_costs_no_more_after_many_admissions_than_after_one(tmp_path: Path) -> None:
    with open_journal(tmp_path / "journal.db") as journal:
        questions = [journal.counts, journal.queue_length, lambda: journal.page(admitted, 0)]
        admitted = 0
        costs = []
        for most in (2, 500):
            while admitted < most:
                admitted = admit(journal, admitted + 1)
                if admitted % 2:
                    journal.settle([Receipt(admitted, "accepted", admitted)], admitted)
            costs.append([steps(journal, question) for question in questions])
    assert all(later <= first for first, later in zip(*costs, strict=True)), costs


def recounted(path: Path) -> tuple[int, ...]:
    ((admitted, refused, waiting, aside),) = query(
        path,
        "SELECT (SELECT count(*) FROM admission WHERE outcome NOT IN ('pending', 'voided', 'released')),"
        " (SELECT count(*) FROM record WHERE type = 'refusal'), (SELECT count(*) FROM outbox WHERE aside IS NULL),"
        " (SELECT count(*) FROM outbox WHERE aside IS NOT NULL)",
    )
    return admitted, refused, waiting, aside


def kept(journal: Journal) -> tuple[int, ...]:
    counts = journal.counts()
    return counts.admitted, counts.refused, counts.waiting, counts.set_aside


def test_totals_are_those_that_a_recount_finds_whatever_happened(tmp_path: Path) -> None:
    path, disk = tmp_path / "journal.db", Disk()
    with open_journal(path, disk) as journal:
        for ticket in range(1, 9):
            admit(journal, ticket)
            assert kept(journal) == recounted(path)
        journal.release(2, "not-turned", stamp_at())
        journal.void(admit_pending(journal, 20).counter, "used-elsewhere", stamp_at())
        refuse(journal, 3)
        assert kept(journal) == recounted(path) == (7, 1, 12, 0)
        journal.settle([Receipt(1, "accepted", 5), Receipt(3, "rejected", None, reason="bad")], 9)
        journal.settle([Receipt(1, "accepted", 5), Receipt(3, "rejected", None, reason="bad")], 9)
        assert kept(journal) == recounted(path) == (7, 1, 10, 1)
        journal.settle([Receipt(3, "accepted", 6)], 9)
        assert kept(journal) == recounted(path) == (7, 1, 10, 0)
        for moment in ("before", "after"):
            disk.last.fail(moment)  # type: ignore[arg-type]
            with pytest.raises(JournalError):
                admit_pending(journal, 30)
            assert kept(journal) == recounted(path)
        admit_pending(journal, 31)
        journal.decided(admit_pending(journal, 32).counter, "claimed")
        assert kept(journal) == recounted(path)
        before = recounted(path)
    with open_journal(path) as journal:
        assert kept(journal) == before
        journal.settle_restart(stamp_at())
        assert kept(journal) == recounted(path)


def test_totals_of_a_transaction_that_was_cut_short_go_with_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        admit(journal, 1)
        journal._db.execute("BEGIN")
        journal._db.execute("INSERT INTO outbox (counter) VALUES (77)")
        assert kept(journal)[2] == 2
        journal._db.execute("ROLLBACK")
        assert kept(journal) == recounted(path) == (1, 0, 1, 0)
