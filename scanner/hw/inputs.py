"""What a contact says, once it has stopped bouncing. Pure: levels and times come in, changes come out.

Edges say when to look; the level says what is true. So a lost edge is found at the next look, and a spike that is
shorter than the debounce time is nothing.
"""

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class Change:
    """The contact settled on another level; `at` is when it began to move."""

    active: bool
    at: float


class Contact:
    """One input. Times in seconds; `stuck_after` is infinity for an input that may stay active."""

    def __init__(self, *, active: bool, now: float, debounce: float, stuck_after: float = inf) -> None:
        self.active = active
        self.stuck = False
        self._debounce = debounce
        self._stuck_after = stuck_after
        self._moved_at: float | None = None
        self._since = now

    @property
    def due(self) -> float:
        """When `look` has something to find out; infinity for never."""
        settles = inf if self._moved_at is None else self._moved_at + self._debounce
        return min(settles, self._since + self._stuck_after if self.active and not self.stuck else inf)

    def edge(self, at: float) -> None:
        """The level moved. The first edge counts; later ones are its bouncing."""
        if self._moved_at is None:
            self._moved_at = at

    def look(self, *, active: bool, now: float) -> Change | None:
        """The level now; a change once it has held for the debounce time."""
        if active == self.active:
            self._moved_at = None
            return None
        self.edge(now)
        assert self._moved_at is not None
        if now < self._moved_at + self._debounce:
            return None
        change = Change(active, self._moved_at)
        self.active, self._since, self._moved_at = active, now, None
        return change

    def became_stuck(self, now: float) -> bool:
        """True once, when the input has been active for too long to be believed."""
        if self.stuck or not self.active or now < self._since + self._stuck_after:
            return False
        self.stuck = True
        return True

    def came_back(self) -> bool:
        """True once, when an input that was stuck is at rest again."""
        if not self.stuck or self.active:
            return False
        self.stuck = False
        return True
