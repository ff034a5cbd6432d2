"""Refunds: the money goes back and the ticket ends, together or not at all. Where from and to whom: `refund_plans`.

Each step is written down before it is taken, and each can be taken again: the ticket is blocked (so it opens no gate
and changes no hands meanwhile), the provider gives the money back under a reference that counts once, the entry that
quotes its receipt is logged and ends the ticket. `resume` ends what a crash or a lost answer has left. If the provider
says no, the ticket is good again, unless its event was cancelled.

  asked -> paid -> logged          the money is back, the ticket ended
       \\-> declined, dropped       neither

A ticket for which this node's provider was paid nothing ends by a cancellation: a sponsor's guest's, and one that a
ticketing system sold, whose money the box office gives back.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import structlog

from ledger_node.adapters.provider import Declined, ProviderError
from ledger_node.adapters.provider_orders import Refund
from ledger_node.contract.bodies_market import RefundTicket
from ledger_node.contract.commitments import refund_reference
from ledger_node.contract.facts import Books, Title
from ledger_node.contract.outcome import Outcome, Rejected
from ledger_node.contract.provider import Share
from ledger_node.contract.scene import Seen
from ledger_node.log.ledger import View
from ledger_node.services.buyers import number_of
from ledger_node.services.errors import ServiceError
from ledger_node.services.help_desk import order_of
from ledger_node.services.node import Node
from ledger_node.services.policies import policy_now
from ledger_node.services.purchases import provider_of, submit
from ledger_node.services.refund_book import RefundRow
from ledger_node.services.refund_plans import payer_of, see, shares_of
from ledger_node.services.trail import Actor
from scanner.verify.keys import NO_KEY
from scanner.verify.row import ACTIVE, BLOCKED, CANCELLED, REFUNDED

MOST_AT_ONCE = 50
"""Tickets in one call of `run`."""
REASON, BACK = "for refund", "without refund"
_AGAIN = 30
"""Seconds after which an answer that did not come is asked for again."""
_SIDE_BY_SIDE = 8
_RESUMED = 64
log = structlog.get_logger()
Ending = Literal["refunded", "box-office", "ended", "refused"]


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a ticket. "refunded": `amount` cents went back, by entry `position`. "box-office": the ticket is
    cancelled, and whoever sold order `order` gives `amount` back. "ended": cancelled, nothing was paid. "refused": why
    stands in `detail`, and the ticket is as it was, or still under way.
    """

    ticket: int
    ending: Ending
    amount: int = 0
    position: int | None = None
    order: bytes = b""
    detail: str = ""

    def to_map(self, number: str, seat: int) -> dict[str, Any]:
        """As it is told to programs; `number` is the order's, as its buyer knows it, `seat` 0 for a standing place."""
        return {**asdict(self), "order": self.order.hex(), "number": number, "seat": seat}


def due(node: Node, event: str) -> list[int]:
    """Tickets of a cancelled event that somebody has and that are not refunded. ServiceError "event-not-cancelled"."""
    with node.view() as view:
        if not _cancelled(node, view, event):
            raise ServiceError("event-not-cancelled", f"{event} is not cancelled: see `event cancel`", 409)
        titles = {title.ticket: title for title in view.each(Title, event)}
        # A ticket without a title was issued with its holder's key.
        found = [(one.row, titles.get(one.row.ticket)) for one in view.tickets(event)]
    somebodys = [
        (row, title.paid if title else 0)
        for row, title in found
        if (title.place == "person" if title else row.holder_key != NO_KEY)
    ]
    return [row.ticket for row, paid in somebodys if row.state != REFUNDED and (paid or row.state != CANCELLED)]


def run(node: Node, event: str, tickets: Sequence[int], by: Actor, *, keep_fees: bool = False) -> list[Ended]:
    """Refund these tickets; what became of each, in their order. The same again is safe. Written into the trail first.
    Raises ServiceError.
    """
    if not 0 < len(tickets) <= MOST_AT_ONCE or len(set(tickets)) < len(tickets):
        raise ServiceError("too-many", f"1 to {MOST_AT_ONCE} tickets at once, each once", 422)
    with node.view() as view:
        node.event(view, event)
    node.trail.add(node.seconds, by, "ticket.refund", event, {"tickets": list(tickets), "keep_fees": keep_fees})

    def one(ticket: int) -> Ended:
        try:
            return refund(node, event, ticket, keep_fees=keep_fees)
        except ServiceError as error:
            return Ended(ticket, "refused", detail=f"{error.code}: {error.sentence}")

    with ThreadPoolExecutor(_SIDE_BY_SIDE, "refunds") as pool:
        return list(pool.map(one, tickets))


