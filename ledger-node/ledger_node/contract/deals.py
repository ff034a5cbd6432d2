"""Rules for offering: a transfer to one person, a resale to anybody, and how a deal ends without a change of hands."""

import hashlib

from ledger_node.contract.bodies_market import (
    CancelTransfer,
    ExpireDeal,
    ListResale,
    OfferTransfer,
    RejectTransfer,
    UnlistResale,
)
from ledger_node.contract.commitments import invitation
from ledger_node.contract.facts import Deal, DealKind
from ledger_node.contract.outcome import Rejected
from ledger_node.contract.policy import PERCENT, TicketPolicy
from ledger_node.contract.refusals import Refusal
from ledger_node.contract.rules import Offer, rule_refused
from ledger_node.contract.scene import (
    Scene,
    Seen,
    live_deal,
    look_up,
    open_scene,
    policy_at,
    version_at,
)
from ledger_node.contract.state import State
from ledger_node.contract.tickets import LAST_OWNER_SEQ
from ledger_node.contract.values import but
from scanner.verify.entry import Entry
from scanner.verify.keys import NO_KEY
from scanner.verify.row import ACTIVE


def offer(state: State, position: int, entry: Entry, at: int) -> Rejected | None:
    """transfer.offer, by the holder."""
    act = OfferTransfer.of(entry)
    deal = Deal(
        entry.event, _id(entry), "transfer", act.ticket, act.owner_seq, act.price, act.to, act.until, 0, position
    )
    return _open(state, position, entry, deal, at)


def list_resale(state: State, position: int, entry: Entry, at: int) -> Rejected | None:
    """resale.list, by the holder."""
    act = ListResale.of(entry)
    deal = Deal(entry.event, _id(entry), "resale", act.ticket, act.owner_seq, act.price, b"", act.until, 0, position)
    return _open(state, position, entry, deal, at)


def reject(state: State, position: int, entry: Entry, _at: int) -> Rejected | None:
    """transfer.reject, by whoever was invited."""
    act = RejectTransfer.of(entry)
    found = find_deal(state, entry.event, "transfer", act.ticket, act.deal)
    if isinstance(found, Rejected):
        return found
    if invitation(act.secret) != found[1].to:
        return Rejected(Refusal.BAD_SECRET)
    end_deal(state, position, *found)
    return None


def cancel(state: State, position: int, entry: Entry, _at: int) -> Rejected | None:
    """transfer.cancel, by the holder or the desk."""
    act = CancelTransfer.of(entry)
    return _take_back(state, position, entry, find_deal(state, entry.event, "transfer", act.ticket, act.deal))


def unlist(state: State, position: int, entry: Entry, _at: int) -> Rejected | None:
    """resale.unlist, by the holder or the desk."""
    act = UnlistResale.of(entry)
    return _take_back(state, position, entry, find_deal(state, entry.event, "resale", act.ticket, act.deal))


def expire(state: State, position: int, entry: Entry, at: int) -> Rejected | None:
    """transfer.expire: of an offer or a listing whose time is over."""
    act = ExpireDeal.of(entry)
    found = find_deal(state, entry.event, None, act.ticket, act.deal)
    if isinstance(found, Rejected):
        return found
    if found[1].until > at:
        return Rejected(Refusal.DEAL_NOT_EXPIRED, f"until {found[1].until}, now {at}")
    end_deal(state, position, *found)
    return None


def find_deal(state: State, event: str, kind: DealKind | None, index: int, deal: bytes) -> tuple[Seen, Deal] | Rejected:
    """The deal that is open on this ticket, with the ticket."""
    seen = look_up(state, event, index)
    if isinstance(seen, Rejected):
        return seen
    found = state.find(Deal, event, deal)
    if found is None or found.ticket != index or (kind is not None and found.kind != kind):
        return Rejected(Refusal.DEAL_GONE, seen.label)
    return seen, found


def end_deal(state: State, position: int, seen: Seen, deal: Deal) -> None:
    """Nothing is offered any more."""
    state.drop(Deal, deal.event, deal.deal)
    if seen.title.deal == deal.deal:
        state.put(but(seen.title, deal=b"", changed=position))


