"""What the kernel says of this machine's clock."""

import ctypes
import time

from scanner.verify.kernel_time import TIMEX_BYTES, error_bound


def held_by_ntp() -> bool:
    """Whether NTP holds the wall clock. False where the kernel can't be asked. A step by hand ends it."""
    asked = ctypes.create_string_buffer(TIMEX_BYTES)
    try:
        state: int = ctypes.CDLL(None).adjtimex(asked)
    except (OSError, AttributeError):
        return False
    return error_bound(state, asked.raw) is not None


def since_boot() -> float:
    """Seconds that never jump, and go on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
