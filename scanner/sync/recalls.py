"""The gate's open line for recalls: the ledger node calls a use back that is leased to this gate, for another gate's
claim, and goes by the answer. A use is given up on disk before the node hears that it is.

While the line is down nothing is given up, and the node lets no other gate spend what this gate may spend alone.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from scanner.errors import GateError, SyncError
from scanner.sync.answers import Problem, RecallAnswer, Revoked
from scanner.sync.backoff import Backoff

WAIT = 25
"""Seconds of a long poll."""
_log = structlog.get_logger("recalls")


class Asks(Protocol):
    """The node: see client.NodeClient."""

    def recalls(self, given: Sequence[int], kept: Sequence[int], wait: int) -> RecallAnswer | Problem | Revoked:
        """Which tickets it calls back."""


class GivesUp(Protocol):
    """The journal."""

    def give_up(self, tickets: Sequence[int]) -> list[int]:
        """Those of these tickets whose use is given up, durably. Raises JournalError."""


class RecallLine:
    """See the module. `draw` gives numbers from [0, 1) for the jitter."""

    def __init__(self, node: Asks, journal: GivesUp, draw: Callable[[], float], wait: int = WAIT) -> None:
        self._node, self._journal, self._draw, self._wait = node, journal, draw, wait
        self._given: list[int] = []
        self._kept: list[int] = []
        self._backoff, self._problem = Backoff(0.25, 5.0), ""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recalls", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Begin no other step. What it waits for ends when the client is closed."""
        self._stopped.set()

    def join(self, timeout: float) -> None:
        """Wait for the thread."""
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def step(self) -> None:
        """One exchange. Raises GateError if there was none, or the disk did not take what was to be given up."""
        answer = self._node.recalls(self._given, self._kept, self._wait)
        if isinstance(answer, Problem):
            raise SyncError(answer.sentence())
        if isinstance(answer, Revoked):
            raise SyncError(answer.detail)
        self._given, self._kept = [], []
        if answer.tickets:
            self._given = self._journal.give_up(answer.tickets)
            self._kept = [ticket for ticket in answer.tickets if ticket not in self._given]
            _log.info("recalled", given=self._given, kept=self._kept)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self.step()
            except Exception as error:  # noqa: BLE001 - a line that ends without a word costs other gates their claims
                if not self._stopped.is_set():
                    self._stopped.wait(self._failed(error))
                continue
            self._backoff, self._problem = self._backoff.succeeded(), ""

    def _failed(self, error: Exception) -> float:
        self._backoff = self._backoff.failed()
        if not isinstance(error, GateError):
            _log.error("a defect in answering a recall", exc_info=error)
        elif str(error) != self._problem:
            self._problem = str(error)
            _log.info("recalls cannot reach this gate", problem=self._problem)
        return self._backoff.wait(self._draw())
