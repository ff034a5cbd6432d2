"""Configuration that cannot be used is refused at once, whole, with the lines that are wrong."""

from pathlib import Path

import pytest

from scanner.cli.settings import Settings, load
from scanner.errors import ConfigError
from scanner.hw.pins import PinConfig


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "gate.toml"
        path.write_text(text)
        return path

    return write


def test_an_empty_file_is_a_gate_with_the_documented_wiring(write) -> None:
    assert load(write("")) == Settings()


def test_settings_of_every_kind_are_read(write) -> None:
    settings = load(
        write('state = "here"\n[camera]\nsource = "2"\nfps = 15\n[pins]\nrelay = 26\nactive_low = ["green"]\n')
    )
    assert (settings.state_folder, settings.camera.source, settings.camera.fps) == (Path("here"), "2", 15)
    assert settings.pins == PinConfig(relay=26, active_low=("green",))


def test_pins_may_be_a_word(write) -> None:
    assert load(write('pins = "mock"')).pins == "mock"


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ('camara = "0"\n', [":1: camara: is not a setting"]),
        ('[camera]\nsource = 0\n\n[kiosk]\nport = "x"\n', [":2: camera.source", ":5: kiosk.port"]),
        ("[pins]\nrelay = 17\npassage = 17\n", [":3: pins.passage: GPIO17 is already pins.relay"]),
        ("[pins]\nrelay = 40\n", [":2: pins.relay: GPIO40 does not exist"]),
        ("[pins]\npulse_ms = 9000\n", [":2: pins.pulse_ms: 9000 is out of bounds"]),
        ("[pins]\npulse_ms = 9000\nrelay = 0\n", [":2: pins.pulse_ms", ":3: pins.relay: GPIO0 is reserved"]),
        ("pins = 7\n", [":1: pins: must be a table"]),
        ("[kiosk\n", ["not TOML"]),
    ],
    ids=[
        "unknown-key",
        "wrong-types",
        "pin-twice",
        "no-such-pin",
        "pulse-too-long",
        "all-at-once",
        "not-a-table",
        "no-toml",
    ],
)
def test_every_fault_is_named_with_its_line(write, text: str, complaints: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        load(write(text))
    for complaint in complaints:
        assert complaint in str(error.value)


def test_a_missing_file_says_where_to_find_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no such file; docs/operations.md"):
        load(tmp_path / "gone.toml")


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "gate.toml")
