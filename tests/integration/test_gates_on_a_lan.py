"""Two real gates of one group and a real node: the node dies, the cables are cut and mended, the group stays one."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ledger_node.cli.operator import operator
from ledger_node.contract.entries import NewTicket
from ledger_node.services.events import EventOrder, create_event
from scanner.verify.policy import Policy
from tests.fakes.clockwork import wait_until
from tests.fakes.lan import PATIENCE, Cable, LanGate, free_port, lan
from tests.fakes.running_node import EVENT, code_by_socket, open_home, process
from tests.fakes.wallet import Wallet

TICKETS = 12


@dataclass
class Venue:
    """R1 and R2, the cables from each to the other, and the holders' wallets."""

    home: Path
    wallets: list[Wallet]
    gates: dict[str, LanGate]
    cables: list[Cable]

    def show(self, gate: str, ticket: int) -> tuple[str, str, Any]:
        """Verdict, reason and the gate that came first."""
        text = self.wallets[ticket - 1].compact(EVENT, ticket, 0, time.time()).text()
        said = self.gates[gate].hold_up(text, ticket)
        return said["verdict"], said["reason"], said["detail"].get("gate")

    def everywhere(self, what: str, condition: Any) -> None:
        for gate in self.gates.values():
            wait_until(lambda gate=gate: condition(gate), f"{gate.name}: {what}", PATIENCE)


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    home, rng, doors = tmp_path / "node", Random(5), int(time.time()) - 3600
    wallets = [Wallet.new(rng) for _ in range(TICKETS)]
    with open_home(home) as node:
        # A machine that is busy with other things is no reason for a gate to go alone here.
        policy = Policy(claim_deadline_ms=3_000)
        create_event(node, EventOrder(EVENT, "Harbour Nights", doors, doors + 5400, 100, policy=policy))
        rows = [
            NewTicket(index, index, 0, 1, 88_000, wallet.public, wallet.proof(EVENT, index))
            for index, wallet in enumerate(wallets, 1)
        ]
        node.commit(list(node.operator.issue(EVENT, rows, node.seconds)))
    ports = {name: free_port() for name in ("R1", "R2")}
    cables = {name: Cable(port) for name, port in ports.items()}
    gates = {
        name: LanGate(name, tmp_path / name, ports[name], {other: cables[other].port})
        for name, other in (("R1", "R2"), ("R2", "R1"))
    }
    try:
        with lan(*gates.values()):
            yield Venue(home, wallets, gates, list(cables.values()))
    finally:
        for cable in cables.values():
            cable.close()


def opened(venue: Venue, port: int) -> None:
    for name, gate in venue.gates.items():
        gate.enrol(f"http://127.0.0.1:{port}", code_by_socket(venue.home, name))
        gate.start()
    venue.everywhere("online", lambda gate: gate.ready(online=True))
    r1, r2 = venue.gates["R1"], venue.gates["R2"]
    wait_until(lambda: r1.hears("R2") and r2.hears("R1"), "they hear each other", PATIENCE)


@pytest.mark.timeout(300)
def test_gates_without_a_node_stay_one_group(venue: Venue) -> None:
    r1, r2 = venue.gates["R1"], venue.gates["R2"]
    with process(venue.home) as (node, port):
        opened(venue, port)
        node.kill()
        venue.everywhere("alone", lambda gate: gate.ready(online=False))
        assert venue.show("R1", 1) == ("admit", "ok", None)
        assert venue.show("R2", 1) in used_at("R1")
        assert venue.show("R2", 2) == ("admit", "ok", None)
        assert venue.show("R1", 2) in used_at("R2")
        assert one_of_two_enters(venue, 3)

    for cable in venue.cables:
        cable.cut()
    venue.everywhere("hears nobody", lambda gate: gate.hears())
    assert "0 of 1 others heard; R2: silent for" in r1.printed_status()
    assert venue.show("R1", 4) == ("admit", "ok", None)
    assert venue.show("R2", 4) == ("admit", "ok", None), "each alone goes by the policy"
    assert venue.show("R1", 5) == ("admit", "ok", None)

    r2.kill()
    r2.start()
    wait_until(lambda: r2.ready(online=False), "R2 is back", PATIENCE)
    assert venue.show("R2", 1) == ("refuse", "already-used", "R1"), "a restart still knows"

    for cable in venue.cables:
        cable.mend()
    wait_until(lambda: r1.hears("R2") and r2.hears("R1"), "they hear each other again", PATIENCE)
    assert venue.show("R2", 5) in used_at("R1"), "what was missed is told"
    assert "1 of 1 others heard" in r2.printed_status()

    with process(venue.home, "--port", str(port)):
        venue.everywhere("settled", lambda gate: gate.ready(online=True) and gate.status()["queue"] == 0)
        assert venue.show("R1", 2) in used_at("R2")
        with operator(venue.home) as told:
            device = next(one["device"] for one in told.do("devices-list", event=EVENT) if one["gate"] == "R1")
            told.do("devices-revoke", event=EVENT, device=device, reason="stolen")
        wait_until(lambda: r2.status()["peers"] == [], "R1 is no peer any more", PATIENCE)
        assert "no other is known" in r2.printed_status()


def used_at(gate: str) -> list[tuple[str, str, str]]:
    """What the other gate says: it was told of the use by then, or it asked."""
    return [("refuse", reason, gate) for reason in ("already-used", "used-elsewhere")]


def one_of_two_enters(venue: Venue, ticket: int) -> bool:
    """The same ticket at both gates in the same moment."""
    said: list[tuple[str, str, Any]] = []
    threads = [threading.Thread(target=lambda g=gate: said.append(venue.show(g, ticket))) for gate in venue.gates]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [verdict for verdict, _, _ in said].count("admit") <= 1 and len(said) == 2
