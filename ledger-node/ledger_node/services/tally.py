"""Counts what strangers do, by the table of allowances: an act is counted before it is done, given back if it came to
nothing, and kept on disk where a restart must not reset it. Bounded in memory; any thread.

The address, person, ticket or event that is counted is held as a keyed hash. When an allowance is used up, the log says
which, and by whom, once until another one uses it up.
"""

import hashlib
import math
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

import structlog

from ledger_node.services.allowances import ALLOWANCES, Act, Allowance
from ledger_node.services.charge_book import ChargeBook, ChargeRow
from ledger_node.services.errors import ServiceError

CAPACITY = 100_000
"""Acts that are remembered at most; those of whom nothing was heard for longest are forgotten first."""
_DISK = frozenset(one.act for one in ALLOWANCES if one.kept == "disk")
_HIDDEN = frozenset({"recipient", "person"})
_PERSON = b"ticketme/v1/tlly"
_Group = tuple[str, str, bytes]
Charge = tuple[int, ...]
"""Acts that were counted, to be kept or given back."""
log = structlog.get_logger()


@dataclass(slots=True)
class _Counted:
    """What counts against one: the ends of its acts by their ids, until when the log has been told, and until when it
    was last found full.
    """

    ends: dict[int, float] = field(default_factory=dict)
    told: float = 0.0
    full_until: float = 0.0


class Tally:
    """`seed` makes the hashes; `book` is the disk, if there is one."""

    def __init__(self, seed: bytes, book: ChargeBook | None = None, now: float = 0.0, capacity: int = CAPACITY) -> None:
        self._key = hashlib.blake2b(key=seed, person=_PERSON, digest_size=32).digest()
        self._book = book
        self._capacity = capacity
        self._lock = threading.Lock()
        self._groups: OrderedDict[_Group, _Counted] = OrderedDict()
        self._rows: dict[int, ChargeRow] = {}
        self._kept: set[int] = set()
        self._by_ref: dict[str, list[int]] = {}
        for row in book.live(now) if book else ():
            self._add(row)
            self._kept.add(row.id)
        self._next = max(self._rows, default=0) + 1

    def __len__(self) -> int:
        return len(self._rows)

    def take(
        self, act: Act, who: Mapping[str, str], now: float, *, most: int | None = None, seconds: int | None = None
    ) -> Charge:
        """Count one act against everyone in `who` (what is counted by -> whom). Raises ServiceError, and counts
        nothing, if that is too many for one of them. `most` and `seconds` take the place of the table's.
        """
        wanted = [
            (one, (act, one.by, self._hash(who[one.by]))) for one in ALLOWANCES if one.act == act and one.by in who
        ]
        with self._lock:
            for one, group in wanted:
                self._refuse_if_full(one, group, who[one.by], now, one.most if most is None else most)
            made = []
            for one, group in wanted:
                until = now + (one.seconds if seconds is None else seconds)
                self._add(ChargeRow(self._next, *group, until, ""))
                made.append(self._next)
                self._next += 1
            while len(self._rows) > self._capacity:
                self._forget(list(next(iter(self._groups.values())).ends))
        return tuple(made)

    def check(self, act: Act, who: Mapping[str, str], now: float) -> None:
        """Raises what `take` would raise, and counts nothing."""
        with self._lock:
            for one in ALLOWANCES:
                if one.act == act and one.by in who:
                    self._refuse_if_full(one, (act, one.by, self._hash(who[one.by])), who[one.by], now, one.most)

    def keep(self, charge: Charge, now: float, ref: str = "") -> "Future[None] | None":
        """Write it to the disk, where its table says so: durable once the future is done. `ref` may end it earlier."""
        with self._lock:
            durable = self._named(charge, ref)
            return self._book.add(durable, now) if self._book and durable else None

    def keep_soon(self, charge: Charge, now: float, ref: str = "") -> None:
        """The same, durable within a moment: for what costs less than a wait for the disk."""
        with self._lock:
            durable = self._named(charge, ref)
            if self._book and durable:
                self._book.add_soon(durable, now)

    def _named(self, charge: Charge, ref: str) -> list[ChargeRow]:
        """Note what may end the charge; those of it that are kept on disk."""
        rows = [self._rows[one] for one in charge if one in self._rows]
        rows = [ChargeRow(one.id, one.act, one.by, one.who, one.until, ref) for one in rows]
        for row in rows:
            self._rows[row.id] = row
            if ref:
                self._by_ref.setdefault(ref, []).append(row.id)
        durable = [row for row in rows if row.act in _DISK] if self._book else []
        self._kept.update(row.id for row in durable)
        return durable

    def give_back(self, charge: Charge) -> None:
        """It came to nothing, and counts no more."""
        with self._lock:
            self._forget(charge)

    def end(self, ref: str, *acts: Act) -> None:
        """What was kept for `ref` counts no more; with `acts`, only those."""
        with self._lock:
            ids = self._by_ref.get(ref, ())
            self._forget([one for one in ids if not acts or self._rows[one].act in acts])

    def _refuse_if_full(self, one: Allowance, group: _Group, who: str, now: float, most: int) -> None:
        counted = self._groups.get(group)
        if counted is None or len(counted.ends) < most:
            return
        # A clock that had run ahead must not lock anybody out for as long as it was wrong.
        longest = now + max(one.seconds, 86_400)
        if not now < counted.full_until <= longest:
            self._forget([ended for ended, until in counted.ends.items() if not now < until <= longest])
            if len(counted.ends) < most:
                return
            counted.full_until = min(counted.ends.values())
        wait = max(1, math.ceil(counted.full_until - now))
        if not now < counted.told <= longest:
            counted.told = now + one.seconds
            named = group[2].hex()[:12] if one.by in _HIDDEN else who
            log.warning("limit reached", act=one.act, counted_by=one.by, who=named, most=most, seconds=one.seconds)
        raise ServiceError(one.code, one.sentence, 429, wait)

    def _add(self, row: ChargeRow) -> None:
        group = (row.act, row.by, row.who)
        self._groups.setdefault(group, _Counted()).ends[row.id] = row.until
        self._groups.move_to_end(group)
        self._rows[row.id] = row
        if row.ref:
            self._by_ref.setdefault(row.ref, []).append(row.id)

    def _forget(self, ids: Iterable[int]) -> None:
        known = [self._rows.pop(one) for one in ids if one in self._rows]
        for row in known:
            group = (row.act, row.by, row.who)
            counted = self._groups[group]
            del counted.ends[row.id]
            if not counted.ends:
                del self._groups[group]
            if row.ref:
                left = [one for one in self._by_ref.get(row.ref, ()) if one != row.id]
                if left:
                    self._by_ref[row.ref] = left
                else:
                    self._by_ref.pop(row.ref, None)
        durable = [row.id for row in known if row.id in self._kept]
        self._kept.difference_update(durable)
        if self._book is not None and durable:
            self._book.drop(durable)

    def _hash(self, who: str) -> bytes:
        return hashlib.blake2b(who.encode(), key=self._key, digest_size=16).digest()
