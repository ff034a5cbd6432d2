"""What was told by peers: what is kept for how long, and what a broken chain shows."""

from scanner.journal_recovery import DAMAGED
from scanner.sync.peer_book import KEEP_MS, PeerBook, Plan
from scanner.verify.entry import Entry, open_entry
from scanner.verify.record import (
    ADMISSION,
    FIRST_PREVIOUS,
    INCIDENT,
    RELEASE,
    GateIncident,
    Link,
    Settlement,
    record_hash,
    sign_record,
)
from scanner.verify.told import Told
from tests.fakes.event import EVENT, NOON, compact_code, key, scan_of, stamp_at

DEVICE = "A2-device"


def record(kind: str, what: object, counter: int, previous: bytes = FIRST_PREVIOUS, at: int = NOON) -> Entry:
    link = Link(DEVICE, "A2", counter, previous)
    entry = open_entry(sign_record(kind, EVENT, link, stamp_at(at), what, key(DEVICE)))  # type: ignore[arg-type]
    assert isinstance(entry, Entry)
    return entry


def admission(ticket: int, counter: int = 1, previous: bytes = FIRST_PREVIOUS, at: int = NOON) -> Entry:
    return record(ADMISSION, scan_of(compact_code(ticket)), counter, previous, at)


def tell(book: PeerBook, *entries: Entry, settled: int = 0, position: int = 0, good: bool = True) -> Plan:
    plan = book.plan(DEVICE, entries, settled, position, lambda _: good)
    book.apply(plan)
    return plan


def test_an_admission_that_nobody_signed_spends_nothing_and_does_not_stop_the_chain() -> None:
    book = PeerBook()
    plan = tell(book, admission(7), good=False)
    assert (plan.told, book.of(7), book.chain(DEVICE).have) == ((), (), 1)


def test_a_plan_changes_nothing_before_it_is_applied() -> None:
    book = PeerBook()
    plan = book.plan(DEVICE, [admission(7)], 0, 0, lambda _: True)
    assert (book.of(7), book.chain(DEVICE).have) == ((), 0)
    book.apply(plan)
    assert [told.gate for told in book.of(7)] == ["A2"]


def test_a_release_that_comes_before_its_admission_counts() -> None:
    book = PeerBook()
    tell(book, record(RELEASE, Settlement(1, "not-turned"), 2))
    tell(book, admission(7))
    assert [told.released for told in book.of(7)] == [True]


def test_a_gap_and_a_copied_card_are_noticed_and_their_records_believed() -> None:
    gap, forked, anew = PeerBook(), PeerBook(), PeerBook()
    tell(gap, admission(7), admission(8, 3))
    assert gap.chain(DEVICE).fault == "record 3 does not follow record 1"
    assert gap.of(8)
    tell(forked, admission(7))
    tell(forked, admission(8))
    assert "copied" in forked.chain(DEVICE).fault
    assert forked.of(8)
    tell(anew, admission(7), record(INCIDENT, GateIncident(DAMAGED), 100_001))
    assert (anew.chain(DEVICE).fault, anew.chain(DEVICE).have) == ("", 100_001)


def test_a_chain_in_one_piece_has_no_fault() -> None:
    book, first = PeerBook(), admission(7)
    tell(book, first)
    tell(book, first, admission(8, 2, record_hash(first.raw)))
    assert book.chain(DEVICE).fault == ""


def test_what_the_ledger_has_is_settled_and_never_less() -> None:
    book = PeerBook()
    tell(book, admission(7), settled=1, position=40)
    tell(book, settled=0, position=0)
    assert [told.until for told in book.of(7)] == [40]
    tell(book, admission(8, 2), settled=1, position=90)
    assert [told.until for told in book.of(8)] == [0]


def test_an_admission_that_the_list_shows_is_settled_even_if_its_gate_never_says_so() -> None:
    book = PeerBook()
    tell(book, admission(7), admission(8, 2))
    fresh = book.seen(lambda told: 120 if told.ticket == 7 else 0)
    book.tidy(fresh, book.stale(0, 0))
    assert [(told.ticket, told.until) for told in fresh] == [(7, 119)]
    assert book.seen(lambda told: 130 if told.ticket == 7 else 0) == ()
    assert [told.until for told in book.of(7)] == [119]
    tell(book, record(RELEASE, Settlement(1, "not-turned"), 3))
    assert [(told.released, told.until) for told in book.of(7)] == [(True, 0)]


def test_what_the_view_has_known_for_long_is_dropped_and_nothing_else() -> None:
    book = PeerBook()
    late = NOON + 3600
    release = record(RELEASE, Settlement(1, "not-turned"), 3)
    tell(book, admission(7), admission(8, 2), release, settled=3, position=50)
    tell(book, admission(9, 4, at=late), settled=4, position=60)
    tell(book, admission(10, 5))
    now = NOON * 1000 + KEEP_MS + 1
    assert book.stale(50, now).told == ()
    assert book.stale(100, now - 2).told == ()
    stale = book.stale(100, now)
    book.tidy((), stale)
    assert set(stale.told) == {(DEVICE, 1, 7), (DEVICE, 2, 8)}
    assert stale.undone == ((DEVICE, 1),)
    assert [bool(book.of(ticket)) for ticket in (7, 8, 9, 10)] == [False, False, True, True]
    assert book.undone == {}


def test_the_word_of_a_revoked_device_is_forgotten() -> None:
    book = PeerBook()
    tell(book, admission(7), record(RELEASE, Settlement(1, "not-turned"), 2))
    other = Told("A3-device", "A3", 1, 7, NOON * 1000)
    book.apply(Plan(book.chain("A3-device"), (other,)))
    assert book.forget_others([DEVICE, "A3-device"]) == ()
    assert book.forget_others(["A3-device"]) == (DEVICE,)
    assert book.of(7) == (other,)
    assert (book.undone, book.chain(DEVICE).have, book.rooms) == ({}, 0, {})
