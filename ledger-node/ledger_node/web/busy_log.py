"""A line for ops when the public front turns requests away: at most one a minute, with how many there were since."""

import structlog

from ledger_node.services.errors import ServiceError

EVERY = 60.0
"""Seconds between two lines: a crowd could fill the disk with them."""
_BUSY = 503
log = structlog.get_logger()


class BusyLog:
    """Of one front."""

    def __init__(self) -> None:
        self._count = 0
        self._said: float | None = None

    def refused(self, error: ServiceError, now: float) -> None:
        """One was turned away at `now`, in seconds of a clock that does not jump; only what was too much is said."""
        if error.status != _BUSY:
            return
        self._count += 1
        if self._said is None or now - self._said >= EVERY:
            log.warning("public turned away", count=self._count, code=error.code, problem=error.sentence)
            self._said, self._count = now, 0
