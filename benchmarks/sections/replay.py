"""Replaying a log: every entry read from the disk, parsed, checked to be canonical, its signatures verified and the
contract applied, in memory, as an auditor does it: with a helper on another core, and by one process alone.
"""

from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path

from benchmarks import limits
from benchmarks.figures import Bench, Figure, Limit, Target
from benchmarks.house import open_home
from benchmarks.shared import season_log
from benchmarks.timing import best, once
from ledger_node.contract.memory import MemoryState
from ledger_node.contract.outcome import Outcome
from ledger_node.log.helper_process import helper
from ledger_node.log.looks import look
from ledger_node.log.replay import replay, uncollected
from ledger_node.log.tiles import WIDTH, bundle, unbundle
from ledger_node.services.node import Node
from scanner.verify.entry import Malformed, reopen

SHARE = 0.6
SALES = frozenset({"event.create", "policy.set", "actor.register", "ticket.issue", "seat.hold", "sale", "activation"})
"""Entries with one signature each, and no key."""
TWICE_SIGNED = frozenset({"key.register", "identity.attest", "resale.buy", "payment.capture", "admission"})
"""Those that bring another signature: a proof, a receipt, a code."""


def run(bench: Bench) -> list[Figure]:
    log = season_log(bench)
    count = bench.pick(60_000, 5_000)
    with bench.room() as folder, open_home(log.home) as node, helper() as pool:
        bundles = folder / "sales"
        pool.submit(look, []).result()
        sold, note = _sales(_logged(node, count), bundles), _note(_logged(node, count))
        bench.tell(f"replay: rounds of {count:,} entries")
        taken = best(
            bench.pick(5, 1),
            verify=limits.verify_s,
            sales=lambda: _replayed(node, _bundled(bundles), pool) / sold,
            mix=lambda: _replayed(node, _logged(node, count), pool) / count,
            alone=lambda: _replayed(node, _logged(node, count), None) / count,
        )
    rate = 1 / taken["verify"]
    limit = Limit("one verification an entry, on one core", rate)
    share = Target(SHARE * rate, f"at least {SHARE:.0%} of the limit")
    return [
        Figure("replay of sales, one signature an entry", 1 / taken["sales"], "/s", limit, share),
        Figure("replay of a season's mix", 1 / taken["mix"], "/s", limit, share, note),
        Figure("replay of a season's mix, by one process", 1 / taken["alone"], "/s", limit),
    ]


def _sales(entries: Iterator[bytes], folder: Path) -> int:
    """Put the sales among them, and what they need, into bundles of their own; how many there are."""
    sold = [raw for raw in entries if reopen(raw).type in SALES]
    folder.mkdir()
    for place in range(0, len(sold), WIDTH):
        (folder / f"{place:09}").write_bytes(bundle(sold[place : place + WIDTH]))
    return len(sold)


def _note(entries: Iterator[bytes]) -> str:
    types = [reopen(raw).type for raw in entries]
    signatures = 1 + sum(one in TWICE_SIGNED for one in types) / len(types)
    keys = sum(one in {"key.register", "identity.attest", "transfer.accept", "resale.buy"} for one in types)
    return f"{signatures:.2f} signatures and {keys / len(types):.2f} checks of a new key an entry"


def _replayed(node: Node, entries: Iterator[bytes], pool: Executor | None) -> float:
    def all_of_them() -> None:
        for _, answer in replay(MemoryState(node.keys.node.public), entries, pool=pool, logged=True):
            assert isinstance(answer, Outcome), answer

    with uncollected():
        return once(all_of_them)


def _logged(node: Node, count: int) -> Iterator[bytes]:
    with node.view() as view:
        yield from view.entries(0, count)


def _bundled(folder: Path) -> Iterator[bytes]:
    for file in sorted(folder.iterdir()):
        entries = unbundle(file.read_bytes())
        assert not isinstance(entries, Malformed), entries
        yield from entries
