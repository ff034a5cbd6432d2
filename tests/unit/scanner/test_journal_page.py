"""The chain as other gates are told of it: which records, and what is settled, pending and newest with them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.journal import Journal
from scanner.ports import Receipt
from tests.fakes.admitting import admit
from tests.fakes.journals import admit_pending, evening, open_journal, opened, refuse, spoil


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with open_journal(tmp_path / "journal.db") as journal:
        yield journal


def counters(journal: Journal, after: int, most: int = 100) -> list[int]:
    return [opened(raw).body["counter"] for raw in journal.page(after, most).records]


def test_records_come_in_order_after_a_counter_and_no_more_than_asked_for(journal: Journal) -> None:
    for ticket in range(1, 6):
        admit(journal, ticket)
    assert counters(journal, 0, 3) == [1, 2, 3]
    assert counters(journal, 3) == [4, 5]
    assert counters(journal, 5) == []
    assert journal.page(0, 0).newest == 5


def test_a_pending_admission_is_told_with_its_records(journal: Journal) -> None:
    admit(journal, 1)
    assert journal.page(0, 9).pending == 0
    waiting = admit_pending(journal, 2)
    page = journal.page(1, 9)
    assert (page.records, page.pending) == ((waiting.raw,), waiting.counter)
    journal.decided(waiting.counter, "alone")
    assert journal.page(1, 9).pending == 0


def test_settled_is_what_the_ledger_has_without_a_gap(journal: Journal) -> None:
    assert (journal.page(0, 9).settled, journal.page(0, 9).position) == (0, 0)
    for ticket in range(1, 5):
        admit(journal, ticket)
    assert journal.page(0, 9).settled == 0
    journal.settle([Receipt(1, "accepted", 40), Receipt(2, "duplicate", 44), Receipt(4, "accepted", 47)], 50)
    assert (journal.page(0, 9).settled, journal.page(0, 9).position) == (2, 47)
    journal.settle([Receipt(3, "accepted", 46)], 50)
    assert journal.page(0, 9).settled == 4


def test_a_record_that_was_set_aside_is_not_settled(journal: Journal) -> None:
    admit(journal, 1)
    refuse(journal, 2)
    journal.settle([Receipt(1, "rejected", None, None, "conflict"), Receipt(2, "accepted", 41)], 50)
    assert journal.page(0, 9).settled == 0


def test_records_saved_from_a_damaged_journal_are_told_too(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    evening(path, 3)
    spoil(path, "UPDATE use SET released = 1")
    with open_journal(path) as journal:
        anew = counters(journal, 0)
        assert anew[:5] == [1, 2, 3, 4, 5]
        assert anew[5] > 100_000
        assert journal.page(0, 9).settled == 0


def test_every_listener_hears_of_a_record(journal: Journal) -> None:
    heard: list[str] = []
    journal.on_record(lambda: heard.append("sync"))
    journal.on_record(lambda: heard.append("peers"))
    refuse(journal, 1)
    assert heard == ["sync", "peers"]
