"""What breaks around the pins, and that the relay is released whatever it is."""

import subprocess
import sys
import threading
from typing import Any

import pytest
from gpiozero.exc import PinInvalidPin

from scanner.errors import HardwareError
from scanner.hw.gpio import RecordingFactory, RecordingPin
from scanner.hw.pins import PinConfig
from scanner.hw.turnstile import GpioHardware
from scanner.ports import HardwareEvent, HardwareFault
from tests.fakes.clockwork import wait_until

LONG = PinConfig(pulse_ms=4000)


class BreakingPin(RecordingPin):
    """A pin that fails to move from the moment that its factory says so."""

    def _set_state(self, value: object) -> None:
        if self._number in self.factory.broken:
            raise OSError(5, "Input/output error")
        super()._set_state(value)


class BreakingFactory(RecordingFactory):
    def __init__(self) -> None:
        super().__init__()
        self.pin_class = BreakingPin
        self.broken: set[int] = set()


class Refusing(RecordingFactory):
    """A chip that has no such pin, as a wrong board has."""

    def __init__(self, missing: int) -> None:
        super().__init__()
        self.missing = missing

    def pin(self, name: int) -> Any:
        if name == self.missing:
            raise PinInvalidPin(f"GPIO{name} is not a valid pin")
        return super().pin(name)


def nothing(_event: HardwareEvent) -> None:
    """A listener for whom nothing matters."""


def test_pin_that_cannot_be_claimed_is_named_and_the_others_are_freed() -> None:
    factory = Refusing(missing=23)
    hardware = GpioHardware(PinConfig(), factory)
    with pytest.raises(HardwareError, match=r"claim GPIO23 for pins\.tamper"):
        hardware.start(nothing)
    hardware.close()
    again = GpioHardware(PinConfig(tamper=None), factory)
    again.start(nothing)
    again.close()


def test_pins_that_another_program_part_holds() -> None:
    factory = RecordingFactory()
    first, second = GpioHardware(PinConfig(), factory), GpioHardware(PinConfig(), factory)
    first.start(nothing)
    with pytest.raises(HardwareError, match="claim GPIO17"):
        second.start(nothing)
    second.close()
    assert first.pulse().result(5) > 0
    first.close()


def test_close_twice_and_before_start() -> None:
    hardware = GpioHardware(PinConfig(), RecordingFactory())
    hardware.close()
    hardware.start(nothing)
    hardware.close()
    hardware.close()


@pytest.mark.parametrize("started", [False, True])
def test_pulse_of_hardware_that_is_not_in_service(started: bool) -> None:
    factory = RecordingFactory()
    hardware = GpioHardware(PinConfig(), factory)
    if started:
        hardware.start(nothing)
        hardware.close()
    with pytest.raises(HardwareError, match="not in service"):
        hardware.pulse().result(5)
    assert factory.changes == [] or not any(change.number == 17 for change in factory.changes)


def test_close_during_a_pulse_releases_and_answers_who_waits() -> None:
    factory = RecordingFactory()
    hardware = GpioHardware(LONG, factory)
    hardware.start(nothing)
    hardware.pulse().result(5)
    waiting = hardware.pulse()
    hardware.close()
    assert not factory.level(17)
    with pytest.raises(HardwareError, match="no pulse"):
        waiting.result(5)
    assert [change.high for change in factory.changes if change.number == 17] == [True, False]


def test_relay_pin_that_fails_is_told_to_the_caller_and_to_the_gate() -> None:
    factory = BreakingFactory()
    events: list[HardwareEvent] = []
    hardware = GpioHardware(PinConfig(), factory)
    hardware.start(events.append)
    factory.broken.add(17)
    with pytest.raises(HardwareError, match="drive the relay pin"):
        hardware.pulse().result(5)
    wait_until(lambda: len(events) == 2, "the faults")
    assert all(isinstance(event, HardwareFault) for event in events)
    with pytest.raises(HardwareError, match="no pulse was given"):
        hardware.pulse().result(5)
    hardware.close()


def test_lamp_that_fails_in_mid_pulse_leaves_the_relay_released() -> None:
    factory = BreakingFactory()
    events: list[HardwareEvent] = []
    hardware = GpioHardware(LONG, factory)
    hardware.start(events.append)
    hardware.pulse().result(5)
    factory.broken.add(16)
    hardware.show("green", "none")
    wait_until(lambda: bool(events), "the fault")
    wait_until(lambda: not factory.level(17), "the relay is released")
    hardware.close()


def test_listener_that_blocks_the_pin_thread_in_mid_pulse() -> None:
    """The guard ends the pulse; the fault is cleared when the thread is back."""
    factory = RecordingFactory()
    blocked, go_on = threading.Event(), threading.Event()
    events: list[HardwareEvent] = []

    def listener(event: HardwareEvent) -> None:
        events.append(event)
        if not isinstance(event, HardwareFault):
            blocked.set()
            go_on.wait(10)

    hardware = GpioHardware(PinConfig(pulse_ms=100, debounce_ms=1), factory)
    hardware.start(listener)
    hardware.pulse().result(5)
    factory.drive(27, high=False)
    assert blocked.wait(5)
    wait_until(lambda: not factory.level(17), "the guard releases the relay")
    wait_until(lambda: len(events) == 2, "the fault")
    go_on.set()
    wait_until(lambda: len(events) == 3, "the fault is over")
    hardware.close()
    _, fault, over = events
    assert isinstance(fault, HardwareFault)
    assert isinstance(over, HardwareFault)
    assert (fault.cleared, over.cleared) == (False, True)
    assert fault.detail == over.detail


def test_close_returns_and_releases_although_the_pin_thread_is_stuck() -> None:
    factory = RecordingFactory()
    blocked, go_on = threading.Event(), threading.Event()

    def listener(_event: HardwareEvent) -> None:
        blocked.set()
        go_on.wait(20)

    hardware = GpioHardware(PinConfig(pulse_ms=4000, debounce_ms=1), factory)
    hardware.start(listener)
    factory.drive(27, high=False)
    assert blocked.wait(5)
    assert not factory.level(17)
    asked = hardware.pulse()
    hardware.close()
    assert not factory.level(17)
    go_on.set()
    with pytest.raises(HardwareError, match="no pulse was given"):
        asked.result(5)
    assert not any(change.number == 17 for change in factory.changes)


PROGRAM = """
import atexit, sys
from scanner.hw.gpio import RecordingFactory
from scanner.hw.pins import PinConfig
from scanner.hw.turnstile import GpioHardware
factory = RecordingFactory()
atexit.register(lambda: print("relay high:", factory.level(17), "rises:", sum(c.number == 17 for c in factory.changes)))
hardware = GpioHardware(PinConfig(pulse_ms=4000), factory)
hardware.start(lambda event: None)
hardware.pulse().result(5)
assert factory.level(17)
{end}
"""


@pytest.mark.parametrize("end", ["sys.exit(3)", "raise RuntimeError('a bug in the daemon')", "pass"])
def test_program_that_ends_during_a_pulse_leaves_the_relay_released(end: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(end=end)], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout == "relay high: False rises: 2\n", done.stderr
