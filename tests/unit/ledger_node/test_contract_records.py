"""What the ledger makes of what gates report: one use a ticket, nothing dropped, causes named."""

import dataclasses

import pytest

from ledger_node.contract.incidents import doubtful
from ledger_node.contract.outcome import Outcome
from scanner.verify.keys import NO_KEY
from scanner.verify.manifest import Beacon, LedgerKey
from scanner.verify.record import Link, Scan, Stamp, sign_record
from tests.fakes.box_office import (
    DOORS,
    EVENT,
    LEDGER_KEY,
    NODE,
    NOW,
    OPERATOR,
    Gate,
    code,
    full_code,
    gates,
    holder,
    key,
    manifest,
    opening,
    rekey,
    ticket,
)
from tests.fakes.contract_log import Log, row


@pytest.fixture
def log():
    return Log(opening())


@pytest.fixture
def a1():
    return gates()[0]


@pytest.fixture
def a2():
    return gates()[1]


def test_an_admission_spends_the_use(log, a1):
    answer = log.put(a1.admit(code(5)))
    assert (answer.verdict, answer.cause, answer.first) == ("accepted", "", None)
    assert (row(log, 5).uses, row(log, 5).used_gate, row(log, 5).used_at) == (1, 1, DOORS + 1)


def test_the_same_bytes_again_have_the_same_outcome_and_are_not_logged_twice(log, a1):
    raw = a1.admit(code(5))
    first, size = log.put(raw), len(log.entries)
    again = log.put(raw)
    assert again == first
    assert not again.new
    assert (len(log.entries), row(log, 5).uses) == (size, 1)


