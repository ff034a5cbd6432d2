"""The daemon's side of the camera: keeps one child process alive and hands on what it says.

No picture enters this process, and neither OpenCV nor a decoder is imported here: they may crash, the daemon may not.
"""

import json
import os
import select
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict

from scanner.camera import wire
from scanner.camera.child_status import STUCK
from scanner.camera.config import CameraConfig
from scanner.camera.progress import Progress, work_of
from scanner.ports import CameraHealth, CameraState, Sighting

# A child that starts is silent while it imports, on a slow card for a minute: it is given up when it gets nowhere for
# so long, and at the latest after LONGEST_START.
START_LIMIT, LONGEST_START = 20.0, 300.0
FIRST_DELAY, LONGEST_DELAY = 0.25, 5.0
# A child that worked this long did not die of how it was started.
SETTLED = 10.0
SIGN_OF_LIFE = 1.0

# A child that talks to systemd, that knows where secrets lie, or that starts a thread for each core, is not wanted.
LEFT_OUT = ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_FDS", "LISTEN_PID", "CREDENTIALS_DIRECTORY")
SETTINGS = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "OPENCV_LOG_LEVEL": "ERROR",
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
    # OpenCV waits ten seconds, three times, for a V4L2 camera that hangs.
    "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": "2",
    "OPENCV_VIDEOIO_V4L_READ_ATTEMPTS": "1",
}


class CameraProcess:
    """A `scanner.ports.Camera` whose work is done by a child process; restarted when it dies or falls silent.

    `start`, `poll` and `close` belong to one thread. The child ends when this process does, however it ends.
    """

    def __init__(self, config: CameraConfig) -> None:
        self._config = config
        self._child: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._born = self._heard = 0.0
        self._spoke = self._settled = False
        self._progress = Progress(0.0)
        self._due = 0.0
        self._deaths = 0
        self._frames_before = 0
        self._health = CameraHealth("starting", "opening", 0, time.monotonic())
        self._told_at = 0.0
        self._running = False
        self._doomed: list[subprocess.Popen[bytes]] = []

    @property
    def pid(self) -> int | None:
        """The process id of the child, if there is one: for status pages and tests."""
        return None if self._child is None else self._child.pid

    def start(self) -> None:
        """Start the child; returns at once, and the first health says how it went."""
        self._running = True
        self._spawn()

    def poll(self, timeout: float) -> Sighting | CameraHealth | None:
        """The next thing that was seen, or how the camera is; None after `timeout` seconds without either."""
        until = time.monotonic() + timeout
        while self._running:
            now = time.monotonic()
            message = self._supervise(now) or self._receive(max(0.0, min(until - now, 0.25)))
            if message is not None:
                return self._noted(message)
            if time.monotonic() >= until:
                return None
        return None

    def close(self) -> None:
        """End the child and give the camera back; may be called twice."""
        self._running = False
        child, self._child = self._child, None
        self._hang_up()
        for process in [*self._doomed, *([child] if child else [])]:
            try:
                process.wait(1.0)
            except subprocess.TimeoutExpired:
                process.kill()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(1.0)
        self._doomed.clear()

    def _supervise(self, now: float) -> CameraHealth | None:
        """Bury, restart, or repeat what is known: what to tell at `now`, or None while all is well."""
        self._doomed = [process for process in self._doomed if process.poll() is None]
        if self._child is not None:
            death = self._death(self._child, now)
            if death is not None:
                return self._bury(death, now)
        elif now >= self._due:
            self._spawn()
            return CameraHealth("starting", "starting again", self._health.frames, now)
        speechless = self._child is None or not self._spoke
        if speechless and now - self._told_at >= SIGN_OF_LIFE:
            return CameraHealth(self._health.state, self._health.detail, self._health.frames, now)
        return None

    def _death(self, child: subprocess.Popen[bytes], now: float) -> tuple[CameraState, str] | None:
        status = child.poll()
        if status == STUCK:
            return "lost", "the camera's driver does not answer; starting it again (is the camera unplugged?)"
        if status is not None:
            return "decoder-died", f"the camera process ended with status {status}; starting it again"
        if not self._settled:
            return self._stillborn(child, now)
        silence = now - self._heard
        if silence > self._config.silent_after:
            return "decoder-died", f"the camera process has been silent for {silence:.0f} s; starting it again"
        return None

    def _stillborn(self, child: subprocess.Popen[bytes], now: float) -> tuple[CameraState, str] | None:
        """Whether a child that has not told of a camera yet gets nowhere; one that is merely slow does."""
        self._progress.look(now, work_of(child.pid))
        stalled, age = now - max(self._heard, self._progress.since), now - self._born
        if stalled > START_LIMIT or (age > LONGEST_START and not self._spoke):
            return "decoder-died", f"the camera process did not start in {age:.0f} s; starting it again"
        return None

    def _bury(self, death: tuple[CameraState, str], now: float) -> CameraHealth:
        child, self._child = self._child, None
        self._hang_up()
        if child is not None and child.poll() is None:
            # Not waited for: a process inside a broken driver may take its time to die.
            child.kill()
            self._doomed.append(child)
        self._deaths = 0 if now - self._born > SETTLED else self._deaths + 1
        self._due = now + min(LONGEST_DELAY, FIRST_DELAY * 2.0**self._deaths)
        self._frames_before = self._health.frames
        return CameraHealth(death[0], death[1], self._frames_before, now)

    def _receive(self, timeout: float) -> Sighting | CameraHealth | None:
        if self._socket is None:
            time.sleep(min(timeout, max(0.0, self._due - time.monotonic())))
            return None
        waiter = select.poll()
        waiter.register(self._socket, select.POLLIN)
        if not waiter.poll(timeout * 1000):
            return None
        try:
            data = self._socket.recv(wire.LARGEST)
            message = wire.decode(data) if data else None
        except (OSError, ValueError):
            message = None
        if message is None:
            self._give_up_on_child()
            return None
        self._heard, self._spoke = time.monotonic(), True
        self._settled = self._settled or not isinstance(message, CameraHealth) or message.state != "starting"
        if isinstance(message, CameraHealth):
            return CameraHealth(message.state, message.detail, self._frames_before + message.frames, message.at)
        return message

    def _give_up_on_child(self) -> None:
        """The child closed its end or spoke nonsense: nothing it says can be believed any more."""
        if self._child is not None:
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(0.2)
            if self._child.poll() is None:
                self._child.kill()
                self._child.wait()

    def _noted(self, message: Sighting | CameraHealth) -> Sighting | CameraHealth:
        if isinstance(message, CameraHealth):
            self._health, self._told_at = message, time.monotonic()
        return message

    def _spawn(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        arguments = [str(theirs.fileno()), json.dumps(asdict(self._config))]
        with theirs:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", "scanner.camera.child", *arguments],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={name: value for name, value in os.environ.items() if name not in LEFT_OUT} | SETTINGS,
            )
        self._socket = ours
        self._born = self._heard = time.monotonic()
        self._spoke = self._settled = False
        self._progress = Progress(self._born)

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
