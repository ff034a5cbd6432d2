"""What can happen at a gate and what a gate can do about it: plain values, no behaviour. The rules are in gate.py."""

from dataclasses import dataclass
from typing import Literal, get_args

Lamp = Literal["ready", "green", "amber", "red", "fault"]
Sound = Literal["none", "admit", "amber", "refuse", "fault"]
DecidedVerdict = Literal["admit", "repeat", "amber", "refuse"]
ReleaseReason = Literal["not-turned", "fire-release", "fault", "pulse-failed"]
IncidentKind = Literal["passage-without-admission", "late-passage", "tamper"]


@dataclass(frozen=True, slots=True)
class CodeSeen:
    """A code came into view that the debounce lets through. It is decided only if the answer holds `Decide`."""


@dataclass(frozen=True, slots=True)
class Decided:
    """The verdict on that code, durable in the journal. `marked`: admitted, but staff should look at the screen."""

    verdict: DecidedVerdict
    marked: bool = False


@dataclass(frozen=True, slots=True)
class PulseFailed:
    """The pulse of the admission in hand was not given."""


@dataclass(frozen=True, slots=True)
class PassageSensed:
    """The arm made one turn."""


@dataclass(frozen=True, slots=True)
class Timeout:
    """The time of the last `StartTimer` is over."""


@dataclass(frozen=True, slots=True)
class FireOn:
    """The alarm panel holds the gate open."""


@dataclass(frozen=True, slots=True)
class FireOff:
    """The alarm panel let the gate go."""


@dataclass(frozen=True, slots=True)
class FaultOn:
    """`part` no longer works, and without it nobody may be admitted."""

    part: str


@dataclass(frozen=True, slots=True)
class FaultOff:
    """`part` works again."""

    part: str


@dataclass(frozen=True, slots=True)
class Tampered:
    """The housing was opened."""


Event = CodeSeen | Decided | PulseFailed | PassageSensed | Timeout | FireOn | FireOff | FaultOn | FaultOff | Tampered
EVENTS: tuple[type[Event], ...] = get_args(Event)


@dataclass(frozen=True, slots=True)
class Decide:
    """Decide the code that was seen; exactly one `Decided`, `FaultOn` or `FireOn` follows."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """Release the turnstile once."""


@dataclass(frozen=True, slots=True)
class Show:
    """Light a lamp, play a sound; the page follows the state."""

    lamp: Lamp
    sound: Sound = "none"


@dataclass(frozen=True, slots=True)
class RecordPassed:
    """The person of the admission in hand went through."""


@dataclass(frozen=True, slots=True)
class RecordRelease:
    """The admission in hand is undone: its ticket may enter again."""

    reason: ReleaseReason


@dataclass(frozen=True, slots=True)
class RecordIncident:
    """Something that an auditor wants to know."""

    kind: IncidentKind


@dataclass(frozen=True, slots=True)
class CountPassage:
    """Somebody left or entered through a gate that the alarm panel holds open: counted, no incident."""


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Send `Timeout` after so many seconds, in place of the timer that runs."""

    seconds: float


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """No `Timeout` until the next `StartTimer`."""


@dataclass(frozen=True, slots=True)
class Rearm:
    """Let the debounce forget: a code that was held in view while the gate was busy counts as seen anew."""


_Act = Decide | Pulse | Show | StartTimer | CancelTimer | Rearm
_Record = RecordPassed | RecordRelease | RecordIncident | CountPassage
Effect = _Act | _Record