def test_a_ticket_at_two_gates_is_a_duplicate_that_names_the_first(log, a1, a2):
    accepted = log.put(a1.admit(code(5)))
    answer = log.put(a2.admit(code(5, step=DOORS // 10 + 6)))
    assert (answer.verdict, answer.cause) == ("duplicate", "shared-or-cloned-key")
    assert (answer.first.gate, answer.first.time_ms, answer.first.position) == ("A1", a1.time_ms, accepted.position)
    assert row(log, 5).used_gate == 1


def test_screenshot_shown_at_two_gates(log, a1, a2):
    shown = code(5)
    log.put(a1.admit(shown))
    assert log.put(a2.admit(shown)).cause == "relayed-screenshot"


def test_ticket_sold_and_then_entered_by_the_seller(log, a1, a2):
    log.put(rekey(5, 1))
    answer = log.put(a1.admit(code(5, 0)))
    assert (answer.verdict, answer.cause) == ("stale", "sold-then-entered")
    assert row(log, 5).uses == 0
    assert log.put(a2.admit(code(5, 1))).verdict == "accepted"


def test_seller_entered_before_the_gate_heard_of_the_buyer(log, a1, a2):
    log.put(a1.admit(code(5, 0)))
    answer = log.put(a2.admit(full_code(5, 1)))
    assert (answer.verdict, answer.cause) == ("duplicate", "sold-then-entered")


def test_a_certificate_brings_an_owner_that_the_ledger_does_not_know(log, a1):
    assert log.put(a1.admit(full_code(5, 3))).verdict == "accepted"
    assert (row(log, 5).owner_seq, row(log, 5).holder_key) == (3, holder(5, 3).public)


def test_a_certificate_activates_a_ticket_without_a_key(a1):
    log = Log([*opening(0), *OPERATOR.issue(EVENT, [ticket(1, held=False)], NOW)])
    unsure = log.put(a1.admit(code(1)))
    assert (unsure.verdict, unsure.cause) == ("unknown", "no-good-certificate")
    assert log.put(a1.admit(full_code(1, 0))).verdict == "accepted"
    assert row(log, 1).holder_key != NO_KEY


@pytest.mark.parametrize(
    ("shown", "cause"),
    [
        (code(99), "no-such-ticket"),
        (code(5, owner=key("thief")), "forged"),
        (code(5, event="another"), "not-a-code-of-this-event"),
        (code(5, 1), "no-good-certificate"),
        (full_code(5, 1, signer=key("thief")), "no-good-certificate"),
        (full_code(5, 1, kid=9), "no-good-certificate"),
        (full_code(5, 1, kid=2), "no-good-certificate"),
        (code(5, beacon=7, value=bytes(16)), "no-such-beacon"),
        (code(5, beacon=1, value=bytes(16)), "forged"),
    ],
)
def test_what_no_holder_signed_is_logged_as_unknown_and_spends_nothing(a1, shown, cause):
    keys = (LedgerKey(1, LEDGER_KEY.public), LedgerKey(2, LEDGER_KEY.public, retired=True))
    log = Log(opening(keys=keys, beacons=(Beacon(1, b"b" * 16, 0, 2**32 - 1),)))
    before = row(log, 5)
    answer = log.put(a1.admit(shown))
    assert (answer.verdict, answer.cause) == ("unknown", cause)
    assert row(log, 5) == before


def test_a_code_with_the_right_beacon_is_accepted(a1):
    log = Log(opening(beacons=(Beacon(1, b"b" * 16, 0, 2**32 - 1),)))
    assert log.put(a1.admit(code(5, beacon=1, value=b"b" * 16))).verdict == "accepted"


def test_a_record_that_names_another_ticket_than_its_code(log, a1):
    shown = code(5)
    what = Scan(6, 0, shown.raw, "admit", "ok")
    stamp = Stamp(DOORS * 1000, trusted=True, error_ms=0, view_size=1)
    raw = sign_record("admission", EVENT, Link(a1.device, "A1", 1, bytes(32)), stamp, what, a1.key)
    assert log.put(raw).cause == "code-of-another-ticket"


@pytest.mark.parametrize("state", ["cancelled", "refunded", "blocked"])
def test_admitted_on_a_view_older_than_the_cancellation(log, a1, state):
    log.put(OPERATOR.set_state(EVENT, [5], state, "x", NOW))
    answer = log.put(a1.admit(code(5)))
    assert (answer.verdict, answer.cause) == ("stale", state)
    assert row(log, 5).uses == 0


def test_nobody_turned_so_the_ticket_may_enter_again(log, a1, a2):
    admitted = a1.admit(code(5))
    first = log.put(admitted)
    assert log.put(a1.release()).verdict == "accepted"
    assert (row(log, 5).uses, row(log, 5).used_gate, row(log, 5).used_at) == (0, 0, 0)
    assert log.put(a2.admit(code(5, step=DOORS // 10 + 2))).verdict == "accepted"
    assert log.put(admitted) == first
    assert row(log, 5).used_gate == 2, "a release is final under replay"


def test_a_second_release_gives_nothing_back(log, a1, a2):
    log.put(a1.admit(code(5)))
    log.put(a1.release(1))
    log.put(a2.admit(code(5)))
    assert log.put(a1.release(1)).cause == "taken-back-before"
    assert row(log, 5).uses == 1


def test_a_release_that_overtakes_its_admission(log, a1):
    admitted, released = a1.admit(code(5)), a1.release()
    assert log.put(released).cause == "before-its-admission"
    answer = log.put(admitted)
    assert (answer.verdict, answer.cause) == ("stale", "release-came-first")
    assert row(log, 5).uses == 0
    assert not doubtful(log.state, log.state.record("gate-a1", 1))
    assert log.put(a1.admit(code(5, step=DOORS // 10 + 3))).verdict == "accepted"


def test_a_void_that_overtakes_its_admission_leaves_nothing_to_open_for(log, a1, a2):
    admitted, voided = a1.admit(code(5)), a1.void()
    log.put(voided)
    answer = log.put(admitted)
    assert (answer.verdict, answer.cause) == ("stale", "void-came-first")
    assert log.put(admitted) == answer
    assert log.put(a2.admit(code(5, step=DOORS // 10 + 3))).verdict == "accepted"
    assert (row(log, 5).uses, row(log, 5).used_gate) == (1, 2)


@pytest.mark.parametrize(("first", "second"), [("void", "release"), ("release", "void")])
@pytest.mark.parametrize("late", [False, True], ids=["admission-first", "admission-last"])
def test_of_a_void_and_a_release_the_first_counts_and_the_other_is_no_sound_gates(log, a1, a2, first, second, late):
    admitted = a1.admit(code(5))
    ends = [getattr(a1, first)(1), getattr(a1, second)(1), getattr(a1, first)(1)]
    answers = [log.put(raw) for raw in ([*ends, admitted] if late else [admitted, *ends])]
    said = [(answer.verdict, answer.cause) for answer in answers[0 if late else 1 :][:3]]
    begun = "before-its-admission" if late else ""
    assert said == [("accepted", begun), ("unknown", f"contradicts-{first}"), ("accepted", "taken-back-before")]
    assert row(log, 5).uses == 0
    assert log.state.undone("gate-a1", 1) == first
    assert log.put(a2.admit(code(5, step=DOORS // 10 + 3))).verdict == "accepted"


def test_when_the_first_never_turned_the_use_is_the_second_gates(log, a1, a2):
    log.put(a1.admit(code(5)))
    duplicate = log.put(a2.admit(code(5, step=DOORS // 10 + 1)))
    record = log.state.record("gate-a2", 1)
    assert duplicate.verdict == "duplicate"
    assert doubtful(log.state, record)
    log.put(a1.release())
    assert (row(log, 5).uses, row(log, 5).used_gate) == (1, 2)
    assert not doubtful(log.state, record)


def test_a_void_explains_a_duplicate_and_takes_nothing_from_the_first(log, a1, a2):
    log.put(a1.admit(code(5)))
    log.put(a2.admit(code(5)))
    assert log.put(a2.void()).verdict == "accepted"
    assert not doubtful(log.state, log.state.record("gate-a2", 1))
    assert row(log, 5).used_gate == 1


def test_a_void_of_what_is_no_admission(log, a1):
    log.put(a1.refuse(code(5)))
    answer = log.put(a1.void())
    assert (answer.verdict, answer.cause) == ("unknown", "not-an-admission")


def test_a_double_entry_is_reported_once_with_its_true_cause(log, a1, a2):
    log.put(a1.admit(code(5)))
    log.put(a2.admit(code(5)))
    record = log.state.record("gate-a2", 1)
    wrong = dataclasses.replace(record, cause="sold-then-entered")
    assert log.refused(OPERATOR.report_double_entry(wrong, NOW)) == "not-a-double-entry"
    assert isinstance(log.put(OPERATOR.report_double_entry(record, NOW)), Outcome)
    assert log.refused(OPERATOR.report_double_entry(record, NOW + 1)) == "not-a-double-entry"
    first = dataclasses.replace(log.state.record("gate-a1", 1), cause=record.cause)
    assert log.refused(OPERATOR.report_double_entry(first, NOW)) == "not-a-double-entry"


def test_a_revoked_devices_records_are_kept_and_change_nothing(log, a1):
    log.put(a1.admit(code(5)))
    log.put(OPERATOR.revoke_device(EVENT, "gate-a1", "stolen", NOW))
    assert log.put(a1.release()).verdict == "revoked"
    assert log.put(a1.admit(code(6))).verdict == "revoked"
    assert (row(log, 5).uses, row(log, 6).uses) == (1, 0)


def test_refusals_and_incidents_are_logged(log, a1):
    assert log.put(a1.refuse(code(5))).verdict == "accepted"
    assert log.put(a1.incident()).verdict == "accepted"
    assert row(log, 5).uses == 0


def test_records_in_any_order_and_with_gaps_are_taken(log, a1):
    raws = [a1.admit(code(index)) for index in range(6)]
    for raw in (raws[4], raws[0], raws[5], raws[2]):
        assert log.put(raw).verdict == "accepted"
    assert [row(log, index).uses for index in range(6)] == [1, 0, 1, 0, 1, 1]


def test_two_records_with_one_counter_are_a_conflict_that_stops_nothing(log, a1):
    log.put(a1.admit(code(5)))
    twin = Gate("A1", "gate-a1")
    assert log.refused(twin.admit(code(6))) == "conflict"
    assert log.put(a1.admit(code(7))).verdict == "accepted"


def test_a_record_that_is_not_provably_the_devices_is_refused(log, a1):
    raw = a1.admit(code(5))
    assert log.refused(bytes(64) + raw[64:]) == "bad-signature"
    assert log.refused(Gate("A1", "gate-zz").admit(code(5))) == "unknown-device"
    log.put(raw)
    assert log.refused(bytes(64) + raw[64:]) == "bad-signature"


def test_a_device_of_another_event_cannot_report_for_this_one(log):
    other = manifest(event="other")
    log.put(OPERATOR.create_event(other, NOW))
    assert log.refused(Gate("A1", "gate-a1", event="other").admit(code(5))) == "unknown-device"


def test_an_operator_cannot_make_admissions(log):
    what = Scan(5, 0, code(5).raw, "admit", "ok")
    stamp = Stamp(DOORS * 1000, trusted=True, error_ms=0, view_size=1)
    raw = sign_record("admission", EVENT, Link("gate-a1", "A1", 1, bytes(32)), stamp, what, NODE)
    assert log.refused(raw) == "unknown-type"


@pytest.mark.parametrize("field", ["counter", "time_ms", "ticket", "owner_seq"])
def test_numbers_that_no_ledger_can_keep_are_refused(log, a1, field):
    values = {"counter": 1, "time_ms": DOORS * 1000, "ticket": 5, "owner_seq": 0, field: 2**64 - 1}
    what = Scan(values["ticket"], values["owner_seq"], code(5).raw, "admit", "ok")
    stamp = Stamp(values["time_ms"], trusted=False, error_ms=0, view_size=1)
    link = Link("gate-a1", "A1", values["counter"], bytes(32))
    assert log.refused(sign_record("admission", EVENT, link, stamp, what, a1.key)) == "malformed-body"


def test_an_admission_dated_1970_or_far_ahead_still_counts(log, a1):
    a1.time_ms = 0
    log.put(a1.admit(code(5)))
    a1.time_ms = 2**45
    log.put(a1.admit(code(6)))
    assert (row(log, 5).used_at, row(log, 6).used_at) == (1, 2**32 - 1)
