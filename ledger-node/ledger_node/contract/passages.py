"""Rules for what happens at a gate besides admissions: leaving to come back, and a supervisor's decision."""

from ledger_node.contract.bodies_house import Exit, Override
from ledger_node.contract.facts import Overridden
from ledger_node.contract.outcome import Rejected
from ledger_node.contract.refusals import Refusal
from ledger_node.contract.scene import look_up
from ledger_node.contract.state import State
from ledger_node.contract.values import but
from scanner.verify.entry import Entry
from scanner.verify.gatecode import FLAG_RE_ENTRY


def leave(state: State, position: int, entry: Entry, _at: int) -> Rejected | None:
    """ticket.exit: ends the use that one admission holds, so it counts once, however often it is sent."""
    act = Exit.of(entry)
    seen = look_up(state, entry.event, act.ticket)
    if isinstance(seen, Rejected):
        return seen
    ticket = seen.ticket
    if ticket.used_by != (act.device, act.counter):
        return Rejected(Refusal.NOT_INSIDE, seen.label)
    if not ticket.row.flags & FLAG_RE_ENTRY:
        return Rejected(Refusal.NO_RE_ENTRY, seen.label)
    row = ticket.row._replace(uses=ticket.row.uses - 1, used_gate=0, used_at=0)
    state.put_ticket(but(ticket, row=row, used_by=None, changed=position))
    return None


def override(state: State, position: int, entry: Entry, _at: int) -> Rejected | None:
    """override: about a logged record of this ticket, once. It spends no use: who came in is the supervisor's word."""
    act = Override.of(entry)
    record = state.record(act.device, act.counter)
    name = f"{act.device}/{act.counter}"
    if record is None or record.event != entry.event or record.ticket != act.ticket:
        return Rejected(Refusal.NOT_OVERRIDABLE, name)
    if state.find(Overridden, entry.event, name) is not None:
        return Rejected(Refusal.NOT_OVERRIDABLE, name)
    state.put(Overridden(entry.event, name, position))
    return None
