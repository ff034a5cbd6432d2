"""How long to wait before asking again: exponential backoff with full jitter. Pure: the randomness is passed in.

Full jitter (a wait drawn evenly from nothing to the bound) spreads the gates of a venue over the whole interval, so a
node that comes back is not met by all of them at once; the ceiling keeps the last gate from waiting long for it.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Backoff:
    """The waits, in seconds, after `failures` failures in a row."""

    base: float = 0.5
    ceiling: float = 10.0
    failures: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.base <= self.ceiling:
            raise ValueError(f"a base of {self.base} s and a ceiling of {self.ceiling} s are no backoff")

    def failed(self) -> "Backoff":
        """After one more failure."""
        return replace(self, failures=self.failures + 1)

    def succeeded(self) -> "Backoff":
        """After a success: from the beginning."""
        return replace(self, failures=0)

    def bound(self) -> float:
        """The longest wait now: base, twice that, ... up to the ceiling; 0 before the first failure."""
        if not self.failures:
            return 0.0
        # Past 2^64 the ceiling was reached long ago, and a float would overflow some day.
        return min(self.ceiling, self.base * 2.0 ** min(self.failures - 1, 64))

    def wait(self, draw: float) -> float:
        """The wait for a `draw` from [0, 1)."""
        return draw * self.bound()
