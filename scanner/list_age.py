"""How long a gate's list of tickets has gone without the ledger node's word: what is certain of it, and no more. Pure.

A lying clock must not stop a gate, and must not keep an old list alive. So what counts is the time for which this gate
has run since, by the monotonic clock, kept over restarts. The time for which it was switched off is added where agreed
time rests on two sources at least: one alone, whatever it says, adds nothing. It only grows, until the next word.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

Agreed = tuple[float, float]
"""Unix seconds between which the time lies, as at least two sources share it."""
STEP = 60.0
"""Seconds that a restart may forget."""


LAST_PART = 1 / 4
"""Of the time for which a list is good: in it people are warned."""


@dataclass(frozen=True, slots=True)
class ListHealth:
    """For people: seconds for which no node has confirmed the list, and after which it expires; 0 = there is none."""

    unheard: float = 0.0
    expires: float = 0.0

    @property
    def left(self) -> float:
        """Seconds for which it is still good, 0 = it has expired, or there is none."""
        return max(self.expires - self.unheard, 0.0)

    @property
    def expired(self) -> bool:
        """Whether this gate admits nobody by it alone any more."""
        return self.unheard > self.expires > 0

    @property
    def ends(self) -> bool:
        """Whether it expires while there is still time to do something about it."""
        return self.expires > 0 and not self.expired and self.left < self.expires * LAST_PART


NO_LIST = ListHealth()


@dataclass(frozen=True, slots=True)
class Unheard:
    """`seconds` for certain without the node's word, and `since`: unix seconds by which that word had come at the
    latest; None = no agreed time is known for it.
    """

    seconds: float = 0.0
    since: float | None = None

    def later(self, elapsed: float, agreed: Agreed | None) -> "Unheard":
        """After `elapsed` more seconds of running without a word; `agreed` is the time now, None = not known."""
        seconds = self.seconds + max(elapsed, 0.0)
        if agreed is None:
            return Unheard(seconds, self.since)
        low, high = agreed
        since = high - seconds if self.since is None else self.since
        return Unheard(max(seconds, low - since), since)

    def pack(self) -> bytes:
        """As it is stored."""
        return json.dumps([self.seconds, self.since]).encode()

    @classmethod
    def unpack(cls, raw: bytes) -> Self:
        """From the store; nothing there = the node's word has only just come."""
        return cls(*json.loads(raw)) if raw else cls()


class ListAge:
    """Keeps `Unheard` up to date; the caller serialises. `stored` is what was packed last, `monotonic` a clock."""

    def __init__(self, stored: bytes, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._stored = Unheard.unpack(stored)
        # Replaced as a whole, so that a reader of `seconds` needs no lock.
        self._known = self._stored, monotonic()
        self._agreed: Agreed | None = None
        self._told_at = monotonic()

    @property
    def seconds(self) -> float:
        """For certain without the node's word, now."""
        unheard, at = self._known
        return unheard.later(self._monotonic() - at, None).seconds

    def tell(self, agreed: Agreed | None) -> None:
        """What time it is; about once a second."""
        self._agreed, self._told_at = agreed, self._monotonic()

    def later(self) -> Unheard:
        """What it is now, without a word; for `take`."""
        unheard, at = self._known
        return unheard.later(self._monotonic() - at, self._time())

    def renewed(self) -> Unheard:
        """What it is with a word of the node that has just come; for `take`."""
        agreed = self._time()
        return Unheard(0.0, agreed[1] if agreed else None)

    def says_more(self, new: Unheard, limit: float = math.inf) -> bool:
        """Whether a restart with what is stored would know less; what STEP seconds change does not count, unless they
        are those in which the list passes its `limit`.
        """
        old = self._stored
        if old.seconds <= limit < new.seconds:
            return True
        if abs(new.seconds - old.seconds) >= STEP or (new.since is None) != (old.since is None):
            return True
        return new.since is not None and old.since is not None and abs(new.since - old.since) >= STEP

    def take(self, new: Unheard, *, stored: bool) -> None:
        """Go by `new`, which is of this moment; `stored`: it is on disk."""
        self._known = new, self._monotonic()
        if stored:
            self._stored = new

    def _time(self) -> Agreed | None:
        if self._agreed is None:
            return None
        passed = self._monotonic() - self._told_at
        return self._agreed[0] + passed, self._agreed[1] + passed
