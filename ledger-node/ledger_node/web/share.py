"""The public's share of the ledger's process, which gates' claims come before: when a request of the public may begin.

While no gate claims, several run at once. While doors are open, that is from a claim until a minute without one, they
run one at a time, and each is followed by a rest of a few times what it took, so that most claims meet none of them.
A rule; its seconds are of a clock that does not jump.
"""

from dataclasses import dataclass
from math import inf

AT_ONCE = 24
"""As many as there are threads for what waits (`hands`): with eight, a rush of buyers was slower by a tenth. The first
claim of an evening waits for all of them.
"""
DOORS = 60.0
"""Seconds after a claim in which another one may come at any moment."""
REST = 3.0
"""How many times as long as a request of the public took the public then leaves the process to gates."""


@dataclass
class Share:
    """What runs of the public, and when the next may begin."""

    running: int = 0
    _claimed: float = -inf
    _rested: float = -inf

    def claimed(self, now: float) -> None:
        """A gate claims, or sends what it admitted."""
        self._claimed = now

    def wait(self, now: float) -> float:
        """Seconds until the next may begin: 0 for now, infinity for not before one that runs has ended."""
        if now - self._claimed >= DOORS:
            return 0.0 if self.running < AT_ONCE else inf
        return inf if self.running else max(0.0, self._rested - now)

    def begin(self) -> None:
        """One begins."""
        self.running += 1

    def end(self, began: float, now: float) -> None:
        """One that began then has ended."""
        self.running -= 1
        self._rested = max(self._rested, now + REST * (now - began))
