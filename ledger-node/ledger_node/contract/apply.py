"""The contract: apply(state, position, raw) says what one more entry means, the same on every node and at every replay.

It parses, checks the signature and the signer, and hands over to the rule of the entry's type. Time comes only from
the entries: an operator's entry takes effect at max(its `at`, the clock), and the clock becomes that; so time never
runs back, and a signer whose clock does is not refused for it. Records of devices leave the clock alone.

Every entry counts once: the same bytes again have the outcome that they had, so a retry is safe, and nobody can undo a
cancellation by sending an old reinstatement out of the public log once more.
"""

import hashlib
from collections.abc import Callable, Mapping

from ledger_node.contract import devices, events, incidents, records, tickets
from ledger_node.contract.outcome import Outcome, Rejected
from ledger_node.contract.refusals import Refusal
from ledger_node.contract.shape import MOST, SHAPES, fault
from ledger_node.contract.state import Act, State
from scanner.verify.entry import Entry, Malformed, open_entry, signature_good
from scanner.verify.record import TYPES as RECORD_TYPES

Rule = Callable[[State, int, Entry, int], Rejected | None]
"""(state, position, entry, time in force) -> None when the rule has put its changes."""

RULES: Mapping[str, Rule] = {
    "event.create": events.create,
    "event.update": events.update,
    "ticket.issue": tickets.issue,
    "ticket.state": tickets.change_state,
    "key.register": tickets.register_key,
    "device.enrol": devices.enrol,
    "device.revoke": devices.revoke,
    "incident": incidents.report,
}


def apply(state: State, position: int, raw: bytes, latest: int | None = None) -> Outcome | Rejected:
    """The outcome of `raw` as the log's entry at `position`, its changes put into `state`; or why it is refused, and
    nothing put. An outcome that is not `new` must not be appended.

    `latest` (unix seconds) is for whoever takes entries in: an operator's entry dated after it is refused. A replay
    leaves it out, because what is in the log was in time once.
    """
    entry = open_entry(raw)
    if isinstance(entry, Malformed):
        return Rejected(Refusal.NOT_AN_ENTRY, entry.reason)
    if entry.type in RECORD_TYPES and entry.actor != state.operator:
        return records.apply(state, position, entry)
    return _apply_operator(state, position, entry, latest)


def _apply_operator(state: State, position: int, entry: Entry, latest: int | None) -> Outcome | Rejected:
    rule = RULES.get(entry.type)
    if rule is None:
        return Rejected(Refusal.UNKNOWN_TYPE, entry.type)
    if entry.actor != state.operator:
        return Rejected(Refusal.WRONG_SIGNER, entry.type)
    wrong = fault(entry.body, SHAPES[entry.type])
    if wrong is not None or entry.at > MOST:
        return Rejected(Refusal.MALFORMED_BODY, wrong or "at: out of range")
    digest = hashlib.sha256(entry.raw).digest()
    known = state.act(digest)
    if known is not None:
        return Outcome(known.position, at=known.at, new=False)
    if not signature_good(entry):
        return Rejected(Refusal.BAD_SIGNATURE)
    if latest is not None and entry.at > latest:
        return Rejected(Refusal.FROM_THE_FUTURE, f"{entry.at - latest} s")
    at = max(entry.at, state.clock)
    refused = rule(state, position, entry, at)
    if refused is not None:
        return refused
    state.set_clock(at)
    state.put_act(digest, Act(position, at))
    return Outcome(position, at=at)
