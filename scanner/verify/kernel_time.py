"""What the kernel says of a wall clock that an NTP program holds: `struct timex` of adjtimex(2), read. Pure.

The programs tell the kernel, each in its way, and it alone is asked: no program need be known, found or waited for.
- systemd-timesyncd and ntpd clear STA_UNSYNC and set `maxerror`; so does chronyd with `rtcsync`, as Debian ships it.
- chronyd without `rtcsync`, and timesyncd with a clock chip in local time, leave STA_UNSYNC set: the kernel shall then
  not write to the chip, and `maxerror` alone tells, as `timedatectl` reads it.
- Who loses all servers says nothing more: the kernel adds 500 ppm to `maxerror`, and at 16 s sets STA_UNSYNC. A clock
  that is set by hand has both at once.
"""

import struct

TIMEX_BYTES = 256
"""Room for the whole structure, on any machine."""
_TIMEX = struct.Struct("@Illlli")
_UNSYNCHRONISED = 5
"""TIME_ERROR, which adjtimex returns for STA_UNSYNC and for troubles of the hardware."""
_STA_UNSYNC, _STA_CLOCKERR = 0x0040, 0x1000
_PHASE_LIMIT_US = 16_000_000
"""NTP_PHASE_LIMIT: what `maxerror` does not go beyond, and has where no program holds the clock."""


def error_bound(state: int, timex: bytes) -> float | None:
    """Seconds by which the wall clock may be off, or None if no program holds it. `state` is what adjtimex returned for
    `timex`, at least the beginning of the structure.
    """
    *_, maxerror, _, status = _TIMEX.unpack_from(timex)
    held = 0 <= state < _UNSYNCHRONISED
    untold = state == _UNSYNCHRONISED and bool(status & _STA_UNSYNC) and not status & _STA_CLOCKERR
    if held or (untold and 0 <= maxerror < _PHASE_LIMIT_US):
        return float(maxerror) / 1e6
    return None
