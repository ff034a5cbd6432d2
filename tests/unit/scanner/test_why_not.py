"""A gate that cannot start says with its lamps why, and does not hold systemd's next try up for long."""

import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from scanner.cli import why_not
from scanner.cli.settings import Settings
from scanner.cli.why_not import signal_why
from scanner.errors import GateError, HardwareError, JournalError
from scanner.hw.gpio import RecordingFactory
from scanner.hw.pins import PinConfig
from scanner.identity import Enrolled, Identities, NotEnrolledError

PINS = PinConfig()
TOLD = Enrolled("http://127.0.0.1:1", "d", "show", "A1", "aa", "vkey", "origin")


def lit(factory: RecordingFactory) -> set[int]:
    return {change.number for change in factory.changes if change.high}


def told(settings: Settings, error: GateError, factory: RecordingFactory, ending: threading.Event) -> None:
    signal_why(settings, error, ending, lambda: factory)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state=str(tmp_path))


def test_a_gate_that_is_not_enrolled_blinks_until_it_is(settings: Settings) -> None:
    factory, ending = RecordingFactory(), threading.Event()
    seen = threading.Event()
    factory.watch(lambda change: seen.set() if change.number == PINS.amber and change.high else None)
    thread = threading.Thread(target=told, args=(settings, NotEnrolledError("enrol it"), factory, ending))
    thread.start()
    assert seen.wait(10)
    Identities(settings.state_folder, environ={}).enrol(TOLD)
    thread.join(10)
    assert not thread.is_alive()
    assert lit(factory) == {PINS.amber}


def test_another_failure_shows_red_for_a_short_time(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(why_not, "FAILED_S", 0.1)
    factory = RecordingFactory()
    told(settings, JournalError("the disk is full"), factory, threading.Event())
    assert lit(factory) == {PINS.red}
    assert not factory.level(PINS.red)


def test_a_stop_ends_it_at_once(settings: Settings) -> None:
    ending = threading.Event()
    ending.set()
    told(settings, NotEnrolledError("enrol it"), RecordingFactory(), ending)


def test_it_is_logged_and_nothing_waits_where_there_are_no_lamps(tmp_path: Path) -> None:
    def nothing() -> None:
        raise HardwareError("no chip")

    with capture_logs() as lines:
        signal_why(Settings(state=str(tmp_path), pins="mock"), JournalError("full"), threading.Event(), nothing)
        signal_why(Settings(state=str(tmp_path)), JournalError("full"), threading.Event(), nothing)
    assert [line["event"] for line in lines] == ["not started", "not started", "no lamps"]
