"""Which pin does what, and every reason why a wiring is refused. Pure: no pin is touched here.

All numbers are BCM numbers (GPIO17 is the number 17, not pin 17 of the header). `None` means "not wired".
"""

from collections.abc import Iterator
from dataclasses import dataclass

from scanner.hw.relay_pin import DEFAULT_RELAY

OUTPUTS = ("relay", "green", "amber", "red", "buzzer")
INPUTS = ("passage", "fire_release", "tamper")
_NEEDED = ("relay", "passage")

PULSE_MS = (50, 5_000)
# A turnstile controller must see two edges for two people: PERCo and Castle both ask for 100 ms or less of silence.
GAP_MS = (50, 2_000)

_RESERVED = {0: "the HAT's ID EEPROM (SDA)", 1: "the HAT's ID EEPROM (SCL)"}
# BCM2835 ARM Peripherals, table 6-31: from power-on until a program claims them GPIO0..8 are pulled high, others low.
_HIGH_AT_POWER_ON = range(9)
_SERIAL_CONSOLE = 14


@dataclass(frozen=True, slots=True)
class PinFault:
    """One thing that is wrong with a wiring. `key` names the configuration line, e.g. "pins.relay"."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class PinConfig:
    """The wiring of one gate. Times are milliseconds or seconds, as their names say.

    `unwired` names what is not connected, as TOML has no word for None; `active_low` the outputs that are on when the
    pin is low; `pull_down` the inputs whose contact goes to 3.3 V (the others go to ground); `normally_closed` the
    inputs whose contact is closed at rest.
    """

    relay: int = DEFAULT_RELAY
    passage: int = 27
    fire_release: int | None = 22
    tamper: int | None = 23
    green: int | None = 16
    amber: int | None = 20
    red: int | None = 21
    buzzer: int | None = 12
    unwired: tuple[str, ...] = ()
    active_low: tuple[str, ...] = ()
    pull_down: tuple[str, ...] = ()
    normally_closed: tuple[str, ...] = ()
    pulse_ms: int = 300
    gap_ms: int = 200
    debounce_ms: int = 20
    passage_window_s: float = 5.0
    stuck_s: float = 10.0

    def wired(self) -> dict[str, int]:
        """Name -> BCM number of everything that is connected, outputs first. What no gate works without always is."""
        unwired = set(self.unwired) - set(_NEEDED)
        pins = {name: getattr(self, name) for name in (*OUTPUTS, *INPUTS) if name not in unwired}
        return {name: number for name, number in pins.items() if number is not None}


def check(config: PinConfig) -> list[PinFault]:
    """Everything that is wrong with a wiring, all at once; an empty list means that it can be used."""
    return [*_numbers(config), *_twice(config), *_relay(config), *_names(config), *_times(config)]


def _numbers(config: PinConfig) -> Iterator[PinFault]:
    for name, number in config.wired().items():
        if not 0 <= number <= 27:
            yield PinFault(f"pins.{name}", f"GPIO{number} does not exist: BCM numbers go from 2 to 27")
        elif number in _RESERVED:
            yield PinFault(f"pins.{name}", f"GPIO{number} is reserved for {_RESERVED[number]}: choose from 2 to 27")


def _twice(config: PinConfig) -> Iterator[PinFault]:
    first: dict[int, str] = {}
    for name, number in config.wired().items():
        if number in first:
            yield PinFault(
                f"pins.{name}",
                f"GPIO{number} is already pins.{first[number]}: one pin does one thing, and what is not connected "
                "stands in pins.unwired",
            )
        first.setdefault(number, name)


def _relay(config: PinConfig) -> Iterator[PinFault]:
    """A relay must be released from power-on until the program starts, or a power cut opens the gate."""
    if config.relay == _SERIAL_CONSOLE:
        yield PinFault("pins.relay", "GPIO14 is the serial console, which toggles while the Pi starts: choose another")
    if 2 <= config.relay <= 27 and (config.relay in _HIGH_AT_POWER_ON) == ("relay" not in config.active_low):
        level, others = ("high", "9 to 27") if config.relay in _HIGH_AT_POWER_ON else ("low", "2 to 8")
        yield PinFault(
            "pins.relay",
            f"GPIO{config.relay} is pulled {level} from power-on, which would release the gate with pins.active_low "
            f"as it is: choose from {others}",
        )


def _names(config: PinConfig) -> Iterator[PinFault]:
    for name in sorted(set(config.unwired) & set(_NEEDED)):
        yield PinFault("pins.unwired", f"a gate does nothing without its {name}")
    for key, known in (
        ("unwired", (*OUTPUTS, *INPUTS)),
        ("active_low", OUTPUTS),
        ("pull_down", INPUTS),
        ("normally_closed", INPUTS),
    ):
        for name in getattr(config, key):
            if name not in known:
                yield PinFault(f"pins.{key}", f"{name!r} is not one of {', '.join(known)}")


def _times(config: PinConfig) -> Iterator[PinFault]:
    bounds = {
        "pulse_ms": PULSE_MS,
        "gap_ms": GAP_MS,
        "debounce_ms": (1, 200),
        "passage_window_s": (1, 60),
        "stuck_s": (1, 600),
    }
    for key, (least, most) in bounds.items():
        value = getattr(config, key)
        if not least <= value <= most:
            yield PinFault(f"pins.{key}", f"{value} is out of bounds: from {least} to {most}")
    if config.pulse_ms >= config.passage_window_s * 1000:
        yield PinFault("pins.pulse_ms", "the pulse must end before pins.passage_window_s does")
