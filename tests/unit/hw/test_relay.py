from concurrent.futures import Future
from math import inf

import pytest

from scanner.errors import HardwareError
from scanner.hw.relay import Coil, Relay
from tests.fakes.clockwork import HandClock


class Bench:
    """A relay on a bench: a clock that is turned by hand, and a note of each level."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.levels: list[tuple[float, str]] = []
        self.expected: list[float] = []
        self.broken = False
        self.relay = Relay(
            Coil(lambda: self.note("on"), lambda: self.note("off")),
            self.clock,
            self.expected.append,
            pulse=0.3,
            gap=0.2,
        )

    def note(self, level: str) -> None:
        if self.broken:
            raise HardwareError("cannot drive the relay pin: EIO")
        self.levels.append((round(self.clock.now - 1000, 3), level))

    def request(self) -> "Future[float]":
        asked: Future[float] = Future()
        self.relay.request(asked)
        return asked

    def run_until_idle(self) -> None:
        while self.relay.due < inf:
            self.clock.now = max(self.clock.now, self.relay.due)
            self.relay.advance(self.clock.now)


def test_pulse_rises_at_once_and_falls_by_itself() -> None:
    bench = Bench()
    assert bench.request().result(0) == 1000.0
    bench.run_until_idle()
    assert bench.levels == [(0.0, "on"), (0.3, "off")]


def test_overlapping_pulses_do_not_merge() -> None:
    bench = Bench()
    bench.request()
    bench.clock.pass_time(0.1)
    second = bench.request()
    assert not second.done()
    bench.run_until_idle()
    assert bench.levels == [(0.0, "on"), (0.3, "off"), (0.5, "on"), (0.8, "off")]
    assert second.result(0) == pytest.approx(1000.5)


def test_pulse_right_after_another_keeps_the_gap() -> None:
    bench = Bench()
    bench.request()
    bench.run_until_idle()
    second = bench.request()
    assert not second.done()
    bench.run_until_idle()
    assert bench.levels[2:] == [(0.5, "on"), (0.8, "off")]


def test_third_pulse_is_refused() -> None:
    bench = Bench()
    bench.request()
    bench.request()
    with pytest.raises(HardwareError, match="refused"):
        bench.request().result(0)
    bench.run_until_idle()
    assert [level for _, level in bench.levels] == ["on", "off"] * 2


def test_waiting_pulse_that_is_cancelled_is_not_given() -> None:
    bench = Bench()
    bench.request()
    assert bench.request().cancel()
    bench.run_until_idle()
    assert [level for _, level in bench.levels] == ["on", "off"]


def test_closing_releases_and_tells_who_waits() -> None:
    bench = Bench()
    bench.request()
    waiting = bench.request()
    bench.relay.close()
    assert bench.levels[-1][1] == "off"
    with pytest.raises(HardwareError, match="closing"):
        waiting.result(0)
    assert bench.relay.due == inf


def test_pin_that_fails_to_rise_tells_who_asked() -> None:
    bench = Bench()
    bench.broken = True
    asked: Future[float] = Future()
    with pytest.raises(HardwareError):
        bench.relay.request(asked)
    with pytest.raises(HardwareError, match="EIO"):
        asked.result(0)


def test_guard_is_told_before_the_caller_and_again_when_the_relay_fell() -> None:
    bench = Bench()
    told: list[list[float]] = []
    asked: Future[float] = Future()
    asked.add_done_callback(lambda _: told.append(list(bench.expected)))
    bench.relay.request(asked)
    assert told == [[1000.3]]
    bench.run_until_idle()
    assert bench.expected == [1000.3, inf]
