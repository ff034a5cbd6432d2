"""A durable admission: signed record, use mark and outbox row in one fsynced transaction of the journal."""

from dataclasses import replace
from itertools import count

from benchmarks import limits
from benchmarks.figures import Bench, Figure, Limit, ms
from benchmarks.timing import best_of, each, spread
from scanner.journal import Journal
from tests.fakes.event import compact_code, holder, scan_of, stamp_at
from tests.fakes.whole_gate import IDENTITY


def run(bench: Bench) -> list[Figure]:
    bench.tell("commit: admissions in a journal")
    tickets, scan, key = count(1), scan_of(compact_code(1)), holder(1).public

    def admit() -> None:
        journal.admit(replace(scan, ticket=next(tickets)), key, stamp_at(), "alone")

    with (
        bench.room() as folder,
        limits.commits(folder) as commit,
        Journal.open(folder / "journal.db", IDENTITY, stamp_at) as journal,
    ):
        taken = best_of(
            bench.pick(7, 1),
            [
                lambda: {"sign": limits.sign_s(), "commit": commit()},
                lambda: spread(each(admit, bench.pick(200, 20))),
            ],
        )
        journal.tidy()
    limit = Limit("one sign + one WAL-FULL commit", ms(taken["sign"] + taken["commit"]))
    return [
        Figure("journal.admit: p50", ms(taken["p50"]), "ms", limit),
        Figure("journal.admit: p99", ms(taken["p99"]), "ms", limit),
    ]
