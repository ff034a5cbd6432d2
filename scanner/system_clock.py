"""The machine's clocks, read. What to make of them is clock.py's business."""

import ctypes
import os
import time
from pathlib import Path

from scanner.clock import TrustedClock
from scanner.kept_time import NOTHING_KEPT, Kept
from scanner.verify.kernel_time import TIMEX_BYTES, error_bound

_RTC = Path("/sys/class/rtc/rtc0/since_epoch")
_BOOT = Path("/proc/sys/kernel/random/boot_id")


def ntp_bound() -> float | None:
    """The error bound in seconds of a wall clock that NTP holds, as the kernel says (see verify.kernel_time); None
    where no program holds it, or where the kernel can't be asked.
    """
    asked = ctypes.create_string_buffer(TIMEX_BYTES)
    try:
        state: int = ctypes.CDLL(None).adjtimex(asked)
    except (OSError, AttributeError):
        return None
    return error_bound(state, asked.raw)


def clock_chip(path: Path = _RTC) -> float | None:
    """Unix seconds of the clock chip; None where there is none."""
    try:
        return float(path.read_text())
    except (OSError, ValueError):
        return None


def boot_id() -> str:
    """Which start of the machine this is: the monotonic clock counts from it."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return f"process {os.getpid()}"


def system_clock(kept: Kept = NOTHING_KEPT, me: str = "") -> TrustedClock:
    """A trusted clock over this machine's; `kept` is what an earlier run stored, `me` this device."""
    return TrustedClock(time.time, time.monotonic, ntp_bound, kept, rtc=clock_chip, boot=boot_id(), me=me)
