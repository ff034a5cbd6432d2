"""Whether an entry costs the same at the beginning of a log and at its end: to take it in, and to prove that it is in.

An entry is taken in by the node's writer: read, judged, and made durable with its hashes and all that it changes. Form,
signature and keys were looked at before, because what that costs has nothing to do with the log.
"""

from random import Random

from benchmarks.figures import Bench, Figure, Limit, Target, ms
from benchmarks.house import open_home
from benchmarks.shared import season_log
from benchmarks.timing import best, median_of
from ledger_node.log.ledger import Ledger

MOST, MOST_PROOF = 1.5, 2.0
"""A proof's path is 20 hashes long at a million, and 14 at ten thousand."""


def run(bench: Bench) -> list[Figure]:
    log, times = season_log(bench), bench.pick(200, 20)
    bench.tell("flat: proofs at two sizes")
    with open_home(log.home) as node:
        taken = best(
            bench.pick(7, 1),
            small=lambda: _proof(node.ledger, log.early_size, times),
            large=lambda: _proof(node.ledger, log.size, times),
        )
    flat = f"at most {MOST} x the limit"
    small = f"at {log.early_size:,} entries"
    early, small_proof = Limit(small, ms(log.early)), Limit(small, ms(taken["small"]))
    return [
        Figure(f"an entry taken in at {log.size:,}", ms(log.late), "ms", early, Target(MOST * early.value, flat)),
        Figure(
            f"an inclusion proof at {log.size:,}: p50",
            ms(taken["large"]),
            "ms",
            small_proof,
            Target(MOST_PROOF * small_proof.value, f"at most {MOST_PROOF} x the limit"),
        ),
    ]


def _proof(ledger: Ledger, size: int, times: int) -> float:
    places = iter(Random(7).choices(range(size), k=times))

    def prove() -> None:
        with ledger.view() as view:
            view.inclusion(next(places), size)

    return median_of(prove, times)
