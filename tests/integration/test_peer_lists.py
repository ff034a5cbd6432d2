"""What the ledger node tells a gate about the others: keys of those that count, addresses where they are known."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger_node.services.devices import revoke
from ledger_node.services.events import EventOrder, create_event
from ledger_node.services.peers import Address
from ledger_node.web.peers import PeerList
from tests.fakes.gate_client import Answer, GateClient
from tests.fakes.running_node import DOORS, EVENT, Running, open_home, serving, stage

OTHER = "other-show"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with open_home(tmp_path) as node:
        stage(node, 5)
        create_event(node, EventOrder(OTHER, "Other", DOORS, DOORS + 5400, 10))
        with serving(node) as running:
            yield running


@pytest.fixture
def gates(running: Running) -> Iterator[list[GateClient]]:
    made = [GateClient(running.url, running.node.keys.node.public, event) for event in (EVENT, EVENT, EVENT, OTHER)]
    for gate, name in zip(made, ("R1", "R2", "B1", "R1"), strict=True):
        assert gate.enrol(running.code(name, gate.event)).status == 200
    yield made
    for gate in made:
        gate.close()


def ask(gate: GateClient, query: str = "?port=8442", event: str = EVENT) -> Answer:
    return gate.ask("GET", f"/v1/events/{event}/peers{query}")


def test_a_gate_learns_the_keys_of_the_others_of_its_event_only(gates: list[GateClient]) -> None:
    answer = ask(gates[0])
    listed = PeerList.model_validate(answer.json)
    found = {(one.device, one.gate, one.public_key) for one in listed.peers}
    assert found == {(gate.device, gate.gate, gate.key.public.hex()) for gate in gates[1:3]}


def test_a_gate_learns_where_the_others_listen_once_they_said_so(gates: list[GateClient]) -> None:
    assert {one["address"] for one in ask(gates[0]).json["peers"]} == {None}
    ask(gates[1], "?port=9001")
    addresses = {one["device"]: one["address"] for one in ask(gates[0]).json["peers"]}
    assert addresses == {gates[1].device: "127.0.0.1:9001", gates[2].device: None}
    ask(gates[1], "?port=0")
    assert {one["address"] for one in ask(gates[0]).json["peers"]} == {None}


def test_a_revoked_gate_is_left_out_and_told_nothing(running: Running, gates: list[GateClient]) -> None:
    revoke(running.node, EVENT, gates[1].device, "stolen")
    assert [one["device"] for one in ask(gates[0]).json["peers"]] == [gates[2].device]
    assert ask(gates[1]).json["code"] == "revoked"


def test_another_events_gates_and_strangers_are_told_nothing(running: Running, gates: list[GateClient]) -> None:
    assert ask(gates[3]).json["code"] == "other-event"
    stranger = GateClient(running.url, running.node.keys.node.public, EVENT)
    assert ask(stranger).json["code"] == "unknown-key"
    stranger.close()


@pytest.mark.parametrize("query", ["?port=65536", "?port=-1", "?port=x", "?port="])
def test_a_port_that_is_none_is_refused(gates: list[GateClient], query: str) -> None:
    answer = ask(gates[0], query)
    assert (answer.status, answer.json["code"]) == (400, "bad-query")


def test_an_address_is_written_as_it_stands_in_a_url() -> None:
    assert [str(Address("10.8.0.22", 8442)), str(Address("fd00::7", 1))] == ["10.8.0.22:8442", "[fd00::7]:1"]