def told(node: Node, event: str, ended: Iterable[Ended]) -> list[dict[str, Any]]:
    """What became of tickets, with what people know them by: the order's number, where it is kept, and the seat."""
    made = []
    with node.view() as view:
        for one in ended:
            order = one.order or order_of(node, view, event, one.ticket)
            ticket = view.ticket(event, one.ticket)
            made.append(
                replace(one, order=order).to_map(number_of(node, event, order), ticket.row.seat if ticket else 0)
            )
    return made


def listed(node: Node, event: str) -> list[dict[str, Any]]:
    """Every refund through the provider, by ticket. Raises ServiceError "unknown-event"."""
    made = []
    with node.view() as view:
        node.event(view, event)
        for row in node.market.refunds.of_event(event):
            ticket = view.ticket(event, row.ticket)
            number = number_of(node, event, order_of(node, view, event, row.ticket))
            known = {"number": number, "ticket": row.ticket, "seat": ticket.row.seat if ticket else 0}
            made.append({**known, "amount": row.amount, "state": row.state, "detail": row.detail})
    return made


def refund(node: Node, event: str, ticket: int, *, keep_fees: bool = False) -> Ended:
    """Refund one ticket, or say what it ended as before. Raises ServiceError."""
    with node.view() as view:
        cancelled, seen = _cancelled(node, view, event), see(view, event, ticket)
        row = seen.ticket.row
        done = [one for one in node.market.refunds.of_ticket(event, ticket) if one.state == "logged"]
        if done:
            return Ended(ticket, "refunded", done[-1].amount, seen.ticket.changed)
        if row.state == REFUNDED:
            raise ServiceError("refunded-before", f"{seen.label} was refunded before, and not by this node", 409)
        if seen.title.place != "person":
            raise ServiceError("not-sold", f"{seen.label}: nobody has it", 409)
        if row.uses and not cancelled:
            raise ServiceError("ticket-used", f"{seen.label} was used to enter; cancel the event first", 409)
        paid = payer_of(node, view, seen)
        shares: tuple[Share, ...] = ()
        if paid.source == "provider":
            shares = shares_of(view, policy_now(view, event, node.seconds), seen, paid, keep_fees=keep_fees)
    if not shares:
        return _cancel(node, seen, paid.source == "outside", paid.order)
    assert paid.capture is not None, "the provider was paid"
    base = refund_reference(event, ticket, row.owner_seq)
    order = Refund(base, event, paid.capture.reference, shares)
    return _carry_on(node, _begun(node, seen, order))


def resume(node: Node) -> int:
    """Bring to an end what a crash or a lost answer has left; how many were."""
    if node.outside.provider is None:
        return 0
    done = 0
    for row in node.market.refunds.due(node.seconds)[:_RESUMED]:
        if row.order.reference in node.market.busy:
            continue
        try:
            _carry_on(node, row)
            done += 1
        except ServiceError as error:
            _log(row, error.code)
    return done


def _begun(node: Node, seen: Seen, order: Refund) -> RefundRow:
    """The refund that is under way, or a new one: what was declined counts on."""
    event, ticket, row = order.event, seen.title.ticket, seen.ticket.row

    def choose(tries: list[RefundRow]) -> RefundRow:
        for one in tries:
            if one.state in {"asked", "paid"}:
                return one
        same = [one for one in tries if one.owner_seq == row.owner_seq]
        reference = f"{order.reference}-{len(same) + 1}" if same else order.reference
        made = Refund(reference, event, order.of, order.shares)
        # The reference makes it an entry of its own: the same bytes, of an earlier try, would count only once.
        stop = node.operator.set_state(event, [ticket], "blocked", f"{REASON} {reference}", node.seconds)
        block = stop if row.state == ACTIVE else b""
        return RefundRow(made, ticket, row.owner_seq, node.seconds + _AGAIN, block)

    return node.market.refunds.begin(event, ticket, choose)


