"""What the loop does about its clocks once a second: hear them, record who is not followed, do what a person asked."""

from collections.abc import Callable
from typing import Protocol

import structlog

from scanner.clock import TrustedClock
from scanner.clock_status import ClockAsked
from scanner.verify.record import GateIncident

log = structlog.get_logger("gate")
Record = Callable[[GateIncident], object]
"""Durable on return. Raises JournalError."""


class ClockDesk(Protocol):
    """Where a person asks that the time begin anew."""

    def asked(self) -> ClockAsked | None:
        """What is asked, if anything."""

    def done(self) -> None:
        """It was answered."""


class NoDesk:
    """A gate that no command can ask."""

    def asked(self) -> None:
        """Nothing."""

    def done(self) -> None:
        """Nothing."""


class ClockWatch:
    """See the module; the loop's thread calls. `answered` hears what came of a request, "" = it was done."""

    def __init__(
        self, clock: TrustedClock, desk: ClockDesk, record: Record, answered: Callable[[ClockAsked, str], None]
    ) -> None:
        self._clock, self._desk, self._record, self._answered = clock, desk, record, answered

    def tick(self) -> None:
        """Once a second. Raises JournalError."""
        self._clock.discipline()
        if asked := self._desk.asked():
            self._reset(asked)
        for news in self._clock.news():
            self._tell(news.kind, news.source, news.seconds)

    def _reset(self, asked: ClockAsked) -> None:
        """In the journal first, then done."""
        away, refused = self._clock.proposed(asked.source), ""
        if away is not None:
            self._tell("clock-reset", asked.source or "most", away)
        if away is None or self._clock.reset(asked.source) is None:
            refused = f"{asked.source or 'most sources'} say no one time now: name one that is heard (--to)"
        self._desk.done()
        self._answered(asked, refused)

    def _tell(self, kind: str, source: str, seconds: float) -> None:
        log.warning("clock", kind=kind, source=source, seconds=round(seconds, 1))
        self._record(GateIncident(kind, {"source": source, "ms": round(seconds * 1000)}))
