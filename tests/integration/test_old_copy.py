"""An old copy of the node's folder is put back while gates know better: a real node, a real witness, real gates."""

import signal

import pytest

from ledger_node.services.errors import ServiceError
from tests.fakes.old_copy import OldCopy, old_copy, settled
from tests.fakes.running_node import EVENT
from tests.fakes.running_witness import wait_until


@pytest.fixture
def show(tmp_path):
    with old_copy(tmp_path) as made:
        made.start()
        yield made


@pytest.fixture
def watched(tmp_path):
    with old_copy(tmp_path) as made:
        made.watch()
        made.start()
        yield made


def admitted_since(show: OldCopy):
    """Two gates that admitted after the copy was made, and the admissions."""
    r1, r2 = show.gate("R1"), show.gate("R2")
    assert show.show(r1, 1) == "accepted"
    settled(r1)
    show.stop()
    show.copy()
    show.start()
    for gate in (r1, r2):
        settled(gate)
    assert [show.show(gate, ticket) for gate, ticket in ((r1, 2), (r2, 3), (r1, 4))] == ["accepted"] * 3
    for gate in (r1, r2):
        settled(gate)
    return r1, r2


def test_a_node_of_an_old_copy_takes_no_writes_once_a_gate_has_shown_it_more(show):
    r1, r2 = admitted_since(show)
    show.stop(signal.SIGKILL)
    show.put_back()
    show.start()
    for gate in (r1, r2):
        gate.until(lambda now: "log went back" in now.alarm, patience=40)
    # The other gate's ticket, which the copy has not seen enter, and one that has not entered.
    assert [show.show(r1, 3), show.show(r2, 2), show.show(r2, 9)] == ["log-behind"] * 3
    told = show.do("restore-status")
    assert (told["whole"], told["forked"], told["missing"] >= 3) == (False, False, True)
    assert show.health()["status"] == "behind"
    with pytest.raises(ServiceError, match="nothing is logged until what is missing is back"):
        show.do("tickets-state", event=EVENT, indexes=[1], state="blocked", reason="test")
    assert show.do("restore-status")["size"] == told["size"]


def test_it_knows_by_its_witness_before_it_takes_anything(watched):
    admitted_since(watched)
    watched.part()
    watched.witnessed()
    watched.stop(signal.SIGKILL)
    watched.put_back()
    watched.start()
    assert not watched.do("restore-status")["whole"]


def test_it_is_fed_again_by_its_witness_and_gates_go_on_without_enrolling(watched):
    r1, r2 = admitted_since(watched)
    watched.do("devices-revoke", event=EVENT, device=watched.gate("R3").place.device, reason="stolen")
    watched.witnessed()
    size = watched.health()["size"]
    watched.stop(signal.SIGKILL)
    watched.put_back()
    # Alone for now: what they record waits.
    watched.alone(r1, 10)
    watched.start()
    for gate in (r1, r2):
        settled(gate)
    assert watched.do("restore-status")["whole"]
    assert watched.health()["size"] >= size
    # Entered before, and entered alone.
    assert [watched.show(r2, ticket) for ticket in (2, 4, 10)] == ["duplicate"] * 3
    assert watched.show(r1, 20) == "accepted"
    devices = watched.do("devices-list", event=EVENT)
    assert [one["gate"] for one in devices if one["revoked_at"]] == ["R3"]
    for gate in (r1, r2):
        settled(gate)
    watched.part()
    watched.stop()
    assert watched.entered() == {1, 2, 3, 4, 10, 20}


def lost(show: OldCopy):
    """Two gates, and a node that was fed a part of what it had lost, and had the rest declared lost."""
    r1, r2 = admitted_since(show)
    show.witnessed()
    show.unwatch()
    assert show.show(r1, 5) == "accepted"
    show.do("tickets-state", event=EVENT, indexes=[50], state="blocked", reason="lost")
    assert show.show(r2, 6) == "accepted"
    for gate in (r1, r2):
        settled(gate)
    whole = show.health()["size"]
    for gate in (r1, r2):
        wait_until(lambda gate=gate: gate.view.size >= whole)
    show.stop(signal.SIGKILL)
    show.put_back()
    show.start()
    for gate in (r1, r2):
        gate.until(lambda now: "log went back" in now.alarm, patience=40)
    show.watch()
    wait_until(lambda: 0 < whole - show.do("restore-status")["size"] <= 3)
    return r1, r2, whole


def test_what_no_source_has_is_declared_lost_and_gates_send_it_again_without_enrolling(watched):
    r1, r2, whole = lost(watched)
    watched.alone(r1, 11)
    # Not before the operator says so.
    assert [watched.show(r1, 6), watched.show(r2, 7)] == ["log-behind"] * 2
    told = watched.do("restore-status")
    assert (told["newest"], told["forked"]) == (whole, False)
    watched.do("restore-declare-lost", newest=whole)
    # No ticket enters twice, in whatever order gates come back.
    verdicts = [watched.show(gate, ticket) for ticket in (2, 5, 6, 11) for gate in (r1, r2)]
    assert "accepted" not in verdicts
    for gate in (r1, r2):
        settled(gate)
    wait_until(lambda: "gathering" not in watched.do("restore-status"))
    assert [watched.show(gate, ticket) for gate, ticket in ((r2, 5), (r1, 6), (r2, 2), (r2, 11))] == ["duplicate"] * 4
    assert watched.show(r2, 21) == "accepted"
    # A gate that comes anew has a list with all of it.
    fresh = watched.gate("R3")
    assert all(fresh.view.of(ticket).row.uses for ticket in (1, 2, 3, 4, 5, 6, 11))
    for gate in (r1, r2):
        settled(gate)
    watched.part()
    watched.stop()
    assert watched.entered() == {1, 2, 3, 4, 5, 6, 11, 21}


def test_no_list_and_no_claim_before_the_last_gate_has_sent_what_it_had(watched):
    r1, r2, whole = lost(watched)
    watched.leave(r1)
    before = r2.view.size
    watched.do("restore-declare-lost", newest=whole)
    wait_until(lambda: watched.do("restore-status").get("gathering") == [f"R1 {r1.place.device}"])
    assert [watched.show(r2, 5), watched.show(r2, 30)] == ["log-gathering"] * 2
    assert (r2.view.size, r2.view.of(2).row.uses) == (before, 1)
    assert watched.do("restore-finish")["without"] == [f"R1 {r1.place.device}"]
    settled(r2)
    assert watched.show(r2, 30) == "accepted"
