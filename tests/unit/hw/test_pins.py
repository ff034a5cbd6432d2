from dataclasses import replace

import pytest

from scanner.hw.pins import PinConfig, check


def keys(config: PinConfig) -> list[str]:
    return [fault.key for fault in check(config)]


def test_default_wiring_is_good() -> None:
    assert check(PinConfig()) == []


def test_unwired_parts_are_allowed() -> None:
    config = PinConfig(fire_release=None, tamper=None, green=None, amber=None, red=None, buzzer=None)
    assert check(config) == []
    assert config.wired() == {"relay": 17, "passage": 27}


def test_one_pin_twice_names_both_lines() -> None:
    [fault] = check(PinConfig(green=17))
    assert fault.key == "pins.green"
    assert "pins.relay" in fault.reason


@pytest.mark.parametrize("number", [-1, 28, 40])
def test_pin_that_does_not_exist(number: int) -> None:
    assert keys(PinConfig(buzzer=number)) == ["pins.buzzer"]


@pytest.mark.parametrize("number", [0, 1])
def test_eeprom_pins_are_reserved_and_the_reason_says_so(number: int) -> None:
    [fault] = check(PinConfig(tamper=number))
    assert fault.key == "pins.tamper"
    assert "EEPROM" in fault.reason


@pytest.mark.parametrize("number", [2, 3, 8])
def test_relay_that_a_power_cut_would_open(number: int) -> None:
    [fault] = check(PinConfig(relay=number))
    assert fault.key == "pins.relay"
    assert "power-on" in fault.reason
    assert check(PinConfig(relay=number, active_low=("relay",))) == []


def test_active_low_relay_on_a_pin_that_is_low_at_power_on() -> None:
    assert keys(PinConfig(relay=17, active_low=("relay",))) == ["pins.relay"]


def test_relay_on_the_serial_console() -> None:
    [fault] = check(PinConfig(relay=14))
    assert "serial console" in fault.reason


@pytest.mark.parametrize("ms", [0, 49, 5001, 60_000])
def test_pulse_out_of_bounds(ms: int) -> None:
    assert "pins.pulse_ms" in keys(PinConfig(pulse_ms=ms))


@pytest.mark.parametrize("ms", [50, 300, 4999])
def test_pulse_within_bounds(ms: int) -> None:
    assert check(PinConfig(pulse_ms=ms)) == []


def test_pulse_that_outlasts_the_passage_window() -> None:
    assert keys(PinConfig(pulse_ms=3000, passage_window_s=2)) == ["pins.pulse_ms"]


@pytest.mark.parametrize("key", ["active_low", "pull_down", "normally_closed"])
def test_polarity_of_a_pin_that_is_not_there(key: str) -> None:
    [fault] = check(replace(PinConfig(), **{key: ("turnstyle",)}))
    assert fault.key == f"pins.{key}"
    assert "'turnstyle'" in fault.reason


def test_all_faults_are_told_at_once() -> None:
    config = PinConfig(relay=99, green=0, amber=27, pulse_ms=1, debounce_ms=0, stuck_s=0, gap_ms=1)
    assert set(keys(config)) == {
        "pins.relay",
        "pins.green",
        "pins.passage",
        "pins.pulse_ms",
        "pins.debounce_ms",
        "pins.stuck_s",
        "pins.gap_ms",
    }
