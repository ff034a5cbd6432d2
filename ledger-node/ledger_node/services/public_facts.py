"""What anybody may know of an entry: facts by type, without people.

Only what is listed here is shown. Never shown: pseudonyms, attestations, orders and holds (they tell which tickets one
person bought), secrets, commitments, signatures, money of several tickets at once, and free text, because somebody may
have typed a name. Keys are shown as fingerprints: the first 16 hex digits of their SHA-256.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ledger_node.contract.facts import Actor, ActorKey
from ledger_node.contract.provider import Attestation, Money, open_receipt
from ledger_node.log.ledger import View
from ledger_node.services.decided import both_ways, stated_of
from ledger_node.services.logged import record_named
from scanner.verify.entry import Entry

FINGERPRINT = 16
Facts = dict[str, Any]
_Read = Callable[[Mapping[str, Any], int], Facts]


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed: the role, for an organisation or a gate its name, and the key's fingerprint."""

    role: str
    name: str
    key: str


def fingerprint(key: bytes) -> str:
    """Short, the same for the same key, and nothing that a signature could be checked with."""
    return hashlib.sha256(key).hexdigest()[:FINGERPRINT]


def signer_of(view: View, operator: bytes, entry: Entry) -> Signer:
    """By what the ledger knows of the key; one that nobody registered is a holder's."""
    key = fingerprint(entry.actor)
    if entry.actor == operator:
        return Signer("operator", "", key)
    device = view.device_by_key(entry.actor)
    if device is not None:
        return Signer("device", device.device, key)
    owner = view.find(ActorKey, entry.event, entry.actor)
    actor = view.find(Actor, entry.event, owner.actor) if owner else None
    return Signer(actor.role, actor.actor, key) if actor else Signer("holder", "", key)


def facts_of(view: View, entry: Entry, ticket: int | None = None) -> Facts:
    """The facts of an entry; with `ticket`, of what it says about that ticket alone."""
    read = _FACTS.get(entry.type)
    if read is not None and (ticket is not None or entry.type not in _OF_ONE):
        facts = read(entry.body, -1 if ticket is None else ticket)
    else:
        facts = {}
    if "deal" in entry.body:
        facts["deal"] = entry.body["deal"].hex()[:FINGERPRINT]
    if entry.type in {"transfer.offer", "resale.list"}:
        facts["deal"] = hashlib.sha256(entry.raw).hexdigest()[:FINGERPRINT]
    if entry.type in {"transfer.accept", "resale.buy"}:
        facts["key"] = fingerprint(entry.actor)
    return {**facts, **(_record_facts(view, entry, ticket) if "previous" in entry.body else _ways(view, entry))}


def _ways(view: View, entry: Entry) -> Facts:
    """For a double entry: in what way its gates decided, as far as they have said so."""
    named = record_named(entry) if entry.type == "incident" else None
    record = view.record(*named) if named else None
    ways = both_ways(view, record) if record else ""
    return {"ways": ways} if ways else {}


def _record_facts(view: View, entry: Entry, ticket: int | None) -> Facts:
    """What became of a device's record, and in what way it says that an admission was decided."""
    record = view.record(entry.body["device"], entry.body["counter"])
    if record is None:
        return {}
    facts: Facts = {"gate": record.gate, "time_ms": record.time_ms, "outcome": record.verdict, "cause": record.cause}
    if way := stated_of(view, entry, ticket):
        facts = {**facts, "way": way}
    first = view.record(*record.first) if record.first else None
    return {**facts, "first": first.position} if first else facts


def _some(*names: str) -> _Read:
    def read(body: Mapping[str, Any], _ticket: int) -> Facts:
        return {name: body[name] for name in names}

    return read


def _item(body: Mapping[str, Any], ticket: int) -> list[Any]:
    return next(item for item in body["items"] if item[0] == ticket)


def _issue(body: Mapping[str, Any], ticket: int) -> Facts:
    row = next(row for row in body["rows"] if row[0] == ticket)
    facts = dict(zip(("seat", "category", "gate_group", "face_value"), row[1:5], strict=True))
    return {**facts, "key": fingerprint(row[5])} if row[5:] else facts


def _sale(body: Mapping[str, Any], ticket: int) -> Facts:
    _, tier, price = _item(body, ticket)
    through = "provider" if body["payment"] else "ticketing system"
    return {"price": price, "tier": tier, "eticket": body["eticket"], "paid_through": through}


def _register(body: Mapping[str, Any], _ticket: int) -> Facts:
    return {"owner_seq": body["owner_seq"], "key": fingerprint(body["holder_key"])}


def _attest(body: Mapping[str, Any], _ticket: int) -> Facts:
    said = open_receipt(body["attestation"])
    return {"provider": said.provider, "level": said.level} if isinstance(said, Attestation) else {}


def _settlement(body: Mapping[str, Any], _ticket: int) -> Facts:
    said = open_receipt(body["receipt"])
    return {"provider": said.provider} if isinstance(said, Money) else {}


def _refund(body: Mapping[str, Any], _ticket: int) -> Facts:
    said = open_receipt(body["receipt"])
    return {"provider": said.provider, "amount": said.amount} if isinstance(said, Money) else {}


def _manifest(body: Mapping[str, Any], _ticket: int) -> Facts:
    return {name: body["manifest"][name] for name in ("version", "capacity", "doors", "starts")}


def _actor(body: Mapping[str, Any], _ticket: int) -> Facts:
    return {"actor": body["actor"], "role": body["role"], "registered_key": fingerprint(body["public_key"])}


def _policy(body: Mapping[str, Any], _ticket: int) -> Facts:
    policy = {name: value for name, value in body["policy"].items() if isinstance(value, int)}
    return {"version": body["version"], "effective": body["effective"], **policy}


def _incident(body: Mapping[str, Any], _ticket: int) -> Facts:
    """A gate's own incident has no cause, and its detail is for the house."""
    return {name: body[name] for name in ("kind", "cause") if name in body}


def _lease_move(body: Mapping[str, Any], _ticket: int) -> Facts:
    """To a gate, or to a gate group."""
    return {name: body[name] for name in ("gate", "gate_group") if name in body}


_OF_ONE = frozenset({"ticket.issue", "sale"})
_FACTS: Mapping[str, _Read] = {
    "event.create": _manifest,
    "event.update": _manifest,
    "event.postpone": _some("doors", "starts"),
    "policy.set": _policy,
    "actor.register": _actor,
    "actor.revoke": _some("actor"),
    "device.enrol": _some("device", "gate"),
    "device.revoke": _some("device"),
    "ticket.issue": _issue,
    "ticket.state": _some("state"),
    "ticket.seat": _some("seat", "category", "gate_group", "owner_seq"),
    "ticket.flags": _some("flags"),
    "lease.move": _lease_move,
    "ticket.refund": _refund,
    "seat.hold": _some("until"),
    "sale": _sale,
    "key.register": _register,
    "identity.attest": _attest,
    "transfer.offer": _some("price", "until", "owner_seq"),
    "transfer.accept": _some("owner_seq"),
    "resale.list": _some("price", "until", "owner_seq"),
    "resale.buy": _some("owner_seq"),
    "payment.capture": _settlement,
    "payment.release": _settlement,
    "sponsor.allot": _some("sponsor"),
    "admission": _some("verdict", "reason", "owner_seq", "marks"),
    "refusal": _some("verdict", "reason", "owner_seq"),
    "void": _some("reason"),
    "release": _some("reason"),
    "incident": _incident,
}
