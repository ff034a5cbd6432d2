"""One side of the sync as a thread: step, step, step, with a pause that fits how the last one went.

The one place that decides what is retried soon, slowly or after a program fault; the thread survives all of them and
ends only when told to. What a step does is the side's own business.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from scanner.errors import GateError, NoNetworkError
from scanner.sync.backoff import Backoff
from scanner.sync.faults import AlarmError, RevokedError
from scanner.sync.status import Board, Side

SLOWLY = 30.0
"""Seconds, at most, between two tries while people must look at something."""
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Turn:
    """A step that went well: whether the node answered anything, and how long to rest unless woken."""

    exchanged: bool
    rest: float = 0.0


class Stepper(Protocol):
    """One side: what it is called, and its step, which raises GateError when it cannot be done now."""

    side: Side

    def step(self) -> Turn:
        """One exchange with the node, or nothing to do."""


class Loop:
    """Runs one side. `draw` gives a number from [0, 1) for the jitter."""

    def __init__(
        self, stepper: Stepper, board: Board, draw: Callable[[], float], backoff: Backoff, slowly: float = SLOWLY
    ) -> None:
        self._stepper, self._board, self._draw = stepper, board, draw
        self._backoff, self._slowly = backoff, slowly
        self._stopped, self._bell = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"sync-{stepper.side}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """End a rest; a pause after a failure goes on."""
        self._bell.set()

    def stop(self) -> None:
        """Do not begin another step."""
        self._stopped.set()
        self._bell.set()

    def join(self, timeout: float) -> bool:
        """Whether the thread has ended, after at most `timeout` seconds."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopped.is_set():
            # Cleared before the step looks at what there is to do, so that nothing added meanwhile is slept over.
            self._bell.clear()
            try:
                self._turn()
            except Exception:  # noqa: BLE001 - telling it failed too
                _log.exception("sync-fault", side=self._stepper.side)
                self._stopped.wait(self._slowly)

    def _turn(self) -> None:
        side = self._stepper.side
        try:
            turn = self._stepper.step()
        except Exception as error:  # noqa: BLE001 - a gate that stops syncing without a word is worse
            if not self._stopped.is_set():
                self._stopped.wait(self._pause_after(error))
            return
        self._backoff = self._backoff.succeeded()
        if turn.exchanged:
            self._board.good(side)
        else:
            self._board.idle(side)
        if not self._stopped.is_set():
            self._bell.wait(turn.rest)

    def _pause_after(self, error: Exception) -> float:
        side = self._stepper.side
        if isinstance(error, RevokedError):
            self._board.revoked(side, str(error))
            return self._slowly * self._draw()
        if isinstance(error, AlarmError):
            _log.error("sync-alarm", side=side, reason=str(error))
            self._board.bad(side, str(error), alarm=True)
            return self._slowly * self._draw()
        self._backoff = self._backoff.failed()
        if isinstance(error, GateError):
            self._board.bad(side, str(error), no_network=isinstance(error, NoNetworkError))
        else:
            _log.error("sync-fault", side=side, exc_info=error)
            self._board.bad(side, f"a fault in the program, please report it: {error!r}")
        return self._backoff.wait(self._draw())
