"""The pin thread on gpiozero's mock pins, which enforce the real rules."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from itertools import pairwise

import pytest

from scanner.hw.gpio import PinChange, RecordingFactory
from scanner.hw.mock import MockTurnstile, mock_hardware
from scanner.hw.pins import PinConfig
from scanner.hw.turnstile import GpioHardware
from scanner.ports import FireRelease, Hardware, HardwareEvent, HardwareFault, Passage, Tamper
from tests.fakes.clockwork import wait_until

QUICK = PinConfig(pulse_ms=120, gap_ms=50, debounce_ms=5)


class Rig:
    """One gate's hardware with what it reported."""

    def __init__(self, config: PinConfig, passage_s: float | None = None) -> None:
        self.config = config
        self.factory = RecordingFactory()
        self.turnstile = MockTurnstile(self.factory, config, passage_s)
        self.beats = 0
        self.events: list[HardwareEvent] = []
        self.hardware = GpioHardware(config, self.factory, self.beat)

    def beat(self) -> None:
        self.beats += 1

    def start(self) -> "Rig":
        self.turnstile.start()
        self.hardware.start(self.events.append)
        return self

    def close(self) -> None:
        self.hardware.close()
        self.turnstile.close()

    def edges(self, number: int) -> list[PinChange]:
        return [change for change in self.factory.changes if change.number == number]

    def level(self, name: str) -> bool:
        return self.factory.level(self.config.wired()[name])


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig(QUICK).start()
    yield made
    made.close()


def test_it_is_the_port(rig: Rig) -> None:
    port: Hardware = rig.hardware
    assert port is rig.hardware


def test_pulse_is_one_rise_and_one_fall_of_the_configured_length(rig: Rig) -> None:
    risen_at = rig.hardware.pulse().result(5)
    wait_until(lambda: len(rig.edges(17)) == 2, "the relay falls")
    rise, fall = rig.edges(17)
    assert (rise.high, fall.high) == (True, False)
    assert risen_at >= rise.at
    assert fall.at - rise.at >= 0.119


def test_two_pulses_at_once_are_two_pulses_with_a_gap(rig: Rig) -> None:
    both = [rig.hardware.pulse(), rig.hardware.pulse()]
    for asked in both:
        asked.result(5)
    wait_until(lambda: len(rig.edges(17)) == 4, "two pulses")
    _, first_fall, second_rise, _ = rig.edges(17)
    assert second_rise.at - first_fall.at >= 0.049


def test_pulse_ends_although_the_thread_that_asked_is_gone(rig: Rig) -> None:
    asker = threading.Thread(target=rig.hardware.pulse)
    asker.start()
    asker.join()
    wait_until(lambda: [e.high for e in rig.edges(17)] == [True, False], "the pulse ends by itself")


def test_active_low_relay_rests_high() -> None:
    rig = Rig(PinConfig(relay=5, active_low=("relay",), pulse_ms=60)).start()
    try:
        assert rig.level("relay")
        rig.hardware.pulse().result(5)
        wait_until(lambda: len(rig.edges(5)) >= 3, "the relay falls back to high")
        assert [e.high for e in rig.edges(5)][-2:] == [False, True]
    finally:
        rig.close()


def test_passage_bounces_and_is_reported_once(rig: Rig) -> None:
    rig.turnstile.turn()
    time.sleep(0.05)  # nobody turns the arm again within the debounce time
    rig.turnstile.turn()
    wait_until(lambda: len(rig.events) == 2, "two turns")
    assert [type(event) for event in rig.events] == [Passage, Passage]


def test_somebody_walks_through_after_each_pulse() -> None:
    rig = Rig(QUICK, passage_s=0.15).start()
    try:
        risen_at = rig.hardware.pulse().result(5)
        wait_until(lambda: bool(rig.events), "the passage")
        [passage] = rig.events
        assert isinstance(passage, Passage)
        assert passage.at >= risen_at + 0.149
        assert len(rig.turnstile.openings) == 1
    finally:
        rig.close()


def test_mock_turnstile_ignores_a_pulse_that_is_too_short() -> None:
    rig = Rig(PinConfig(pulse_ms=50), passage_s=0.0).start()
    try:
        rig.hardware.pulse().result(5)
        wait_until(lambda: len(rig.edges(17)) == 2, "the pulse is over")
    finally:
        rig.close()
    assert rig.turnstile.openings == []


