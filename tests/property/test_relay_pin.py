"""The small reader that finds the relay says what the settings' own reader says, and has an answer for any file."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.cli.settings import load
from scanner.errors import ConfigError
from scanner.hw.pins import INPUTS, OUTPUTS
from scanner.hw.relay_pin import PINS, RelayPin, relay_pin

KEYS = (*OUTPUTS, *INPUTS)
numbers = st.integers(-1, 41)


def _lines(wired: dict[str, int], low: list[str] | None) -> list[str]:
    listed = ", ".join(f'"{name}"' for name in low or ())
    return [f"{name} = {number}" for name, number in wired.items()] + ([f"active_low = [{listed}]"] if low else [])


def _table(wired: dict[str, int], low: list[str] | None) -> str:
    return "\n".join(["[pins]", *_lines(wired, low)])


def _inline(wired: dict[str, int], low: list[str] | None) -> str:
    return "pins = { " + ", ".join(_lines(wired, low)) + " }"


def _dotted(wired: dict[str, int], low: list[str] | None) -> str:
    return "\n".join(f"pins.{line}" for line in _lines(wired, low))


pins = st.one_of(
    st.just('pins = "mock"'),
    st.just("pins = 'mock'"),
    st.just(""),
    st.builds(
        lambda wired, low, style: style(wired, low),
        st.dictionaries(st.sampled_from(KEYS), numbers, max_size=4),
        st.none() | st.lists(st.sampled_from(KEYS), max_size=3, unique=True),
        st.sampled_from([_table, _inline, _dotted]),
    ),
)
rest = st.lists(
    st.sampled_from(['state = "s"', "[kiosk]\nport = 8441", "[node]\nurl = 'http://n'", "# relay = 3", "[mock]"]),
    unique=True,
    max_size=3,
)


def _file(text: str | bytes) -> Path:
    path = Path(tempfile.mkdtemp(prefix="relay-")) / "gate.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def _gone(path: Path) -> None:
    path.unlink()
    path.parent.rmdir()


@settings(deadline=None)
@given(pins, rest)
def test_settings_that_a_gate_accepts_are_read_alike(wiring: str, others: list[str]) -> None:
    top = [line for line in others if "[" not in line]
    path = _file("\n".join([*top, wiring, *(line for line in others if line not in top)]))
    try:
        found = relay_pin(str(path))
        try:
            whole = load(path)
        except ConfigError:
            assert found is None or found.number in PINS
            return
        if whole.pins == "mock":
            assert found is None
        else:
            assert found == RelayPin(whole.pins.relay, "relay" in whole.pins.active_low)
    finally:
        _gone(path)


@settings(deadline=None)
@given(pins, st.sampled_from(["[kiosk", "port = ", "= 3", "[pins]\n[pins]", '"']))
def test_the_pin_is_found_in_settings_that_are_not_toml(wiring: str, fault: str) -> None:
    whole, cut = _file(f"{wiring}\n"), _file(f"{wiring}\n{fault}\n")
    try:
        meant, found = relay_pin(str(whole)), relay_pin(str(cut))
        assert (found is None) == (meant is None)
        if meant and found:
            assert found[:2] == meant[:2]
            assert "is not TOML" in found.doubt
    finally:
        _gone(whole)
        _gone(cut)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_file_has_an_answer(content: bytes) -> None:
    path = _file(content)
    try:
        found = relay_pin(str(path))
        assert found is None or found.number in PINS
    finally:
        _gone(path)
