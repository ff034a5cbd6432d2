"""Power cuts at any write, under the real log of a ledger node: what it acknowledged is there, and the log opens.

As test_power_cuts.py plays them under a gate's journal. What is left after each cut is exported and audited: entries,
hashes and root agree, and the state is the one that follows from the entries.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from ledger_node.contract.outcome import Outcome
from ledger_node.home_folder import MARKET_FILE
from ledger_node.log import schema, sqlite
from ledger_node.log.ledger import DATABASE, Ledger
from ledger_node.services.audit import audit
from ledger_node.services.database import Database
from ledger_node.services.export import export
from scanner.verify.checkpoint import VerifierKey
from tests.fakes.box_office import EVENT, NODE, NOW, OPERATOR, Gate, code, gates, opening, ticket
from tests.fakes.power_cut import Cuts, cut_often, files_of
from tests.fakes.recorded_disk import recorded

ORIGIN = "ticketme.example/log"
VKEY = VerifierKey(ORIGIN, NODE.public).encode()
TICKETS = 20
PAIRS = "CREATE TABLE IF NOT EXISTS pair (number INTEGER, side INTEGER, PRIMARY KEY (number, side))"


@pytest.fixture(autouse=True)
def _short_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The write-ahead log is folded every few commits, so that cuts fall into that, too."""
    monkeypatch.setattr(sqlite, "_WAL_MOST", 160 << 10)
    monkeypatch.setattr(sqlite, "_WAL_STEP", 80 << 10)
    return


class Night:
    """A node's night on one log: claims, uploads, lots of tickets in one piece; and what it has told of them."""

    def __init__(self, home: Path, seed: int) -> None:
        self.home, self._rng = home, Random(seed)
        self.told: dict[int, bytes] = {}
        self._gates: list[Gate] = gates()
        self._next = 100

    def run(self, acts: int, *, starts: int = 2) -> None:
        """From an empty folder on, with a new start of the node in between."""
        for _ in range(starts):
            ledger = Ledger.open(self.home, NODE, ORIGIN, lambda: NOW)
            try:
                if not self.told:
                    self._submit(ledger, opening(TICKETS))
                for _ in range(acts // starts):
                    self._act(ledger)
            finally:
                ledger.close()

    def _act(self, ledger: Ledger) -> None:
        rng = self._rng
        gate = rng.choice(self._gates)
        what = rng.random()
        if what < 0.5:
            self._submit(ledger, [gate.admit(code(rng.randrange(TICKETS)))], urgent=True)
        elif what < 0.8:
            records = [gate.refuse(code(rng.randrange(TICKETS))) for _ in range(rng.randrange(1, 8))]
            self._submit(ledger, records)
        else:
            lot = [ticket(index, held=False) for index in range(self._next, self._next + rng.randrange(1, 30))]
            self._next += len(lot)
            self._submit(ledger, list(OPERATOR.issue(EVENT, lot, NOW)), whole=True)

    def _submit(self, ledger: Ledger, raws: list[bytes], *, urgent: bool = False, whole: bool = False) -> None:
        answers = ledger.submit(raws, urgent=urgent, whole=whole).result()
        for raw, answer in zip(raws, answers, strict=True):
            assert isinstance(answer, Outcome), answer
            self.told[answer.position] = raw

    def check(self, place: Path) -> None:
        """Raises for what was lost, on the files of a cut."""
        ledger = Ledger.open(place, NODE, ORIGIN, lambda: NOW)
        try:
            with ledger.view() as view:
                there = dict(enumerate(view.entries(0, view.size)))
                assert {position: there.get(position) for position in self.told} == self.told, "told, and not there"
                digest = view.state_digest(EVENT) if self.told else None
            export(ledger, place / "out")
            report = audit(place / "out", VKEY)
            assert report.findings == ()
            assert digest is None or report.digests[EVENT] == digest, "the state is not that of the entries"
        finally:
            ledger.close()


def cuts(folder: Path, seed: int, acts: int, share: float) -> int:
    """How many cuts this night came through, all of them."""
    night = Night(folder / "node", seed)
    cutting = Cuts(folder, files_of(DATABASE), seed, share, night.check)
    with recorded(cutting.hear):
        night.run(acts)
    assert cutting.lost == []
    return cutting.number


@pytest.mark.parametrize("seed", range(2))
def test_nothing_acknowledged_is_lost_and_the_log_opens(tmp_path: Path, seed: int) -> None:
    assert cuts(tmp_path, seed, acts=16, share=0.07) >= 40


def test_a_log_that_is_being_made_opens(tmp_path: Path) -> None:
    """Nothing was told yet: it begins anew, or goes on."""
    assert cuts(tmp_path, 7, acts=0, share=0.15) >= 25


def test_what_was_written_to_another_database_of_the_node_is_there(tmp_path: Path) -> None:
    """People's data, accounts, orders: rows of one transaction are all there or none, and what was scrubbed is gone."""
    told, gone = set[int](), set[int]()

    def check(place: Path) -> None:
        with closing(Database(place / MARKET_FILE, PAIRS)) as books:
            found = books.read("SELECT number, count(*) FROM pair GROUP BY number")
            assert {count for _, count in found} <= {2}, "half of a transaction"
            numbers = {number for number, _ in found}
            assert told <= numbers, "told, and not there"
            assert not numbers & gone, "deleted, and there again"

    cutting = Cuts(tmp_path, files_of(MARKET_FILE), 5, 0.15, check)
    with recorded(cutting.hear), closing(Database(tmp_path / MARKET_FILE, PAIRS)) as books:
        for number in range(1, 60):
            with books.transaction():
                books.write_many("INSERT INTO pair VALUES (?, ?)", [(number, side) for side in range(2)])
            told.add(number)
            if number % 5 == 0:
                told.discard(number - 3)
                books.write("DELETE FROM pair WHERE number = ?", number - 3)
                gone.add(number - 3)
            if number % 20 == 0:
                books.scrub()
    assert cutting.lost == []
    assert cutting.number >= 40


@pytest.mark.soak
@pytest.mark.timeout(7_200)
def test_ten_thousand_cuts(tmp_path: Path) -> None:
    cut_often(tmp_path, 10_000, lambda folder, seed: cuts(folder, seed, acts=40, share=0.3))


def test_commits_without_a_sync_lose_what_was_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this finds nothing, the tests above prove nothing."""

    def careless(path: Path):  # type: ignore[no-untyped-def]
        connection = schema.open_writer(path)
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    monkeypatch.setattr(sqlite, "open_writer", careless)
    night = Night(tmp_path / "node", 3)
    cutting = Cuts(tmp_path, files_of(DATABASE), 3, 0.03, night.check)
    with recorded(cutting.hear):
        night.run(16)
    assert any("told, and not there" in one for one in cutting.lost), cutting.lost
