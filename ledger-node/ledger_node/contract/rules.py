"""Judging an act by the rules in CEL that a policy holds. What a rule may say is `expressions`' business."""

from dataclasses import dataclass

from ledger_node.contract import expressions
from ledger_node.contract.facts import Identity
from ledger_node.contract.outcome import Rejected
from ledger_node.contract.policy import TicketPolicy
from ledger_node.contract.refusals import Refusal
from ledger_node.contract.scene import Scene, Seen


@dataclass(frozen=True, slots=True)
class Offer:
    """What is asked: a price in cents and until when; the receiver, once there is one."""

    price: int
    until: int = 0
    accepted: bool = False
    receiver: Identity | None = None
    receiver_tickets: int = 0


def rule_refused(policy: TicketPolicy, act: str, scene: Scene, seen: Seen, offer: Offer, at: int) -> Rejected | None:
    """Why the policy's rule for this act does not allow it, or None. A rule about the receiver waits for one."""
    text = policy.rules.get(act)
    if text is None or (expressions.about_receiver(text) and not offer.accepted and act != "sale"):
        return None
    answer = expressions.holds(text, _facts(scene, seen, offer, at))
    if answer is True:
        return None
    return Rejected(Refusal.RULE_FAILED, answer) if isinstance(answer, str) else Rejected(Refusal.RULE_SAYS_NO, act)


def _facts(scene: Scene, seen: Seen, offer: Offer, at: int) -> dict[str, int]:
    manifest, row = scene.event.manifest, seen.ticket.row
    return {
        "now": at,
        "event.doors": manifest.doors,
        "event.starts": manifest.starts,
        "ticket.index": row.ticket,
        "ticket.seat": row.seat,
        "ticket.category": row.category,
        "ticket.face_value": seen.ticket.face_value,
        "ticket.owner_seq": row.owner_seq,
        "ticket.transfers": seen.title.transfers,
        "offer.price": offer.price,
        "offer.until": offer.until,
        "sender.level": seen.title.level,
        "receiver.level": offer.receiver.level if offer.receiver else 0,
        "receiver.tickets": offer.receiver_tickets,
    }
