"""Trusted time: the wall clock or the node's signed time, carried by the monotonic clock from then on.

A wall clock that jumps in mid-show moves nothing. The error bound grows while no source confirms it, and past a limit
the time is not trusted any more: the decision then widens its window and marks its records. Time never runs below the
newest time that a node signed. Reading the clocks is the shell's work (`scanner.system_clock`); nothing here does.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

DRIFT = 100e-6
"""Seconds of error that a second of holdover may add: a Raspberry Pi's crystal is within 50 ppm; twice that."""
TRUST_LIMIT_S = 5.0
"""Half a time step: with a larger error the window of -3..+2 steps no longer means what it says."""
NTP_ERROR_S = 0.5
JUMP_S = 2.0


@dataclass(frozen=True, slots=True)
class ClockReading:
    """Unix seconds, whether to trust them, and how far off they may be."""

    seconds: float
    trusted: bool
    error_s: float
    source: str


@dataclass(frozen=True, slots=True)
class TimeSample:
    """The node's signed time, and the monotonic seconds at which we asked and were answered."""

    node_ms: int
    sent: float
    received: float


@dataclass(frozen=True, slots=True)
class _Anchor:
    unix: float
    monotonic: float
    error_s: float
    source: str


class TrustedClock:
    """See the module. `wall`, `monotonic` and `disciplined` (whether NTP holds the wall clock) are passed in."""

    def __init__(
        self,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
        disciplined: Callable[[], bool],
        floor: float = 0.0,
    ) -> None:
        self._wall, self._monotonic, self._disciplined = wall, monotonic, disciplined
        self._floor = floor
        self._lock = threading.Lock()
        self._alarm = ""
        self._anchor: _Anchor | None = None
        self.discipline()

    def now(self) -> ClockReading:
        """The time. Untrusted, and no more than the wall clock, until a source has spoken."""
        with self._lock:
            return self._read()

    def observe(self, sample: TimeSample) -> None:
        """Take the node's signed time if it is better than what we have; a large disagreement is an alarm as well."""
        with self._lock:
            unix = sample.node_ms / 1000 + (sample.received - sample.sent) / 2
            error = (sample.received - sample.sent) / 2 + 0.001
            anchor = _Anchor(unix, sample.received, error, "node")
            self._floor = max(self._floor, sample.node_ms / 1000)
            if self._anchor is None:
                self._anchor = anchor
                return
            ours, bound = self._carried(self._anchor, sample.received)
            if abs(unix - ours) > bound + error + JUMP_S:
                self._alarm = f"the node's time differs from ours by {unix - ours:+.1f} s; the node's is used"
                self._anchor = anchor
                return
            self._alarm = ""
            if error < bound:
                self._anchor = anchor

    def discipline(self) -> None:
        """Take the wall clock if NTP holds it; call now and then. In mid-show it may steer, but not jump."""
        if not self._disciplined():
            return
        with self._lock:
            unix, at = self._wall(), self._monotonic()
            anchor = _Anchor(unix, at, NTP_ERROR_S, "ntp")
            if self._anchor is None:
                if unix >= self._floor:
                    self._anchor = anchor
                return
            ours, bound = self._carried(self._anchor, at)
            if abs(unix - ours) > bound + NTP_ERROR_S + JUMP_S:
                self._alarm = f"the wall clock jumped by {unix - ours:+.1f} s; it is not followed"
                return
            self._alarm = ""
            if bound > NTP_ERROR_S:
                self._anchor = anchor

    def floor(self) -> float:
        """The newest time that a node signed, in unix seconds: to be stored."""
        return self._floor

    def alarm(self) -> str:
        """A disagreement between clocks that people should look at, or ""."""
        with self._lock:
            if self._anchor is None:
                return self._alarm
            unix, error = self._carried(self._anchor, self._monotonic())
            ahead = self._floor - unix
        if ahead > error + JUMP_S:
            return (
                f"a node once signed a time {ahead:.0f} s ahead of the one it tells now; time stands still until then"
            )
        return self._alarm

    def _read(self) -> ClockReading:
        if self._anchor is None:
            return ClockReading(max(self._wall(), self._floor), trusted=False, error_s=86_400.0, source="none")
        unix, error = self._carried(self._anchor, self._monotonic())
        seconds = max(unix, self._floor)
        error = max(error, seconds - unix)
        return ClockReading(seconds, error <= TRUST_LIMIT_S, error, self._anchor.source)

    @staticmethod
    def _carried(anchor: _Anchor, monotonic: float) -> tuple[float, float]:
        elapsed = monotonic - anchor.monotonic
        return anchor.unix + elapsed, anchor.error_s + abs(elapsed) * DRIFT


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
