"""Waiting for a condition, and a clock that a test turns by hand."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], bool], what: str, limit: float = 10.0) -> None:
    """Return when the condition holds; fail with `what` after `limit` seconds."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"never came true: {what}")
        time.sleep(0.002)


class HandClock:
    """Seconds that pass only when told to."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
