"""What the sandbox provider does wrong on purpose, and how often: slow, lost, refuse, twice. No network here.

"lost/3,slow" = the answer to every third order is lost after the commit, and every order is slow.
"""

import threading
from dataclasses import dataclass, field

KINDS = ("slow", "lost", "refuse", "twice")


def read_faults(text: str) -> dict[str, int]:
    """How many orders each fault lets pass, itself included. Raises ValueError."""
    found: dict[str, int] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        kind, _, every = part.partition("/")
        if kind not in KINDS or not (every or "1").isdecimal() or not 0 < int(every or 1) <= 1_000_000:
            raise ValueError(f"{part!r} is not one of {', '.join(KINDS)}, with /N for every Nth order")
        found[kind] = int(every or 1)
    return found


@dataclass
class Faults:
    """Can be changed at any time; `take` is asked once for each order."""

    every: dict[str, int] = field(default_factory=dict)
    delay: float = 1.0
    _count: int = 0
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def change(self, every: dict[str, int], delay: float | None = None) -> None:
        """From now on these, counted from here."""
        with self._guard:
            self.every, self._count = dict(every), 0
            self.delay = self.delay if delay is None else delay

    def take(self) -> frozenset[str]:
        """What goes wrong with the next order."""
        with self._guard:
            self._count += 1
            return frozenset(kind for kind, every in self.every.items() if self._count % every == 0)
