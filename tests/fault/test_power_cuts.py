"""Power cuts at any write, under the real journal, view and peers' notes: what was acknowledged is there, and whole.

SQLite's own writes and syncs are recorded (recorded_disk.py) and replayed up to a cut, torn in every way that a disk
may tear them (power_cut.py). That the tearing is real is shown by what a journal loses that does not sync its commits.
"""

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import pytest

from scanner import store
from scanner.journal import Journal
from scanner.journal_recovery import verify_chain
from scanner.kept_time import Kept
from scanner.ports import Change, Receipt
from scanner.sync.peer_book import Chain, Plan
from scanner.sync.peer_store import PeerStore
from scanner.verify.told import Told
from scanner.view import DURABLE_AFTER, GateView, Trust
from tests.fakes.admitting import IDENTITY
from tests.fakes.event import (
    DEVICE,
    EVENT,
    NODE,
    NOON,
    compact_code,
    holder,
    row,
    scan_of,
    stamp_at,
    used,
    write_snapshot_file,
)
from tests.fakes.journals import admit_pending, entries, refuse
from tests.fakes.power_cut import Cuts, cut_often, files_of
from tests.fakes.recorded_disk import recorded

FILES = files_of("journal.db", "view.db", "peers.db")


@dataclass
class Known:
    """What was told to the world outside the journal: records, decided admissions by ticket, those that were undone."""

    records: set[int] = field(default_factory=set)
    decided: dict[int, int] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)


class Evening:
    """A gate's evening on one journal: people, receipts and quiet seconds in any order; and what it has told of it."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path, self._rng, self.known = path, Random(seed), Known()

    def run(self, people: int, *, starts: int = 2) -> None:
        ticket = 0
        for _ in range(starts):
            with Journal.open(self.path, IDENTITY, stamp_at) as journal:
                for left in journal.settle_restart(stamp_at()):
                    self.known.ended.add(left.counter)
                for _ in range(people // starts):
                    ticket += 1
                    self._one(journal, ticket)

    def _one(self, journal: Journal, ticket: int) -> None:
        rng, known = self._rng, self.known
        if rng.random() < 0.15:
            self._told(refuse(journal, ticket).counter)
            return
        if rng.random() < 0.4:
            counter = journal.admit(scan_of(compact_code(ticket)), holder(ticket).public, stamp_at(), "alone").counter
        else:
            counter = admit_pending(journal, ticket).counter
            self._told(counter)
            if rng.random() < 0.2:
                known.ended.add(counter)
                self._told(journal.void(counter, "used-elsewhere", stamp_at()).counter)
                return
            journal.decided(counter, "claimed")
        self._told(counter)
        known.decided[ticket] = counter
        journal.pulsed(counter, 1)
        if rng.random() < 0.2:
            known.ended.add(counter)
            self._told(journal.release(counter, "not-turned", stamp_at()).counter)
        else:
            journal.passed(counter)
        if rng.random() < 0.5:
            journal.settle([Receipt(one.counter, "accepted", one.counter) for one in journal.waiting(3)], 1000)
        for _ in range(rng.choice((0, 0, 1, 6))):
            journal.tidy()
        if rng.random() < 0.1:
            journal.probe()

    def _told(self, counter: int) -> None:
        self.known.records.add(counter)

    def check(self, place: Path) -> None:
        """Raises AssertionError for what was lost, on the files of a cut."""
        known = self.known
        with Journal.open(place / "journal.db", IDENTITY, stamp_at) as journal:
            chain = entries(journal)
            assert "journal-damaged" not in {entry.body.get("kind") for entry in chain}, "a false alarm"
            assert verify_chain(journal.records(), DEVICE.public) == ""
            assert {entry.body["counter"] for entry in chain} >= known.records, "a record that was told of is gone"
            journal.settle_restart(stamp_at())
            for ticket, counter in known.decided.items():
                if counter not in known.ended:
                    use = journal.use_of(ticket)
                    assert use, f"ticket {ticket} passed and may pass again"
                    assert not use.released, f"ticket {ticket} passed and may pass again"
            assert journal.unsettled() == []


@pytest.fixture(autouse=True)
def _quick_open(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A journal that is opened to be looked at needs no room for a WAL."""
    monkeypatch.setattr(store, "_make_room", lambda *_: None)
    return


