"""The relay's pulse: one rise and one fall for each admission. The pin and the clock are passed in.

Two pulses never merge: a second one waits for the end of the first and a gap, because its admission is already on
record and refusing it would turn a valid ticket away. A third is refused: the gate lets one person through at a time,
so three at once is a fault of ours. A pulse that waits may be cancelled through its future.
"""

from collections.abc import Callable
from concurrent.futures import Future
from math import inf
from threading import Condition, Thread
from typing import NamedTuple

from scanner.errors import HardwareError

Clock = Callable[[], float]


class Coil(NamedTuple):
    """How to energise the relay and how to let go; both raise HardwareError."""

    on: Callable[[], None]
    off: Callable[[], None]


class Relay:
    """Times in seconds of `clock`. Only the pin thread calls this, except `blow`.

    `expect(falls_at)` is told when the relay has to fall, and infinity once it has.
    """

    def __init__(self, coil: Coil, clock: Clock, expect: Callable[[float], None], *, pulse: float, gap: float) -> None:
        self._coil = coil
        self._clock = clock
        self._expect = expect
        self._pulse = pulse
        self._gap = gap
        self._falls_at = inf
        self._free_at = -inf
        self._waiting: Future[float] | None = None
        self._blown = False

    @property
    def due(self) -> float:
        """When `advance` has something to do; infinity for never."""
        return self._falls_at if self._falls_at < inf or self._waiting is None else self._free_at

    def request(self, asked: "Future[float]") -> None:
        """Rise now, or after the pulse that is running; `asked` holds the time of the rise, or HardwareError."""
        if self._waiting is not None:
            refuse(asked, "two pulses are already on their way: this one is refused")
        elif self._falls_at < inf or self._clock() < self._free_at:
            self._waiting = asked
        else:
            self._rise(asked)

    def advance(self, now: float) -> None:
        """Fall when the pulse is over; then, after the gap, give the pulse that waited."""
        if now >= self._falls_at:
            self._fall()
        elif self._waiting is not None and self._falls_at == inf and now >= self._free_at:
            asked, self._waiting = self._waiting, None
            self._rise(asked)

    def blow(self) -> None:
        """Release at once: for the guard, from its own thread, when a pulse did not end in time."""
        self._blown = True
        self._coil.off()

    def recovered(self) -> bool:
        """True once after `blow`: the pin thread, which asks, is at work again."""
        blown, self._blown = self._blown, False
        return blown

    def close(self) -> None:
        """Release, and tell whoever still waits that there will be no pulse."""
        if self._waiting is not None:
            refuse(self._waiting, "the gate is closing: no pulse was given")
            self._waiting = None
        self._fall()

    def _rise(self, asked: "Future[float]") -> None:
        if not asked.set_running_or_notify_cancel():
            return
        try:
            self._coil.on()
        except HardwareError as fault:
            asked.set_exception(fault)
            raise
        now = self._clock()
        self._falls_at = now + self._pulse
        self._expect(self._falls_at)
        asked.set_result(now)

    def _fall(self) -> None:
        self._coil.off()
        self._falls_at, self._free_at = inf, self._clock() + self._gap
        self._expect(inf)


def refuse(asked: "Future[float]", reason: str) -> None:
    """There will be no pulse; whoever cancelled already knows."""
    if asked.set_running_or_notify_cancel():
        asked.set_exception(HardwareError(reason))


class Guard:
    """A second thread that releases the relay if the pin thread, which should, is stuck. It does nothing else.

    `overdue` is called from this thread and has to release the relay. A stall of the whole process is not covered
    here: that is what pulse mode at the turnstile and the service's watchdog are for.
    """

    def __init__(self, clock: Clock, margin: float, overdue: Callable[[], None]) -> None:
        self._clock = clock
        self._margin = margin
        self._overdue = overdue
        self._changed = Condition()
        self._limit = inf
        self._closing = False
        self._thread = Thread(target=self._run, name="relay-guard", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def expect(self, falls_at: float) -> None:
        """The relay has to be released at `falls_at`; infinity when it is released."""
        with self._changed:
            self._limit = falls_at + self._margin
            self._changed.notify()

    def close(self) -> None:
        """Stop watching and wait for the thread to end; it may never have been started."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.ident:
            self._thread.join()

    def _run(self) -> None:
        while self._wait():
            self._overdue()

    def _wait(self) -> bool:
        """True when a pulse is overdue, False at the end."""
        with self._changed:
            while not self._closing:
                left = self._limit - self._clock()
                if left <= 0:
                    self._limit = inf
                    return True
                self._changed.wait(None if left == inf else left)
            return False
