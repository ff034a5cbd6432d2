"""The node's watch over its own clock: a jump is not followed, told nobody, and over when it is undone."""

import pytest

from ledger_node.adapters.kernel_clock import held_by_ntp, since_boot
from ledger_node.services.clock_guard import STEADY_S, ClockGuard

START = 1_790_000_000.0
JUMPS = pytest.mark.parametrize("jump", [3600.0, -3600.0, 259_200.0, 2.0])


class Machine:
    """A node's clocks, turned by hand."""

    def __init__(self) -> None:
        self.wall, self.monotonic, self.ntp = START, 500.0, False
        self.guard = ClockGuard(lambda: self.wall, lambda: self.monotonic, lambda: self.ntp)

    def wait(self, seconds: float, steered: float = 0.0) -> None:
        self.wall += seconds + steered
        self.monotonic += seconds


@JUMPS
def test_a_jump_is_not_followed_and_is_known(jump: float) -> None:
    machine = Machine()
    machine.wait(100)
    machine.wall += jump
    assert machine.guard.jump()
    machine.wait(1000)
    assert machine.guard.now() == pytest.approx(START + 1100)
    assert machine.guard.jump() == pytest.approx(jump)


@JUMPS
def test_a_jump_that_is_undone_is_over(jump: float) -> None:
    machine = Machine()
    machine.wall += jump
    assert machine.guard.jump()
    machine.wait(30)
    machine.wall -= jump
    assert machine.guard.jump() == 0.0
    assert machine.guard.now() == pytest.approx(machine.wall)


@JUMPS
def test_a_new_time_that_ntp_holds_for_a_while_is_taken(jump: float) -> None:
    machine = Machine()
    machine.wall += jump
    machine.ntp = True
    assert machine.guard.jump()
    machine.wait(STEADY_S - 1)
    assert machine.guard.jump()
    machine.wait(1)
    assert machine.guard.jump() == 0.0
    assert machine.guard.now() == pytest.approx(machine.wall)


def test_ntp_that_lets_go_of_the_clock_begins_anew() -> None:
    machine = Machine()
    machine.wall += 3600
    for held in (True, False, True):
        machine.ntp = held
        assert machine.guard.jump()
        machine.wait(STEADY_S - 1)
    assert machine.guard.jump()


def test_a_second_jump_while_ntp_holds_the_clock_begins_anew() -> None:
    machine = Machine()
    machine.wall += 3600
    machine.ntp = True
    assert machine.guard.jump()
    machine.wait(STEADY_S - 1)
    machine.wall += 3600
    assert machine.guard.jump()
    machine.wait(STEADY_S - 1)
    assert machine.guard.jump()
    machine.wait(1)
    assert machine.guard.jump() == 0.0
    assert machine.guard.now() == pytest.approx(machine.wall)


def test_a_clock_that_is_steered_all_night_has_not_jumped() -> None:
    machine = Machine()
    for _ in range(4_000):
        machine.wait(10, steered=0.005)
        assert machine.guard.jump() == 0.0
    assert machine.guard.now() == pytest.approx(machine.wall)


def test_a_clock_that_was_steered_while_it_was_not_looked_at_has_not_jumped() -> None:
    machine = Machine()
    machine.wait(36_000, steered=18.0)
    assert machine.guard.jump() == 0.0
    machine.wait(10, steered=2.0)
    assert machine.guard.jump()


def test_the_machine_can_be_asked() -> None:
    assert held_by_ntp() in {True, False}
    assert 0 < since_boot() <= since_boot()
