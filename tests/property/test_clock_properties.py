"""Whatever the sources say, in whatever order: time does not run below the floor, nor backwards on its own."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from scanner.clock import TRUST_LIMIT_S, TimeSample, TrustedClock

BASE = 1_790_000_000


@dataclass(frozen=True)
class Wait:
    seconds: float


@dataclass(frozen=True)
class Jump:
    seconds: float


@dataclass(frozen=True)
class Node:
    offset: float
    rtt: float


@dataclass(frozen=True)
class Discipline:
    ntp: bool


offsets = st.floats(-4e5, 4e5)
waits = st.builds(Wait, st.floats(0, 1e5))
jumps = st.builds(Jump, offsets)
nodes = st.builds(Node, offsets, st.floats(0, 60))
steps = st.lists(waits | jumps | nodes | st.builds(Discipline, st.booleans()), max_size=25)


class Machine:
    def __init__(self, wall: float, floor: float) -> None:
        self.wall, self.monotonic, self.ntp = wall, 1000.0, False
        self.clock = TrustedClock(lambda: self.wall, lambda: self.monotonic, lambda: self.ntp, floor)

    def do(self, step: Wait | Jump | Node | Discipline) -> None:
        match step:
            case Wait(seconds):
                self.wall += seconds
                self.monotonic += seconds
            case Jump(seconds):
                self.wall += seconds
            case Node(offset, rtt):
                self.monotonic += rtt
                self.clock.observe(TimeSample(int((BASE + offset) * 1000), self.monotonic - rtt, self.monotonic))
            case Discipline(ntp):
                self.ntp = ntp
                self.clock.discipline()


@given(st.floats(0, 4e9), st.floats(0, 2e9), steps)
def test_time_never_runs_below_the_floor_and_the_floor_never_sinks(
    wall: float, floor: float, doings: list[Wait]
) -> None:
    machine = Machine(wall, floor)
    for doing in doings:
        before = machine.clock.floor()
        machine.do(doing)
        assert machine.clock.floor() >= max(before, floor)
        assert machine.clock.now().seconds >= machine.clock.floor()


@given(st.floats(0, 4e9), steps)
def test_carried_time_runs_forward_and_a_trusted_one_is_within_its_limit(wall: float, doings: list[Wait]) -> None:
    machine = Machine(wall, 0.0)
    for doing in doings:
        machine.do(doing)
        before = machine.clock.now()
        machine.do(Wait(7.0))
        after = machine.clock.now()
        assert after.seconds >= before.seconds
        assert after.error_s <= TRUST_LIMIT_S or not after.trusted
        assert (after.source == "none") == (before.source == "none")


@given(st.floats(1e9, 2e9), st.lists(st.builds(Jump, offsets) | st.builds(Wait, st.floats(0, 100)), max_size=10))
def test_a_jumping_wall_clock_moves_no_trusted_time(wall: float, doings: list[Jump | Wait]) -> None:
    machine = Machine(wall, 0.0)
    machine.do(Node(0.0, 0.0))
    waited = 0.0
    for doing in doings:
        machine.do(doing)
        waited += doing.seconds if isinstance(doing, Wait) else 0.0
    assert abs(machine.clock.now().seconds - (BASE + waited)) < 0.01
