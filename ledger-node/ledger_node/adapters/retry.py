"""Trying again, a bounded number of times, with pauses that double and are shortened by chance. Decides nothing else.

`chance` gives a number from 0 to 1, so that a thousand senders that failed together do not come back together.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to try at all, and how long to wait: `first` seconds, then twice as long each time, at most `longest`.

    `sleep` waits for so many seconds; it may raise, to break the waiting off.
    """

    sleep: Callable[[float], None]
    chance: Callable[[], float]
    tries: int = 4
    first: float = 0.5
    longest: float = 8.0

    def attempts(self) -> Iterator[int]:
        """1, 2, ... `tries`, with the pauses between."""
        pause = self.first
        for attempt in range(1, self.tries + 1):
            if attempt > 1:
                self.sleep(pause * (0.5 + self.chance() / 2))
                pause = min(pause * 2, self.longest)
            yield attempt
