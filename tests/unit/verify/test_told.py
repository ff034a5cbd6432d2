"""What another gate's word changes in a decision: it takes rights away, and takes back its own admission."""

from dataclasses import replace

import pytest

from scanner.verify.admit import Now, Use, Verdict, View, decide
from scanner.verify.entry import Entry, Malformed, seal
from scanner.verify.gatecode import GateCode
from scanner.verify.record import ADMISSION, FIRST_PREVIOUS, Link, sign_record
from scanner.verify.told import Peer, Told, known_use, read_told, shows_its_code, weigh
from tests.fakes.event import (
    EVENT,
    NOON,
    compact_code,
    event_manifest,
    full_code,
    key,
    replace_row,
    row,
    scan_of,
    stamp_at,
    used,
)

MANIFEST = event_manifest()
NEIGHBOUR = Peer("A2-device", "A2", key("A2-device").public)
A2 = 2
TOLD = Told("A2-device", "A2", 1, 7, (NOON - 30) * 1000)


def admission(code: GateCode, device: str = "A2-device", gate: str = "A2") -> bytes:
    link = Link(device, gate, 1, FIRST_PREVIOUS)
    return sign_record(ADMISSION, EVENT, link, stamp_at(NOON - 30), scan_of(code), key("A2-device"))


def opened(raw: bytes) -> Entry:
    entry = read_told(raw, NEIGHBOUR, EVENT)
    assert isinstance(entry, Entry)
    return entry


def verdict(own: Use | None, *told: Told, view: View | None = None) -> Verdict:
    view = view or View(100, row(7))
    return decide(compact_code(7), MANIFEST, view, now(), known_use(own, told, view, MANIFEST), "A1")


def now() -> Now:

    return Now(NOON)


def test_a_ticket_that_entered_at_the_neighbour_is_refused_with_gate_and_time() -> None:
    said = verdict(None, TOLD)
    assert (said.outcome, said.reason, said.detail) == ("refuse", "already-used", {"gate": "A2", "at": NOON - 30})


def test_the_neighbours_release_lets_the_holder_try_again() -> None:
    back = Told("A2-device", "A2", 1, 7, (NOON - 30) * 1000, released=True)
    assert verdict(None, back).outcome == "admit"
    listed = View(120, used(row(7), A2, NOON - 30))
    assert verdict(None, view=listed).reason == "already-used"
    assert verdict(None, back, view=listed).outcome == "admit"


def test_a_release_takes_back_no_other_admission_than_its_own() -> None:
    back = Told("A2-device", "A2", 1, 7, (NOON - 30) * 1000, released=True)
    for listed in (used(row(7), A2, NOON - 31), used(row(7), 1, NOON - 30), used(row(7), 3, NOON - 30)):
        assert verdict(None, back, view=View(120, listed)).reason == "already-used"
    assert verdict(Use("A1", NOON - 60), back).detail["gate"] == "A1"


def test_what_the_ledger_has_is_the_rows_business() -> None:
    settled = Told("A2-device", "A2", 1, 7, (NOON - 30) * 1000, until=110)
    assert verdict(None, settled, view=View(110, row(7))).reason == "already-used"
    assert verdict(None, settled, view=View(111, row(7))).outcome == "admit"


def test_this_gates_own_use_comes_first_and_its_released_one_does_not_hide_the_neighbours() -> None:
    own = Use("A1", NOON - 5, 0, row(7).holder_key)
    assert known_use(own, [TOLD], View(100, row(7)), MANIFEST) == own
    released = Use("A1", NOON - 50, 0, row(7).holder_key, released=True)
    assert verdict(released).outcome == "admit"
    assert verdict(released, TOLD).detail == {"gate": "A2", "at": NOON - 30}


def test_the_first_of_two_neighbours_is_named() -> None:
    later = Told("A3-device", "A3", 9, 7, (NOON - 20) * 1000)
    assert verdict(None, later, TOLD).detail["gate"] == "A2"


