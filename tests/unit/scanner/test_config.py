"""Configuration that cannot be used is refused at once, whole, with the lines that are wrong."""

import re
from pathlib import Path

import pytest

from scanner.cli.setting_words import defaults
from scanner.cli.settings import Settings, load
from scanner.errors import ConfigError
from scanner.hw.beacon import wiring
from scanner.hw.pins import PinConfig
from scanner.hw.relay_pin import RelayPin, relay_pin


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
        (
            "[pins]\npulse_ms = 9000\n",
            [":2: pins.pulse_ms: 9000 is out of bounds", ":2: pins.pulse_ms: the pulse must"],
        ),
        (
            "[pins]\npulse_ms = 9000\nrelay = 0\n",
            [":2: pins.pulse_ms: 9000", "the pulse must", ":3: pins.relay: GPIO0"],
        ),
        ("pins = 7\n", [':1: pins: must be a table, [pins] or the line pins = "mock"']),
        ('pins = "mok"\n', [':1: pins: must be a table, [pins] or the line pins = "mock"']),
        ("camera = 7\n", [":1: camera: must be a table, [camera]"]),
        ('[mock]\npassage_s = "a"\n', [":2: mock.passage_s: must be a number"]),
        ("[pins]\nunwired = [1]\n", [":2: pins.unwired: must be a text in quotes"]),
        ("[pins]\nRelay = 17\n", [":2: pins.Relay: is not a setting; is it pins.relay?"]),
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
        "not-the-word",
        "no-word-may-stand-there",
        "no-number",
        "no-name-in-a-list",
        "capital-letters",
        "no-toml",
    ],
)
def test_every_fault_is_named_with_its_line(write, text: str, complaints: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        load(write(text))
    for complaint in complaints:
        assert complaint in str(error.value)
    assert len(str(error.value).splitlines()) == len(complaints), "one line for each, and nothing of a library's own"


def test_a_line_that_cannot_be_read_does_not_hide_the_others(write) -> None:
    """An unknown key, a wrong type, a wrong pin, a wrong time, a wrong witness and a wrong port: all in one go."""
    text = """camara = "0"
[pins]
relay = 40
pulse_ms = 9000
green = "16"
[trust]
quorum = 3
[peers]
port = 70000
[kiosk]
prot = 80
"""
    with pytest.raises(ConfigError) as error:
        load(write(text))
    told = [re.search(r":(\d+): ([\w.]+):", line).groups() for line in str(error.value).splitlines()]
    assert told == [
        ("1", "camara"),
        ("3", "pins.relay"),
        ("4", "pins.pulse_ms"),
        ("4", "pins.pulse_ms"),
        ("5", "pins.green"),
        ("7", "trust.quorum"),
        ("9", "peers.port"),
        ("11", "kiosk.prot"),
    ]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[pins]\nrealy = 17\n", "pins.realy: is not a setting; is it pins.relay?"),
        ("[camera]\nport = 1\n", "camera.port: is not a setting; is it peers.port?"),
        ("relay = 17\n", "relay: is not a setting; is it pins.relay?"),
        ('[camra]\nsource = "1"\n', "camra: is not a setting; is it camera?"),
        ("xyzzy = 1\n", "xyzzy: is not a setting; `gate-scanner settings` prints all that there are"),
    ],
)
def test_a_misspelt_setting_is_told_what_it_may_mean(write, text: str, hint: str) -> None:
    with pytest.raises(ConfigError) as error:
        load(write(text))
    assert str(error.value).endswith(hint)


WRONG_KINDS = ['"a"', "1.5", "true", "{}", "[1]", "2026-01-01", "{a = 1}"]


