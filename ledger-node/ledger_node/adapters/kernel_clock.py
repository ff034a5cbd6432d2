"""What the kernel says of this machine's clock."""

import ctypes
import time

_TIMEX_BYTES = 256
_UNSYNCHRONISED = 5
"""TIME_ERROR of adjtimex(2): the kernel's clock is not held by NTP."""


def held_by_ntp() -> bool:
    """Whether NTP holds the wall clock. False where the kernel can't be asked. A step by hand ends it."""
    try:
        state: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return False
    return 0 <= state < _UNSYNCHRONISED


def since_boot() -> float:
    """Seconds that never jump, and go on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
