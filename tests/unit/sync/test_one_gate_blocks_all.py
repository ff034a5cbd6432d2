"""Attack: one stolen gate that is not revoked tells the others of admissions that never were, for every ticket.

It has seen no code: it tells an owner that no list knows, so nobody can check the signature. 39 of 39 honest holders
were turned away, with the node in reach.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.sync.peer_book import MOST_A_MINUTE, TOO_MANY
from scanner.verify.admit import MARK_TOLD
from scanner.verify.reasons import Reason
from scanner.verify.told import weigh
from tests.fakes.clockwork import HandClock
from tests.fakes.event import NOON, compact_code, event_manifest, full_code, key, row, scan_of, stamp_at
from tests.fakes.peer_gates import PeerGate, converge, peer_gate, peer_gates

BLOCKED = range(2, 21)
"""All that the gates' list has, but one."""


@pytest.fixture
def clock() -> HandClock:
    return HandClock(float(NOON))


@pytest.fixture
def gates(tmp_path: Path, clock: HandClock) -> Iterator[list[PeerGate]]:
    with peer_gates(tmp_path, clock, "A1", "A3") as made:
        yield made


def lie(rogue: PeerGate, tickets: range, at: int = NOON) -> None:
    """As the attack does: the next owner, of whom the others have not heard."""
    for ticket in tickets:
        rogue.journal.admit(scan_of(compact_code(ticket, 1)), bytes(32), stamp_at(at), "alone")


def test_while_the_node_answers_its_word_counts_and_no_ticket_is_held_up(gates: list[PeerGate]) -> None:
    honest, rogue = gates
    honest.node.away = False
    lie(rogue, BLOCKED)
    converge(honest, rogue)
    for ticket in BLOCKED:
        decision = honest.show(ticket)
        assert decision.opens, ticket
        assert MARK_TOLD in decision.verdict.marks, "the record says that another gate spoke against it"
    assert len(honest.node.heard) == len(BLOCKED)


def test_the_node_that_knows_of_the_use_refuses_it(gates: list[PeerGate]) -> None:
    honest, rogue = gates
    honest.node.away = False
    honest.node.used[7] = "A3"
    lie(rogue, range(7, 8))
    converge(honest, rogue)
    assert honest.show(7).verdict.reason == Reason.USED_ELSEWHERE


@pytest.mark.parametrize("silent", [False, True])
def test_without_the_node_a_supervisor_decides_and_nobody_is_refused(gates: list[PeerGate], silent: bool) -> None:
    honest, rogue = gates
    honest.node.away, honest.node.silent = not silent, silent
    lie(rogue, range(7, 9))
    converge(honest, rogue)
    asked = honest.show(7).verdict
    assert (asked.outcome, asked.reason, asked.detail["gates"]) == ("amber", Reason.ASK_SUPERVISOR, ["A3"])
    assert honest.show(9).opens, "what nobody spoke of is not touched"
    use = honest.journal.use_of(7)
    assert use is None or use.released, "the use is not spent: it may enter at the next try"


def test_a_rival_that_cannot_be_checked_does_not_make_a_gate_step_back(gates: list[PeerGate]) -> None:
    honest, rogue = gates
    converge(honest, rogue)
    with honest.desk.asking() as ask:
        record = honest.journal.admit(scan_of(compact_code(7)), bytes(32), stamp_at(), "pending")
        lie(rogue, range(7, 8), NOON - 60)
        converge(honest, rogue)
        assert ask(record.counter, 7, NOON * 1000, 0.01) is None


def test_what_can_be_checked_later_counts_or_goes(gates: list[PeerGate]) -> None:
    """The list has moved on, or the code at hand brings the holder's certificate."""
    honest, rogue = gates
    lie(rogue, range(7, 8))
    converge(honest, rogue)
    told, manifest = honest.desk.told(7), event_manifest()
    assert [bool(one.code) for one in weigh(told, manifest, row(7))] == [True]
    assert [bool(one.code) for one in weigh(told, manifest, row(7), full_code(7, 2, 101))] == [True]
    assert [one.code for one in weigh(told, manifest, row(7, 1))] == [b""]
    assert [one.code for one in weigh(told, manifest, row(7), full_code(7, 1, 101))] == [b""]
    assert weigh(told, manifest, row(7, 1)._replace(holder_key=key("somebody else").public)) == []


def test_a_gate_that_tells_more_than_a_turnstile_can_turn_is_not_believed(gates: list[PeerGate]) -> None:
    honest, rogue = gates
    lie(rogue, range(1, MOST_A_MINUTE + 20))
    for _ in range(3):
        converge(honest, rogue)
    marked = [ticket for ticket in range(1, MOST_A_MINUTE + 20) if honest.desk.told(ticket)]
    assert len(marked) == MOST_A_MINUTE
    assert honest.desk.fault_of(rogue.peer) == TOO_MANY


def test_as_many_as_a_turnstile_turns_are_heard_all_evening(gates: list[PeerGate]) -> None:
    honest, rogue = gates
    for minute in range(4):
        lie(rogue, range(1 + minute * 20, 21 + minute * 20), NOON + minute * 20)
    for _ in range(3):
        converge(honest, rogue)
    assert all(honest.desk.told(ticket) for ticket in range(1, 81))
    assert honest.desk.fault_of(rogue.peer) == ""


def test_what_was_not_proven_is_still_not_after_a_restart(tmp_path: Path, clock: HandClock) -> None:
    with peer_gate(tmp_path, "A3", clock) as rogue:
        lie(rogue, range(7, 8))
        with peer_gate(tmp_path, "A1", clock) as honest:
            converge(honest, rogue)
        with peer_gate(tmp_path, "A1", clock) as again:
            assert [bool(one.code) for one in again.desk.told(7)] == [True]
            assert again.show(7).verdict.reason == Reason.ASK_SUPERVISOR
            again.desk.only([])
        with peer_gate(tmp_path, "A1", clock) as forgot:
            assert forgot.show(7).opens
