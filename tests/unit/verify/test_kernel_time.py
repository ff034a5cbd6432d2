"""Which clocks NTP holds, by the kernel's word, in the states that each program leaves it in.

Recorded from the programs' sources: chrony 4.x sys_timex.c (set_sync_status), systemd timesyncd-manager.c
(manager_adjust_clock), Linux kernel/time/ntp.c (second_overflow, ntp_clear).
"""

import struct

import pytest

from scanner.verify.kernel_time import TIMEX_BYTES, error_bound

OK, INSERTS, ERROR = 0, 1, 5
PLL, UNSYNC, CLOCKERR, NANO = 0x0001, 0x0040, 0x1000, 0x2000


def timex(maxerror_us: int, status: int) -> bytes:
    """modes, offset, freq, maxerror, esterror, status, and the rest of the structure."""
    return struct.pack("@Illlli", 0, 1_234, -9_876_543, maxerror_us, 0, status).ljust(TIMEX_BYTES, b"\0")


@pytest.mark.parametrize(
    ("what", "state", "maxerror_us", "status", "bound"),
    [
        ("timesyncd, a moment after an answer", OK, 500, PLL | NANO, 0.0005),
        ("timesyncd, at the end of its longest wait", OK, 1_024_000, PLL | NANO, 1.024),
        ("timesyncd, with a clock chip in local time", ERROR, 32_000, PLL | UNSYNC | NANO, 0.032),
        ("ntpd, in the second before a leap second", INSERTS, 20_000, PLL | 0x10 | NANO, 0.02),
        ("chronyd with rtcsync", OK, 41_000, 0, 0.041),
        ("chronyd without rtcsync", ERROR, 41_000, UNSYNC, 0.041),
        ("chronyd that has lost its servers, hours later", ERROR, 9_000_000, UNSYNC, 9.0),
        ("chronyd that has none yet", ERROR, 16_000_000, UNSYNC, None),
        ("no program, after the start of the machine", ERROR, 16_000_000, UNSYNC, None),
        ("set by hand", ERROR, 16_000_000, UNSYNC | NANO, None),
        ("a broken clock", ERROR, 500, UNSYNC | CLOCKERR, None),
        ("pulses that were asked for and do not come", ERROR, 500, 0x0004, None),
        ("a kernel that cannot be asked", -1, 0, 0, None),
    ],
)
def test_a_clock_is_held_where_a_program_told_the_kernel_how_far_off_it_is(
    what: str, state: int, maxerror_us: int, status: int, bound: float | None
) -> None:
    assert error_bound(state, timex(maxerror_us, status)) == bound, what
