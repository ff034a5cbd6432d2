"""Telling a screenshot from the code of a phone whose clock is wrong. Pure; the caller keeps what was seen.

One look cannot tell: both carry a good signature and a time step that is not now's. A second look can: the step of a
phone whose clock is wrong moves on as time does, that of a picture stands still. So the first look says what is known
(the code is old; or it is of the future, which no picture of a right clock is), and the second says what it is.
"""

from collections import OrderedDict
from dataclasses import dataclass, field, replace

from scanner.verify.admit import Now, Verdict
from scanner.verify.gatecode import GateCode
from scanner.verify.manifest import EventManifest
from scanner.verify.reasons import Reason

SLACK = 3
"""Seconds that a phone may take to draw its next code."""
MOST = 512
_OFF = frozenset({Reason.CLOCK_OFF, Reason.EXPIRED})


@dataclass(frozen=True, slots=True)
class Sighting:
    """The time step that a ticket's code had, since when it has been seen, and whether it has ever moved with time."""

    step: int
    since: int
    moves: bool = False


def tell_apart(
    verdict: Verdict, step: int, length: int, now: int, before: Sighting | None
) -> tuple[Verdict, Sighting | None]:
    """The verdict on a code of this time step in words that are true, and what to remember of it.

    `length` is the seconds of a step; `before` is what was remembered. A code that is of now needs no memory.
    """
    if verdict.reason not in _OFF:
        return verdict, None
    if before is None:
        return _first_look(verdict), Sighting(step, now)
    if step < before.step:
        # No clock goes back: this is an older picture.
        return _screenshot(verdict), Sighting(step, now)
    passed = now - before.since
    if step == before.step:
        if passed >= length + SLACK:
            return _screenshot(verdict), replace(before, moves=False)
        return (_clock_off(verdict) if before.moves else _first_look(verdict)), before
    if abs((step - before.step) * length - passed) <= length + SLACK:
        return _clock_off(verdict), Sighting(step, now, moves=True)
    return _first_look(verdict), Sighting(step, now)


def _screenshot(verdict: Verdict) -> Verdict:
    return replace(verdict, outcome="refuse", reason=Reason.SCREENSHOT)


def _clock_off(verdict: Verdict) -> Verdict:
    """However far it is off: its owner can put it right and come again."""
    return replace(verdict, outcome="amber", reason=Reason.CLOCK_OFF)


def _first_look(verdict: Verdict) -> Verdict:
    if verdict.detail["seconds"] > 0:
        return _clock_off(verdict)
    return replace(verdict, reason=Reason.OLD_CODE) if verdict.outcome == "amber" else verdict


@dataclass(slots=True)
class Sightings:
    """What one gate remembers: the newest `MOST` tickets whose codes were not of now. One thread calls."""

    _seen: OrderedDict[tuple[int, int], Sighting] = field(default_factory=OrderedDict)

    def tell_apart(self, verdict: Verdict, code: GateCode, manifest: EventManifest, now: Now) -> Verdict:
        """See the function."""
        core = code.core
        key = (core.ticket, core.owner_seq)
        told, seen = tell_apart(verdict, core.time_step, manifest.step, now.seconds, self._seen.pop(key, None))
        if seen is not None:
            self._seen[key] = seen
            if len(self._seen) > MOST:
                self._seen.popitem(last=False)
        return told