def movable(policy: TicketPolicy, scene: Scene, seen: Seen, at: int) -> Rejected | None:
    """Why the ticket cannot change hands now, whoever asks; or None."""
    row, title = seen.ticket.row, seen.title
    if title.place != "person" or row.holder_key == NO_KEY:
        return Rejected(Refusal.NO_HOLDER, seen.label)
    if row.state != ACTIVE:
        return Rejected(Refusal.TICKET_NOT_ACTIVE, seen.label)
    if row.uses:
        return Rejected(Refusal.TICKET_USED, seen.label)
    if row.owner_seq == LAST_OWNER_SEQ:
        return Rejected(Refusal.OWNER_SEQ_SPENT, seen.label)
    if at < policy.opens:
        return Rejected(Refusal.NOT_YET_OPEN, f"from {policy.opens}, now {at}")
    if at >= scene.event.manifest.doors - policy.freezes:
        return Rejected(Refusal.FROZEN, f"since {scene.event.manifest.doors - policy.freezes}, now {at}")
    if title.transfers >= policy.most_transfers:
        return Rejected(Refusal.TOO_MANY_TRANSFERS, f"{seen.label}: {title.transfers}")
    return None


def _open(state: State, position: int, entry: Entry, deal: Deal, at: int) -> Rejected | None:
    scene = open_scene(state, entry.event)
    if isinstance(scene, Rejected):
        return scene
    seen = look_up(state, entry.event, deal.ticket)
    if isinstance(seen, Rejected):
        return seen
    if entry.actor != seen.ticket.row.holder_key:
        return Rejected(Refusal.WRONG_SIGNER, f"not the holder of {seen.label}")
    policy = policy_at(state, scene, at)
    refused = movable(policy, scene, seen, at) or _terms_refused(state, policy, scene, seen, deal, at)
    if refused is not None:
        return refused
    if seen.title.deal:
        state.drop(Deal, entry.event, seen.title.deal)
    state.put(but(deal, policy=version_at(state, scene, at)))
    state.put(but(seen.title, deal=deal.deal, changed=position))
    return None


def _terms_refused(
    state: State, policy: TicketPolicy, scene: Scene, seen: Seen, deal: Deal, at: int
) -> Rejected | None:
    title = seen.title
    if deal.owner_seq != seen.ticket.row.owner_seq:
        return Rejected(Refusal.WRONG_OWNER_SEQ, f"{deal.owner_seq}, not {seen.ticket.row.owner_seq}")
    if deal.until <= at:
        return Rejected(Refusal.BAD_TIMES, f"until {deal.until}, now {at}")
    if title.payment:
        return Rejected(Refusal.PAYMENT_PENDING, seen.label)
    if live_deal(state, seen, at) is not None:
        return Rejected(Refusal.DEAL_OPEN, seen.label)
    if title.level < policy.send_level or (deal.price and not title.pseudonym):
        return Rejected(Refusal.IDENTITY_NEEDED, f"level {policy.send_level} to send, and a pseudonym to be paid")
    cap = policy.transfer_cap if deal.kind == "transfer" else policy.resale_cap
    if deal.price * PERCENT > seen.ticket.face_value * cap:
        return Rejected(Refusal.ABOVE_CAP, f"{deal.price} > {cap} % of {seen.ticket.face_value}")
    return rule_refused(policy, deal.kind, scene, seen, Offer(deal.price, deal.until), at)


def _take_back(state: State, position: int, entry: Entry, found: tuple[Seen, Deal] | Rejected) -> Rejected | None:
    if isinstance(found, Rejected):
        return found
    seen, deal = found
    if entry.actor not in {state.operator, seen.ticket.row.holder_key}:
        return Rejected(Refusal.WRONG_SIGNER, f"not the holder of {seen.label}")
    end_deal(state, position, seen, deal)
    return None


def _id(entry: Entry) -> bytes:
    return hashlib.sha256(entry.raw).digest()
