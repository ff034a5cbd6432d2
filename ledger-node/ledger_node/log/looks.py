"""Looks at entries ahead of the rules, on another core: form, signature, and the keys that an entry brings.

That is more than half of what an entry costs, and needs no state. Python's threads would wait for each other for longer
than libsodium takes, so it goes to a helper process; whoever has to wait for it looks at what it has not begun. The
other process is a help, not a need: without one, or when it dies, everything is looked at here.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from ledger_node.contract.apply import apply_opened
from ledger_node.contract.outcome import Outcome, Rejected
from ledger_node.contract.proofs import proven
from ledger_node.contract.records import holder_seen
from ledger_node.contract.state import State
from ledger_node.log.helper_process import answer, fits, pieces
from ledger_node.log.port import LedgerFault
from ledger_node.log.readers import Readers
from ledger_node.log.view import View
from scanner.verify.entry import Entry, Malformed, is_uint, open_entry, reopen, signature_good
from scanner.verify.record import ADMISSION

ALONE = 20_000
"""Entries up to which one process does it all: another one would start for longer than it could save."""
_AHEAD = 24
"""Batches that wait for their turn: enough that nobody idles, few enough that a long log stays out of memory."""
_FORM, _SIGNED, _PROVEN = 1, 2, 4
_MOST_TICKET = 2**32 - 1


class Looked(NamedTuple):
    """An entry with what is known of it: whether it has the form of one, its signature is good, and the keys that it
    brings are (`contract.proofs`); of an admission also what its holder's signature is good for (`contract.records`).
    """

    raw: bytes
    formed: bool
    signed: bool
    proven: bool
    held: bytes = b""

    def open(self) -> Entry | Malformed:
        """The entry, or what is wrong with it."""
        return reopen(self.raw) if self.formed else open_entry(self.raw)

    def apply(
        self, state: State, position: int, entry: Entry | Malformed, latest: int | None = None
    ) -> Outcome | Rejected:
        """What `contract.apply` says of it; `entry` is what `open` gave."""
        return apply_opened(state, position, entry, latest, signed=self.signed, proven=self.proven, held=self.held)


class _Batch:
    """Entries that are looked at by somebody, or will be."""

    def __init__(self, raws: list[bytes], pool: Executor | None) -> None:
        self.raws = raws
        self._pool = pool
        self._found: bytes | None = None
        self._future: Future[bytes] | None = None
        if pool is not None and fits(raws):
            with suppress(RuntimeError):
                self._future = pool.submit(look, raws)

    @property
    def ready(self) -> bool:
        """Whether nobody would have to wait."""
        return self._found is not None or (self._future is not None and self._future.done())

    def take_back(self) -> bool:
        """Look here, if nobody has begun to."""
        if self._found is not None or (self._future is not None and not self._future.cancel()):
            return False
        self._found = look(self.raws)
        return True

    def looked(self) -> list[Looked]:
        """All of them, after waiting for whoever looks."""
        if self._found is None and self._future is not None and self._pool is not None:
            with suppress(RuntimeError):
                self._found = answer(self._pool, self._future)
        return with_looks(self.raws, look(self.raws) if self._found is None else self._found)


def looked(entries: Iterable[bytes], pool: Executor | None = None) -> Iterator[Looked]:
    """The entries in order, read a little ahead."""
    source = pieces(entries)
    waiting: deque[_Batch] = deque()
    while True:
        while len(waiting) < _AHEAD and (raws := next(source, None)):
            waiting.append(_Batch(raws, pool))
        if not waiting:
            return
        # The newest first: the helper is about to begin with the oldest.
        while not waiting[0].ready and any(batch.take_back() for batch in reversed(waiting)):
            pass
        yield from waiting.popleft().looked()


def look(raws: Sequence[bytes]) -> bytes:
    """What is to be known of each, one byte each, for `with_looks`. Runs in another process, too."""
    return bytes(map(_look, map(open_entry, raws)))


def look_ahead(raws: Sequence[bytes], database: Path) -> tuple[bytes, list[bytes]]:
    """The same, and of each admission what its holder's signature is good for by the ledger as it is now."""
    entries = [open_entry(raw) for raw in raws]
    found = bytes(map(_look, entries))
    try:
        with closing(Readers(database)) as readers, readers.view() as view:
            return found, [
                _held(view, entry) if one & _SIGNED else b"" for entry, one in zip(entries, found, strict=True)
            ]
    except LedgerFault:
        return found, [b""] * len(entries)


def with_looks(raws: Sequence[bytes], found: bytes, held: Sequence[bytes] = ()) -> list[Looked]:
    """The entries with what `look` or `look_ahead` found."""
    return [
        Looked(raw, bool(one & _FORM), bool(one & _SIGNED), bool(one & _PROVEN), of_holder)
        for raw, one, of_holder in zip(raws, found, held or [b""] * len(raws), strict=True)
    ]


def _look(entry: Entry | Malformed) -> int:
    if isinstance(entry, Malformed):
        return 0
    return _FORM | _SIGNED * signature_good(entry) | _PROVEN * proven(entry)


def _held(view: View, entry: Entry | Malformed) -> bytes:
    if isinstance(entry, Malformed) or entry.type != ADMISSION or not is_uint(entry.body.get("ticket"), _MOST_TICKET):
        return b""
    return holder_seen(view.event(entry.event), view.ticket(entry.event, entry.body["ticket"]), entry)
