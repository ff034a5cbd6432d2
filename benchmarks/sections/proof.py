"""Inclusion proofs in the long log: for entries all over it, each made out of the database by a reader of its own."""

from itertools import cycle
from random import Random

from benchmarks.figures import Bench, Figure, Limit, Target, ms
from benchmarks.house import open_home
from benchmarks.shared import season_log
from benchmarks.timing import best_of, each, median_of, spread
from ledger_node.log.ledger import Ledger
from scanner.verify.merkle import HASH_BYTES, leaf_hash, node_hash, verify_inclusion

MOST_MS = 2.0


def run(bench: Bench) -> list[Figure]:
    log, times = season_log(bench), bench.pick(200, 20)
    bench.tell("proof: entries all over the log")
    with open_home(log.home) as node:
        places = cycle(Random(5).sample(range(log.size), 2_000))
        assert all(_good(node.ledger, place) for place, _ in zip(places, range(20), strict=False))
        taken = best_of(
            bench.pick(7, 1),
            [
                lambda: {"hashes": median_of(lambda: _climb(log.size), times)},
                lambda: spread(each(lambda: _prove(node.ledger, next(places)), times)),
            ],
        )
    limit = Limit(f"{log.size.bit_length()} hashes of a path", ms(taken["hashes"]))
    what = f"inclusion proof at {log.size:,} entries"
    return [
        Figure(f"{what}: p50", ms(taken["p50"]), "ms", limit, Target(MOST_MS, f"at most {MOST_MS:.0f} ms")),
        Figure(f"{what}: p99", ms(taken["p99"]), "ms", limit),
    ]


def _prove(ledger: Ledger, place: int) -> list[bytes]:
    with ledger.view() as view:
        return view.inclusion(place, view.size)


def _good(ledger: Ledger, place: int) -> bool:
    with ledger.view() as view:
        (raw,) = view.entries(place, place + 1)
        return verify_inclusion(leaf_hash(raw), place, view.size, _prove(ledger, place), view.root)


def _climb(size: int) -> bytes:
    root = bytes(HASH_BYTES)
    for _ in range(size.bit_length()):
        root = node_hash(root, root)
    return root
