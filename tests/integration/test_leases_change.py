"""The event's gates change while a gate is cut off: what it may admit by the list that it has, no other gate admits.

The attack: a ticket for any gate is leased to a group that follows from its number and the number of groups. An import
of tickets of a new group moves it, and the gate that held it is cut off and does not know.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ledger_node.services import devices, leases
from ledger_node.services.events import change_event, read_event
from ledger_node.services.issue import COLUMNS, import_file
from ledger_node.web import server
from scanner.verify.leases import leased_by
from scanner.verify.policy import Policy
from scanner.verify.reasons import Reason
from tests.fakes.clockwork import wait_until
from tests.fakes.real_gate import RealGate
from tests.fakes.running_node import EVENT, Running, open_home, serving, stage
from tests.fakes.wallet import Wallet

TICKETS = 80
NEW_GATE = "7-1"


@dataclass
class Show:
    """A served node, and the holders' wallets; every ticket is for any gate."""

    running: Running
    wallets: list[Wallet]
    folder: Path
    stack: ExitStack

    def gate(self, name: str) -> RealGate:
        made = RealGate(self.running, name, self.folder)
        self.stack.callback(made.close)
        return made

    def add_a_group(self) -> None:
        """Tickets of group 7 come in, which has one gate."""
        file = self.folder / "more.csv"
        file.write_text(",".join(COLUMNS) + "\n1001,5001,0,7,88000,,\n")
        assert import_file(self.running.node, EVENT, file) == 1

    def moved(self, before: object) -> list[int]:
        """The tickets that R1 held by the manifest of before, and the new gate holds by the one of now."""
        now = replace(self.manifest, leases_paused=False)
        tickets = range(1, TICKETS + 1)
        return [
            one for one in tickets if "R1" in leased_by(one, 0, 0, before) and leased_by(one, 0, 0, now) == [NEW_GATE]
        ]

    @property
    def manifest(self) -> object:
        return read_event(self.running.node, EVENT).manifest

    def admits(self, gate: RealGate, ticket: int) -> bool:
        return gate.show(self.wallets[ticket - 1], ticket).opens

    def resumed(self) -> None:
        wait_until(lambda: not self.manifest.leases_paused, "the pause is over")


@pytest.fixture
def show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Show]:
    monkeypatch.setattr(server, "TICK", 0.05)
    with open_home(tmp_path / "node") as node, ExitStack() as stack:
        policy = Policy(offline="refuse", claim_deadline_ms=10_000)
        wallets = stage(node, TICKETS, policy=policy, group=0, doors=int(time.time()) - 600)
        yield Show(stack.enter_context(serving(node)), wallets, tmp_path, stack)


def test_what_a_gate_holds_that_was_cut_off_before_the_gates_changed_no_other_gate_admits(show: Show) -> None:
    r1, before = show.gate("R1"), show.manifest
    r1.cut()
    show.add_a_group()
    new, tickets = show.gate(NEW_GATE), show.moved(before)
    assert len(tickets) >= 4
    # Connected, and cut off: neither way the new gate admits what R1 may admit.
    first, second = tickets[:2]
    assert new.show(show.wallets[first - 1], first).verdict.reason == Reason.ASK_SUPERVISOR
    new.cut()
    assert new.show(show.wallets[second - 1], second).verdict.reason == Reason.ASK_SUPERVISOR
    assert [show.admits(r1, ticket) for ticket in (first, second)] == [True, True]


def test_once_all_gates_heard_of_it_each_ticket_is_admitted_at_one_gate(show: Show) -> None:
    r1, before = show.gate("R1"), show.manifest
    show.add_a_group()
    new = show.gate(NEW_GATE)
    show.resumed()
    wait_until(lambda: not new.view.manifest.leases_paused, "the new gate has heard")
    wait_until(lambda: not r1.view.manifest.leases_paused, "R1 has heard")
    for gate in (r1, new):
        gate.cut()
    moved = show.moved(before)
    both = [[show.admits(gate, ticket) for gate in (r1, new)] for ticket in moved]
    assert both == [[False, True]] * len(moved)


def test_what_a_gate_admitted_before_it_heard_is_in_the_log_before_others_hold_it(show: Show) -> None:
    r1, before = show.gate("R1"), show.manifest
    r1.cut()
    show.add_a_group()
    new, tickets = show.gate(NEW_GATE), show.moved(before)
    assert show.admits(r1, tickets[0])
    assert show.manifest.leases_paused
    r1.mend()
    show.resumed()
    wait_until(lambda: not new.view.manifest.leases_paused, "the new gate has heard")
    new.cut()
    assert new.show(show.wallets[tickets[0] - 1], tickets[0]).verdict.reason == Reason.ALREADY_USED
    assert show.admits(new, tickets[1])


def test_a_pause_ends_when_the_gate_that_did_not_hear_is_taken_out_of_service(show: Show) -> None:
    r1, before = show.gate("R1"), show.manifest
    r1.cut()
    show.add_a_group()
    new, tickets = show.gate(NEW_GATE), show.moved(before)
    assert leases.standing(show.running.node, EVENT)["waits_for"] == [r1.device]
    assert not show.admits(new, tickets[0])
    assert devices.out_of_service(show.running.node, EVENT, "R1", "fell") == [r1.device]
    show.resumed()
    assert show.admits(new, tickets[0])


def test_a_change_that_moves_no_lease_pauses_nothing(show: Show) -> None:
    show.gate("R1")
    change_event(show.running.node, EVENT, lambda manifest: replace(manifest, closed_groups=(4,)))
    assert not show.manifest.leases_paused
