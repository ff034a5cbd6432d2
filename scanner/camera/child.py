"""The camera's own process: grabs, decodes, and tells the daemon what was read and how the camera is.

It decides nothing about tickets. It lives exactly as long as the socket to its parent, and a crash in a driver or a
decoder ends this process only. Run as `python -m scanner.camera.child FD CONFIG`.
"""

import json
import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from functools import partial

from scanner.camera import wire
from scanner.camera.capture import Frame, Grabber
from scanner.camera.child_status import STUCK
from scanner.camera.config import CameraConfig
from scanner.camera.decode import Decoder
from scanner.camera.images import Gray, gray_of
from scanner.camera.motion import same_bits
from scanner.camera.sources import open_source
from scanner.camera.watch import State, Watch
from scanner.ports import CameraHealth, Sighting

HEARTBEAT = 0.5
WAIT = 0.1


class Worker:
    """Grab, decode, tell: `step` is one turn of the loop."""

    def __init__(self, config: CameraConfig, parent: socket.socket, grabber: Grabber) -> None:
        self._config = config
        self._parent = parent
        self._grabber = grabber
        self._decoder = Decoder(second_look=config.second_look)
        self._watch = Watch(config.stale_after, time.monotonic())
        self._before: Gray | None = None
        self._size = ""
        self._told: tuple[State, float] | None = None

    def run(self) -> None:
        """Step until the parent is gone or the driver is stuck."""
        self._grabber.start()
        while self._grabber.stuck_for(time.monotonic()) < self._config.stuck_after:
            self.step()
        sys.stderr.write("camera: the driver does not answer; starting again\n")
        os._exit(STUCK)

    def step(self) -> None:
        """Wait for a frame, read it, and say what there is to say."""
        frame = self._grabber.newest(WAIT)
        if frame is not None:
            self._look_at(frame)
        self._report(time.monotonic())

    def _look_at(self, frame: Frame) -> None:
        gray = gray_of(frame.raw, self._config.width, self._config.height)
        if gray is None:
            return
        changed = not (self._grabber.live and same_bits(self._before, gray))
        self._watch.frame(time.monotonic(), changed=changed)
        if not changed:
            return
        self._before, self._size = gray, f"{gray.shape[1]}x{gray.shape[0]}"
        texts = self._decoder.see(gray)
        if texts:
            self._send(Sighting(texts, frame.captured_at, time.monotonic()))

    def _report(self, now: float) -> None:
        state, detail = self._watch.judge(now, self._grabber.fault, self._size, opening=self._grabber.opening)
        patience = self._config.stale_after + self._config.retry_after
        # By how long it has been open: one that takes longer than that to open would be closed unread, for ever.
        if state == "frozen" and self._grabber.open_for(now) > patience:
            self._grabber.reopen()
        if self._told is None or state != self._told[0] or now - self._told[1] >= HEARTBEAT:
            self._told = (state, now)
            self._send(CameraHealth(state, detail, self._watch.frames, now))

    def _send(self, message: wire.Message) -> None:
        try:
            self._parent.send(wire.encode(message), socket.MSG_DONTWAIT)
        except BlockingIOError:
            return  # a daemon that does not listen gets nothing older than what its socket holds
        except OSError:
            os._exit(0)


def _leave_with(parent: socket.socket) -> None:
    """End this process as soon as the parent's end is closed, whatever the other threads are doing."""
    with suppress(OSError):
        while parent.recv(64):
            pass
    os._exit(0)


def main(arguments: list[str]) -> None:
    """Serve one camera until the parent is gone."""
    # Ctrl-C and systemd signal the whole group; the parent says when it is over, by closing the socket.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    parent = socket.socket(fileno=int(arguments[0]))
    config = CameraConfig(**json.loads(arguments[1]))
    threading.Thread(target=_leave_with, args=(parent,), name="parent", daemon=True).start()
    Worker(config, parent, Grabber(partial(open_source, config), config.retry_after)).run()


if __name__ == "__main__":
    main(sys.argv[1:])
