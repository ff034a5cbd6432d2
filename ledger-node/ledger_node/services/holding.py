"""A ticket as its holder's wallet shows it: everything that the phone keeps for the evening, in one reading.

Who asks is not looked at: whoever names the key that the ticket has is told what the log's entries say anyway. What a
holder may do with the ticket, the contract decides when they do it; `most_price` only spares them a refusal.
"""

from dataclasses import dataclass

from ledger_node.contract.expressions import about_sender
from ledger_node.contract.facts import Deal, DealKind, Title
from ledger_node.contract.policy import PERCENT, TicketPolicy
from ledger_node.contract.state import EventState, Record, Ticket
from ledger_node.log.ledger import View
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.services.policies import policy_now
from ledger_node.services.tickets import Certified, certificate
from scanner.verify.keys import NO_KEY


@dataclass(frozen=True, slots=True)
class Holding:
    """The ticket, its event and policy by now; `entered` is the admission that holds its use, `deal` what is open.

    Without a usable certificate key, or for a ticket that is not active, there is no certificate.
    """

    event: EventState
    ticket: Ticket
    policy: TicketPolicy
    title: Title
    entered: Record | None
    deal: Deal | None
    certified: Certified | None

    def most_price(self, kind: DealKind) -> int:
        """The highest price in cents at which the ticket may be offered."""
        cap = self.policy.transfer_cap if kind == "transfer" else self.policy.resale_cap
        return self.ticket.face_value * cap // PERCENT

    @property
    def transfers_left(self) -> int:
        """How often the ticket may still change hands."""
        return max(0, self.policy.most_transfers - self.title.transfers)

    def asks_giver(self, kind: DealKind) -> bool:
        """Whether a rule of the policy looks at how well the provider knows the holder."""
        return about_sender(self.policy.rules.get(kind, ""))


def read_holding(node: Node, event: str, index: int, key: bytes) -> Holding:
    """The ticket, for whoever holds it with `key`. Raises ServiceError "not-yours" when another key has it."""
    with node.view() as view:
        state = node.event(view, event)
        ticket = view.ticket(event, index)
        if ticket is None:
            raise ServiceError("unknown-ticket", f"{event} has no ticket {index}", 404)
        if ticket.row.holder_key != key or key == NO_KEY:
            raise ServiceError("not-yours", f"ticket {index} has another key (now): it was passed on, or renewed", 409)
        title = view.find(Title, event, index) or Title(event, index, "person")
        entered = view.record(*ticket.used_by) if ticket.used_by and ticket.row.uses else None
        deal, policy = _open_deal(view, event, title, node.seconds), policy_now(view, event, node.seconds)
    return Holding(state, ticket, policy, title, entered, deal, _certified(node, event, index))


def _open_deal(view: View, event: str, title: Title, now: int) -> Deal | None:
    found = view.find(Deal, event, title.deal) if title.deal else None
    return found if found and found.until > now else None


def _certified(node: Node, event: str, index: int) -> Certified | None:
    try:
        return certificate(node, event, index)
    except ServiceError:
        # Cancelled, or a node without certificate keys: the compact code needs none.
        return None
