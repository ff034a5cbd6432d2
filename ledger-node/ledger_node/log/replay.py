"""Replays a log: each entry with the answer of `apply`, in order, looked at ahead of the rules on another core."""

import gc
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from ledger_node.contract.outcome import Outcome, Rejected
from ledger_node.contract.state import State
from ledger_node.log.looks import looked
from scanner.verify.entry import Entry, Malformed

Replayed = tuple[Entry | Malformed, Outcome | Rejected]


def replay(
    state: State, entries: Iterable[bytes], start: int = 0, pool: Executor | None = None, *, logged: bool = False
) -> Iterator[Replayed]:
    """Each entry and the answer to it, applied to `state` as the next one is asked for. A refused one takes no
    position, unless the entries are those that a log has (`logged`), whatever it should have done with them. `pool` is
    a `looks.helper`, or none.
    """
    position = start
    for one in looked(entries, pool):
        entry = one.open()
        answer = one.apply(state, position, entry)
        position += logged or (isinstance(answer, Outcome) and answer.new)
        yield entry, answer


@contextmanager
def uncollected() -> Iterator[None]:
    """For a long replay in memory: its state grows and has no rings, so the collector would walk it over and over for
    nothing. Other threads go without a collector for so long, too.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
