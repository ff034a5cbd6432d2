"""Double entries: what the cause was, which ones nobody has explained, and the operator's entry that reports one."""

from typing import Final

from ledger_node.contract.outcome import Rejected
from ledger_node.contract.refusals import Refusal
from ledger_node.contract.state import Facts, Record, State
from scanner.verify.entry import Entry
from scanner.verify.record import ADMISSION

DOUBLE_ENTRY: Final = "double-entry"


def cause_of(first: Record, code_digest: bytes, owner_seq: int) -> str:
    """Why a ticket came twice: the same bytes (a screenshot passed on), two owners, or two codes of one key."""
    if first.code_digest == code_digest:
        return "relayed-screenshot"
    return "sold-then-entered" if first.owner_seq < owner_seq else "shared-or-cloned-key"


def doubtful(state: Facts, record: Record) -> bool:
    """Whether somebody may have entered on this record who should not have: a duplicate or stale admission that was
    not taken back, does not hold the use by now, and was not reported yet.
    """
    if record.type != ADMISSION or record.verdict not in {"duplicate", "stale"} or record.ticket is None:
        return False
    ref = (record.device, record.counter)
    if state.undone(*ref) is not None or state.incident(*ref):
        return False
    ticket = state.ticket(record.event, record.ticket)
    return ticket is None or ticket.used_by != ref


def report(state: State, _position: int, entry: Entry, _at: int) -> Rejected | None:
    """incident: the operator states a double entry and its cause; each once, and only what the records show."""
    body = entry.body
    record = state.record(body["device"], body["counter"])
    if (
        record is None
        or record.event != entry.event
        or (body["kind"], body["cause"]) != (DOUBLE_ENTRY, record.cause)
        or not doubtful(state, record)
    ):
        return Rejected(Refusal.NOT_A_DOUBLE_ENTRY, f"device {body['device']}, counter {body['counter']}")
    state.put_incident(record.device, record.counter)
    return None
