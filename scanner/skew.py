"""Whether holders' phones say that this gate's clock is wrong. It raises an alarm, and never moves the clock."""

from collections import deque
from statistics import median


class SkewWatch:
    """The median skew of holders' phones: when many are off alike, it is rather our clock. It raises, never moves."""

    def __init__(self, window: int = 40, least: int = 15, limit_s: float = 20.0) -> None:
        self._skews: deque[float] = deque(maxlen=window)
        self._least, self._limit_s = least, limit_s

    def add(self, skew_s: float) -> None:
        """The age of one good code: our time minus the middle of its time step."""
        self._skews.append(skew_s)

    def alarm(self) -> str:
        """What to look at, or ""."""
        if len(self._skews) < self._least or abs(skew := median(self._skews)) <= self._limit_s:
            return ""
        return f"half of the last {len(self._skews)} phones are {skew:.0f} s off or more: check this gate's clock"
