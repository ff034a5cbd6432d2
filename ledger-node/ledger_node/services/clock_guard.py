"""The node's watch over its own clock: one that jumps is not followed, and the node stops telling gates the time.

The monotonic clock does not jump. What the wall clock gains or loses beside it beyond any steering is a jump; until it
is undone, or NTP has held the new time for a while, the node goes on by the time that it had. Reading the clocks is the
caller's business, and so is waiting.
"""

import threading
from collections.abc import Callable

JUMP_S = 1.0
SLEW = 0.001
"""Seconds a second by which a clock may be steered: the kernel's limit is half of that."""
STEADY_S = 60.0
"""Seconds for which NTP must have held a clock that jumped, before its new time is taken."""


class ClockGuard:
    """See the module. `wall` and `monotonic` are clocks in seconds, `held` says whether NTP holds the wall clock."""

    def __init__(self, wall: Callable[[], float], monotonic: Callable[[], float], held: Callable[[], bool]) -> None:
        self._wall, self._monotonic, self._held = wall, monotonic, held
        self._lock = threading.Lock()
        self._at = monotonic()
        self._offset = wall() - self._at
        self._jump = 0.0
        self._steady_since: float | None = None

    def now(self) -> float:
        """Unix seconds: the wall clock's, or while it has jumped those that it had, carried on."""
        with self._lock:
            return self._look() + self._offset

    def jump(self) -> float:
        """By how many seconds the wall clock is off from the time that it had; 0 = it has not jumped."""
        with self._lock:
            self._look()
            return self._jump

    def _look(self) -> float:
        """Look at the clocks; the monotonic seconds at which that was."""
        now = self._monotonic()
        moved = self._wall() - now - self._offset
        steered = 0.0 if self._jump else SLEW * (now - self._at)
        if abs(moved - self._jump) > JUMP_S:
            # It jumped again: what NTP has held since the first jump was another time.
            self._steady_since = None
        if abs(moved) <= JUMP_S + steered or self._steady(now):
            self._offset, self._at, self._jump, self._steady_since = self._offset + moved, now, 0.0, None
        else:
            self._jump = moved
        return now

    def _steady(self, now: float) -> bool:
        if not self._held():
            self._steady_since = None
        elif self._steady_since is None:
            self._steady_since = now
        return self._steady_since is not None and now - self._steady_since >= STEADY_S
