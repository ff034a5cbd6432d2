"""One ticket at two gates in the same moment, no node: in whatever order things happen, and whatever gets lost."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.ports import Asking
from scanner.sync.peer_message import Message
from scanner.verify.record import Stamp
from tests.fakes.clockwork import HandClock
from tests.fakes.event import NOON, compact_code, holder, scan_of
from tests.fakes.peer_gates import PeerGate, carried, converge, peer_gates

TICKET = 7


@dataclass
class Side:
    """One of the two gates on its way from the record to the verdict, and the messages that it is waiting for."""

    gate: PeerGate
    other: PeerGate
    stamp: Stamp
    stack: ExitStack = field(default_factory=ExitStack)
    ask: Asking | None = None
    counter: int = 0
    opened: bool | None = None
    request: Message | None = None
    answer: Message | None = None

    def record(self) -> None:
        if self.ask is None:
            self.ask = self.stack.enter_context(self.gate.desk.asking())
            scan = scan_of(compact_code(TICKET))
            self.counter = self.gate.journal.admit(scan, holder(TICKET).public, self.stamp, "pending").counter

    def say(self) -> None:
        heard = self.gate.desk.heard(self.other.peer)
        self.request = carried(self.gate.desk.compose(self.other.peer, heard.have if heard else 0))

    def reach(self) -> None:
        if self.request is not None:
            self.other.desk.absorb(self.gate.peer, self.request)
            self.answer = carried(self.other.desk.compose(self.gate.peer, self.request.have))
            self.request = None

    def hear(self) -> None:
        if self.answer is not None:
            self.gate.desk.absorb(self.other.peer, self.answer)
            self.answer = None

    def lose(self) -> None:
        self.request = self.answer = None

    def decide(self) -> None:
        self.record()
        if self.opened is None and self.ask is not None:
            self.opened = self.ask(self.counter, TICKET, self.stamp.time_ms, 0.0) is None
            self.stack.close()
            if self.opened:
                self.gate.journal.decided(self.counter, "alone")
            else:
                self.gate.journal.void(self.counter, "used-elsewhere", self.stamp)

    def exchange(self) -> None:
        self.say()
        self.reach()
        self.hear()


@contextmanager
def two_sides(first_ms: int, second_ms: int) -> Iterator[tuple[Side, Side]]:
    clock = HandClock(float(NOON))
    with tempfile.TemporaryDirectory() as folder, peer_gates(Path(folder), clock, "A1", "A2") as (one, two):
        stamps = [Stamp(NOON * 1000 + ms, trusted=True, error_ms=5, view_size=100) for ms in (first_ms, second_ms)]
        sides = Side(one, two, stamps[0]), Side(two, one, stamps[1])
        yield sides
        for side in sides:
            side.stack.close()


moments = st.integers(0, 2)
steps = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from(["record", "say", "reach", "hear", "lose", "decide"])), max_size=24
)


@settings(max_examples=120, deadline=None)
@given(moments, moments, steps)
def test_two_gates_that_each_reached_the_other_never_both_open(
    first_ms: int, second_ms: int, order: list[tuple[int, str]]
) -> None:
    with two_sides(first_ms, second_ms) as sides:
        for which, step in order:
            # A gate that has recorded, exchanges with the other before it decides: what was lost is said again.
            if step == "decide" and sides[which].opened is None:
                sides[which].record()
                sides[which].exchange()
            getattr(sides[which], step)()
        for side in sides:
            if side.opened is None:
                side.record()
                side.exchange()
                side.decide()
        assert [side.opened for side in sides].count(True) <= 1


@settings(max_examples=60, deadline=None)
@given(moments, moments, steps)
def test_a_gate_that_steps_back_does_so_for_a_real_admission(
    first_ms: int, second_ms: int, order: list[tuple[int, str]]
) -> None:
    with two_sides(first_ms, second_ms) as sides:
        for which, step in order:
            getattr(sides[which], step)()
        for side in sides:
            if side.opened is False:
                assert side.gate.desk.told(TICKET), "nobody told of one"


@settings(max_examples=60, deadline=None)
@given(moments, moments, st.permutations([0, 1]), st.permutations([0, 1]))
def test_two_that_asked_in_the_same_moment_let_one_of_them_in(
    first_ms: int, second_ms: int, asking: list[int], deciding: list[int]
) -> None:
    with two_sides(first_ms, second_ms) as sides:
        for side in sides:
            side.record()
        for which in asking:
            sides[which].exchange()
        for which in deciding:
            sides[which].decide()
        assert [side.opened for side in sides].count(True) == 1
        converge(sides[0].gate, sides[1].gate)
        assert not any(side.gate.show(TICKET).opens for side in sides)
