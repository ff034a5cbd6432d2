"""A source that is slow to open is told from a driver that hangs, and neither is called a camera that hangs."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from scanner.camera.capture import LONGEST_OPENING, Frame, Grabber
from scanner.camera.child import Worker
from scanner.camera.config import CameraConfig
from scanner.camera.watch import Watch
from scanner.errors import CameraError
from tests.fakes.clockwork import wait_until

AGES = 50.0


@contextmanager
def opening(work: Callable[[], None]) -> Iterator[Grabber]:
    """A grabber whose source is being opened: `work` over and over, until the block ends."""
    begun, over = threading.Event(), threading.Event()

    def open_source() -> None:
        begun.set()
        while not over.is_set():
            work()
        raise CameraError("the test is over")

    grabber = Grabber(open_source, 60.0)
    grabber.start()
    try:
        assert begun.wait(10)
        yield grabber
    finally:
        over.set()
        grabber.close()


def spin() -> None:
    sum(range(10_000))


def doze() -> None:
    time.sleep(0.05)


def test_an_opening_that_works_is_not_stuck() -> None:
    with opening(spin) as grabber:
        now = time.monotonic()
        assert grabber.opening
        wait_until(lambda: grabber.stuck_for(now + AGES) < 1, "work that the kernel counts")


def test_an_opening_that_hangs_is_stuck() -> None:
    with opening(doze) as grabber:
        now = time.monotonic()
        grabber.stuck_for(now)
        assert grabber.stuck_for(now + AGES) >= AGES


def test_no_opening_works_for_ever() -> None:
    with opening(spin) as grabber:
        assert grabber.stuck_for(time.monotonic() + LONGEST_OPENING + 1) > LONGEST_OPENING


def test_a_camera_that_is_being_opened_is_starting_for_as_long_as_it_takes() -> None:
    watch = Watch(stale_after=2.0, since=0.0)
    assert watch.judge(60.0, "", "", opening=True) == ("starting", "opening")
    assert watch.judge(61.0, "", "") == ("starting", "opening")
    assert watch.judge(63.0, "", "")[0] == "frozen"


@pytest.mark.parametrize("fault", ["no such camera", ""])
def test_a_camera_that_had_frames_is_judged_by_them(fault: str) -> None:
    watch = Watch(stale_after=2.0, since=0.0)
    watch.frame(1.0, changed=True)
    assert watch.judge(9.0, fault, "", opening=True)[0] == ("lost" if fault else "frozen")


class StopsAtOnce:
    """A camera that gives one frame when it has been opened, and then none."""

    live = True

    def __init__(self, level: int) -> None:
        self._frames = [Frame(np.full((48, 64), level, np.uint8), time.monotonic())]

    def read(self) -> Frame | None:
        doze()
        return self._frames.pop() if self._frames else None

    def close(self) -> None:
        """Nothing is held."""


def test_a_camera_that_is_slow_to_open_again_is_read_before_it_is_given_up() -> None:
    """Opening takes longer than a frozen camera is waited for: it was closed as soon as it was open, for ever."""
    opened: list[StopsAtOnce] = []

    def open_source() -> StopsAtOnce:
        if opened:
            threading.Event().wait(0.5)
        opened.append(StopsAtOnce(len(opened)))
        return opened[-1]

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    config = CameraConfig(stale_after=0.1, retry_after=0.05)
    with ours, theirs:
        theirs.setblocking(False)
        grabber = Grabber(open_source, config.retry_after)
        worker = Worker(config, ours, grabber)
        grabber.start()
        try:
            worker_frames = lambda: (worker.step(), worker._watch.frames)[1]  # noqa: E731
            wait_until(lambda: worker_frames() >= 3, "frames of a camera that was opened three times")
        finally:
            grabber.close()
