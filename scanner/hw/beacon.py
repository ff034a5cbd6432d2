"""The lamps of a gate whose program does not run: while it is installed, is not enrolled, or cannot start.

`python -m scanner.hw.beacon LAMP [SETTINGS]` plays one pattern until it is ended. It imports nothing but gpiozero and
the rules of the wiring, so that the system's own Python can run it before a release is installed. The relay is never
claimed, and no pin at all where the settings cannot be read: what would be a lamp could be the relay.
"""

import signal
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from threading import Event
from typing import Any, cast, get_args

from scanner.errors import HardwareError
from scanner.hw.gpio import Board, Factory, open_gpio
from scanner.hw.pins import PinConfig, check
from scanner.hw.signals import LAMPS, Outputs, Player
from scanner.signs import Lamp

NAMES = ("green", "amber", "red")
_USAGE = (
    f"usage: python -m scanner.hw.beacon LAMP [SETTINGS]; LAMP is one of {', '.join(get_args(Lamp))}, or installing"
)
# What the pattern is called where it is started from: a unit is named after what goes on.
_OTHER_NAMES: dict[str, Lamp] = {"installing": "busy"}


class Beacon:
    """Claims the lamps of `config` from `factory`, nothing else. Raises HardwareError if they are in use."""

    def __init__(self, config: PinConfig, factory: Factory) -> None:
        self._board = Board(config, factory, NAMES)

    def play(self, lamp: Lamp, wait: Callable[[float], bool]) -> None:
        """Play a pattern until `wait`, which is given the seconds to the next step, says that it is over."""
        player = Player(self._light)
        player.play(LAMPS[lamp], time.monotonic())
        while not wait(min(max(player.due - time.monotonic(), 0.0), 1.0)):
            player.advance(time.monotonic())

    def close(self) -> None:
        """Lamps dark, pins free."""
        self._board.close()

    def _light(self, on: Outputs) -> None:
        for name in NAMES:
            self._board.drive(name, on=name in on)


def wiring(settings: Path | None) -> PinConfig | str:
    """The wiring that a settings file names, the default one without a file, or why its lamps are left alone."""
    try:
        table: dict[str, Any] = tomllib.loads(settings.read_text(encoding="utf-8-sig")) if settings else {}
        pins = table.get("pins", {})
        if pins == "mock":
            return "the pins are mock: there are no lamps"
        known = {item.name for item in fields(PinConfig)}
        if unknown := sorted(set(pins) - known):
            return f"{settings}: pins.{unknown[0]} is not a setting: the lamps are left alone"
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in pins.items()}
        config = PinConfig(**values)
        faults = check(config)
    except (OSError, ValueError, TypeError) as error:
        return f"{settings} cannot be used ({error}): the lamps are left alone"
    return f"{settings}: {faults[0].key}: {faults[0].reason}: the lamps are left alone" if faults else config


def main(arguments: list[str], open_factory: Callable[[], Factory] = open_gpio) -> int:
    """Play until SIGTERM. Without lamps it says so and ends well: a caller goes on."""
    lamp = cast("Lamp", _OTHER_NAMES.get(arguments[0], arguments[0])) if arguments else "off"
    if not 1 <= len(arguments) <= 2 or lamp not in LAMPS:
        sys.stderr.write(f"{_USAGE}\n")
        return 2
    config = wiring(Path(arguments[1]) if arguments[1:] else None)
    if isinstance(config, str):
        sys.stderr.write(f"{config}\n")
        return 0
    ending = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    try:
        beacon = Beacon(config, open_factory())
    except HardwareError as fault:
        sys.stderr.write(f"no lamps: {fault}\n")
        return 0
    try:
        beacon.play(lamp, ending.wait)
    finally:
        beacon.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
