"""Claims at the gates' port while a crowd of strangers asks the public port for all that it can answer.

A real `ledger-node serve`. One gate claims one ticket after the other, alone and then beside the crowd, which asks for
tickets, their histories and all seats, no two questions the same; the limit of a figure is its quiet value. The crowd
is a process of its own, and leaves the processor to the node, as it would on machines of its own.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, islice
from typing import Any

from benchmarks.figures import Bench, Figure, Limit, Target, ms
from benchmarks.house import open_home, serve, stage
from benchmarks.load import Run
from benchmarks.sections.claims import GATES, claim
from benchmarks.timing import best_of, spread

STRANGERS = 16


def run(bench: Bench) -> list[Figure]:
    alone, rounds = bench.pick(500, 20), bench.pick(5, 1)
    issued = GATES + 2 * alone * rounds
    bench.tell("crowd: an event with its holders' keys")
    with bench.room() as home:
        with open_home(home) as node:
            stage(node, issued)
        with serve(home, GATES) as node:
            tickets = count(1)
            claim(node, list(islice(tickets, GATES)), GATES)
            bench.tell(f"crowd: {rounds} rounds")
            answered: list[float] = []

            def quiet() -> dict[str, float]:
                return _named("quiet", claim(node, list(islice(tickets, alone)), 1))

            def beside() -> dict[str, float]:
                with _crowd(node.port, issued) as told:
                    found = _named("beside", claim(node, list(islice(tickets, alone)), 1))
                answered.append(told["answered"] / told["seconds"])
                return found

            return _figures(best_of(rounds, [quiet, beside]), max(answered))


def _named(name: str, done: Run) -> dict[str, float]:
    return {f"{name} {what}": seconds for what, seconds in spread(done.each).items()}


def _figures(taken: dict[str, float], answered: float) -> list[Figure]:
    p50, p99 = (Limit("its quiet value", ms(taken[f"quiet {name}"])) for name in ("p50", "p99"))
    who = f"a claim beside {STRANGERS} strangers"
    return [
        Figure(f"{who}: p50", ms(taken["beside p50"]), "ms", p50),
        Figure(f"{who}: p99", ms(taken["beside p99"]), "ms", p99, Target.of_time(2, p99)),
        Figure("strangers' requests answered meanwhile", answered, "/s"),
    ]


@contextmanager
def _crowd(port: int, tickets: int) -> Iterator[dict[str, Any]]:
    """It asks until the block ends; what came of it is told then."""
    command = [sys.executable, "-m", "benchmarks.strangers", str(port), str(tickets), str(STRANGERS)]
    told: dict[str, Any] = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as crowd:
        assert crowd.stdout is not None
        assert crowd.stdin is not None
        assert json.loads(crowd.stdout.readline())["asking"]
        yield told
        crowd.stdin.close()
        told |= json.loads(crowd.stdout.readline())
    assert told["answered"], told
