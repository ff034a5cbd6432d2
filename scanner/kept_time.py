"""What is kept of agreed time on disk: the floor, and the interval that the monotonic clock carries over a restart."""

import json
from dataclasses import dataclass
from typing import Any, Self

DRIFT = 100e-6
"""Seconds of error that a second of holdover may add: a Raspberry Pi's crystal is within 50 ppm; twice that."""
SETTLED, SETTLE_S = 3, 15.0
"""What rests on one voice alone stands firm once that voice has said so that often, over that many seconds."""
_ROUNDED = 0.001


@dataclass(frozen=True, slots=True)
class Held:
    """Agreed time: between `low` and `high` unix seconds at `monotonic` seconds since the start `boot` of the machine.

    `founders` are those whose word it is, `said` is how often they have said so, as far as that matters, and `since`
    the monotonic seconds of the first time.
    """

    boot: str
    monotonic: float
    low: float
    high: float
    founders: frozenset[str]
    said: int
    since: float

    @property
    def root(self) -> str:
        """The one whose word it is alone, or ""."""
        return next(iter(self.founders)) if len(self.founders) == 1 else ""

    @property
    def settled(self) -> bool:
        """Whether the one voice on which it rests can no longer take it back."""
        return len(self.founders) > 1 or (self.said >= SETTLED and self.monotonic - self.since >= SETTLE_S)

    def continues(self, before: "Held | None") -> bool:
        """Whether this is what `before` has become, carried on and perhaps narrowed."""
        if before is None or (before.boot, before.founders, before.settled) != (self.boot, self.founders, self.settled):
            return False
        low, high = before.at(self.monotonic)
        return low <= self.low + _ROUNDED and self.high <= high + _ROUNDED

    def at(self, monotonic: float) -> tuple[float, float]:
        """Both ends, carried to another moment."""
        elapsed = monotonic - self.monotonic
        grown = abs(elapsed) * DRIFT
        return self.low + elapsed - grown, self.high + elapsed + grown


@dataclass(frozen=True, slots=True)
class Kept:
    """`floor`: unix seconds that agreed time has passed; not `proven` = an earlier version's, which held any one word
    of the node for the time: the first voice that says otherwise counts more.
    """

    floor: float = 0.0
    proven: bool = True
    held: Held | None = None

    def says_more_than(self, stored: "Kept", step: float) -> bool:
        """Whether a restart with `stored` would know less; less than `step` seconds of the floor do not count."""
        if self.proven != stored.proven or not 0 <= self.floor - stored.floor < step:
            return True
        return self.held is not None and not self.held.continues(stored.held)

    def pack(self) -> bytes:
        """As it is stored."""
        held = self.held and [
            self.held.boot,
            self.held.monotonic,
            self.held.low,
            self.held.high,
            sorted(self.held.founders),
            self.held.said,
            self.held.since,
        ]
        return json.dumps([self.floor, self.proven, held]).encode()

    @classmethod
    def unpack(cls, raw: bytes, earlier: int = 0) -> Self:
        """From the store; `earlier` is the floor that a version before this one kept, 0 = none."""
        if not raw:
            return cls(float(earlier), proven=not earlier)
        floor, proven, held = json.loads(raw)
        return cls(floor, proven, _held(held) if held else None)


def _held(parts: list[Any]) -> Held:
    boot, monotonic, low, high, founders, *rest = parts
    return Held(boot, monotonic, low, high, frozenset(founders), *rest)


NOTHING_KEPT = Kept()