def _carry_on(node: Node, row: RefundRow) -> Ended:
    """Every step that is left. Raises ServiceError; what nobody can know yet is tried again by `resume`."""
    node.market.busy.add(row.order.reference)
    try:
        row = _paid(node, row) if row.state == "asked" else row
        answer = submit(node, row.entry)
        if isinstance(answer, Rejected):
            # The money is back, so this needs a person: only a blocked ticket is refunded, and nothing moves that.
            log.error("refund not logged", event_id=row.order.event, reference=row.order.reference, code=answer.code)
            node.market.refunds.put_off(row.order.reference, node.seconds + _AGAIN)
            raise ServiceError.of(answer)
        node.market.refunds.end(row.order.reference, "logged")
        return Ended(row.ticket, "refunded", row.amount, answer.position)
    finally:
        node.market.busy.discard(row.order.reference)


def _paid(node: Node, row: RefundRow) -> RefundRow:
    if not _kept_still(node, row):
        _good_again(node, row)
        node.market.refunds.end(row.order.reference, "dropped", "changed meanwhile")
        raise ServiceError("changed-meanwhile", f"ticket {row.ticket} has changed meanwhile: ask again", 409)
    try:
        answer = provider_of(node).do(row.order)
    except ProviderError as error:
        node.market.refunds.put_off(row.order.reference, node.seconds + _AGAIN)
        sentence = f"the wallet provider does not answer ({error}): it is asked again until it does"
        raise ServiceError("provider", sentence, 503) from error
    if isinstance(answer, Declined):
        _good_again(node, row)
        node.market.refunds.end(row.order.reference, "declined", answer.code)
        raise ServiceError("refund-declined", f"the wallet provider says no: {answer.detail}", 409)
    entry = RefundTicket(row.ticket, answer.raw).seal(row.order.event, node.seconds, node.keys.node)
    return node.market.refunds.paid(row, entry)


def _kept_still(node: Node, row: RefundRow) -> bool:
    """Whether the ticket is blocked, and still what the refund is about. From then on nothing can change it."""
    if row.block and isinstance(submit(node, row.block), Rejected):
        return False
    with node.view() as view:
        cancelled, seen = _cancelled(node, view, row.order.event), see(view, row.order.event, row.ticket)
    ticket, title = seen
    same = ticket.row.owner_seq == row.owner_seq and not title.payment and title.paid >= row.amount
    return same and ticket.row.state in {BLOCKED, CANCELLED} and (cancelled or not ticket.row.uses)


def _good_again(node: Node, row: RefundRow) -> None:
    """Take back the block that was for the refund."""
    event = row.order.event
    with node.view() as view:
        cancelled, seen = _cancelled(node, view, event), see(view, event, row.ticket)
    if row.block and seen.ticket.row.state == BLOCKED and not cancelled:
        entry = node.operator.set_state(event, [row.ticket], "active", f"{BACK} {row.order.reference}", node.seconds)
        answer = submit(node, entry)
        if isinstance(answer, Rejected):
            _log(row, answer.code)


def _cancel(node: Node, seen: Seen, outside: bool, order: bytes) -> Ended:  # noqa: FBT001 - one of two
    event, ticket = seen.title.event, seen.title.ticket
    answer: Outcome | None = None
    if seen.ticket.row.state != CANCELLED:
        reason = "refund by the box office" if outside else "cancelled, nothing was paid"
        answer = node.commit_new(
            node.operator.set_state(event, [ticket], "cancelled", reason, node.seconds, node.nonce())
        )
    position = answer.position if answer else seen.ticket.changed
    return Ended(ticket, "box-office" if outside else "ended", seen.title.paid, position, order)


def _cancelled(node: Node, view: View, event: str) -> bool:
    node.event(view, event)
    books = view.find(Books, event, "books")
    return books is not None and books.standing == "cancelled"


def _log(row: RefundRow, code: str) -> None:
    log.warning("refund not settled", event_id=row.order.event, reference=row.order.reference, code=code)
