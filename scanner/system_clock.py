"""The machine's clocks, read. What to make of them is clock.py's business."""

import ctypes
import time

from scanner.clock import TrustedClock

_TIMEX_BYTES = 256
_UNSYNCHRONISED = 5
"""TIME_ERROR of adjtimex(2): the kernel's clock is not held by NTP."""


def disciplined() -> bool:
    """Whether NTP holds the wall clock, as the kernel says. False where that can't be asked."""
    try:
        state: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return False
    return 0 <= state < _UNSYNCHRONISED


def system_clock(floor: float) -> TrustedClock:
    """A trusted clock over this machine's; `floor` is the newest signed time that was stored."""
    return TrustedClock(time.time, time.monotonic, disciplined, floor)
