"""One port for all cameras, and the thread that keeps only the newest frame. No frame is read for codes here."""

import os
import threading
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from scanner.camera.images import Picture
from scanner.camera.progress import Progress, work_of
from scanner.errors import CameraError

LONGEST_OPENING = 120.0


class Frame(NamedTuple):
    """One frame as the source gave it (see `images.gray_of`) and when its exposure ended, monotonic seconds."""

    raw: Picture
    captured_at: float


class ReplayOverError(CameraError):
    """A replay has shown its last frame; there is nothing to open again."""


class Source(Protocol):
    """A camera, or what stands for one. All calls come from one thread."""

    live: bool
    """Whether the frames are exposures, so that the same bits twice mean that the camera hangs."""

    def read(self) -> Frame | None:
        """The next frame; None when there is none yet (after a short wait). CameraError when the source is gone."""

    def close(self) -> None:
        """Give the device back."""


class Grabber:
    """Reads a source in a thread, as fast as it delivers, and opens it again when it is lost.

    V4L2 queues four frames whatever BUFFERSIZE says: only reading all of them keeps the newest one new.
    """

    def __init__(self, open_source: Callable[[], Source], retry_after: float) -> None:
        self._open_source = open_source
        self._retry_after = retry_after
        self._changed = threading.Condition()
        self._newest: Frame | None = None
        self._fault = ""
        self._over = False
        self._live = False
        self._stop = threading.Event()
        self._reopen = threading.Event()
        self._entered: float | None = None
        self._opening = False
        self._opened: float | None = None
        self._progress = Progress(0.0)
        self._thread = threading.Thread(target=self._run, name="grabber", daemon=True)

    def start(self) -> None:
        """Begin to open and read the source; returns at once."""
        self._thread.start()

    def newest(self, timeout: float) -> Frame | None:
        """The newest frame that was not handed out yet; waits for one up to `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None, timeout)
            frame, self._newest = self._newest, None
            return frame

    @property
    def fault(self) -> str:
        """Why there is no source at the moment; empty while there is one."""
        return self._fault

    @property
    def live(self) -> bool:
        """Whether the open source is a camera, not a recording."""
        return self._live

    def stuck_for(self, now: float) -> float:
        """How long the source has not come back from one call, seconds: a driver that hangs cannot be interrupted.

        Opening may load a library from a slow card: while it gets somewhere it is not stuck, up to LONGEST_OPENING.
        """
        entered = self._entered
        if entered is None:
            return 0.0
        if self._opening and now - entered <= LONGEST_OPENING:
            self._progress.look(now, work_of(os.getpid(), self._thread.native_id))
            return now - max(entered, self._progress.since)
        return now - entered

    @property
    def opening(self) -> bool:
        """Whether the source is being opened, so that no frame can be expected."""
        return self._opening

    def open_for(self, now: float) -> float:
        """How long the source has been open, seconds; 0 while it is not, and while it is being opened."""
        opened = self._opened
        return 0.0 if opened is None else now - opened

    def reopen(self) -> None:
        """Close the source and open it again, as soon as it lets go."""
        self._reopen.set()

    def close(self) -> None:
        """Stop; waits a second for the source to let go."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._read_until_lost()
            except ReplayOverError as over:
                self._fault = str(over)
                return
            except CameraError as fault:
                self._fault = str(fault)
            self._entered = None
            self._stop.wait(self._retry_after)

    def _read_until_lost(self) -> None:
        self._reopen.clear()
        self._entered = time.monotonic()
        self._opening = True
        try:
            source = self._open_source()
        finally:
            self._opening = False
        try:
            self._opened = time.monotonic()
            self._live = source.live
            while not (self._stop.is_set() or self._reopen.is_set()):
                self._entered = time.monotonic()
                frame = source.read()
                if frame is not None:
                    self._hand_out(frame)
        finally:
            self._opened = None
            source.close()

    def _hand_out(self, frame: Frame) -> None:
        with self._changed:
            self._fault = ""
            self._newest = frame
            self._changed.notify()
