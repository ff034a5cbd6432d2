"""The two threads of the sync, records up and view down, neither waiting for the other. Only puts the parts together.

Nothing that the network, the node or the disk does ends them; what they met is in the status.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from scanner.ports import Outbox, ViewStore
from scanner.sync.backoff import Backoff
from scanner.sync.client import NodeClient, Progress
from scanner.sync.downloader import FAR_BEHIND, RECHECK, WAIT, Downloader
from scanner.sync.loop import SLOWLY, Loop
from scanner.sync.status import Board, SyncStatus
from scanner.sync.trail import Trail
from scanner.sync.trust import LogTrust
from scanner.sync.uploader import Uploader
from scanner.verify.manifest import EventManifest


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient the sync is: its backoff, seconds between tries while people must look, seconds of a long poll,
    log entries beyond which a snapshot is fetched instead of changes, and seconds between two checks of the view.
    """

    backoff: Backoff = field(default_factory=Backoff)
    slowly: float = SLOWLY
    wait: int = WAIT
    far_behind: int = FAR_BEHIND
    recheck: float = RECHECK


class SyncWorker:
    """See the module. `draw` gives numbers from [0, 1); `on_status` is called from the sync threads at each news."""

    def __init__(
        self,
        client: NodeClient,
        trust: LogTrust,
        outbox: Outbox,
        view: ViewStore,
        manifest: Callable[[], EventManifest | None],
        on_status: Callable[[SyncStatus], None],
        draw: Callable[[], float],
        *,
        pace: Pace = Pace(),
        progress: Progress | None = None,
    ) -> None:
        """Raises SyncError if the view's checkpoint is not of the log that is trusted."""
        trail = Trail(trust, view)
        self._client, self._trail = client, trail
        self._board = Board(outbox.queue_length, lambda: view.size, on_status, time.monotonic)
        down = Downloader(
            client,
            view,
            outbox,
            trail,
            manifest,
            progress,
            wait=pace.wait,
            far_behind=pace.far_behind,
            recheck=pace.recheck,
        )
        sides = (Uploader(client, outbox, trail), down)
        self._loops = [Loop(side, self._board, draw, pace.backoff, pace.slowly) for side in sides]

    def start(self) -> None:
        """Begin."""
        for loop in self._loops:
            loop.start()

    def wake(self) -> None:
        """There is a new record: send it now, unless the last try failed. Any thread, returns at once."""
        self._loops[0].wake()

    def status(self) -> SyncStatus:
        """How the sync is doing."""
        return self._board.status()

    def verified(self) -> int:
        """The newest size of the log that was verified."""
        return self._trail.known().size

    def alive(self) -> bool:
        """Whether both threads run."""
        return all(loop.alive() for loop in self._loops)

    def stop(self, timeout: float = 1.0) -> bool:
        """Hang up and end both threads; whether they ended in time. What was not settled is sent again next time."""
        for loop in self._loops:
            loop.stop()
        self._client.close()
        deadline = time.monotonic() + timeout
        ended = [loop.join(max(0.0, deadline - time.monotonic())) for loop in self._loops]
        return all(ended)