def test_fire_release_and_tamper_are_reported_both_ways(rig: Rig) -> None:
    rig.turnstile.contact("fire_release", active=True)
    wait_until(lambda: len(rig.events) == 1, "fire on")
    rig.turnstile.contact("tamper", active=True)
    wait_until(lambda: len(rig.events) == 2, "tamper on")
    rig.turnstile.contact("fire_release", active=False)
    wait_until(lambda: len(rig.events) == 3, "fire off")
    on, tamper, off = rig.events
    assert isinstance(on, FireRelease)
    assert on.active
    assert isinstance(tamper, Tamper)
    assert tamper.active
    assert isinstance(off, FireRelease)
    assert not off.active


def test_fire_release_never_moves_the_relay(rig: Rig) -> None:
    rig.turnstile.contact("fire_release", active=True)
    wait_until(lambda: len(rig.events) == 1, "fire on")
    assert rig.edges(17) == []


@pytest.mark.parametrize("pull_down", [(), ("fire_release",)])
def test_cut_cable_of_a_normally_closed_fire_contact_is_an_alarm(pull_down: tuple[str, ...]) -> None:
    config = PinConfig(normally_closed=("fire_release",), pull_down=pull_down, debounce_ms=5)
    rig = Rig(config).start()
    try:
        assert rig.events == []
        rig.turnstile.contact("fire_release", active=True)
        wait_until(lambda: len(rig.events) == 1, "fire on")
    finally:
        rig.close()


def test_alarm_that_is_older_than_the_program_is_reported_at_start() -> None:
    factory = RecordingFactory()
    factory.drive(22, high=False)
    events: list[HardwareEvent] = []
    hardware = GpioHardware(QUICK, factory)
    hardware.start(events.append)
    hardware.close()
    assert [type(event) for event in events] == [FireRelease]


def test_stuck_passage_input_is_a_fault_until_it_goes_back() -> None:
    rig = Rig(PinConfig(debounce_ms=5, stuck_s=1.0)).start()
    try:
        rig.turnstile.contact("passage", active=True)
        wait_until(lambda: len(rig.events) == 2, "the fault")
        rig.turnstile.contact("passage", active=False)
        wait_until(lambda: len(rig.events) == 3, "the fault is over")
    finally:
        rig.close()
    passage, fault, over = rig.events
    assert isinstance(passage, Passage)
    assert isinstance(fault, HardwareFault)
    assert isinstance(over, HardwareFault)
    assert (fault.cleared, over.cleared) == (False, True)
    assert fault.detail == over.detail


def test_one_lamp_at_a_time(rig: Rig) -> None:
    rig.hardware.show("amber", "none")
    wait_until(lambda: rig.level("amber"), "amber")
    rig.hardware.show("red", "none")
    wait_until(lambda: rig.level("red"), "red")
    assert not rig.level("amber")
    assert not rig.level("green")


def test_ready_heartbeat_goes_on_beside_a_pulse(rig: Rig) -> None:
    rig.hardware.show("ready", "none")
    wait_until(lambda: rig.level("green"), "the first beat")
    rig.hardware.pulse().result(5)
    wait_until(lambda: not rig.level("green"), "the beat ends")


def test_buzzer_says_amber_with_two_beeps(rig: Rig) -> None:
    rig.hardware.show("amber", "amber")
    wait_until(lambda: len(rig.edges(12)) == 4, "two beeps")
    on = [fall.at - rise.at for rise, fall in pairwise(rig.edges(12)) if rise.high]
    assert len(on) == 2
    assert all(length >= 0.149 for length in on)


def test_unwired_lamps_are_ignored() -> None:
    rig = Rig(PinConfig(green=None, amber=None, red=None, buzzer=None, pulse_ms=50)).start()
    try:
        rig.hardware.show("fault", "fault")
        rig.hardware.pulse().result(5)
    finally:
        rig.close()
    assert {change.number for change in rig.factory.changes if change.high} >= {17}


def test_idle_thread_says_that_it_lives(rig: Rig) -> None:
    seen = rig.beats
    wait_until(lambda: rig.beats >= seen + 2, "two beats")


def test_close_leaves_everything_dark() -> None:
    rig = Rig(QUICK).start()
    rig.hardware.show("red", "refuse")
    wait_until(lambda: rig.level("red") and rig.level("buzzer"), "red and sound")
    rig.close()
    assert not any(rig.level(name) for name in ("relay", "green", "amber", "red", "buzzer"))


def test_mock_hardware_is_ready_to_use() -> None:
    hardware, turnstile = mock_hardware(QUICK, 0.0, lambda: None)
    events: list[HardwareEvent] = []
    turnstile.start()
    hardware.start(events.append)
    asked: Future[float] = hardware.pulse()
    asked.result(5)
    wait_until(lambda: bool(events), "the passage")
    hardware.close()
    turnstile.close()
    assert isinstance(events[0], Passage)
