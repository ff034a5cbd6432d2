"""The contract: apply(state, position, raw) says what one more entry means, the same on every node and at every replay.

It parses, checks the signature and the signer, and hands over to the rule of the entry's type. Time comes only from
the entries: an entry takes effect at max(its `at`, the clock), and the clock becomes that; so time never runs back, and
a signer whose clock does is not refused for it. Records of devices leave the clock alone.

Every entry counts once: the same bytes again have the outcome that they had, so a retry is safe, and nobody can undo a
cancellation by sending an old reinstatement out of the public log once more.
"""

import hashlib
from collections.abc import Callable, Mapping
from functools import partial

from ledger_node.contract import (
    actors,
    bodies_house,
    bodies_market,
    course,
    deals,
    devices,
    events,
    handover,
    identities,
    incidents,
    leases,
    money,
    passages,
    records,
    sales,
    seats,
    sponsors,
    tickets,
)
from ledger_node.contract.body import Body, Signers, options_of, shape_of
from ledger_node.contract.outcome import Outcome, Rejected
from ledger_node.contract.refusals import Refusal
from ledger_node.contract.shape import EVERY_ACT, MOST, OPTIONS, SHAPES, Shape, fault
from ledger_node.contract.state import Act, State
from scanner.verify.entry import Entry, Malformed, open_entry, signature_good
from scanner.verify.record import TYPES as RECORD_TYPES

Rule = Callable[[State, int, Entry, int], Rejected | None]
"""(state, position, entry, time in force) -> None when the rule has put its changes."""

BODIES: Mapping[type[Body], Rule] = {
    bodies_house.RegisterActor: actors.register,
    bodies_house.RevokeActor: actors.revoke,
    bodies_house.SetPolicy: course.set_policy,
    bodies_house.PostponeEvent: course.postpone,
    bodies_house.CancelEvent: course.cancel,
    bodies_house.CloseEvent: course.close,
    bodies_house.RotateKeys: course.rotate_keys,
    bodies_house.ChangeSeat: seats.change,
    bodies_house.MoveLeases: leases.move,
    bodies_house.SetFlags: seats.set_flags,
    bodies_house.Exit: passages.leave,
    bodies_house.Override: passages.override,
    bodies_market.HoldSeats: seats.hold,
    bodies_market.ReleaseSeats: seats.release,
    bodies_market.Sale: sales.sell,
    bodies_market.Activation: sales.activate,
    bodies_market.AttestIdentity: identities.attest,
    bodies_market.OfferTransfer: deals.offer,
    bodies_market.AcceptTransfer: handover.accept,
    bodies_market.RejectTransfer: deals.reject,
    bodies_market.CancelTransfer: deals.cancel,
    bodies_market.ExpireDeal: deals.expire,
    bodies_market.ListResale: deals.list_resale,
    bodies_market.BuyResale: handover.buy,
    bodies_market.UnlistResale: deals.unlist,
    bodies_market.CapturePayment: money.capture,
    bodies_market.ReleasePayment: money.release,
    bodies_market.RefundTicket: money.refund,
    bodies_market.AllotTickets: sponsors.allot,
    bodies_market.GrantTickets: sponsors.grant,
    bodies_market.RecallTickets: sponsors.recall,
}
"""The types whose bodies have a class, which says their shape and their signers."""

RULES: Mapping[str, Rule] = {
    "event.create": events.create,
    "event.update": events.update,
    "ticket.issue": tickets.issue,
    "ticket.state": tickets.change_state,
    "key.register": tickets.register_key,
    "device.enrol": devices.enrol,
    "device.revoke": devices.revoke,
    "incident": incidents.report,
    **{body.TYPE: rule for body, rule in BODIES.items()},
}
_PROVEN: Mapping[str, Rule] = {
    "ticket.issue": partial(tickets.issue, proven=True),
    "key.register": partial(tickets.register_key, proven=True),
    "transfer.accept": partial(handover.accept, proven=True),
    "resale.buy": partial(handover.buy, proven=True),
}
"""The same rules for an entry whose keys somebody has looked at (`proofs.proven`)."""
SIGNERS: Mapping[str, Signers] = {body.TYPE: body.SIGNERS for body in BODIES}
_OPERATOR: Signers = frozenset({"operator"})
_SHAPES: Mapping[str, Shape] = {**SHAPES, **{body.TYPE: shape_of(body) for body in BODIES}}
_OPTIONS: Mapping[str, Shape] = {
    **{kind: {**OPTIONS.get(kind, {}), **EVERY_ACT} for kind in SHAPES},
    **{body.TYPE: options_of(body) for body in BODIES},
}
_BY_ANY_KEY = frozenset(kind for kind, signers in SIGNERS.items() if signers & {"holder", "newcomer"})
PROOF_SINCE = frozenset({"identity.attest", "device.enrol"})
"""What was taken in without the named key's proof of possession before there was one (`ruleset`)."""
LATEST_TO_OLDEST = 900
"""Seconds between the newest and the oldest date with which an entry that any key may sign is taken in."""


