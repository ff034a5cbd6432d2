"""What a gate needs to make up its mind, without writing anything: parsing a text, and the whole decision on it."""

from collections.abc import Callable
from functools import partial
from itertools import cycle, islice

from benchmarks import limits
from benchmarks.figures import Bench, Figure, Limit, ms
from benchmarks.tickets import SIZE, gate_view, holders
from benchmarks.timing import best, median_of
from scanner.verify.admit import Now, decide
from scanner.verify.gatecode import GateCode, parse
from scanner.view import GateView
from tests.fakes.event import NOON, compact_code, full_code
from tests.fakes.whole_gate import GATE


def run(bench: Bench) -> list[Figure]:
    tickets, times = bench.most_tickets, bench.pick(400, 20)
    bench.tell(f"decision: a view of {tickets:,} tickets")
    with bench.room() as folder, gate_view(folder, tickets) as view:
        shown = list(islice(holders(tickets), times))
        compact = [compact_code(ticket).text() for ticket in shown]
        # A ticket that was sold after the snapshot: the next owner's code, with a certificate that is newer than it.
        full = [full_code(ticket, 1, SIZE + 1).text() for ticket in shown]
        bench.tell("decision: compact and full codes")
        taken = best(
            bench.pick(7, 1),
            verify=limits.verify_s,
            parse_compact=_each_of(parse, compact),
            parse_full=_each_of(parse, full),
            compact=_each_of(partial(_decision, view), compact),
            full=_each_of(partial(_decision, view), full),
        )
    one, two = ms(taken["verify"]), ms(2 * taken["verify"])
    return [
        Figure("parse a compact code", ms(taken["parse_compact"]), "ms"),
        Figure("parse a full code", ms(taken["parse_full"]), "ms"),
        Figure(f"compact code, {tickets:,} tickets", ms(taken["compact"]), "ms", Limit("one verify", one)),
        Figure(f"full code, {tickets:,} tickets", ms(taken["full"]), "ms", Limit("two verifies", two)),
    ]


def _each_of(act: Callable[[str], object], texts: list[str]) -> Callable[[], float]:
    given = cycle(texts)
    return lambda: median_of(lambda: act(next(given)), len(texts))


def _decision(view: GateView, text: str) -> None:
    code, manifest = parse(text), view.manifest
    assert isinstance(code, GateCode)
    assert manifest is not None
    verdict = decide(code, manifest, view.of(code.core.ticket), Now(NOON, trusted=True), None, GATE)
    assert verdict.outcome == "admit", verdict
