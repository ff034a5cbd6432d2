"""Replays a log: the answers of `apply`, in order, with the signatures checked ahead of the rules on another core.

Half of an entry's time is its one signature. Python's threads would wait for each other for longer than libsodium
takes, so the checks go to whatever executor the caller has: a pool of processes, or none.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from itertools import islice

from ledger_node.contract.apply import apply_opened
from ledger_node.contract.body import signed_message
from ledger_node.contract.outcome import Outcome, Rejected
from ledger_node.contract.state import State
from scanner.verify.entry import Entry, Malformed, open_entry
from scanner.verify.keys import SIGNATURE_BYTES, verify

_BATCH = 512
_AHEAD = 6
"""Batches that wait for their turn: enough that nobody idles, few enough that a long log stays out of memory."""
_Claim = tuple[bytes, bytes, bytes]
"""(public key, message, signature)."""
_Opened = list[Entry | Malformed]


def replay(
    state: State, entries: Iterable[bytes], start: int = 0, pool: Executor | None = None, *, logged: bool = False
) -> Iterator[Outcome | Rejected]:
    """The answer to each entry, applied to `state` as the next one is asked for. A refused one takes no position,
    unless the entries are those that a log has (`logged`), whatever it should have done with them.
    """
    position = start
    for opened, checked in _checked_ahead(entries, pool):
        for entry, signed in zip(opened, checked, strict=True):
            answer = apply_opened(state, position, entry, signed=signed)
            position += logged or (isinstance(answer, Outcome) and answer.new)
            yield answer


def _checked_ahead(entries: Iterable[bytes], pool: Executor | None) -> Iterator[tuple[_Opened, list[bool]]]:
    source = iter(entries)
    waiting: deque[tuple[_Opened, Future[list[bool]] | list[bool]]] = deque()
    while True:
        while len(waiting) < _AHEAD and (batch := list(islice(source, _BATCH))):
            opened = [open_entry(raw) for raw in batch]
            claims = [claim_of(entry) for entry in opened]
            waiting.append((opened, pool.submit(check, claims) if pool else check(claims)))
        if not waiting:
            return
        opened, answer = waiting.popleft()
        yield opened, answer.result() if isinstance(answer, Future) else answer


def check(claims: list[_Claim | None]) -> list[bool]:
    """Which of these signatures are good. Runs in another process."""
    return [claim is not None and verify(*claim) for claim in claims]


def claim_of(entry: Entry | Malformed) -> _Claim | None:
    """What `check` has to look at; None for what is no entry."""
    if isinstance(entry, Malformed):
        return None
    payload, signature = entry.raw[SIGNATURE_BYTES:], entry.raw[:SIGNATURE_BYTES]
    return entry.actor, signed_message(entry.type, payload), signature
