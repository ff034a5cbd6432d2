"""What the loop does about its list's age once a second: count it on, and record when the list has expired."""

from collections.abc import Callable

import structlog

from scanner.clock import ClockReading, TrustedClock
from scanner.errors import SnapshotError
from scanner.list_age import Agreed
from scanner.ports import Knowledge
from scanner.verify.record import GateIncident

log = structlog.get_logger("gate")
Record = Callable[[GateIncident], object]
"""Durable on return. Raises JournalError."""


class ListWatch:
    """See the module; the loop's thread calls."""

    def __init__(self, view: Knowledge, clock: TrustedClock, record: Record) -> None:
        self._view, self._clock, self._record = view, clock, record
        self._told = False

    def tick(self) -> None:
        """Once a second. Raises JournalError."""
        try:
            self._view.pass_time(agreed_time(self._clock.now()))
        except SnapshotError as error:
            # It counts on all the same; a restart may forget what could not be stored.
            log.warning("the list's age could not be stored", error=str(error))
        manifest, unheard = self._view.manifest, self._view.unheard
        expired = manifest is not None and manifest.policy.list_expired(unheard)
        if expired and not self._told:
            log.critical("list-expired", unheard_s=round(unheard))
            self._record(GateIncident("list-expired", {"seconds": round(unheard)}))
        elif self._told and not expired:
            log.warning("list-renewed")
        self._told = expired


def agreed_time(reading: ClockReading) -> Agreed | None:
    """Between which unix seconds the time lies; None where no two sources share it."""
    if not reading.trusted or reading.root:
        return None
    return reading.seconds - reading.error_s, reading.seconds + reading.error_s
