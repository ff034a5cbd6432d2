"""What this gate was told by its peers, as one value in memory. Pure: no disk, no network, no clock.

Records may come in any order and repeatedly: the same records make the same book. `plan` says what a message would
change, so that it can be written to disk first; `apply` changes the book. Nothing here is verified: see verify.told.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from scanner.verify.entry import Entry
from scanner.verify.record import ADMISSION, INCIDENT, RELEASE, VOID, record_hash
from scanner.verify.told import Told

DAMAGED = "journal-damaged"
MOST_A_MINUTE = 60
"""People whom a turnstile lets through in a minute, at the most: a full-height one manages 20, a tripod 40."""
TOO_MANY = "it tells of more admissions than a turnstile can turn: is it stolen?"
Shown = bool | None
"""Whether a holder's signature is good; None where that cannot be told."""
KEEP_MS = 30 * 60 * 1000
"""A release follows its admission within seconds, or at the gate's next start: for so long settled ones are kept."""


@dataclass(frozen=True, slots=True)
class Chain:
    """How far this gate has a peer's records, and how far the ledger has them.

    `have`: the highest counter; `head`: the hash of that record. Every record up to `settled` is in the log at or
    before `position`. `fault`: what is wrong with the chain, "" if nothing is.
    """

    device: str
    have: int = 0
    head: bytes = bytes(32)
    settled: int = 0
    position: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Undone:
    """That `device` took its admission `of` back, by its record `by`."""

    device: str
    of: int
    by: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a message adds to the book."""

    chain: Chain
    told: tuple[Told, ...] = ()
    undone: tuple[Undone, ...] = ()
    room: "Room | None" = None


@dataclass(frozen=True, slots=True)
class Room:
    """How many more unproven admissions a gate may tell of by now, by the times in its own records. A turnstile lets no
    more people through: a gate that tells of more is lying, or broken.
    """

    left: float = float(MOST_A_MINUTE)
    at_ms: int = 0
    over: bool = False

    def take(self, time_ms: int) -> "Room":
        """With one admission less, at this time; `over` if there was none left."""
        left = min(float(MOST_A_MINUTE), self.left + max(0, time_ms - self.at_ms) / 60_000 * MOST_A_MINUTE)
        return Room(max(0.0, left - 1), max(self.at_ms, time_ms), over=left < 1)


@dataclass(frozen=True, slots=True)
class Stale:
    """What need not be kept any more: (device, counter, ticket) of admissions, (device, of) of what was undone."""

    told: tuple[tuple[str, int, int], ...]
    undone: tuple[tuple[str, int], ...]


@dataclass
class PeerBook:
    """See the module. `told` is by ticket, then by (device, counter); `undone` by (device, of)."""

    chains: dict[str, Chain] = field(default_factory=dict)
    told: dict[int, dict[tuple[str, int], Told]] = field(default_factory=dict)
    undone: dict[tuple[str, int], int] = field(default_factory=dict)
    rooms: dict[str, Room] = field(default_factory=dict)

    def chain(self, device: str) -> Chain:
        """How far the records of `device` are known."""
        return self.chains.get(device) or Chain(device)

    def plan(
        self, device: str, entries: Sequence[Entry], settled: int, position: int, good: Callable[[Entry], Shown]
    ) -> Plan:
        """What these records of `device`, and its word that the ledger has all up to `settled`, would change.

        An admission that is not `good` is passed over; the chain goes on behind it. One of which that cannot be told
        (None) is kept as unproven, as many as a turnstile can turn.
        """
        chain, told, undone = self.chain(device), [], []
        room = self.rooms.get(device, Room())
        for entry in entries:
            chain = _linked(chain, entry)
            body = entry.body
            if entry.type == ADMISSION and (device, body["counter"]) not in self.told.get(body["ticket"], {}):
                one, room = _told(device, entry, good(entry), room)
                told += [one] if one else []
                chain = replace(chain, fault=TOO_MANY) if room.over else chain
            elif entry.type in {RELEASE, VOID}:
                undone.append(Undone(device, body["of"], body["counter"]))
        if settled > chain.settled:
            chain = replace(chain, settled=settled, position=max(position, chain.position))
        return Plan(chain, tuple(told), tuple(undone), room)

    def apply(self, plan: Plan) -> None:
        """Take it in."""
        self.chains[plan.chain.device] = plan.chain
        if plan.room is not None:
            self.rooms[plan.chain.device] = plan.room
        for one in plan.told:
            self.told.setdefault(one.ticket, {}).setdefault((one.device, one.counter), one)
        for undo in plan.undone:
            ref = (undo.device, undo.of)
            self.undone[ref] = min(undo.by, self.undone.get(ref, undo.by))

    def of(self, ticket: int) -> tuple[Told, ...]:
        """Every admission of this ticket that peers told of."""
        return tuple(self._as_known(one) for one in self.told.get(ticket, {}).values())

    def seen(self, listed: Callable[[Told], int]) -> tuple[Told, ...]:
        """Admissions that the ledger is seen to have, whatever their gate says of it, as they are to be kept: `listed`
        gives the size of the view that shows one as the ticket's use, or 0.
        """
        unsettled = [one for one in self._all() if not one.released and not one.until]
        return tuple(replace(one, until=size - 1) for one in unsettled if (size := listed(one)))

    def stale(self, view_size: int, now_ms: int) -> Stale:
        """What the view has known for long."""
        old = [one for one in self._all() if one.until and one.until < view_size and one.time_ms < now_ms - KEEP_MS]
        return Stale(
            tuple((one.device, one.counter, one.ticket) for one in old),
            tuple((one.device, one.counter) for one in old if one.released),
        )

    def tidy(self, seen: Iterable[Told], stale: Stale) -> None:
        """Keep what was seen as it is now, and forget what is stale."""
        for one in seen:
            self.told[one.ticket][one.device, one.counter] = one
        for device, counter, ticket in stale.told:
            uses = self.told[ticket]
            del uses[device, counter]
            if not uses:
                del self.told[ticket]
        for ref in stale.undone:
            self.undone.pop(ref, None)

    def forget_others(self, devices: Iterable[str]) -> tuple[str, ...]:
        """Forget everything told by devices that are not among these; returns whose word it was."""
        keep = set(devices)
        gone = self.chains.keys() - keep
        if gone:
            self.chains = {device: chain for device, chain in self.chains.items() if device in keep}
            self.undone = {ref: by for ref, by in self.undone.items() if ref[0] in keep}
            self.rooms = {device: room for device, room in self.rooms.items() if device in keep}
            kept = {
                ticket: {ref: one for ref, one in uses.items() if ref[0] in keep} for ticket, uses in self.told.items()
            }
            self.told = {ticket: uses for ticket, uses in kept.items() if uses}
        return tuple(sorted(gone))

    def _all(self) -> Iterator[Told]:
        return (self._as_known(one) for uses in self.told.values() for one in uses.values())

    def _as_known(self, told: Told) -> Told:
        by, chain = self.undone.get((told.device, told.counter)), self.chain(told.device)
        if chain.settled >= max(told.counter, by or 0):
            return replace(told, released=by is not None, until=chain.position)
        # The row that was seen to show the admission does not know yet that it was taken back.
        return told if by is None else replace(told, released=True, until=0)


def _told(device: str, entry: Entry, shown: Shown, room: Room) -> tuple[Told | None, Room]:
    """What is kept of an admission that shows its holder's signature, or may; and the room that is left."""
    if shown is None:
        room = room.take(entry.body["time_ms"])
    if shown is False or (shown is None and room.over):
        return None, room
    body = entry.body
    code = b"" if shown else body["code"]
    return Told(device, body["gate"], body["counter"], body["ticket"], body["time_ms"], code=code), room


def _linked(chain: Chain, entry: Entry) -> Chain:
    """The chain with this record at its end, if it is newer; a break is noted and believed all the same, because a
    record can only take rights away.
    """
    counter, digest = entry.body["counter"], record_hash(entry.raw)
    if counter <= chain.have:
        forked = counter == chain.have and digest != chain.head
        return replace(chain, fault=f"two records {counter}: its card may have been copied") if forked else chain
    anew = entry.type == INCIDENT and entry.body["kind"] == DAMAGED
    follows = counter == chain.have + 1 and entry.body["previous"] == chain.head
    fault = chain.fault if follows or anew else f"record {counter} does not follow record {chain.have}"
    return replace(chain, have=counter, head=digest, fault=fault)
