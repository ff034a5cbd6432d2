"""Rules for tickets: issuing in batches, a holder's key, and the states that an operator sets."""

from collections.abc import Mapping
from typing import Any

from ledger_node.contract.facts import Deal, Title
from ledger_node.contract.outcome import Rejected
from ledger_node.contract.proofs import possessed
from ledger_node.contract.refusals import Refusal
from ledger_node.contract.scene import licensed, scene_of, seat_doubled
from ledger_node.contract.shape import row_fault, u32
from ledger_node.contract.state import EventState, State, Ticket
from ledger_node.contract.values import but
from scanner.verify.entry import Entry
from scanner.verify.keys import NO_KEY, valid_public_key
from scanner.verify.manifest import EventManifest
from scanner.verify.row import ACTIVE, BLOCKED, CANCELLED, REFUNDED, Row

LAST_OWNER_SEQ = 2**16 - 1
STATES: Mapping[str, int] = {"active": ACTIVE, "cancelled": CANCELLED, "refunded": REFUNDED, "blocked": BLOCKED}
_MOVES: Mapping[int, frozenset[int]] = {
    ACTIVE: frozenset({CANCELLED, REFUNDED, BLOCKED}),
    BLOCKED: frozenset({ACTIVE, CANCELLED, REFUNDED}),
    CANCELLED: frozenset({ACTIVE, REFUNDED}),
    REFUNDED: frozenset(),
}


def issue(state: State, position: int, entry: Entry, at: int, *, proven: bool = False) -> Rejected | None:
    """ticket.issue: new tickets, all or none, never more than the capacity, perhaps with their holders' first keys.

    `proven` = somebody has looked at the rows, their keys and their proofs (`proofs.proven`).
    """
    scene = scene_of(state, entry.event)
    if isinstance(scene, Rejected):
        return scene
    event = scene.event
    rows: list[list[Any]] = entry.body["rows"]
    capacity = licensed(state, scene, at)
    if event.issued + len(rows) > capacity:
        return Rejected(Refusal.OVER_CAPACITY, f"{event.issued} + {len(rows)} > {capacity}")
    seen: set[int] = set()
    for row in rows:
        refused = _row_refused(state, event, row, seen, proven=proven)
        if refused is not None:
            return refused
    refused = seat_doubled(state, entry.event, ((row[0], row[1]) for row in rows))
    if refused is not None:
        return refused
    for row in rows:
        state.put_ticket(_new_ticket(entry.event, row, position))
    state.put_event(entry.event, but(event, issued=event.issued + len(rows)))
    return None


def register_key(state: State, position: int, entry: Entry, _at: int, *, proven: bool = False) -> Rejected | None:
    """key.register: a holder's key with proof of possession. The first key takes the ticket's own owner_seq; each later
    one (a sale, a lost phone) the next, and from then on the codes of the one before are refused. `proven`: see issue.
    """
    body = entry.body
    found = _found(state, entry.event, body["ticket"])
    if isinstance(found, Rejected):
        return found
    event, ticket = found
    row, seq, holder_key = ticket.row, body["owner_seq"], body["holder_key"]
    label = f"ticket {row.ticket}"
    if row.state != ACTIVE:
        return Rejected(Refusal.TICKET_NOT_ACTIVE, label)
    if row.uses:
        return Rejected(Refusal.TICKET_USED, label)
    if holder_key == row.holder_key:
        return Rejected(Refusal.KEY_UNCHANGED, label)
    if row.holder_key != NO_KEY and row.owner_seq == LAST_OWNER_SEQ:
        return Rejected(Refusal.OWNER_SEQ_SPENT, label)
    expected = row.owner_seq + (row.holder_key != NO_KEY)
    if seq != expected:
        return Rejected(Refusal.WRONG_OWNER_SEQ, f"{label}: {seq}, not {expected}")
    title = state.find(Title, entry.event, row.ticket)
    if title is not None and title.place != "person":
        return Rejected(Refusal.NOT_TO_ACTIVATE, label)
    refused = None if proven else _key_refused(event.manifest, row.ticket, seq, holder_key, body["proof"])
    if refused is not None:
        return refused
    state.put_ticket(but(ticket, row=row._replace(owner_seq=seq, holder_key=holder_key), changed=position))
    if title is not None and title.deal:
        state.drop(Deal, entry.event, title.deal)
        state.put(but(title, deal=b"", changed=position))
    return None


def change_state(state: State, position: int, entry: Entry, _at: int) -> Rejected | None:
    """ticket.state: cancel, refund, block or reinstate, all the listed tickets or none. A refund is final."""
    target = STATES.get(entry.body["state"])
    if target is None:
        return Rejected(Refusal.MALFORMED_BODY, f"state is one of {', '.join(STATES)}")
    moved: dict[int, Ticket] = {}
    for index in entry.body["tickets"]:
        if not u32(index) or index in moved:
            return Rejected(Refusal.MALFORMED_BODY, "tickets are indexes, each once")
        found = _found(state, entry.event, index)
        if isinstance(found, Rejected):
            return found
        if target not in _MOVES[found[1].row.state]:
            now = next(word for word, state_now in STATES.items() if state_now == found[1].row.state)
            wanted = "already" if now == entry.body["state"] else f"and not to be {entry.body['state']}"
            return Rejected(Refusal.STATE_NOT_ALLOWED, f"ticket {index} is {now} {wanted}")
        moved[index] = found[1]
    for ticket in moved.values():
        state.put_ticket(but(ticket, row=ticket.row._replace(state=target), changed=position))
    return None


def _row_refused(state: State, event: EventState, row: list[Any], seen: set[int], *, proven: bool) -> Rejected | None:
    wrong = None if proven else row_fault(row)
    if wrong is not None:
        return Rejected(Refusal.MALFORMED_BODY, wrong)
    index, group = row[0], row[3]
    if index in seen or state.ticket(event.manifest.event, index) is not None:
        return Rejected(Refusal.INDEX_TAKEN, f"ticket {index}")
    seen.add(index)
    if group and event.manifest.group(group) is None:
        return Rejected(Refusal.UNKNOWN_GATE_GROUP, f"ticket {index}: group {group}")
    return None if proven or not row[5:] else _key_refused(event.manifest, index, 0, *row[5:])


def _key_refused(manifest: EventManifest, index: int, seq: int, holder_key: bytes, proof: bytes) -> Rejected | None:
    if not valid_public_key(holder_key):
        return Rejected(Refusal.BAD_KEY, f"ticket {index}")
    if not possessed(manifest.hash, index, seq, holder_key, proof):
        return Rejected(Refusal.BAD_PROOF, f"ticket {index}")
    return None


def _new_ticket(event: str, row: list[Any], position: int) -> Ticket:
    index, seat, category, group, face_value = row[:5]
    holder_key = row[5] if row[5:] else NO_KEY
    return Ticket(
        event, Row(index, 0, ACTIVE, group, category, 0, seat, holder_key, 0, 0, 0, 0), face_value, None, position
    )


def _found(state: State, event: str, index: int) -> tuple[EventState, Ticket] | Rejected:
    known = state.event(event)
    if known is None:
        return Rejected(Refusal.UNKNOWN_EVENT, event)
    ticket = state.ticket(event, index)
    return (known, ticket) if ticket is not None else Rejected(Refusal.UNKNOWN_TICKET, f"ticket {index}")
