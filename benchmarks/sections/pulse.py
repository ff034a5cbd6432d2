"""From the text of a code to the pulse at the relay's pin, the record durable in between.

The clock starts when the camera's thread hands the text to the loop: its wake-up, the debounce, parsing, the row in the
mapped snapshot, the decision, the signed record's commit, the table and the pin thread's wake-up are all in it.
"""

import time
from itertools import islice

from benchmarks import limits
from benchmarks.figures import Bench, Figure, Limit, Target, ms
from benchmarks.gate import BenchGate, bench_gate
from benchmarks.tickets import gate_view, holders
from benchmarks.timing import Measure, best_of, median_of, percentile, spread

FACTOR = 4
PAUSE = 0.05
_THREE = "one verify + one sign + one WAL-FULL commit"


def run(bench: Bench) -> list[Figure]:
    tickets, people = bench.most_tickets, bench.pick(50, 8)
    bench.tell(f"pulse: a view of {tickets:,} tickets")
    with (
        bench.room() as folder,
        gate_view(folder, tickets) as view,
        limits.commits(folder, 1) as commit,
        bench_gate(folder, view) as gate,
    ):
        waiting = holders(tickets)
        bench.tell("pulse: one person after the other")
        _admit(gate, commit, list(islice(waiting, 3)))
        taken = best_of(bench.pick(8, 1), [lambda: _admit(gate, commit, list(islice(waiting, people)))])
        bench.tell("pulse: verdicts without a pause")
        taken |= best_of(
            bench.pick(8, 1),
            [
                lambda: {"hot limit": limits.verify_s() + limits.sign_s() + _median(commit)},
                lambda: {"hot": _decide(gate, list(islice(waiting, 2 * people)))},
            ],
        )
        assert gate.journal.counts().refused == 0, "a good ticket was refused: these figures mean nothing"
    return _figures(tickets, taken)


def _figures(tickets: int, taken: dict[str, float]) -> list[Figure]:
    hot, cold = ms(taken["hot limit"]), ms(taken["limit"])
    limit = Limit(f"{_THREE}, at the same pace", cold)
    what = f"code text to pulse, {tickets:,} tickets"
    return [
        Figure(f"{what}: p50", ms(taken["p50"]), "ms", limit, _four(cold)),
        Figure(f"{what}: p99", ms(taken["p99"]), "ms", limit, Target(10.0, "at most 10 ms")),
        Figure(
            "code text to durable verdict, no pause between", ms(taken["hot"]), "ms", Limit(_THREE, hot), _four(hot)
        ),
    ]


def _four(limit: float) -> Target:
    return Target(FACTOR * limit, f"at most {FACTOR} x the limit")


def _admit(gate: BenchGate, commit: Measure, tickets: list[int]) -> dict[str, float]:
    """Each person after a pause, as people come; and the limit after the same pause, because caches grow cold in it."""
    taken, least = [], []
    for ticket in tickets:
        code = gate.code(ticket)
        time.sleep(PAUSE)
        least.append(limits.verify_s(1) + limits.sign_s(1) + commit())
        time.sleep(PAUSE)
        taken.append(gate.see(code))
        gate.walk_through()
    return spread(taken) | {"limit": percentile(least, 50)}


def _decide(gate: BenchGate, tickets: list[int]) -> float:
    """Text to durable verdict, one after the other: only without pins, which need a pause, can it be done so."""
    codes = iter([gate.code(ticket) for ticket in tickets])
    return median_of(lambda: gate.admit(next(codes)), len(tickets))


def _median(commit: Measure) -> float:
    return percentile([commit() for _ in range(100)], 50)
