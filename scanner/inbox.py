"""Where everything that happens at a gate arrives, for the one thread that acts on it.

Events of the hardware and of other threads keep their order and are never lost. Of sightings only the newest is kept:
what the camera saw while a decision was made is old news. Nothing is decided here.
"""

import threading
from collections import deque
from typing import Generic, TypeVar

from scanner.ports import Sighting

Event = TypeVar("Event")


class Inbox(Generic[Event]):
    """Any thread puts, one thread gets."""

    def __init__(self) -> None:
        self._ready = threading.Condition()
        self._events: deque[Event] = deque()
        self._sighting: Sighting | None = None

    def put(self, event: Event) -> None:
        """Add an event behind those that wait."""
        with self._ready:
            self._events.append(event)
            self._ready.notify()

    def see(self, sighting: Sighting) -> None:
        """Put a sighting in the place of one that nobody has taken."""
        with self._ready:
            self._sighting = sighting
            self._ready.notify()

    def get(self, timeout: float) -> Event | Sighting | None:
        """The oldest event, else the newest sighting, else None after `timeout` seconds."""
        with self._ready:
            self._ready.wait_for(lambda: self._events or self._sighting, timeout)
            if self._events:
                return self._events.popleft()
            sighting, self._sighting = self._sighting, None
            return sighting