@pytest.mark.parametrize("key", [*defaults(), "camera", "pins", "mock", "kiosk"])
def test_a_value_of_any_wrong_kind_is_told_in_words_of_our_own(write, key: str) -> None:
    table, _, name = key.rpartition(".")
    told = 0
    for value in WRONG_KINDS:
        path = write((f"[{table}]\n" if table else "") + f"{name} = {value}\n")
        try:
            load(path)
        except ConfigError as error:
            told += 1
            for line in str(error).splitlines():
                at, said = re.fullmatch(rf"{re.escape(str(path))}:\d+: ([\w.]+): (.*)", line).groups()
                assert at == key or at.startswith(f"{key}.") or at == "pins.relay", line
                assert not re.search("input|valid|type", said), line
    assert told >= 4


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ('[pins]\nunwired = ["relay"]\nrelay = 17\ngreen = 17\n', ["pins.unwired", "pins.green"]),
        ('[pins]\nunwired = ["passage", "relai"]\npassage = 40\n', ["pins.unwired", "pins.unwired", "pins.passage"]),
        ("[pins]\nrealy = 26\nrelay = 40\n", ["pins.realy", "pins.relay"]),
        ("[pins]\nRelay = 26\ngreen = 40\n", ["pins.Relay", "pins.green"]),
        ('"a.b" = 1\n[pins]\nrelay = 40\n', ["a.b", "pins.relay"]),
        ('pins = "mok"\n[kiosk]\nport = 70000\n', ["pins", "kiosk.port"]),
        ('[pins]\nrelay = 14\nactive_low = ["relay"]\n', ["pins.relay", "pins.relay"]),
        ("[[pins]]\nrelay = 14\n[kiosk]\nport = 70000\n", ["pins", "kiosk.port"]),
    ],
)
def test_every_check_that_can_be_made_is_made(write, text: str, keys: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        load(write(text))
    told = [re.search(r"toml(?::\d+)?: ([\w.]+):", line).group(1) for line in str(error.value).splitlines()]
    assert told == keys, str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        '[trust]\nwitnesses = "w"\nquorum = 1\n',
        '[pins]\nactive_low = "relay"\nrelay = 5\n',
        '[pins]\nunwired = "green"\ngreen = 17\n',
        '[pins]\npassage_window_s = "9"\npulse_ms = 5000\n',
        '[peers]\nport = "8441"\n[kiosk]\nport = 8442\n',
        "kiosk = 8442\n[peers]\nport = 8441\n",
    ],
)
def test_no_check_is_made_against_a_default_in_place_of_what_was_written(write, text: str) -> None:
    with pytest.raises(ConfigError) as error:
        load(write(text))
    assert len(str(error.value).splitlines()) == 1, str(error.value)


@pytest.mark.parametrize("first", ['relay = "26"', "realy = 26"], ids=["wrong-type", "misspelt"])
def test_nothing_is_said_of_a_default_that_nobody_wrote(write, first: str) -> None:
    """GPIO17 is free: the relay was meant to be elsewhere."""
    with pytest.raises(ConfigError) as error:
        load(write(f"[pins]\n{first}\npassage = 17\n"))
    assert len(str(error.value).splitlines()) == 1


def test_a_missing_file_says_where_to_find_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no such file; docs/operations.md"):
        load(tmp_path / "gone.toml")


@pytest.mark.parametrize(
    ("table", "line", "said"),
    [
        ("camera", "fps = nan", "camera.fps: nan is out of bounds"),
        ("camera", "fps = 0", "camera.fps"),
        ("camera", "width = -4", "camera.width"),
        ("camera", "height = 0", "camera.height"),
        ("camera", "exposure_us = -1", "camera.exposure_us"),
        ("camera", "lens_position = -inf", "camera.lens_position"),
        ("camera", "stale_after = inf", "camera.stale_after"),
        ("camera", "retry_after = -1", "camera.retry_after"),
        ("camera", "stuck_after = 0", "camera.stuck_after"),
        ("camera", "silent_after = nan", "camera.silent_after"),
        ("camera", 'pixel_format = ""', "camera.pixel_format: '' is not a format"),
        ("camera", 'source = " "', "camera.source: is empty"),
        ("mock", "passage_s = nan", "mock.passage_s"),
        ("kiosk", "port = 99999", "kiosk.port: must be from 0 to 65535"),
        ("kiosk", "port = 8442", "kiosk.port: 8442 is already peers.port"),
        ("kiosk", 'host = ""', "kiosk.host: '' is not an address"),
        ("peers", 'host = "http://10.8.0.1"', "peers.host"),
        ("node", 'url = "10.8.0.10:8440"', "node.url: '10.8.0.10:8440' is not the address of a ledger node"),
        ("node", 'ca = "no-such.pem"', "node.ca: there is no file no-such.pem"),
    ],
)
def test_a_value_that_nothing_can_work_with_is_named_before_the_gate_starts(
    write, table: str, line: str, said: str
) -> None:
    with pytest.raises(ConfigError) as error:
        load(write(f"[{table}]\n{line}\n"))
    assert f":2: {said}" in str(error.value)
    assert "\n" not in str(error.value)


def test_two_ports_may_be_equal_where_one_of_them_is_not_used(write) -> None:
    assert load(write("[kiosk]\nport = 8442\n[peers]\nenabled = false\n")).kiosk.port == 8442
    assert load(write("[kiosk]\nport = 0\n[peers]\nport = 0\n")).kiosk.port == 0


def test_a_file_from_an_editor_of_windows_is_read(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_bytes(b"\xef\xbb\xbf[pins]\r\nrelay = 26\r\n")
    assert load(path).pins == PinConfig(relay=26)
    assert relay_pin(str(path)) == RelayPin(26)
    assert wiring(path) == PinConfig(relay=26)


@pytest.mark.parametrize("written", ["# caf\u00e9\n".encode("latin-1"), 'pins = "mock"\n'.encode("utf-16")])
def test_a_file_in_another_encoding_says_what_to_do(tmp_path: Path, written: bytes) -> None:
    path = tmp_path / "gate.toml"
    path.write_bytes(written)
    with pytest.raises(ConfigError, match=r"gate\.toml:1: is not text in UTF-8: save the file as UTF-8"):
        load(path)
