"""Keeps anybody from trying enrolment codes one after the other: so many wrong ones a minute, then nobody enrols."""

from collections import deque

from ledger_node.services.errors import ServiceError

MOST = 20
PERIOD = 60.0


class Guesses:
    """The wrong codes of the last minute, whoever sent them: a key costs a guesser nothing."""

    def __init__(self) -> None:
        self._wrong: deque[float] = deque(maxlen=MOST)

    def check(self, now: float) -> None:
        """Raises ServiceError "too-many-guesses" while the limit is reached."""
        if len(self._wrong) == MOST and now - self._wrong[0] < PERIOD:
            raise ServiceError("too-many-guesses", "too many wrong codes: enrol again in a minute", 429)

    def wrong(self, now: float) -> None:
        """Count one."""
        self._wrong.append(now)
