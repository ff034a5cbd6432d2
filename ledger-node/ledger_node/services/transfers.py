"""Transfers: a holder offers a ticket to one person, who is written to, and accepts or says no.

The offer, the no and the taking back are entries that people sign; they are logged as they are. The secret of the
invitation reaches the person by letter, or from the holder's own hand: whoever has it may accept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ledger_node.contract.bodies_market import AcceptTransfer, CancelTransfer, OfferTransfer, RejectTransfer
from ledger_node.contract.commitments import invitation
from ledger_node.contract.facts import Deal
from ledger_node.contract.outcome import Outcome
from ledger_node.services import dealing
from ledger_node.services.accounts.site import site_of
from ledger_node.services.acts import log_act, read_act
from ledger_node.services.counted import count_letter, count_offer, giving_back
from ledger_node.services.dealing import Newcomer, Ready
from ledger_node.services.errors import ServiceError
from ledger_node.services.events import read_event
from ledger_node.services.letters import contact_of, write_letter
from ledger_node.services.node import Node
from ledger_node.services.told_times import when
from scanner.verify.record import record_hash

TEMPLATE = "transfer_offer"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom the node shall write to: an address, and the secret for it. Personal data."""

    secret: bytes = field(repr=False)
    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Offered:
    """An offer on the ledger: its id, which is the SHA-256 of its entry, and where."""

    deal: bytes
    position: int
    written: bool


def offer(node: Node, event: str, raw: bytes, to: Recipient | None = None) -> Offered:
    """Log the offer and write to the recipient; the same offer again writes no second letter. Raises ServiceError."""
    entry, act = read_act(raw, OfferTransfer, event)
    deal = record_hash(raw)
    if to is not None and invitation(to.secret) != act.to:
        raise ServiceError("bad-secret", "the offer is not to whoever has this secret", 422)
    contact = contact_of(to.phone, to.email) if to else {}
    unwritten = to is not None and node.market.letter(_letter(deal)) is None
    letter = count_letter(node, entry, act.ticket, contact) if unwritten else ()
    with giving_back(node, letter):
        with giving_back(node, offered := count_offer(node, entry, act.ticket, deal)):
            outcome = log_act(node, raw)
        if not outcome.new:
            node.tally.give_back(offered)
            dealing.find_deal(node, event, "transfer", deal)
        if to is not None and unwritten:
            _write(node, act, event, deal, to.secret, contact)
    return Offered(deal, outcome.position, to is not None)


def show(node: Node, event: str, deal: bytes) -> Deal:
    """An open offer. Raises ServiceError."""
    return dealing.find_deal(node, event, "transfer", deal)


def checkout(node: Node, event: str, deal: bytes, secret: bytes, newcomer: Newcomer) -> Ready:
    """Hold the price, and write the entry that the recipient is to sign. Raises ServiceError."""
    found = dealing.find_deal(node, event, "transfer", deal)
    if invitation(secret) != found.to:
        raise ServiceError("bad-secret", "the offer is not to whoever has this secret", 403)
    return dealing.make_ready(node, found, newcomer, secret)


def accept(node: Node, event: str, deal: bytes, raw: bytes) -> Outcome:
    """The ticket is the signer's: owner_seq counted on, old codes dead. Raises ServiceError."""
    entry, act = read_act(raw, AcceptTransfer, event)
    _same(deal, act.deal)
    return dealing.take(node, entry, act.deal, act.payment)


def reject(node: Node, event: str, deal: bytes, raw: bytes) -> Outcome:
    """The recipient says no. Raises ServiceError."""
    _, act = read_act(raw, RejectTransfer, event)
    _same(deal, act.deal)
    return log_act(node, raw)


def cancel(node: Node, event: str, deal: bytes, raw: bytes) -> Outcome:
    """The holder takes the offer back. Raises ServiceError."""
    _, act = read_act(raw, CancelTransfer, event)
    _same(deal, act.deal)
    return log_act(node, raw)


def cancel_for(node: Node, event: str, deal: bytes) -> Outcome:
    """The desk takes an offer back for its holder. Raises ServiceError."""
    found = show(node, event, deal)
    return log_act(node, CancelTransfer(found.ticket, deal).seal(event, node.seconds, node.keys.node))


def _write(node: Node, act: OfferTransfer, event: str, deal: bytes, secret: bytes, contact: Mapping[str, str]) -> None:
    person = node.vault.keep(contact, {}, node.seconds, [event])
    # The secret stands behind #, so that it reaches no server's log.
    url = site_of(node).link(f"/offer#{event}/{deal.hex()}/{secret.hex()}")
    manifest = read_event(node, event).manifest
    values = {"event": manifest.name, "price": str(act.price), "link": url, "until": when(act.until, manifest.zone)}
    node.market.invited([write_letter(node, _letter(deal), event, person, TEMPLATE, values, deal)])


def _letter(deal: bytes) -> str:
    return f"offer-{deal.hex()[:40]}"


def _same(asked: bytes, said: bytes) -> None:
    if asked != said:
        raise ServiceError("other-entry", "the entry is about another deal than the address", 422)
