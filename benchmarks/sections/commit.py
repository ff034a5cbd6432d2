"""A durable admission: signed record, use mark and outbox row in one fsynced transaction of the journal; and the same
on a memory card, whose flushes are slow: each flush that SQLite asks for is made to take 20 ms.
"""

import time
from dataclasses import replace
from itertools import count

from benchmarks import limits
from benchmarks.figures import Bench, Figure, Limit, ms
from benchmarks.timing import best_of, each, percentile, spread
from scanner.journal import Journal
from scanner.ports import Receipt
from tests.fakes.disk_use import DiskUse
from tests.fakes.event import compact_code, holder, scan_of, stamp_at
from tests.fakes.recorded_disk import Act, recorded
from tests.fakes.whole_gate import IDENTITY

FLUSH_S = 0.02
"""A consumer card's flush is 5 to 50 ms."""


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
        *_on_a_card(bench),
    ]


def _on_a_card(bench: Bench) -> list[Figure]:
    """What a holder waits for before the pulse, and what the whole admission flushes."""
    bench.tell("commit: a card with 20 ms a flush")
    people = bench.pick(60, 5)
    with bench.room() as folder:
        use = DiskUse(folder)

        def slow(act: Act) -> None:
            before = use.flushes
            use.hear(act)
            time.sleep(FLUSH_S * (use.flushes - before))

        with recorded(slow), Journal.open(folder / "journal.db", IDENTITY, stamp_at) as journal:
            journal.probe()
            alone = _people(journal, count(1), people, claimed=False)
            use.begin()
            claimed = _people(journal, count(10_000), people, claimed=True)
            flushes = use.flushes / people
    return [
        Figure("20 ms a flush: admit alone: p50", ms(alone), "ms", Limit("one flush", ms(FLUSH_S))),
        Figure("20 ms a flush: admit and claim: p50", ms(claimed), "ms", Limit("two flushes", ms(2 * FLUSH_S))),
        Figure("20 ms a flush: all of an admission's", ms(flushes * FLUSH_S), "ms", note="counted, with its folding"),
    ]


def _people(journal: Journal, tickets: "count[int]", people: int, *, claimed: bool) -> float:
    """Seconds from the decision to the pulse; the marks behind it are written, but nobody waits for them."""
    scan, key, waited = scan_of(compact_code(1)), holder(1).public, []
    for _ in range(people):
        began = time.perf_counter()
        outcome = "pending" if claimed else "alone"
        record = journal.admit(replace(scan, ticket=next(tickets)), key, stamp_at(), outcome)  # type: ignore[arg-type]
        if claimed:
            journal.decided(record.counter, "claimed")
        waited.append(time.perf_counter() - began)
        journal.pulsed(record.counter, 1)
        journal.passed(record.counter)
        journal.settle([Receipt(record.counter, "accepted", record.counter)], record.counter)
        journal.tidy()
    return percentile(waited, 50)
