"""Rules for seats: keeping them for a buyer for a while, moving a ticket to another, and a ticket's flags."""

from ledger_node.contract import leases
from ledger_node.contract.bodies_house import ChangeSeat, SetFlags
from ledger_node.contract.bodies_market import HoldSeats, ReleaseSeats
from ledger_node.contract.facts import Deal, Title
from ledger_node.contract.outcome import Rejected
from ledger_node.contract.refusals import Refusal
from ledger_node.contract.scene import Seen, is_free, look_up, open_scene, seat_doubled
from ledger_node.contract.state import State
from ledger_node.contract.tickets import LAST_OWNER_SEQ
from ledger_node.contract.values import but
from scanner.verify.entry import Entry
from scanner.verify.gatecode import FLAG_IDENTITY_CHECK, FLAG_RE_ENTRY
from scanner.verify.row import ACTIVE

_FLAGS = FLAG_IDENTITY_CHECK | FLAG_RE_ENTRY


def hold(state: State, position: int, entry: Entry, at: int) -> Rejected | None:
    """seat.hold: free seats, all or none, until a time; the same hold may be made longer."""
    act = HoldSeats.of(entry)
    if isinstance(scene := open_scene(state, entry.event), Rejected):
        return scene
    if act.until <= at:
        return Rejected(Refusal.BAD_TIMES, f"until {act.until}, now {at}")
    kept: list[Title] = []
    for index in act.tickets:
        seen = look_up(state, entry.event, index)
        if isinstance(seen, Rejected):
            return seen
        if not is_free(seen, at, act.hold):
            return Rejected(Refusal.SEAT_TAKEN, seen.label)
        kept.append(but(seen.title, place="held", ref=act.hold, until=act.until, changed=position))
    for title in kept:
        state.put(title)
    return None


def release(state: State, position: int, entry: Entry, _at: int) -> Rejected | None:
    """seat.release: seats of this hold, all or none."""
    act = ReleaseSeats.of(entry)
    freed: list[Title] = []
    for index in act.tickets:
        seen = look_up(state, entry.event, index)
        if isinstance(seen, Rejected):
            return seen
        if seen.title.place != "held" or seen.title.ref != act.hold:
            return Rejected(Refusal.NOT_HELD, seen.label)
        freed.append(but(seen.title, place="house", ref=b"", until=0, changed=position))
    for title in freed:
        state.put(title)
    return None


def change(state: State, position: int, entry: Entry, _at: int) -> Rejected | None:
    """ticket.seat: the holder and the key stay, owner_seq counts on, so codes for the old seat are good for nothing. An
    offer or a listing of the old seat is gone. In another gate group, other gates hold its use.
    """
    act = ChangeSeat.of(entry)
    scene = open_scene(state, entry.event)
    if isinstance(scene, Rejected):
        return scene
    seen = look_up(state, entry.event, act.ticket)
    if isinstance(seen, Rejected):
        return seen
    row = seen.ticket.row
    if row.state != ACTIVE:
        return Rejected(Refusal.TICKET_NOT_ACTIVE, seen.label)
    if row.uses:
        return Rejected(Refusal.TICKET_USED, seen.label)
    if act.gate_group and scene.event.manifest.group(act.gate_group) is None:
        return Rejected(Refusal.UNKNOWN_GATE_GROUP, f"{seen.label}: group {act.gate_group}")
    refused = seat_doubled(state, entry.event, [(act.ticket, act.seat)])
    refused = refused or leases.refuse_regrouped(state, scene.event, seen.ticket, act.gate_group, act.given)
    if refused is not None:
        return refused
    if row.owner_seq == LAST_OWNER_SEQ:
        return Rejected(Refusal.OWNER_SEQ_SPENT, seen.label)
    if act.owner_seq != row.owner_seq + 1:
        return Rejected(Refusal.WRONG_OWNER_SEQ, f"{seen.label}: {act.owner_seq}, not {row.owner_seq + 1}")
    moved = row._replace(seat=act.seat, category=act.category, gate_group=act.gate_group, owner_seq=act.owner_seq)
    if act.gate_group != row.gate_group:
        moved = moved._replace(lease=0)
    state.put_ticket(but(seen.ticket, row=moved, changed=position))
    drop_deal(state, seen, position)
    return None


def set_flags(state: State, position: int, entry: Entry, _at: int) -> Rejected | None:
    """ticket.flags: for all the tickets or none."""
    act = SetFlags.of(entry)
    if act.flags & ~_FLAGS:
        return Rejected(Refusal.MALFORMED_BODY, f"flags are 0 to {_FLAGS}")
    found: list[Seen] = []
    for index in act.tickets:
        seen = look_up(state, entry.event, index)
        if isinstance(seen, Rejected):
            return seen
        found.append(seen)
    for seen in found:
        row = seen.ticket.row._replace(flags=act.flags)
        state.put_ticket(but(seen.ticket, row=row, changed=position))
    return None


def drop_deal(state: State, seen: Seen, position: int) -> None:
    """Forget an offer or a listing, because the ticket is no longer what was offered."""
    if seen.title.deal:
        state.drop(Deal, seen.title.event, seen.title.deal)
        state.put(but(seen.title, deal=b"", changed=position))
