"""`gate-scanner release-relay`: when the gate died, when the settings are broken, when nothing is installed."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gpiozero import OutputDevice

from scanner.hw.gpio import RecordingFactory
from scanner.hw.relay_pin import RelayPin
from scanner.hw.release import chip, release_relay

PROGRAM = [sys.executable, "-c", "from scanner.cli import main; main()", "release-relay"]


class Chip:
    """lgpio's calls on gpiozero's mock pins, which enforce the real rules."""

    def __init__(self, factory: RecordingFactory) -> None:
        self.factory = factory
        self.closed: list[int] = []

    def gpiochip_open(self, number: int) -> int:
        return 100 + number

    def gpio_claim_output(self, handle: int, number: int, level: int) -> None:
        assert handle == 100
        OutputDevice(number, initial_value=bool(level), pin_factory=self.factory)

    def gpiochip_close(self, handle: int) -> None:
        self.closed.append(handle)


def left_on(number: int, *, high: bool) -> RecordingFactory:
    """Pins as a gate leaves them that died in mid-pulse."""
    factory = RecordingFactory()
    pin = factory.pin(number)
    pin.function, pin.state = "output", high
    return factory


@pytest.mark.parametrize("active_low", [False, True])
def test_a_relay_that_was_left_on_is_driven_to_rest_and_no_other_pin_is_moved(active_low: bool) -> None:
    factory = left_on(5, high=not active_low)
    board = Chip(factory)
    said, done = release_relay(RelayPin(5, active_low), lambda: board)
    assert (said, done) == ("the relay on GPIO5 is released", True)
    assert factory.level(5) is active_low
    assert {change.number for change in factory.changes} == {5}
    assert board.closed == [100]


def test_the_doubt_about_the_settings_is_said_with_what_was_done() -> None:
    said, done = release_relay(RelayPin(17, doubt="x.toml is not TOML"), lambda: Chip(left_on(17, high=True)))
    assert (said, done) == ("the relay on GPIO17 is released; x.toml is not TOML", True)


def broken(error: Exception, at: str) -> Any:
    def fail(*_: object) -> int:
        raise error

    calls = {"gpiochip_open": lambda _: 7, "gpio_claim_output": lambda *_: 0, "gpiochip_close": lambda _: 0}
    return SimpleNamespace(**{**calls, at: fail})


def test_a_chip_or_a_pin_that_refuses_is_a_sentence_and_not_an_error() -> None:
    def no_module() -> Any:
        raise ModuleNotFoundError("No module named 'lgpio'")

    for load, said in (
        (no_module, "the relay was not touched: cannot open the GPIO chip (No module named 'lgpio'): is this a Rasp"),
        (lambda: broken(OSError(2, "no chip"), "gpiochip_open"), "the relay was not touched: cannot open the GPIO"),
        (lambda: broken(RuntimeError("GPIO busy"), "gpio_claim_output"), "the relay was not touched: cannot claim GP"),
    ):
        sentence, done = release_relay(RelayPin(), load)
        assert sentence.startswith(said)
        assert not done


@pytest.mark.skipif(Path("/dev/gpiochip0").exists(), reason="this machine has pins, and they are not ours to move")
@pytest.mark.parametrize("settings", ["[pins]\nrelay = 5\n", "[kiosk\nport = x\n[pins]\nrelay = 5\n", None])
def test_the_command_tries_whatever_the_settings_look_like(tmp_path: Path, settings: str | None) -> None:
    path = tmp_path / "gate.toml"
    if settings:
        path.write_text(settings)
    done = subprocess.run(
        [*PROGRAM, "--config", path], capture_output=True, text=True, timeout=30, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("the relay was not touched: cannot open the GPIO chip")
    assert [found.name for found in tmp_path.iterdir()] == (["gate.toml"] if settings else [])


def test_the_command_works_where_every_package_is_missing(tmp_path: Path) -> None:
    """As in an installation that was cut short: nothing but the standard library and our own files."""
    (tmp_path / "gate.toml").write_text('pins = "mock"\n[camera]\ncolour = 3\n')
    source = str(Path(__file__).parents[2])
    program = f"import sys; sys.path.insert(0, {source!r}); from scanner.cli import main; main()"
    asked = [sys.executable, "-I", "-S", "-c", program, "release-relay", "--config", str(tmp_path / "gate.toml")]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("pins are mock: nothing to release\n", "", 0)


def test_help_and_misuse_are_answered_as_by_the_other_commands() -> None:
    asked = subprocess.run([*PROGRAM, "--help"], capture_output=True, text=True, timeout=30, check=False)
    assert (asked.returncode, "Drive the relay pin to rest" in asked.stdout) == (0, True)
    wrong = subprocess.run([*PROGRAM, "--colour"], capture_output=True, text=True, timeout=30, check=False)
    assert (wrong.returncode, "No such option" in wrong.stderr) == (2, True)


@pytest.mark.parametrize(
    ("revision", "chips", "chosen"),
    [(0xC04170, (0, 4), 4), (0xC04170, (0,), 0), (0xC03112, (0, 4), 0), (0xA02082, (0,), 0)],
)
def test_the_chip_is_the_one_that_the_gates_own_library_takes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, revision: int, chips: tuple[int, ...], chosen: int
) -> None:
    """A Pi 5 with an old and a new kernel, a Pi 4, a Pi 3."""
    (tmp_path / "revision").write_bytes(revision.to_bytes(4, "big"))
    monkeypatch.setattr("scanner.hw.release._REVISION", str(tmp_path / "revision"))
    monkeypatch.setattr("scanner.hw.release.os.path.exists", lambda path: path in {f"/dev/gpiochip{n}" for n in chips})
    assert chip() == chosen


def test_a_machine_that_is_no_pi_has_its_pins_on_the_first_chip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.hw.release._REVISION", "/nowhere/revision")
    assert chip() == 0
