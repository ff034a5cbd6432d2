"""What tickets cost in a sale: by the policy's price tiers, or the face value where there are none. Reads only; the
contract checks the same when the sale is logged.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from ledger_node.contract.facts import Title
from ledger_node.contract.policy import TicketPolicy, Tier
from ledger_node.contract.state import Ticket
from ledger_node.log.ledger import View
from ledger_node.services.errors import ServiceError
from scanner.verify.keys import NO_KEY
from scanner.verify.row import ACTIVE

_MOST_COMBINATIONS = 4_096


@dataclass(frozen=True, slots=True)
class Line:
    """One ticket of an order; tier 0 = none."""

    ticket: int
    tier: int
    price: int

    def item(self) -> list[int]:
        """As a sale carries it."""
        return [self.ticket, self.tier, self.price]


def lines_for(
    view: View, event: str, tickets: Iterable[int], policy: TicketPolicy, now: int, tier: int = 0
) -> list[Line]:
    """What these tickets cost now; in the cheapest tier that is open, or in the one that was asked for."""
    lines = []
    for ticket in _found(view, event, tickets):
        choices = [
            one for one in _choices(policy, ticket.row.category, ticket.face_value, now) if tier in {0, one.tier}
        ]
        if not choices:
            raise ServiceError("not-on-sale", f"ticket {ticket.row.ticket} has no price that is open now", 409)
        best = min(choices, key=lambda one: one.price)
        lines.append(Line(ticket.row.ticket, best.tier, best.price))
    return lines


def lines_of(
    view: View, event: str, tickets: Iterable[int], policy: TicketPolicy, now: int, total: int
) -> list[Line] | str:
    """The lines that cost `total`, one tier for each category; or what is wrong, in a sentence."""
    found = _found(view, event, tickets)
    groups: dict[tuple[int, int], list[int]] = {}
    for ticket in found:
        groups.setdefault((ticket.row.category, ticket.face_value), []).append(ticket.row.ticket)
    choices = [_choices(policy, *group, now) for group in groups]
    for count, chosen in enumerate(product(*choices)):
        if sum(one.price * len(group) for one, group in zip(chosen, groups.values(), strict=True)) == total:
            return _in_order(found, dict(zip(groups, chosen, strict=True)))
        if count == _MOST_COMBINATIONS:
            break
    return f"price_cents: {total} is not what these tickets cost under the policy in force"


def free_seats(view: View, event: str, tickets: Sequence[Ticket], now: int) -> list[bool]:
    """For each ticket, whether it can still be had."""
    titles = [view.find(Title, event, ticket.row.ticket) for ticket in tickets]
    return [is_free(ticket, title, now) for ticket, title in zip(tickets, titles, strict=True)]


def is_free(ticket: Ticket, title: Title | None, now: int) -> bool:
    """Whether a ticket with this title can still be had."""
    unsold = title is None or title.place == "house" or (title.place == "held" and title.until <= now)
    return unsold and ticket.row.state == ACTIVE and ticket.row.holder_key == NO_KEY


def _found(view: View, event: str, tickets: Iterable[int]) -> list[Ticket]:
    found = []
    for index in tickets:
        ticket = view.ticket(event, index)
        if ticket is None:
            raise ServiceError("unknown-ticket", f"{event} has no ticket {index}", 404)
        found.append(ticket)
    return found


def _choices(policy: TicketPolicy, category: int, face_value: int, now: int) -> list[Tier]:
    if not policy.tiers:
        return [Tier(0, category, face_value)]
    return [one for one in policy.tiers if one.category == category and one.opens <= now < one.closes]


def _in_order(found: Sequence[Ticket], chosen: dict[tuple[int, int], Tier]) -> list[Line]:
    tiers = [chosen[ticket.row.category, ticket.face_value] for ticket in found]
    return [Line(ticket.row.ticket, one.tier, one.price) for ticket, one in zip(found, tiers, strict=True)]
