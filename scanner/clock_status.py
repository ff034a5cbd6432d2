"""What people are told of a gate's clocks, and what a person may ask of them: plain values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClockSource:
    """A source of time as it stands now: unix seconds between which the time lies, as it has it."""

    source: str
    low: float
    high: float
    age_s: float
    false_ticker: bool


@dataclass(frozen=True, slots=True)
class ClockAsked:
    """A person asks that the time begin anew with what `source` says, "" = most. `number` tells requests apart."""

    number: str
    source: str


@dataclass(frozen=True, slots=True)
class ClockHealth:
    """What the gate makes of its clocks. `source` is the one on which the time rests alone, "agreed" or "none";
    `answered` is the last request of a person, and why it was refused ("" = it was done).
    """

    source: str = "none"
    error_s: float = 0.0
    floor: float = 0.0
    sources: tuple[ClockSource, ...] = ()
    answered: tuple[str, str] | None = None


NO_CLOCK = ClockHealth()
