"""What peers tell: in whatever order and however often it comes it means the same, and it never opens a gate."""

from dataclasses import replace
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.sync.peer_book import PeerBook
from scanner.verify.admit import Use, decide, effective_use
from scanner.verify.entry import Entry
from scanner.verify.gatecode import parse
from scanner.verify.reasons import Reason
from scanner.verify.record import (
    ADMISSION,
    FIRST_PREVIOUS,
    REFUSAL,
    RELEASE,
    VOID,
    Link,
    Settlement,
    record_hash,
    sign_record,
)
from scanner.verify.told import Peer, Told, known_use, read_told
from tests.fakes.event import EVENT, NOON, compact_code, key, scan_of, stamp_at
from tests.property.situations import BASES, CHANGES, NOW, TICKET, Knobs, Situation, build

GATES = ("N1", "B", "S1", "A")
TIMES = (NOW - 3600, NOW - 9, NOW - 8, NOW - 5, NOW)

tellings = st.builds(
    lambda gate, counter, at, released, until: Told(
        f"{gate}-device", gate, counter, TICKET, at * 1000, released, until
    ),
    st.sampled_from(GATES),
    st.integers(1, 5),
    st.sampled_from(TIMES),
    st.booleans(),
    st.sampled_from([0, 999, 1000, 1001]),
)
unusual = st.tuples(st.sampled_from(sorted(BASES)), st.lists(st.sampled_from(CHANGES), max_size=4))


def situation(chosen: tuple[str, list[tuple[str, object]]]) -> Situation:
    base, changes = chosen
    knobs: Knobs = BASES[base] | dict(changes)
    return build(knobs)


def opens(case: Situation, use: Use | None) -> bool:
    verdict = decide(parse(case.text), case.manifest, case.view, case.now, use, case.gate)
    return verdict.outcome == "admit" and verdict.reason == Reason.OK


@settings(max_examples=800, deadline=None)
@given(unusual, st.lists(tellings, max_size=4))
def test_peers_take_rights_away_and_give_none(chosen: tuple[str, list[tuple[str, object]]], told: list[Told]) -> None:
    case = situation(chosen)
    told = [replace(one, released=False) for one in told]
    if opens(case, known_use(case.use, told, case.view, case.manifest)):
        assert opens(case, case.use)


@settings(max_examples=800, deadline=None)
@given(unusual, st.lists(tellings, min_size=1, max_size=4))
def test_a_release_gives_back_the_peers_own_admission_and_no_more(
    chosen: tuple[str, list[tuple[str, object]]], told: list[Told]
) -> None:
    case = situation(chosen)
    known = known_use(case.use, told, case.view, case.manifest)
    if not opens(case, known) or opens(case, case.use):
        return
    listed = effective_use(case.view, None, case.manifest)
    assert listed is not None
    assert (listed.gate, listed.at) in {(one.gate, one.at) for one in told if one.released}
    assert case.use is None or case.use.released


@settings(max_examples=400, deadline=None)
@given(unusual, st.lists(tellings, min_size=1, max_size=4))
def test_a_ticket_with_a_live_admission_elsewhere_never_opens(
    chosen: tuple[str, list[tuple[str, object]]], told: list[Told]
) -> None:
    case = situation(chosen)
    live = [one for one in told if not one.released and (not one.until or case.view.size <= one.until)]
    if live:
        assert not opens(case, known_use(case.use, told, case.view, case.manifest))


@cache
def evening(device: str) -> tuple[Entry, ...]:
    """Ten records of one gate: people enter, two are released or voided, one is refused, one enters again."""
    raws: list[bytes] = []

    def add(kind: str, what: object) -> None:
        previous = record_hash(raws[-1]) if raws else FIRST_PREVIOUS
        link = Link(device, device[:2], len(raws) + 1, previous)
        raws.append(sign_record(kind, EVENT, link, stamp_at(NOON + len(raws)), what, key(device)))  # type: ignore[arg-type]

    for ticket in (1, 2, 3, 4):
        add(ADMISSION, scan_of(compact_code(ticket)))
    add(RELEASE, Settlement(2, "not-turned"))
    add(REFUSAL, scan_of(compact_code(9), "refuse", "blocked"))
    add(VOID, Settlement(3, "used-elsewhere"))
    add(ADMISSION, scan_of(compact_code(2)))
    add(ADMISSION, scan_of(compact_code(5)))
    add(RELEASE, Settlement(8, "not-turned"))
    peer = Peer(device, device[:2], key(device).public)
    read = [read_told(raw, peer, EVENT) for raw in raws]
    assert all(isinstance(entry, Entry) for entry in read)
    return tuple(entry for entry in read if isinstance(entry, Entry))


Message = tuple[str, tuple[int, ...], int]
devices = st.sampled_from(["A2-device", "A3-device"])
messages: st.SearchStrategy[Message] = st.tuples(
    devices, st.lists(st.integers(0, 9), max_size=5).map(tuple), st.integers(0, 10)
)
ALL: list[Message] = [("A2-device", tuple(range(10)), 7), ("A3-device", tuple(range(10)), 0)]


def tell(book: PeerBook, message: Message) -> None:
    device, places, settled = message
    entries = [evening(device)[place] for place in places]
    book.apply(book.plan(device, entries, settled, settled * 10, lambda _: True))


def meaning(book: PeerBook) -> dict[int, set[Told]]:
    return {ticket: set(book.of(ticket)) for ticket in range(1, 10)}


@settings(max_examples=300, deadline=None)
@given(st.lists(messages, max_size=12), st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(earlier: list[Message], draw: object) -> None:
    straight, mixed = PeerBook(), PeerBook()
    capped = [(device, places, min(settled, 7) if device == "A2-device" else 0) for device, places, settled in earlier]
    whole = [*ALL, *capped]
    for message in ALL:
        tell(straight, message)
    draw.shuffle(whole)  # type: ignore[attr-defined]
    for device, places, settled in whole:
        order = list(places)
        draw.shuffle(order)  # type: ignore[attr-defined]
        tell(mixed, (device, tuple(order), settled))
    assert meaning(mixed) == meaning(straight)
    assert [mixed.chain(device).have for device in ("A2-device", "A3-device")] == [10, 10]


def test_the_straight_story_means_what_it_says() -> None:
    book = PeerBook()
    for message in ALL:
        tell(book, message)
    standing = {ticket: {told.device for told in book.of(ticket) if not told.released} for ticket in range(1, 10)}
    both = {"A2-device", "A3-device"}
    assert standing == {1: both, 2: set(), 3: set(), 4: both, 5: both, 6: set(), 7: set(), 8: set(), 9: set()}
    assert {(told.device, told.until) for told in book.of(1)} == {("A2-device", 70), ("A3-device", 0)}
    assert {(told.counter, told.until) for told in book.of(2) if told.device == "A2-device"} == {(2, 70), (8, 0)}
    assert [book.chain(device).fault for device in sorted(both)] == ["", ""]
