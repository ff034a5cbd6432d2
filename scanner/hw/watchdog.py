"""The service's watchdog, fed by progress: systemd restarts a gate in which any part has stopped turning.

`Progress` is the rule and has no clock; `Watchdog` is the thin shell around sd_notify(3). There is no timer here on
purpose: a timer would go on feeding while the loop is stuck. The daemon calls `feed` from its loop.
"""

import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from types import MappingProxyType

Notify = Callable[[str], None]


class Progress:
    """When each part last turned. `limits` is part -> the longest silence in seconds.

    `beat` may be called from any thread: it stores one number. Each part counts as heard at `now`, so that a slow
    start is not taken for a stop.
    """

    def __init__(self, limits: Mapping[str, float], now: float) -> None:
        self.limits = MappingProxyType(dict(limits))
        self._heard = dict.fromkeys(self.limits, now)

    def beat(self, part: str, now: float) -> None:
        """`part` is alive. Raises KeyError for a part that has no limit: a watchdog that watches nothing is a fault."""
        if part not in self.limits:
            raise KeyError(f"{part!r} is not watched: known are {', '.join(self.limits)}")
        self._heard[part] = now

    def late(self, now: float) -> list[str]:
        """The parts that have been silent for longer than they may."""
        return [part for part, limit in self.limits.items() if now - self._heard[part] > limit]


class Watchdog:
    """Tells systemd how the service is. Without systemd every call does nothing."""

    def __init__(
        self,
        progress: Progress,
        notify: Notify,
        period: float | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._progress = progress
        self._notify = notify
        self._period = period
        self._clock = clock
        self._fed_at = -float("inf")

    def beat(self, part: str) -> None:
        """`part` is alive; from any thread."""
        self._progress.beat(part, self._clock())

    def feed(self) -> list[str]:
        """Feed systemd if every part is alive, at most once a period; returns the parts that are late."""
        now = self._clock()
        late = self._progress.late(now)
        if self._period is not None and not late and now - self._fed_at >= self._period:
            self._fed_at = now
            self._notify("WATCHDOG=1")
        return late

    def ready(self) -> None:
        """The gate has started."""
        self._notify("READY=1")

    def status(self, text: str) -> None:
        """One line that `systemctl status` shows."""
        self._notify(f"STATUS={text}")

    def stopping(self) -> None:
        """The gate has begun to stop."""
        self._notify("STOPPING=1")


def systemd_watchdog(limits: Mapping[str, float], environ: Mapping[str, str] = os.environ) -> Watchdog:
    """The watchdog of this process, fed twice in each WATCHDOG_USEC (sd_watchdog_enabled(3))."""
    progress = Progress(limits, time.monotonic())
    if not environ.get("NOTIFY_SOCKET"):
        return Watchdog(progress, lambda _state: None, None)
    mine = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    usec = environ.get("WATCHDOG_USEC", "")
    period = int(usec) / 2_000_000 if mine and usec.isdecimal() else None
    return Watchdog(progress, partial(sd_notify, environ["NOTIFY_SOCKET"]), period)


def sd_notify(address: str, state: str) -> None:
    """One datagram, as sd_notify(3) describes; a service manager that is gone must not stop the gate."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender, suppress(OSError):
        sender.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
