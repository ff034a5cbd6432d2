"""Gates that tell each other their admissions: what a neighbour's word does, and what it can't."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scanner.errors import SyncError
from scanner.ports import Receipt
from scanner.sync.peer_desk import HEARD_S, WrongMessageError
from scanner.verify.reasons import Reason
from tests.fakes.clockwork import HandClock
from tests.fakes.event import NOON, compact_code, row, scan_of, stamp_at, used
from tests.fakes.journals import opened
from tests.fakes.peer_gates import PeerGate, carried, converge, exchange, peer, peer_gate, peer_gates

A1 = 1


@pytest.fixture
def clock() -> HandClock:
    return HandClock(float(NOON))


@pytest.fixture
def gates(tmp_path: Path, clock: HandClock) -> Iterator[list[PeerGate]]:
    with peer_gates(tmp_path, clock, "A1", "A2", "A3") as made:
        yield made


def test_a_ticket_shown_at_two_gates_that_are_cut_off_enters_once(gates: list[PeerGate], clock: HandClock) -> None:
    first, second, third = gates
    assert first.show(7).opens
    clock.pass_time(1)
    converge(*gates)
    for gate in (second, third):
        refused = gate.show(7).verdict
        assert (refused.outcome, refused.reason) == ("refuse", Reason.ALREADY_USED)
        assert refused.detail == {"gate": "A1", "at": NOON}


def test_a_release_at_the_first_gate_lets_the_holder_in_at_the_second(gates: list[PeerGate], clock: HandClock) -> None:
    first, second, _ = gates
    counter = first.show(7).counter
    assert counter is not None
    converge(*gates)
    clock.pass_time(10)
    assert not second.show(7).opens
    first.journal.release(counter, "not-turned", stamp_at())
    converge(*gates)
    assert second.show(7).opens


def test_a_restart_still_knows_what_was_told(tmp_path: Path, clock: HandClock) -> None:
    with peer_gate(tmp_path, "A1", clock) as first:
        with peer_gate(tmp_path, "A2", clock) as second:
            assert first.show(7).opens
            counter = first.show(8).counter
            assert counter is not None
            first.journal.release(counter, "not-turned", stamp_at())
            converge(first, second)
        with peer_gate(tmp_path, "A2", clock) as again:
            assert again.show(7).verdict.detail["gate"] == "A1"
            assert again.show(8).opens
            assert again.desk.has_of(first.peer) == 3


def test_what_was_missed_while_apart_is_told_when_they_meet(gates: list[PeerGate]) -> None:
    first, second, _ = gates
    for ticket in range(1, 15):
        first.show(ticket)
    for ticket in range(15, 19):
        second.show(ticket)
    exchange(first, second)
    exchange(first, second)
    assert [second.show(ticket).opens for ticket in (1, 14)] == [False, False]
    assert not first.show(15).opens


def test_an_admission_asks_its_neighbours_only_while_it_hears_them(gates: list[PeerGate], clock: HandClock) -> None:
    first, second, _ = gates
    assert not first.desk.near()
    first.show(1)
    assert first.journal.unsettled()[0].outcome == "alone"
    converge(first, second)
    assert first.desk.near()
    clock.pass_time(HEARD_S + 1)
    assert not first.desk.near()


def test_one_that_heard_nothing_of_its_neighbours_goes_alone_with_one_commit(tmp_path: Path, clock: HandClock) -> None:
    with peer_gate(tmp_path, "A1", clock) as gate:
        changes: list[str] = []
        gate.journal._db.set_trace_callback(changes.append)
        assert gate.show(7).opens
        assert sum(text == "COMMIT" for text in changes) == 1


def test_a_claim_that_the_node_lost_is_not_acted_on_if_a_neighbour_told_meanwhile(gates: list[PeerGate]) -> None:
    first, second, _ = gates
    second.node.away = False
    second.node.silent = True

    class Meanwhile:
        """The node is silent, and while it is, the neighbour tells."""

        def available(self) -> bool:
            return True

        def claim(self, _record: object, _deadline: float) -> Receipt | None:
            assert first.show(7).opens
            exchange(first, second)
            exchange(first, second)
            return None

    second.admission._claims = Meanwhile()
    refused = second.show(7)
    assert not refused.opens
    assert refused.verdict.detail == {"gate": "A1", "at": NOON, "deadline": "missed"}
    kinds = [opened(raw).type for raw in second.journal.records()]
    assert kinds == ["admission", "release"]


def test_a_neighbour_that_is_waited_for_in_vain_is_waited_for_once(gates: list[PeerGate], clock: HandClock) -> None:
    first, second, _ = gates
    converge(first, second)
    first.desk.answers(second.peer, well=True)
    waited: list[float] = []

    def no_news(seconds: float) -> bool:
        waited.append(seconds)
        clock.pass_time(seconds)
        return False

    first.desk._news.wait = no_news  # type: ignore[assignment,method-assign]
    assert first.show(7).opens
    assert waited == [pytest.approx(0.15)]
    assert first.show(8).opens
    assert len(waited) == 1
    first.desk.answers(second.peer, well=True)
    assert first.show(9).opens
    assert len(waited) == 2


def test_the_ledgers_row_takes_over_once_it_knows(gates: list[PeerGate], clock: HandClock) -> None:
    first, second, _ = gates
    admitted = first.show(7)
    assert admitted.counter is not None
    first.journal.settle([Receipt(admitted.counter, "accepted", 120)], 121)
    converge(first, second)
    clock.pass_time(10)
    second.view.rows[7], second.view.size = used(row(7), A1, NOON), 121
    assert second.show(7).verdict.detail == {"gate": "A1", "at": NOON}
    # The ledger lets the holder out and in again: the neighbour's word does not stand against it.
    second.view.rows[7], second.view.size = row(7), 125
    assert second.show(7).opens


def test_a_row_that_shows_the_use_takes_over_even_if_the_neighbour_is_gone_for_good(
    gates: list[PeerGate], clock: HandClock
) -> None:
    first, second, _ = gates
    first.show(7)
    converge(first, second)
    clock.pass_time(10)
    second.view.rows[7], second.view.size = used(row(7), A1, NOON), 121
    second.desk.tidy(int(clock() * 1000))
    second.view.rows[7], second.view.size = row(7), 125
    assert second.show(7).opens


def test_a_revoked_neighbours_word_is_forgotten_on_disk_too(tmp_path: Path, clock: HandClock) -> None:
    with peer_gate(tmp_path, "A1", clock) as first:
        with peer_gate(tmp_path, "A2", clock) as second:
            first.show(7)
            converge(first, second)
            assert second.desk.only(["A3-device"]) == ("A1-device",)
            assert second.desk.told(7) == ()
            assert not second.desk.near()
        with peer_gate(tmp_path, "A2", clock) as again:
            assert again.show(7).opens


def test_a_message_for_another_gate_or_with_another_gates_records_is_not_taken(gates: list[PeerGate]) -> None:
    first, second, third = gates
    first.show(7)
    message = carried(first.desk.compose(second.peer, 0))
    assert message.records
    with pytest.raises(WrongMessageError, match="not this gate"):
        third.desk.absorb(first.peer, message)
    with pytest.raises(WrongMessageError, match="not this gate"):
        second.desk.absorb(first.peer, message.model_copy(update={"event": "another"}))
    with pytest.raises(WrongMessageError, match="not one of its own"):
        second.desk.absorb(third.peer, message)
    assert second.desk.told(7) == ()
    second.desk.absorb(first.peer, message)
    assert second.desk.told(7)


def test_a_gate_cannot_spend_a_use_whose_code_it_never_saw(gates: list[PeerGate]) -> None:
    first, second, _ = gates
    first.journal.admit(replace(scan_of(compact_code(8)), ticket=7), bytes(32), stamp_at(), "alone")
    converge(first, second)
    assert second.desk.has_of(first.peer) == 1
    assert second.show(7).opens


def test_what_the_disk_does_not_take_does_not_count_as_heard(gates: list[PeerGate]) -> None:
    first, second, _ = gates
    converge(first, second)
    first.show(7)
    second.store.close()
    with pytest.raises(SyncError, match="check the disk"):
        exchange(first, second)
    assert second.desk.told(7) == ()
    assert second.desk.has_of(first.peer) == 0


def test_what_is_kept_for_another_enrolment_is_forgotten(tmp_path: Path, clock: HandClock) -> None:
    with peer_gate(tmp_path, "A1", clock) as first, peer_gate(tmp_path, "A2", clock) as second:
        first.show(7)
        converge(first, second)
        second.store.keep_peers([peer("A1", "10.8.0.21:8442")])
    (tmp_path / "A3-peers.db").write_bytes((tmp_path / "A2-peers.db").read_bytes())
    with peer_gate(tmp_path, "A3", clock) as other:
        assert other.desk.told(7) == ()
        assert other.store.peers() == ()
    with peer_gate(tmp_path, "A2", clock) as same:
        assert same.desk.told(7)
        assert same.store.peers() == (peer("A1", "10.8.0.21:8442"),)


def test_a_flipped_bit_is_noticed_and_everything_is_told_again(tmp_path: Path, clock: HandClock) -> None:
    with peer_gate(tmp_path, "A1", clock) as first:
        with peer_gate(tmp_path, "A2", clock) as second:
            first.show(7)
            converge(first, second)
        path = tmp_path / "A2-peers.db"
        whole = path.read_bytes()
        at = whole.rindex(b"time_ms") + 12
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        with peer_gate(tmp_path, "A2", clock) as again:
            assert "changed" in again.store.damage
            assert list(tmp_path.glob("A2-peers.db.damaged-*"))
            assert again.desk.told(7) == ()
            converge(first, again)
            assert not again.show(7).opens
