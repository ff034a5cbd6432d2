"""What the lamps and the buzzer do: rhythms as data, and a player without a clock or a pin of its own.

An active buzzer is on or off, so sounds differ in number and length, not in pitch. No light at all means broken.
"""

from collections.abc import Callable
from math import inf
from typing import NamedTuple

from scanner.signs import Lamp, Sound

Outputs = frozenset[str]


class Step(NamedTuple):
    """Hold these outputs on for so many seconds."""

    seconds: float
    on: Outputs


class Pattern(NamedTuple):
    """Steps, once or for ever; a pattern that ends leaves its outputs off."""

    steps: tuple[Step, ...]
    forever: bool


_DARK: Outputs = frozenset()


def _steady(*names: str) -> Pattern:
    return Pattern((Step(inf, frozenset(names)),), forever=True)


def _beeps(*seconds: float, pause: float = 0.12) -> Pattern:
    buzzer = frozenset({"buzzer"})
    return Pattern(tuple(step for s in seconds for step in (Step(s, buzzer), Step(pause, _DARK))), forever=False)


def _blinks(name: str, number: int) -> Pattern:
    short = (Step(0.2, frozenset({name})), Step(0.3, _DARK))
    return Pattern((*short * number, Step(1.2, _DARK)), forever=True)


LAMPS: dict[Lamp, Pattern] = {
    "off": _steady(),
    # A heartbeat: GPIO has no dim light, and a steady green is what "go" looks like.
    "ready": Pattern((Step(0.1, frozenset({"green"})), Step(1.4, _DARK)), forever=True),
    "green": _steady("green"),
    "amber": _steady("amber"),
    "red": _steady("red"),
    "fault": Pattern((Step(0.4, frozenset({"amber"})), Step(0.4, frozenset({"red"}))), forever=True),
    # Not in service and nothing broken: amber, told apart by their rhythm. Steady amber is a person's or a list's.
    "busy": Pattern((Step(1.0, frozenset({"amber"})), Step(1.0, _DARK)), forever=True),
    "not-enrolled": _blinks("amber", 2),
    "no-list": _blinks("amber", 3),
    "failed": Pattern((Step(0.5, frozenset({"red"})), Step(0.5, _DARK)), forever=True),
}
SOUNDS: dict[Sound, Pattern] = {
    "none": Pattern((), forever=False),
    "admit": _beeps(0.12),
    "amber": _beeps(0.15, 0.15),
    "refuse": _beeps(0.8),
    "fault": _beeps(0.08, 0.08, 0.08, 0.08, 0.08, pause=0.08),
}


class Player:
    """Plays one pattern at a time on the outputs that it is given; `drive` gets the set that is on."""

    def __init__(self, drive: Callable[[Outputs], None]) -> None:
        self._drive = drive
        self._pattern: Pattern = SOUNDS["none"]
        self._step = 0
        self.due = inf

    def play(self, pattern: Pattern, now: float) -> None:
        """Begin a pattern from its first step, in place of the one that plays."""
        self._pattern = pattern
        self._step = -1
        self.due = now
        self.advance(now)

    def advance(self, now: float) -> None:
        """Go on to the next step when it is due."""
        if now < self.due:
            return
        self._step += 1
        if self._step >= len(self._pattern.steps):
            if not self._pattern.forever:
                self.due = inf
                self._drive(_DARK)
                return
            self._step = 0
        step = self._pattern.steps[self._step]
        self._drive(step.on)
        self.due = now + step.seconds
