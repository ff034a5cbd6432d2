"""Who holds a ticket's use changes by entries: no two gates hold one use, whichever entries each of them has seen."""

import dataclasses

import pytest

from ledger_node.contract import bodies_house as house
from ledger_node.contract.facts import LeasesBefore
from ledger_node.contract.leases import BEFORE
from ledger_node.contract.outcome import Outcome
from scanner.verify.entry import seal
from scanner.verify.leases import lease_holders
from scanner.verify.manifest import GateGroup
from scanner.verify.policy import Policy
from tests.fakes.box_office import EVENT, NODE, NOW, OPERATOR, enrol, gates, key, manifest, opening
from tests.fakes.contract_log import Log, row

GATE = Policy(lease="gate")
ALL = ["gate-a1", "gate-a2", "gate-b1"]


def moved(*tickets, given=(), **to):
    return house.MoveLeases(list(tickets), list(given), "A1 is busy", **to).seal(EVENT, NOW, NODE)


def update(log, heard=(), **changes):
    before = log.state.event(EVENT).manifest
    return OPERATOR.update_event(dataclasses.replace(before, version=before.version + 1, **changes), NOW, heard)


def held_by(log, ticket):
    held = row(log, ticket)
    return lease_holders(ticket, held.gate_group, held.lease, log.state.event(EVENT).manifest)


@pytest.fixture
def log():
    return Log(opening())


@pytest.fixture
def single():
    """Each use is one gate's: ticket 4 is A1's, and 2 is A2's."""
    made = Log(opening(policy=GATE))
    assert (held_by(made, 4), held_by(made, 2)) == (["A1"], ["A2"])
    return made


def test_a_use_moves_only_when_the_gate_that_holds_it_gave_it_up(single):
    assert single.refused(moved(4, gate="A2")) == "lease-held"
    assert single.refused(moved(4, 2, given=["gate-a1"], gate="A2")) == "lease-held"
    assert isinstance(single.put(moved(4, given=["gate-a1"], gate="A2")), Outcome)
    assert held_by(single, 4) == ["A2"]
    assert single.refused(moved(4, given=["gate-a1"], gate="A1")) == "lease-held", "now it is A2's"


def test_a_device_that_joined_meanwhile_is_asked_too(log):
    assert isinstance(log.put(enrol("spare-a1", key("spare"), "A1")), Outcome)
    one_of_three = house.ChangeSeat(5, 900, 1, 2, 1, ["gate-a1", "gate-a2"]).seal(EVENT, NOW, NODE)
    assert log.refused(one_of_three) == "lease-held"


def test_a_gate_that_is_out_of_service_holds_nothing(single):
    single.put(OPERATOR.revoke_device(EVENT, "gate-a1", "out of service: it does not boot", NOW))
    assert isinstance(single.put(moved(4, gate="A2")), Outcome)


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ({"gate": "X9"}, "unknown-gate"), ({"gate_group": 1}, "unknown-gate"), ({}, "unknown-gate"),
        ({"gate": "A2", "gate_group": 1}, "unknown-gate"), ({"gate": "B1"}, "lease-of-no-use"),
    ],
)  # fmt: skip
def test_a_use_goes_to_a_gate_that_admits_the_ticket(single, to, code):
    assert single.refused(moved(4, given=ALL, **to)) == code


def test_where_a_group_holds_uses_they_go_to_groups(log):
    assert log.refused(moved(4, given=ALL, gate="A2")) == "unknown-gate-group"
    assert log.refused(moved(4, given=ALL, gate_group=9)) == "unknown-gate-group"
    assert log.refused(moved(4, given=ALL, gate_group=2)) == "lease-of-no-use", "B1 refuses it as the wrong gate"
    assert log.refused(moved(99, given=ALL, gate_group=1)) == "unknown-ticket"


def test_only_the_operator_moves_leases(single):
    body = house.MoveLeases([4], ["gate-a1"], "x", gate="A2")
    assert single.refused(body.seal(EVENT, NOW, gates()[1].key)) == "wrong-signer"


def test_a_ticket_that_changes_its_group_leaves_no_gate_behind_that_holds_it(log):
    def seat(given):
        return house.ChangeSeat(5, 900, 1, 2, 1, given).seal(EVENT, NOW, NODE)

    assert log.refused(seat(())) == "lease-held"
    assert log.refused(seat(["gate-a1"])) == "lease-held"
    assert isinstance(log.put(seat(["gate-a1", "gate-a2"])), Outcome)
    assert held_by(log, 5) == ["B1"]


