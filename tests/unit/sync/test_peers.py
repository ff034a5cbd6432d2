"""Gates that speak to each other with no node in reach: started, heard, revoked, stopped."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.ports import PeerHealth
from scanner.sync.peers import Peers
from tests.fakes.clockwork import HandClock, wait_until
from tests.fakes.event import NOON
from tests.fakes.lan import free_port
from tests.fakes.peer_gates import PeerGate, peer, peer_gate
from tests.fakes.speaking_gates import FakeDirectory, speaking


@pytest.fixture
def gates(tmp_path: Path) -> Iterator[tuple[PeerGate, PeerGate]]:
    clock = HandClock(float(NOON))
    with peer_gate(tmp_path, "A1", clock) as first, peer_gate(tmp_path, "A2", clock) as second:
        yield first, second


def near(peers: Peers) -> bool:
    return all(one.near for one in peers.health())


def test_two_gates_tell_each_other_at_once(gates: tuple[PeerGate, PeerGate]) -> None:
    first, second = gates
    ports = free_port(), free_port()
    with (
        speaking(first, ports[0], peer("A2", f"127.0.0.1:{ports[1]}")) as one,
        speaking(second, ports[1], peer("A1", f"127.0.0.1:{ports[0]}")) as two,
    ):
        wait_until(lambda: near(one) and near(two), "they hear each other")
        first.show(7)
        wait_until(lambda: bool(two.desk.told(7)), "A2 was told")
        second.show(8)
        wait_until(lambda: bool(one.desk.told(8)), "A1 was told")
        (health,) = one.health()
        assert (health.gate, health.note) == ("A2", "")


def test_one_that_cannot_listen_still_tells_and_hears(gates: tuple[PeerGate, PeerGate]) -> None:
    first, second = gates
    port = free_port()
    with (
        speaking(first, port, peer("A2")) as one,
        speaking(second, port, peer("A1", f"127.0.0.1:{port}")) as two,
    ):
        wait_until(lambda: near(one) and near(two), "they hear each other")
        first.show(7)
        second.show(8)
        wait_until(lambda: bool(two.desk.told(7)) and bool(one.desk.told(8)), "both were told")


def test_a_peer_that_is_not_there_is_shown_and_holds_up_nobody(gates: tuple[PeerGate, PeerGate]) -> None:
    first, _ = gates
    with speaking(first, 0, peer("A2", f"127.0.0.1:{free_port()}"), peer("A3"), peer("A4", "not an address")) as one:
        wait_until(lambda: "cannot be reached" in one.health()[0].note, "A2 is noted as silent")
        no_address = "'not an address' is not the address of a gate"
        wait_until(lambda: no_address in one.health()[2].note, "A4's address is noted as none")
        assert one.health()[1].note == "no address of it is known"
        assert not any(health.near for health in one.health())
        assert first.show(7).opens


def test_whom_the_node_does_not_name_any_more_is_forgotten(
    gates: tuple[PeerGate, PeerGate],
) -> None:
    first, second = gates
    port = free_port()
    node = FakeDirectory((peer("A1", f"127.0.0.1:{port}"), peer("A3")))
    with speaking(first, port, peer("A2")), speaking(second, 0, directory=node) as two:
        wait_until(lambda: near_of(two, "A1"), "they know each other")
        first.show(7)
        wait_until(lambda: bool(two.desk.told(7)), "A2 was told")
        node.listed = (peer("A3"),)
        wait_until(lambda: [health.gate for health in two.health()] == ["A3"], "A1 is revoked")
        assert two.desk.told(7) == ()
        assert second.store.peers() == (peer("A3"),)


def near_of(peers: Peers, gate: str) -> bool:
    found: list[PeerHealth] = [health for health in peers.health() if health.gate == gate]
    return bool(found) and found[0].near


def test_a_gate_that_is_revoked_itself_keeps_nothing(gates: tuple[PeerGate, PeerGate]) -> None:
    first, second = gates
    port = free_port()
    with speaking(first, port, peer("A2")), speaking(second, 0, peer("A1", f"127.0.0.1:{port}")) as two:
        wait_until(lambda: near(two), "they hear each other")
        first.show(7)
        wait_until(lambda: bool(two.desk.told(7)), "A2 was told")
        two.wipe()
        assert (two.health(), two.desk.told(7), second.store.peers()) == ((), (), ())


def test_a_view_without_a_manifest_is_no_reason_to_be_silent(gates: tuple[PeerGate, PeerGate]) -> None:
    first, second = gates
    second.view.manifest = None
    port = free_port()
    with speaking(first, port, peer("A2")), speaking(second, 0, peer("A1", f"127.0.0.1:{port}")) as two:
        wait_until(lambda: near(two), "they hear each other")
        first.show(7)
        wait_until(lambda: bool(two.desk.told(7)), "A2 was told")
