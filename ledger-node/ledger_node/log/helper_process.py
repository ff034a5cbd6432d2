"""A helper process for work that needs no state, and how to wait for it and end it without ever being stuck with it.

The pools of Python that Debian 12 has (3.11.2) do not end if their process dies while work still waits to be written to
it (CPython's gh-94777), and do not always say that it died (gh-107219). So what is under way at once fits into a pipe;
who waits asks whether the process lives; and it is killed, not waited for, when it is not needed any more.
"""

import math
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

PIECE_BYTES = 24_000
"""Two of them fit into a pipe, and no more are under way at once."""
LOOK_S = 1.0
"""Seconds between two looks at whether the other process lives."""
T = TypeVar("T")


def helper() -> ProcessPoolExecutor:
    """One process. Spawned, because a fork of a process with threads may never move again."""
    return ProcessPoolExecutor(1, get_context("spawn"), _settle_in, (os.getpid(),))


def pieces(raws: Iterable[bytes]) -> Iterator[list[bytes]]:
    """All of these, in order, a few at a time: as many as `fits`, or one that alone does not."""
    piece: list[bytes] = []
    size = 0
    for raw in raws:
        if piece and size + len(raw) > PIECE_BYTES:
            yield piece
            piece, size = [], 0
        piece.append(raw)
        size += len(raw)
    if piece:
        yield piece


def fits(piece: Sequence[bytes]) -> bool:
    """Whether a piece may go to the other process; one entry alone may be too long."""
    return sum(map(len, piece)) <= PIECE_BYTES


def answer(pool: Executor, future: "Future[T]", patience_s: float = math.inf) -> T:
    """What the other process made of it. Raises RuntimeError if that died or was ended (BrokenExecutor is one),
    CancelledError if the work was taken back, TimeoutError after `patience_s` seconds, and what the work raises.
    """
    end = time.monotonic() + patience_s
    while True:
        try:
            return future.result(max(0.0, min(LOOK_S, end - time.monotonic())))
        except TimeoutError:
            if future.done():
                raise
            # Refused if it is known to have died, which the one that waits is not always told.
            pool.submit(_nothing)
            if time.monotonic() >= end:
                raise


def end(pool: ProcessPoolExecutor) -> None:
    """Kill the process: nothing that it does is worth waiting for. May be called twice, and for one that died."""
    processes = list((pool._processes or {}).values())  # noqa: SLF001 - before Python 3.14 there is no other way
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.kill()


def _nothing() -> None:
    """Work that says that the process takes work."""


def _settle_in(parent: int) -> None:
    """In the other process: Ctrl-C is the caller's to act on, and one that was killed leaves no process behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()


def _leave_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    os._exit(0)