def test_a_new_seat_in_the_same_group_needs_no_gate(log):
    assert isinstance(log.put(house.ChangeSeat(5, 900, 1, 1, 1).seal(EVENT, NOW, NODE)), Outcome)


MORE = (GateGroup(3, "Floor", "地下", ("C1",)),)
CHANGES = {
    "a gate group": {"gate_groups": manifest().gate_groups + MORE},
    "a gate in a group": {
        "gate_groups": (GateGroup(1, "Arena", "堂座", ("A0", "A1", "A2")), manifest().gate_groups[1])
    },
    "what the lease is": {"policy": GATE},
    "what a cut-off gate does": {"policy": Policy(offline="admit-marked")},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_changes_who_holds_uses_pauses_them_until_all_gates_heard(log, change):
    assert log.refused(update(log, **change)) == "leases-in-force"
    paused = log.put(update(log, **change, leases_paused=True))
    assert [held_by(log, ticket) for ticket in range(20)] == [[]] * 20
    assert log.state.find(LeasesBefore, EVENT, BEFORE).since == paused.position
    assert log.refused(update(log, leases_paused=False)) == "leases-unheard"
    assert log.refused(update(log, ALL[:2], leases_paused=False)) == "leases-unheard"
    assert isinstance(log.put(update(log, ALL, leases_paused=False)), Outcome)
    assert all(held_by(log, ticket) for ticket in range(20))
    assert log.state.find(LeasesBefore, EVENT, BEFORE) is None


def test_a_pause_waits_for_no_device_that_was_revoked_or_came_after_it(log):
    log.put(update(log, policy=GATE, leases_paused=True))
    log.put(enrol("spare-b1", key("spare"), "B1"))
    log.put(OPERATOR.revoke_device(EVENT, "gate-a2", "out of service: fell", NOW))
    assert isinstance(log.put(update(log, ["gate-a1", "gate-b1"], leases_paused=False)), Outcome)


def test_nothing_moves_during_a_pause(single):
    single.put(update(single, policy=Policy(), leases_paused=True))
    assert single.refused(moved(4, given=ALL, gate_group=1)) == "leases-paused"


def test_what_else_changes_in_a_manifest_pauses_nothing(log):
    assert isinstance(log.put(update(log, name="Encore", closed_groups=(2,), capacity=2_000)), Outcome)


def test_before_a_gate_is_there_everything_may_change():
    bare = Log(opening()[:2])
    assert isinstance(bare.put(update(bare, **CHANGES["a gate group"])), Outcome)


def test_a_log_of_before_may_have_changed_gates_without_a_pause():
    """Entries of rules 2 stay valid: what they said is in the log, and witnesses replay it."""
    first = seal("event.create", EVENT, NOW, {"manifest": manifest().to_map(), "rules": 2}, NODE)
    old = Log([first, *opening()[1:]])
    more = manifest(version=2, **CHANGES["a gate group"])
    assert isinstance(old.put(seal("event.update", EVENT, NOW, {"manifest": more.to_map()}, NODE)), Outcome)
    seat = house.ChangeSeat(5, 900, 1, 2, 1).seal(EVENT, NOW, NODE)
    assert isinstance(old.put(seat), Outcome)


def test_a_moved_use_stays_its_gates_when_the_list_of_gates_changes(single):
    single.put(moved(4, given=["gate-a1"], gate="A2"))
    single.put(update(single, **CHANGES["a gate in a group"], leases_paused=True))
    single.put(update(single, ALL, leases_paused=False))
    assert held_by(single, 4) == ["A2"]


def test_a_moved_use_is_back_with_its_group_once_uses_are_leased_to_groups(single):
    single.put(moved(4, given=["gate-a1"], gate="A2"))
    single.put(update(single, policy=Policy(), leases_paused=True))
    assert row(single, 4).lease == 2, "for a gate that has not heard of the pause"
    single.put(update(single, ALL, leases_paused=False))
    assert (row(single, 4).lease, held_by(single, 4)) == (0, ["A1", "A2"])


def test_a_pause_of_leases_is_said_in_the_manifest_in_one_way():
    paused = manifest(leases_paused=True).to_map()
    assert paused["leases_paused"] is True
    assert "leases_paused" not in manifest().to_map()
    assert manifest().from_map({**manifest().to_map(), "leases_paused": False}).reason.startswith("manifest: leases")
    assert manifest().from_map(paused) == manifest(leases_paused=True)
