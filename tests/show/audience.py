"""What stands in front of each gate's camera, drawn live: people with phones, and the empty hall between them.

Who comes and what they hold up is decided elsewhere; whether a code is read is the gate's business.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Event, Thread

import numpy as np

from tests.show.optics import Gray
from tests.show.phone import CONDITIONS, Phone, any_condition, shots, two_phones
from tests.show.spool import Spool
from tests.show.venue import empty_scene

FPS = 13.0
APPROACH_S = 2.0
TWO_S = 2.2
BOTH_HELD_FROM_S = 1.0
GAP_S = 0.4


@dataclass(frozen=True, slots=True)
class Visit:
    """One approach: one or two phones, in whatever condition comes, or `calm` when it is tried a second time."""

    phones: Sequence[Phone]
    calm: bool = False


class Lane(Thread):
    """The pictures of one gate's camera, until `close`."""

    def __init__(self, gate: str, spool: Spool, hall: int, seed: int) -> None:
        super().__init__(name=f"lane of {gate}", daemon=True)
        self.gate = gate
        self.fault: BaseException | None = None
        self._spool, self._hall = spool, hall
        self._rng = np.random.default_rng(seed)
        self._visits: SimpleQueue[Visit] = SimpleQueue()
        self._clear, self._closing = Event(), Event()
        self._clear.set()

    @property
    def clear(self) -> bool:
        """Whether nobody is in view and nobody is coming."""
        return self._clear.is_set()

    def hold_up(self, visit: Visit) -> None:
        """Send somebody to the gate; returns at once."""
        self._clear.clear()
        self._visits.put(visit)

    def close(self) -> None:
        """No more pictures."""
        self._closing.set()
        self.join()

    def run(self) -> None:
        """See threading.Thread."""
        try:
            while not self._closing.is_set():
                self._show(self._empty(GAP_S) if self._visits.empty() else self._visit(self._visits.get()))
                if self._visits.empty():
                    self._clear.set()
        except BaseException as fault:  # noqa: BLE001 - told to the show, which ends
            self.fault = fault

    def _show(self, frames: Iterator[Gray]) -> None:
        due = time.monotonic()
        for frame in frames:
            if self._closing.is_set():
                return
            self._spool.put(frame)
            due = max(due + 1 / FPS, time.monotonic() - 1 / FPS)
            self._closing.wait(max(due - time.monotonic(), 0.0))

    def _visit(self, visit: Visit) -> Iterator[Gray]:
        yield from self._approach(visit)
        yield from self._empty(GAP_S)

    def _approach(self, visit: Visit) -> Iterator[Gray]:
        if len(visit.phones) == 2:
            both = two_phones(visit.phones[0], visit.phones[1], self._rng, FPS, TWO_S, scene=self._hall)
            # Two hands never come at the same instant; here only the moment counts in which both are held.
            yield from (shot.frame for n, shot in enumerate(both) if n >= BOTH_HELD_FROM_S * FPS)
            return
        condition = CONDITIONS["clean"] if visit.calm else any_condition(self._rng)
        for shot in shots(visit.phones[0], self._rng, condition, FPS, APPROACH_S, scene=self._hall):
            yield shot.frame

    def _empty(self, seconds: float) -> Iterator[Gray]:
        for _ in range(round(seconds * FPS)):
            if not self._visits.empty() and self._clear.is_set():
                return
            yield empty_scene(self._rng, self._hall)
