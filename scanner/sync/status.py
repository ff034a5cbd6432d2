"""How the sync is doing, for the screen, for `status` and for the log: one value, told again whenever it changes.

Nothing is decided here: an alarm or an error stands until the side that met it succeeds.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from scanner.errors import GateError

Side = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """`online`: each side reached the node when it last tried. Times are monotonic seconds, None before the first.

    `view_checked` is when the node last confirmed the view; `alarm` is a sentence about a log that went back or forked.
    `no_network`: nobody could even be asked, because this machine has no way to the node.
    """

    online: bool = False
    last_success: float | None = None
    last_error: str = ""
    queue: int = 0
    view_size: int = 0
    view_checked: float | None = None
    alarm: str = ""
    revoked: bool = False
    no_network: bool = False


class Board:
    """See the module. Any thread may call; `publish` is called from the thread that brought the news."""

    def __init__(
        self,
        queue: Callable[[], int],
        view_size: Callable[[], int],
        publish: Callable[[SyncStatus], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._queue, self._view_size, self._publish, self._monotonic = queue, view_size, publish, monotonic
        self._guard = threading.Lock()
        self._errors: dict[Side, str] = {}
        self._alarms: dict[Side, str] = {}
        self._reached: dict[Side, bool] = {}
        self._cut: set[Side] = set()
        self._revoked = False
        self._waiting = 0
        self._success: float | None = None
        self._checked: float | None = None

    def good(self, side: Side) -> None:
        """An exchange succeeded, and what it brought is kept."""
        with self._guard:
            self._errors.pop(side, None)
            self._alarms.pop(side, None)
            self._cut.discard(side)
            self._reached[side], self._success = True, self._monotonic()
            if side == "down":
                self._checked = self._success
        self._tell()

    def idle(self, side: Side) -> None:
        """There is nothing to do: what went wrong before has been mended, e.g. a receipt that was kept after all."""
        with self._guard:
            mended = self._errors.pop(side, None)
            self._reached.pop(side, None)
        if mended:
            self._tell()

    def bad(self, side: Side, sentence: str, *, alarm: bool = False, no_network: bool = False) -> None:
        """An exchange failed; the sentence says why."""
        with self._guard:
            (self._cut.add if no_network else self._cut.discard)(side)
            self._errors[side] = sentence
            if alarm:
                self._alarms[side] = sentence
            self._reached[side] = alarm
        self._tell()

    def revoked(self, side: Side, sentence: str) -> None:
        """The node will not serve this device any more."""
        with self._guard:
            self._errors[side] = sentence
            self._reached[side] = self._revoked = True
        self._tell()

    def status(self) -> SyncStatus:
        """How it is now."""
        with self._guard:
            errors = dict(self._errors)
            try:
                self._waiting = self._queue()
            except GateError as error:
                # The last figure stands: 0 would say that nothing is owed.
                errors["up"] = str(error)
            return SyncStatus(
                bool(self._reached) and all(self._reached.values()),
                self._success,
                " · ".join(dict.fromkeys(errors.values())),
                self._waiting,
                self._view_size(),
                self._checked,
                " · ".join(dict.fromkeys(self._alarms.values())),
                self._revoked,
                bool(self._cut),
            )

    def _tell(self) -> None:
        self._publish(self.status())
