"""Reads the log's entries as signs for monitoring: which ticket, which gate, whose fingerprint, how far clocks differ.

What a sign needs besides the entry (a record's verdict, a key's pseudonym, a face value) is looked up in a view. A
pseudonym leaves this module only as a fingerprint.
"""

from collections.abc import Iterator

from ledger_node.contract.facts import Holding, Identity, PolicyVersion
from ledger_node.contract.policy import PERCENT, TicketPolicy
from ledger_node.contract.provider import Attestation, open_receipt
from ledger_node.log.ledger import View
from ledger_node.services.decided import both_ways
from ledger_node.services.monitoring import HANDED_ON, OFFERED, SCANNED, Sign
from ledger_node.services.public_facts import fingerprint
from scanner.verify.entry import Entry
from scanner.verify.gatecode import Unreadable, parse_raw

TYPES = HANDED_ON | OFFERED | SCANNED | {"identity.attest", "incident"}


def signs_of(view: View, position: int, entry: Entry, now: int) -> Iterator[Sign]:
    """The signs in an entry, mostly none or one. A time ahead of `now` counts as now, so that one wrong clock does not
    empty everybody's window.
    """
    at = min(entry.at, now)
    if entry.type in SCANNED:
        yield _scan(view, position, entry, at)
    elif entry.type == "identity.attest":
        yield from _attested(view, position, entry, at)
    elif entry.type == "incident" and "cause" in entry.body:
        record = view.record(entry.body["device"], entry.body["counter"])
        if record is not None and record.ticket is not None:
            cause = entry.body["cause"]
            ways = both_ways(view, record)
            yield Sign(position, entry.event, "incident", at, record.ticket, gate=record.gate, cause=cause, ways=ways)
    elif entry.type in HANDED_ON | OFFERED:
        yield _deal(view, position, entry, at)


def _scan(view: View, position: int, entry: Entry, at: int) -> Sign:
    body = entry.body
    event, code = view.event(entry.event), parse_raw(body["code"])
    lag = None
    if event is not None and not isinstance(code, Unreadable):
        step = event.manifest.step
        lag = body["time_ms"] // 1000 - (code.core.time_step * step + step // 2)
    record = view.record(body["device"], body["counter"])
    return Sign(
        position, entry.event, entry.type, at, body["ticket"], gate=body["gate"], device=body["device"], lag=lag,
        verdict=record.verdict if record else "",
    )  # fmt: skip


def _attested(view: View, position: int, entry: Entry, at: int) -> Iterator[Sign]:
    said = open_receipt(entry.body["attestation"])
    if isinstance(said, Attestation):
        person, held = fingerprint(said.subject), _held(view, entry.event, said.subject)
        for ticket in entry.body["tickets"]:
            yield Sign(position, entry.event, entry.type, at, ticket, person, held=held)


def _deal(view: View, position: int, entry: Entry, at: int) -> Sign:
    known = view.find(Identity, entry.event, entry.actor)
    person, held = (fingerprint(known.pseudonym), _held(view, entry.event, known.pseudonym)) if known else ("", 0)
    at_cap = entry.type in OFFERED and _at_cap(view, position, entry)
    return Sign(position, entry.event, entry.type, at, entry.body["ticket"], person, at_cap=at_cap, held=held)


def _held(view: View, event: str, pseudonym: bytes) -> int:
    holding = view.find(Holding, event, pseudonym)
    return holding.tickets if holding else 0


def _at_cap(view: View, position: int, entry: Entry) -> bool:
    ticket, price = view.ticket(entry.event, entry.body["ticket"]), entry.body["price"]
    if ticket is None or not price:
        return False
    policy = TicketPolicy()
    for version in view.each(PolicyVersion, entry.event):
        if version.position < position and version.effective <= entry.at:
            policy = version.policy
    cap = policy.transfer_cap if entry.type == "transfer.offer" else policy.resale_cap
    return bool(price * PERCENT == ticket.face_value * cap)
