"""The lamps of a gate whose program does not run: the right ones, and never the relay."""

import subprocess
import sys
from pathlib import Path

import pytest

from scanner.errors import HardwareError
from scanner.hw.beacon import Beacon, main, wiring
from scanner.hw.gpio import Board, RecordingFactory
from scanner.hw.pins import INPUTS, PinConfig

PINS = PinConfig()


def play(lamp: str, config: PinConfig = PINS) -> RecordingFactory:
    """Play until a lamp is on."""
    factory = RecordingFactory()
    beacon = Beacon(config, factory)
    beacon.play(lamp, lambda _: factory.level(config.amber) or factory.level(config.red))
    beacon.close()
    return factory


@pytest.mark.parametrize(("lamp", "name"), [("busy", "amber"), ("not-enrolled", "amber"), ("failed", "red")])
def test_a_pattern_lights_its_lamp_and_leaves_all_dark(lamp: str, name: str) -> None:
    factory = play(lamp)
    assert {change.number for change in factory.changes if change.high} == {PINS.wired()[name]}
    assert not any(factory.level(PINS.wired()[lamp]) for lamp in ("green", "amber", "red"))


def test_neither_relay_nor_buzzer_nor_inputs_are_claimed() -> None:
    """Another program, the gate, may claim them while the beacon plays."""
    factory = RecordingFactory()
    beacon = Beacon(PINS, factory)
    others = Board(PINS, factory, ("relay", "buzzer", *INPUTS))
    beacon.play("failed", lambda _: True)
    assert not {PINS.relay, PINS.buzzer} & {change.number for change in factory.changes}
    others.close()
    beacon.close()


def test_the_gate_takes_over_when_the_beacon_has_ended() -> None:
    factory = RecordingFactory()
    beacon = Beacon(PINS, factory)
    with pytest.raises(HardwareError):
        Board(PINS, factory)
    beacon.close()
    Board(PINS, factory).close()


def test_lamps_that_are_on_at_low_level_are_dark_when_it_ends() -> None:
    config = PinConfig(active_low=("amber",))
    factory = RecordingFactory()
    beacon = Beacon(config, factory)
    assert factory.level(config.amber)
    beacon.play("busy", lambda _: not factory.level(config.amber))
    beacon.close()
    assert factory.level(config.amber)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[pins]\nrelay = 16\n", "GPIO16 is already pins.relay"),
        ("[pins]\nrealy = 16\n", "pins.realy is not a setting"),
        ('[pins]\nrelay = "16"\n', "cannot be used"),
        ("[pins\n", "cannot be used"),
        ('pins = "mock"\n', "mock"),
        ("pins = 7\n", "cannot be used"),
    ],
)
def test_settings_that_cannot_be_read_leave_every_pin_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    """The default wiring may be another's relay."""
    path = tmp_path / "gate.toml"
    path.write_text(text)
    assert said in str(wiring(path))
    factory = RecordingFactory()
    assert main(["failed", str(path)], lambda: factory) == 0
    assert factory.changes == []
    assert said in capsys.readouterr().err


def test_the_gates_own_wiring_is_used(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text('[camera]\nsource = "1"\n[pins]\nred = 5\nactive_low = ["red"]\n')
    assert wiring(path) == PinConfig(red=5, active_low=("red",))
    assert wiring(None) == PINS


@pytest.mark.parametrize("arguments", [[], ["blue"], ["failed", "a", "b"]])
def test_a_word_that_is_no_pattern_is_misuse(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "usage" in capsys.readouterr().err


def test_no_pins_is_no_failure_of_an_installation(capsys: pytest.CaptureFixture[str]) -> None:
    def nothing() -> None:
        raise HardwareError("cannot open the GPIO chip")

    assert main(["installing"], nothing) == 0
    assert "no lamps: cannot open the GPIO chip" in capsys.readouterr().err


@pytest.mark.skipif(Path("/dev/gpiochip0").exists(), reason="this machine has pins, which a test must not move")
def test_the_real_library_without_a_chip_is_said_and_is_no_failure() -> None:
    pytest.importorskip("gpiozero.pins.lgpio")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "scanner.hw.beacon", "installing"],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert "no lamps: cannot open the GPIO chip" in done.stderr


def test_it_imports_what_the_systems_own_python_has() -> None:
    """Before a release is installed there is gpiozero at most: no pydantic, no numpy, nothing of the verifier."""
    code = "import sys, scanner.hw.beacon; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "gpiozero" in loaded
    assert {"pydantic", "numpy", "structlog", "click", "nacl", "cbor2", "requests", "cv2"} & set(loaded) == set()