def test_a_record_of_somebody_else_is_not_the_neighbours_word() -> None:
    good = admission(compact_code(7))
    assert isinstance(read_told(good, NEIGHBOUR, EVENT), Entry)
    bad = {
        "other event": read_told(good, NEIGHBOUR, "another"),
        "other device": read_told(good, Peer("A3-device", "A2", NEIGHBOUR.public_key), EVENT),
        "other gate": read_told(good, Peer("A2-device", "A3", NEIGHBOUR.public_key), EVENT),
        "other key": read_told(good, Peer("A2-device", "A2", key("mallory").public), EVENT),
        "flipped": read_told(bytes([good[0] ^ 1]) + good[1:], NEIGHBOUR, EVENT),
        "cut": read_told(good[:-1], NEIGHBOUR, EVENT),
        "no record": read_told(seal("ticket.cancel", EVENT, NOON, {}, key("A2-device")), NEIGHBOUR, EVENT),
        "nothing": read_told(b"", NEIGHBOUR, EVENT),
    }
    assert [name for name, said in bad.items() if not isinstance(said, Malformed)] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"ticket": 2**32},
        {"ticket": 2**64 - 1},
        {"owner_seq": 2**16},
        {"counter": 2**53},
        {"counter": 2**64 - 1},
        {"time_ms": 2**32 * 1000},
    ],
)
def test_numbers_that_no_ticket_and_no_clock_has_are_refused(wrong: dict[str, int]) -> None:
    body = opened(admission(compact_code(7))).body | wrong
    raw = seal(ADMISSION, EVENT, body["time_ms"] // 1000, body, key("A2-device"))
    said = read_told(raw, NEIGHBOUR, EVENT)
    assert isinstance(said, Malformed)
    assert said.reason == f"its {next(iter(wrong))} is larger than there can be"


@pytest.mark.parametrize("code", [compact_code(7), full_code(7, 1, 101)])
def test_an_admission_whose_holder_signed_counts(code: GateCode) -> None:
    assert shows_its_code(opened(admission(code)), MANIFEST, row(7))


def test_a_gate_that_never_saw_the_code_cannot_spend_the_use() -> None:
    forged = bytearray(compact_code(7).raw)
    forged[-1] ^= 1
    scan = scan_of(compact_code(7))
    for code, ticket, seq in (
        (bytes(forged), 7, 0),
        (compact_code(8).raw, 7, 0),
        (compact_code(7, 1).raw, 7, 0),
        (bytes(80), 7, 0),
        (compact_code(7, manifest=event_manifest("another")).raw, 7, 0),
    ):
        told = type(scan)(ticket, seq, code, "admit", "ok")
        raw = sign_record(
            ADMISSION, EVENT, Link("A2-device", "A2", 1, FIRST_PREVIOUS), stamp_at(), told, key("A2-device")
        )
        assert shows_its_code(opened(raw), MANIFEST, row(7)) is False, (ticket, seq)


def test_what_was_told_before_there_was_a_list_counts_for_no_other_ticket_and_event_than_its_code() -> None:
    """A gate without a list keeps what it is told unlooked at; a holder's certificate in a code proves one ticket."""
    told = Told("A2-device", "A2", 1, 7, NOON * 1000)
    for code, kept in (
        (full_code(7, 1, 101), 1),
        (full_code(8, 1, 101), 0),
        (full_code(7, 1, 101, manifest=event_manifest("another")), 0),
        (compact_code(8), 0),
    ):
        assert len(weigh([replace(told, code=code.raw)], MANIFEST, row(7))) == kept, code


def test_a_gate_with_an_older_list_cannot_tell_whether_a_code_is_good() -> None:
    sold = opened(admission(compact_code(7, 2)))
    assert shows_its_code(sold, MANIFEST, row(7)) is None
    assert shows_its_code(sold, MANIFEST, None) is None
    assert shows_its_code(sold, MANIFEST, replace_row(row(7), owner_seq=2)) is False