def apply(state: State, position: int, raw: bytes, latest: int | None = None) -> Outcome | Rejected:
    """The outcome of `raw` as the log's entry at `position`, its changes put into `state`; or why it is refused, and
    nothing put. An outcome that is not `new` must not be appended.

    `latest` (unix seconds) is for whoever takes entries in: an entry dated after it is refused, and one by a key that
    nobody registered also if it is dated long before, so that nobody signs now what was allowed then; so is one without
    a proof that was not asked for once. A replay leaves it out, because what is in the log was good once.
    """
    return apply_opened(state, position, open_entry(raw), latest)


def apply_opened(
    state: State,
    position: int,
    entry: Entry | Malformed,
    latest: int | None = None,
    *,
    signed: bool | None = None,
    proven: bool = False,
    held: bytes = b"",
) -> Outcome | Rejected:
    """The same for an entry that was opened before. `signed` = whether its signature is good, if somebody has looked
    already (a replay does so on another core); None = look here. `proven` = so are the keys that it brings
    (`proofs.proven`); False = look here. `held` = what the holder's signature in an admission was found good for
    (`records.holder_seen`).
    """
    if isinstance(entry, Malformed):
        return Rejected(Refusal.NOT_AN_ENTRY, entry.reason)
    if entry.type in RECORD_TYPES and entry.actor != state.operator:
        return records.apply(state, position, entry, signed=signed, held=held)
    return _apply_act(state, position, entry, latest, signed=signed, proven=proven)


def _apply_act(
    state: State, position: int, entry: Entry, latest: int | None, *, signed: bool | None, proven: bool
) -> Outcome | Rejected:
    rule = (_PROVEN.get(entry.type) if proven else None) or RULES.get(entry.type)
    if rule is None:
        return Rejected(Refusal.UNKNOWN_TYPE, entry.type)
    if not actors.may_sign(state, entry, SIGNERS.get(entry.type, _OPERATOR)):
        return Rejected(Refusal.WRONG_SIGNER, entry.type)
    # Before the body is looked into: what a stranger wrote in somebody's name is not worth the work.
    if not (signature_good(entry) if signed is None else signed):
        return Rejected(Refusal.BAD_SIGNATURE)
    wrong = fault(entry.body, _SHAPES[entry.type], _OPTIONS[entry.type])
    if wrong is not None or entry.at > MOST:
        return Rejected(Refusal.MALFORMED_BODY, wrong or "at: out of range")
    key = act_key(entry)
    known = state.act(key)
    if known is not None:
        return Outcome(known.position, at=known.at, new=False)
    refused = _not_taken_in(entry, latest)
    if refused is not None:
        return refused
    at = max(entry.at, state.clock)
    refused = rule(state, position, entry, at)
    if refused is not None:
        return refused
    state.set_clock(at)
    state.put_act(key, Act(position, at))
    return Outcome(position, at=at)


def act_key(entry: Entry) -> bytes:
    """By what a state knows an entry that is no device's record: its own time (u64) and the SHA-256 of its bytes. With
    the time first, entries that come together stand together in a table.
    """
    return entry.at.to_bytes(8, "big") + hashlib.sha256(entry.raw).digest()


def _not_taken_in(entry: Entry, latest: int | None) -> Rejected | None:
    if latest is None:
        return None
    if entry.type in PROOF_SINCE and "proof" not in entry.body:
        return Rejected(Refusal.PROOF_NEEDED)
    if entry.at > latest:
        return Rejected(Refusal.FROM_THE_FUTURE, f"{entry.at - latest} s")
    if entry.type in _BY_ANY_KEY and entry.at < latest - LATEST_TO_OLDEST:
        return Rejected(Refusal.SIGNED_TOO_LONG_AGO, f"{latest - entry.at} s")
    return None
