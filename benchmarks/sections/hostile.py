"""64 KB of anything, for every reader of bytes from others: the slowest shape of each, beside one pass over the bytes.

A gate or a node is one interpreter: while it reads, no holder is let in. So the target is time: CPU of the thread that
reads, because what else runs on the machine is not the reader's.
"""

import hashlib
import time
from collections.abc import Callable
from functools import partial

from benchmarks.figures import Bench, Figure, Limit, Target, ms
from benchmarks.hostile.readers import READERS, Reader
from benchmarks.hostile.shapes import SIZE

MOST_MS = 5.0


def run(bench: Bench) -> list[Figure]:
    bench.tell(f"hostile: {len(READERS)} readers")
    data = bytes(SIZE)
    limit = Limit("one SHA-256 of 64 KB", ms(min(cpu_s(lambda: hashlib.sha256(data).digest()) for _ in range(20))))
    return [_slowest(name, reader, limit, bench.pick(5, 1)) for name, reader in READERS.items()]


def cpu_s(act: Callable[[], object]) -> float:
    """Seconds of this thread's CPU."""
    began = time.thread_time()
    act()
    return time.thread_time() - began


def _slowest(name: str, reader: Reader, limit: Limit, rounds: int) -> Figure:
    """The best of some rounds for each shape, so that what disturbs the machine is not taken for the reader's."""
    taken = {
        shape: min(cpu_s(partial(reader.feed, data)) for _ in range(rounds)) for shape, data in reader.made().items()
    }
    worst = max(taken, key=lambda shape: taken[shape])
    target = None if reader.known else Target(MOST_MS, f"at most {MOST_MS:g} ms")
    note = f"{worst}, of {len(taken)} shapes" + (f"; only {reader.known}" if reader.known else "")
    return Figure(name, ms(taken[worst]), "ms", limit, target, note)
