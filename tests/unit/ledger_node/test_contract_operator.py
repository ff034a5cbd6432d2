"""What the operator may do, and every reason why not."""

import dataclasses

import pytest

from ledger_node.contract.entries import NewTicket, Operator
from ledger_node.contract.refusals import Refusal
from scanner.verify.entry import canonical, seal
from scanner.verify.keys import NO_KEY
from tests.fakes.box_office import (
    EVENT,
    NODE,
    NOW,
    OPERATOR,
    code,
    enrol,
    gates,
    holder,
    key,
    manifest,
    opening,
    proof,
    rekey,
    ticket,
)
from tests.fakes.contract_log import Log, row


@pytest.fixture
def log():
    return Log(opening())


def test_an_event_with_tickets_and_gates(log):
    event = log.state.event(EVENT)
    assert event.manifest == manifest()
    assert event.issued == 20
    assert row(log, 3).holder_key == holder(3).public
    assert log.state.ticket(EVENT, 3).face_value == 48_000
    assert [device.gate for device in log.state.devices(EVENT)] == ["A1", "A2", "B1"]


@pytest.mark.parametrize(
    ("raw", "refusal"),
    [
        (b"", "not-an-entry"),
        (b"x" * 200, "not-an-entry"),
        (b"x" * 70_000, "not-an-entry"),
        (OPERATOR.create_event(manifest(), NOW)[:-1], "not-an-entry"),
        (bytes(64) + OPERATOR.create_event(manifest(event="other"), NOW)[64:], "bad-signature"),
        (Operator(key("stranger")).create_event(manifest(event="other"), NOW), "wrong-signer"),
        (seal("ticket.paint", EVENT, NOW, {}, NODE), "unknown-type"),
        (seal("event.create", EVENT, NOW, {}, NODE), "malformed-body"),
        (seal("event.create", EVENT, 2**64 - 1, {"manifest": {}}, NODE), "malformed-body"),
        (seal("event.create", EVENT, NOW, {"manifest": {}}, NODE), "bad-manifest"),
        (seal("event.create", "x", NOW, {"manifest": manifest().to_map()}, NODE), "bad-manifest"),
        (OPERATOR.create_event(manifest(), NOW + 1), "event-exists"),
        (OPERATOR.create_event(manifest(event="other", version=2), NOW), "wrong-version"),
        (OPERATOR.update_event(manifest(event="other", version=2), NOW), "unknown-event"),
        (OPERATOR.update_event(manifest(version=3), NOW), "wrong-version"),
        (OPERATOR.update_event(manifest(version=2, capacity=19), NOW), "over-capacity"),
        (OPERATOR.update_event(manifest(version=2, gate_groups=()), NOW), "gate-in-use"),
        (next(OPERATOR.issue("other", [ticket(50)], NOW)), "unknown-event"),
        (next(OPERATOR.issue(EVENT, [ticket(5)], NOW)), "index-taken"),
        (next(OPERATOR.issue(EVENT, [ticket(50), ticket(50)], NOW)), "index-taken"),
        (next(OPERATOR.issue(EVENT, (ticket(i, held=False) for i in range(20, 1001)), NOW)), "over-capacity"),
        (next(OPERATOR.issue(EVENT, [ticket(50, group=9)], NOW)), "unknown-gate-group"),
        (next(OPERATOR.issue(EVENT, [NewTicket(50, 1, 1, 1, -1)], NOW)), "malformed-body"),
        (next(OPERATOR.issue(EVENT, [NewTicket(50, 1, 1, 1, 2**63)], NOW)), "malformed-body"),
        (next(OPERATOR.issue(EVENT, [NewTicket(2**32, 1, 1, 1, 1)], NOW)), "malformed-body"),
        (seal("ticket.issue", EVENT, NOW, {"rows": []}, NODE), "malformed-body"),
        (seal("ticket.issue", EVENT, NOW, {"rows": [[50, 1]]}, NODE), "malformed-body"),
        (seal("ticket.issue", EVENT, NOW, {"rows": [[True, 1, 1, 1, 1]]}, NODE), "malformed-body"),
        (next(OPERATOR.issue(EVENT, [NewTicket(50, 1, 1, 1, 1, bytes(31) + b"\1", bytes(64))], NOW)), "bad-key"),
        (next(OPERATOR.issue(EVENT, [NewTicket(50, 1, 1, 1, 1, holder(50).public, proof(51))], NOW)), "bad-proof"),
        (rekey(99, 1), "unknown-ticket"),
        (rekey(5, 0), "key-unchanged"),
        (rekey(5, 2), "wrong-owner-seq"),
        (OPERATOR.register_key(EVENT, 5, 1, holder(5, 1).public, proof(5, 2, holder(5, 1)), NOW), "bad-proof"),
        (OPERATOR.register_key(EVENT, 5, 1, NO_KEY, proof(5, 1), NOW), "bad-key"),
        (OPERATOR.register_key(EVENT, 5, 70_000, holder(5).public, proof(5), NOW), "malformed-body"),
        (OPERATOR.set_state(EVENT, [5], "active", "x", NOW), "state-not-allowed"),
        (OPERATOR.set_state(EVENT, [5], "asleep", "x", NOW), "malformed-body"),
        (OPERATOR.set_state(EVENT, [5, 5], "blocked", "x", NOW), "malformed-body"),
        (OPERATOR.set_state(EVENT, [5, 99], "blocked", "x", NOW), "unknown-ticket"),
        (OPERATOR.set_state("other", [5], "blocked", "x", NOW), "unknown-event"),
        (enrol("d", key("d"), "A1", event="other"), "unknown-event"),
        (enrol("d", key("d"), "Z9"), "unknown-gate"),
        (OPERATOR.enrol_device(EVENT, "d", NO_KEY, "A1", NOW, bytes(64)), "bad-key"),
        (enrol("gate-a1", key("d"), "A1"), "device-exists"),
        (enrol("d", key("device", "gate-a1"), "A1"), "device-exists"),
        (enrol("d", NODE, "A1"), "device-exists"),
        (enrol("two words", key("d"), "A1"), "malformed-body"),
        (OPERATOR.revoke_device(EVENT, "nobody", "lost", NOW), "unknown-device"),
        (OPERATOR.revoke_device("other", "gate-a1", "lost", NOW), "unknown-device"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_its_reason_and_changes_nothing(log, raw, refusal):
    assert log.refused(raw) == refusal


def test_every_refusal_has_a_code_and_two_sentences():
    for refusal in Refusal:
        assert Refusal(refusal.value) is refusal
        assert refusal.english.endswith(".")
        assert refusal.chinese.endswith("。")


def test_an_entry_signed_under_another_type_is_refused(log):
    as_update = seal("event.update", EVENT, NOW, {"device": "gate-a1", "reason": "lost"}, NODE)
    payload = {"type": "device.revoke", "event": EVENT, "at": NOW, "actor": NODE.public}
    payload["body"] = {"device": "gate-a1", "reason": "lost"}
    assert log.refused(as_update[:64] + canonical(payload)) == "bad-signature"


def test_a_sale_moves_the_ticket_to_the_next_owner_and_the_next_key_only(log):
    assert log.put(rekey(5, 1)).verdict == "accepted"
    assert (row(log, 5).owner_seq, row(log, 5).holder_key) == (1, holder(5, 1).public)
    assert log.refused(rekey(5, 1, NOW + 1)) == "key-unchanged"
    assert log.put(rekey(5, 2)).verdict == "accepted"


def test_the_first_key_of_a_ticket_takes_its_owner_seq_as_it_is():
    log = Log([*opening(0), *OPERATOR.issue(EVENT, [ticket(1, held=False)], NOW)])
    assert row(log, 1).holder_key == NO_KEY
    assert log.put(rekey(1, 0)).verdict == "accepted"
    assert row(log, 1).owner_seq == 0


def test_owner_seq_at_its_maximum_is_the_end(log):
    full = log.state.ticket(EVENT, 5)
    log.state.put_ticket(dataclasses.replace(full, row=full.row._replace(owner_seq=65_535)))
    assert log.refused(OPERATOR.register_key(EVENT, 5, 65_535, key("x").public, bytes(64), NOW)) == "owner-seq-spent"


def test_a_cancelled_ticket_keeps_its_key_and_a_refund_is_final(log):
    assert log.put(OPERATOR.set_state(EVENT, [5, 6], "cancelled", "organiser", NOW)).verdict == "accepted"
    assert log.refused(rekey(5, 1)) == "ticket-not-active"
    log.put(OPERATOR.set_state(EVENT, [5], "active", "reinstated", NOW))
    log.put(OPERATOR.set_state(EVENT, [6], "refunded", "paid back", NOW))
    assert (row(log, 5).state, row(log, 6).state) == (0, 2)
    assert log.refused(OPERATOR.set_state(EVENT, [6], "active", "second thoughts", NOW)) == "state-not-allowed"


def test_a_used_ticket_cannot_be_sold_on(log):
    gate = gates()[0]
    log.put(gate.admit(code(5)))
    assert log.refused(rekey(5, 1)) == "ticket-used"


def test_an_old_reinstatement_sent_again_does_not_undo_a_cancellation(log):
    reinstated = OPERATOR.set_state(EVENT, [5], "active", "appeal", NOW + 1)
    log.put(OPERATOR.set_state(EVENT, [5], "cancelled", "fraud", NOW))
    first = log.put(reinstated)
    log.put(OPERATOR.set_state(EVENT, [5], "cancelled", "fraud after all", NOW + 2))
    size = len(log.entries)
    again = log.put(reinstated)
    assert (again, again.new, len(log.entries)) == (first, False, size)
    assert row(log, 5).state == 1


def test_time_never_runs_back_and_a_late_clock_is_no_reason_to_refuse(log):
    assert log.put(OPERATOR.set_state(EVENT, [1], "blocked", "x", NOW + 100)).at == NOW + 100
    assert log.put(OPERATOR.set_state(EVENT, [1], "active", "x", 0)).at == NOW + 100
    assert log.state.clock == NOW + 100


def test_an_entry_from_the_future_is_kept_out_and_a_replay_lets_it_be(log):
    raw = OPERATOR.set_state(EVENT, [1], "blocked", "x", NOW + 86_400)
    assert log.refused(raw, latest=NOW + 300) == "from-the-future"
    assert log.put(raw).at == NOW + 86_400


def test_a_new_gate_moves_the_places_of_used_gates_and_the_changes_say_so(log):
    gate = gates()[1]
    log.put(gate.admit(code(5)))
    assert row(log, 5).used_gate == 2
    groups = (
        dataclasses.replace(manifest().gate_groups[0], gates=("A0", "A1", "A2")),
        manifest().gate_groups[1],
    )
    answer = log.put(OPERATOR.update_event(manifest(version=2, gate_groups=groups, leases_paused=True), NOW))
    assert row(log, 5).used_gate == 3
    assert log.state.ticket(EVENT, 5).changed == answer.position


def test_a_gate_that_somebody_entered_by_cannot_be_taken_away_even_if_its_device_is_revoked(log):
    gate = gates()[1]
    log.put(gate.admit(code(5)))
    log.put(OPERATOR.revoke_device(EVENT, gate.device, "lost", NOW))
    groups = (dataclasses.replace(manifest().gate_groups[0], gates=("A1",)), manifest().gate_groups[1])
    assert log.refused(OPERATOR.update_event(manifest(version=2, gate_groups=groups), NOW)) == "gate-in-use"


def test_a_revoked_device_stays_revoked(log):
    log.put(OPERATOR.revoke_device(EVENT, "gate-a1", "lost", NOW))
    assert log.state.device("gate-a1").revoked_at == NOW
    assert log.refused(OPERATOR.revoke_device(EVENT, "gate-a1", "lost", NOW + 1)) == "device-revoked"
