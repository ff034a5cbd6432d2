"""The start of a node that has the long log: `ledger-node serve`, from the command to the first good answer.

The state stands in the database beside the log, so nothing is replayed. The limit is a node with an empty log.
"""

import json
import time
import urllib.request
from pathlib import Path

from benchmarks.figures import Bench, Figure, Limit, Target
from benchmarks.house import open_home
from benchmarks.memory import rss
from benchmarks.season import EVENT
from benchmarks.shared import season_log
from benchmarks.timing import best_of
from tests.fakes.running_node import process

MOST_S = 10.0
_TICKET = 1
_PATIENCE = 300.0


def run(bench: Bench) -> list[Figure]:
    log = season_log(bench)
    bench.tell("start: an empty node and one with the long log, in turn")
    with bench.room() as empty:
        with open_home(empty):
            pass
        taken = best_of(
            bench.pick(4, 1), [lambda: {"empty": _started(empty)}, lambda: {"full": _started(log.home, log.size)}]
        )
    bench.tell("start: a ticket's history, which indexes the log first")
    with process(log.home) as (running, port):
        bare = rss(running.pid)
        began = time.perf_counter()
        history = json.loads(_get(port, f"/v1/events/{EVENT}/tickets/{_TICKET}/history"))
        indexed = time.perf_counter() - began
        assert history["entries"], history
        after = rss(running.pid)
        running.terminate()
        running.wait(20)
    of, soon = f"{log.size:,} entries", Target(MOST_S, f"under {MOST_S:.0f} s")
    return [
        Figure(f"start of a node with {of}", taken["full"], "s", Limit("of one without any", taken["empty"]), soon),
        Figure(f"a node with {of}: RSS", bare, "MB"),
        Figure("first history of a ticket, the log's index made on the way", indexed, "s"),
        Figure(f"a node with {of}, indexed: RSS", after, "MB"),
    ]


def _started(home: Path, size: int = 0) -> float:
    began = time.perf_counter()
    with process(home) as (running, port):
        note = _get(port, "/checkpoint").decode()
        took = time.perf_counter() - began
        assert int(note.splitlines()[1]) == size, note
        running.terminate()
        running.wait(20)
    return took


def _get(port: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=_PATIENCE) as answer:
        body: bytes = answer.read()
    return body
