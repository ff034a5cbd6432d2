"""The assurance numbers of all events: of a whole log that somebody else reads (`Counts`), and of this node's ledger,
counted on and not anew each time somebody asks (`Assurances`).

What this node counted is kept in memory; the first question after a start reads the event's own entries of the types
that count (`assurance.TYPES`). The numbers are those of one log size, which is told with them.
"""

import copy
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ledger_node.log.ledger import View
from ledger_node.services.assurance import TYPES, Assurance, Count
from ledger_node.services.chronicle import Chronicle
from ledger_node.services.logged import read_logged
from scanner.verify.entry import Entry


@dataclass(slots=True)
class _Event:
    count: Count
    size: int
    faces: "_Faces"


class _Faces:
    """Face values, out of the view that is being read just now."""

    def __init__(self, event: str) -> None:
        self._event = event
        self.view: View | None = None

    def __call__(self, index: int) -> int:
        assert self.view is not None, "asked while counting"
        ticket = self.view.ticket(self._event, index)
        assert ticket is not None, "the contract takes offers only of tickets that it has"
        return ticket.face_value


class Counts:
    """All events of a log that is read from its beginning; `face_value` knows what a ticket was issued for."""

    def __init__(self, face_value: Callable[[str, int], int]) -> None:
        self._face_value = face_value
        self._counts: dict[str, Count] = {}

    def add(self, position: int, at: int, entry: Entry) -> None:
        """Take in an entry that the contract accepted, and that counts from `at`."""
        if entry.type in TYPES:
            count = self._counts.get(entry.event)
            if count is None:
                count = self._counts[entry.event] = Count(partial(self._face_value, entry.event))
            count.take(position, at, entry)

    def results(self) -> dict[str, Assurance]:
        """By event."""
        return {event: count.result for event, count in sorted(self._counts.items())}


class Assurances:
    """Any thread."""

    def __init__(self, chronicle: Chronicle) -> None:
        self._chronicle = chronicle
        self._events: dict[tuple[str, int], _Event] = {}
        self._lock = threading.Lock()

    def read(self, view: View, event: str) -> tuple[Assurance, int]:
        """The numbers of an event and the log size that they are of: the view's, or a newer one, if somebody who asked
        at the same time has seen it.
        """
        with self._lock:
            return self._read(view, event, 0, view.size)

    def read_at(self, view: View, event: str, size: int, quorum: int) -> Assurance:
        """The numbers of exactly `size`, which so many witnesses have signed and the view has reached. Cheap as long as
        the sizes of one quorum grow, as they do.
        """
        with self._lock:
            known = self._events.get((event, quorum))
            if known is not None and known.size > size:
                del self._events[event, quorum]
            return self._read(view, event, quorum, size)[0]

    def _read(self, view: View, event: str, quorum: int, size: int) -> tuple[Assurance, int]:
        self._chronicle.catch_up(view)
        known = self._events.get((event, quorum))
        if known is None:
            faces = _Faces(event)
            known = self._events[event, quorum] = _Event(Count(faces), 0, faces)
        self._count_on(view, event, known, size)
        return copy.deepcopy(known.count.result), known.size

    def _count_on(self, view: View, event: str, known: _Event, size: int) -> None:
        known.faces.view = view
        for act in self._chronicle.of_types(event, TYPES, known.size, size):
            (raw,) = view.entries(act.position, act.position + 1)
            known.count.take(act.position, act.at, read_logged(raw))
        known.faces.view = None
        known.size = max(known.size, size)
