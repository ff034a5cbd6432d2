"""Where the relay is, read out of a settings file with the standard library alone, and also out of a broken one.

A gate refuses settings with a fault in any line. Letting go of the relay may not wait until that line is mended, so
this looks at the three words that say where the relay is, and takes the default wiring where they say nothing. For
settings that a gate accepts the answer is that of its own reader (tests/property/test_relay_pin.py).
"""

import re
import tomllib
from typing import Any, NamedTuple

DEFAULT_RELAY = 17
PINS = range(2, 28)
"""BCM numbers that a wiring may use."""
_MOCK = re.compile(r"^\s*pins\s*=\s*[\"']mock[\"']", re.MULTILINE)
_RELAY = re.compile(r"^[^#\n]*\brelay\s*=\s*(\d+)", re.MULTILINE)
_ACTIVE_LOW = re.compile(r"^[^#\n]*\bactive_low\s*=\s*\[([^\]]*)\]", re.MULTILINE)


class RelayPin(NamedTuple):
    """A BCM number, and which level is rest. `doubt` says what was wrong with the settings, "" if nothing."""

    number: int = DEFAULT_RELAY
    active_low: bool = False
    doubt: str = ""


def relay_pin(path: str) -> RelayPin | None:
    """Where the settings in this file say that the relay is; None if they say that the pins are mock."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib alone would take a tenth of the time that this may take
            text = file.read().decode("utf-8-sig", "replace")
    except OSError as error:
        return RelayPin(doubt=f"{path} cannot be read ({error.strerror})")
    try:
        pins = tomllib.loads(text).get("pins", {})
    except tomllib.TOMLDecodeError as error:
        return _out_of_lines(text, f"{path} is not TOML ({error})")
    if pins == "mock":
        return None
    return _out_of_table(pins, path) if isinstance(pins, dict) else RelayPin(doubt=f"{path}: pins is not a table")


def _out_of_table(pins: dict[str, Any], path: str) -> RelayPin:
    low, number = pins.get("active_low", []), pins.get("relay", DEFAULT_RELAY)
    active_low = isinstance(low, list) and "relay" in low
    if type(number) is not int or number not in PINS:
        return RelayPin(DEFAULT_RELAY, active_low, f"{path}: pins.relay is {number!r}, which is no pin")
    return RelayPin(number, active_low)


def _out_of_lines(text: str, doubt: str) -> RelayPin | None:
    if _MOCK.search(text):
        return None
    number, low = _RELAY.search(text), _ACTIVE_LOW.search(text)
    known = number and int(number[1]) in PINS
    return RelayPin(int(number[1]) if number and known else DEFAULT_RELAY, bool(low and "relay" in low[1]), doubt)
