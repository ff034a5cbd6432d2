"""Whom a gate speaks to: what the node says of the others, what the settings say, and what was known before."""

from dataclasses import replace

import pytest

from scanner.sync.peer_directory import MOST_PEERS, PeerList, choose
from scanner.verify.entry import Malformed
from scanner.verify.manifest import GateGroup
from scanner.verify.policy import Policy
from scanner.verify.told import Peer
from tests.fakes.event import event_manifest

MANIFEST = event_manifest()
EVERYBODY = replace(MANIFEST, policy=Policy(offline="admit-marked"))


def gate(name: str, address: str = "") -> Peer:
    return Peer(f"{name}-device", name, bytes(32), address)


def test_gates_of_the_own_groups_are_spoken_to_and_the_others_where_every_gate_may_admit() -> None:
    told = [gate("B1"), gate("A2"), gate("gone")]
    assert [peer.gate for peer in choose(told, (), {}, "A1", MANIFEST)] == ["A2"]
    assert [peer.gate for peer in choose(told, (), {}, "B1", MANIFEST)] == ["B1"]
    assert [peer.gate for peer in choose(told, (), {}, "A1", EVERYBODY)] == ["A2", "B1", "gone"]
    assert [peer.gate for peer in choose(told, (), {}, "B1", EVERYBODY)] == ["B1", "A2", "gone"]


def test_a_large_house_speaks_to_its_own_group_and_to_as_many_others_as_it_can() -> None:
    names = tuple(f"Z{number:03d}" for number in range(60))
    group = GateGroup(3, "Z", "Z", names)
    manifest = replace(EVERYBODY, gate_groups=(*MANIFEST.gate_groups, group))
    chosen = choose([gate("A2"), gate("B1"), *map(gate, names)], (), {}, "A1", manifest)
    assert len(chosen) == MOST_PEERS
    assert chosen[0].gate == "A2"


@pytest.mark.parametrize(
    ("told", "known", "named", "address"),
    [
        ("10.0.0.2:8442", "", {}, "10.0.0.2:8442"),
        ("", "10.0.0.1:8442", {}, "10.0.0.1:8442"),
        ("10.0.0.2:8442", "10.0.0.1:8442", {}, "10.0.0.2:8442"),
        ("10.0.0.2:8442", "", {"A2": "10.9.9.9:1"}, "10.9.9.9:1"),
        ("", "", {"A2": "10.9.9.9:1", "A2-device": "10.7.7.7:1"}, "10.7.7.7:1"),
        ("", "", {"A3": "10.9.9.9:1"}, ""),
    ],
)
def test_settings_come_before_the_node_and_the_node_before_what_was_known(
    told: str, known: str, named: dict[str, str], address: str
) -> None:
    (chosen,) = choose([gate("A2", told)], [gate("A2", known)], named, "A1", MANIFEST)
    assert chosen.address == address


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"event": "x", "peers": [{"device": "a", "gate": "b", "public_key": "00"}]}',
        b'{"event": "x", "peers": [{"device": "", "gate": "b", "public_key": "' + b"00" * 32 + b'"}]}',
        b'{"event": "x", "peers": 7}',
    ],
)
def test_a_list_that_is_none_is_not_believed(body: bytes) -> None:
    assert isinstance(PeerList.parse(body), Malformed)