def cuts(folder: Path, seed: int, people: int, share: float) -> int:
    """How many cuts this evening came through, all of them."""
    evening = Evening(folder / "journal.db", seed)
    cutting = Cuts(folder, FILES, seed, share, evening.check)
    with recorded(cutting.hear):
        evening.run(people)
    assert cutting.lost == []
    return cutting.number


@pytest.mark.parametrize("seed", range(4))
def test_nothing_acknowledged_is_lost_and_nothing_is_called_damaged(tmp_path: Path, seed: int) -> None:
    assert cuts(tmp_path, seed, people=24, share=0.12) >= 80


def test_a_view_loses_no_more_than_the_last_seconds(tmp_path: Path) -> None:
    """The changes of the last DURABLE_AFTER seconds are asked for again; what was told before them is there."""
    folder, heard = tmp_path / "view", [(NOON, 100)]
    download = write_snapshot_file(tmp_path / "download", [row(number) for number in range(1, 20)], 100)

    def check(place: Path) -> None:
        shutil.copy(folder / "snapshot.rows", place)
        with closing(GateView(place, Trust(NODE.public, EVENT), "test")) as view:
            assert view.damage == ""
            sure = max(size for at, size in heard if at <= max(NOON, heard[-1][0] - DURABLE_AFTER))
            assert sure <= view.size <= heard[-1][1] + 1
            for ticket, size in used_at.items():
                assert (size > view.size) or view.of(ticket).row == used(row(ticket))

    used_at: dict[int, int] = {}
    cutting = Cuts(tmp_path, FILES, 1, 0.15, check)
    with closing(GateView(folder, Trust(NODE.public, EVENT), "test")) as view:
        view.install(download)
    with recorded(cutting.hear), closing(GateView(folder, Trust(NODE.public, EVENT), "test")) as view:
        for number in range(1, 120):
            ticket, at = number % 19 + 1, NOON + number
            view.note_checkpoint(f"checkpoint {number}", view.size + 1)
            view.apply(Change(view.size, view.size + 1, (used(row(ticket)),), None, "", at))
            used_at.setdefault(ticket, view.size)
            heard.append((at, view.size))
            view.keep_time(Kept(float(at)))
    assert cutting.lost == []
    assert cutting.number >= 80


def test_what_a_peer_was_told_that_we_have_we_have(tmp_path: Path) -> None:
    told: list[int] = []

    def check(place: Path) -> None:
        with closing(PeerStore(place / "peers.db", EVENT, "A1-device", "test")) as peers:
            assert peers.damage == ""
            book = peers.book()
            assert all(book.of(ticket) for ticket in told)
            assert book.chain("A2-device").have >= max(told, default=0)

    cutting = Cuts(tmp_path, FILES, 2, 0.15, check)
    with recorded(cutting.hear), closing(PeerStore(tmp_path / "peers.db", EVENT, "A1-device", "test")) as peers:
        for number in range(1, 80):
            chain = Chain("A2-device", have=number, head=bytes(32), settled=number - 1)
            peers.add(Plan(chain, (Told("A2-device", "A2", number, number, NOON * 1000),)))
            told.append(number)
            peers.add(Plan(replace(chain, settled=number, position=number)), soon=True)
    assert cutting.lost == []
    assert cutting.number >= 80


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_ten_thousand_cuts(tmp_path: Path) -> None:
    cut_often(tmp_path, 10_000, lambda folder, seed: cuts(folder, seed, people=40, share=0.5))


def test_commits_without_a_sync_lose_what_was_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this finds nothing, the tests above prove nothing."""
    real, lost = store.transaction, 0
    monkeypatch.setattr("scanner.journal_commits.transaction", lambda connection, **_: real(connection, soon=True))
    for seed in range(4):
        folder = tmp_path / str(seed)
        folder.mkdir()
        try:
            cuts(folder, seed, people=12, share=0.1)
        except AssertionError:
            lost += 1
    assert lost >= 3, "of four evenings"
