"""The ticketing system's orders become sales on the ledger: from a file or a signed webhook, each order number once.

A bad row is reported with its line; the good ones are kept, or with `whole` nothing is. Feeding the same orders again
is always safe: what is known is passed over, and a buyer whom a crash has left without a link gets theirs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import structlog

from ledger_node.adapters.orders import BadRow
from ledger_node.adapters.orders import Order as Ordered
from ledger_node.adapters.ticketing import Double, FeedError, Row, read_feed
from ledger_node.adapters.webhook import MOST_ORDERS, Refused, open_webhook
from ledger_node.contract.bodies_market import Sale
from ledger_node.contract.facts import Order
from ledger_node.contract.outcome import Outcome, Rejected
from ledger_node.contract.policy import TicketPolicy
from ledger_node.contract.refusals import Refusal
from ledger_node.contract.scene import NO_SEAT
from ledger_node.log.ledger import View
from ledger_node.services import buyers
from ledger_node.services.errors import ServiceError
from ledger_node.services.links import items_of
from ledger_node.services.node import Node, fault_as_error
from ledger_node.services.policies import policy_now
from ledger_node.services.pricing import lines_of
from ledger_node.services.seats_before import seats_before
from ledger_node.services.still_on import why_not_on
from scanner.verify.row import REFUNDED

CHUNK = 500
SHOWN = 20
MOST_WHOLE = 200_000
"""Rows that are logged in one transaction: 0.2 ms and 2.6 KB each, while gates that claim have to decide alone."""
_NO_ENTRY = b""
log = structlog.get_logger()
_STATUS = {"too-large": 413, "malformed": 400, "bad-body": 400}
Progress = Callable[[int], None]


@dataclass(slots=True)
class Taken:
    """What became of rows: orders sold now, known before, and the first bad ones of `bad` with their lines."""

    sold: int = 0
    known: int = 0
    bad: int = 0
    faults: list[tuple[int, str, str]] = field(default_factory=list)
    shown: int = SHOWN

    def fault(self, line: int, reason: str, number: str = "") -> None:
        """Count a bad row; `number` is the order's, where it could be read."""
        self.bad += 1
        self.faults.append((line, reason, number))

    def sort(self) -> None:
        """As the rows stand in their list: this node and the contract find faults in turns. Only the first are kept."""
        self.faults = sorted(self.faults)[: self.shown]

    def to_map(self) -> dict[str, Any]:
        """As it is told to programs; an order whose number cannot be read has none, and is known by its line."""
        faults = [{"line": line, "number": number or None, "reason": reason} for line, reason, number in self.faults]
        return {"sold": self.sold, "known": self.known, "bad": self.bad, "faults": faults}

    def places(self) -> str:
        """Where the bad ones stood in their list, the first few."""
        named = ", ".join(str(line) for line, _, _ in self.faults[:SHOWN])
        return named if self.bad <= SHOWN else f"{named} and {self.bad - SHOWN} more"

    def sentence(self) -> str:
        """The bad rows, for a person."""
        more = f" (and {self.bad - len(self.faults)} more)" if self.bad > len(self.faults) else ""
        return "; ".join(f"line {line}: {reason}" for line, reason, _ in self.faults) + more


@dataclass(frozen=True, slots=True)
class _Case:
    """An order with its id, and either the sale to log, or None where the ledger has it already."""

    ordered: Ordered
    order: bytes
    raw: bytes | None


def import_orders(
    node: Node, event: str, path: Path, *, whole: bool = False, progress: Progress = lambda _: None
) -> Taken:
    """Take in a feed's file; `progress` is told bytes. Raises ServiceError, with `whole` for any bad row."""
    with node.view() as view:
        node.event(view, event)
    try:
        rows = read_feed(path, progress)
        return _whole(node, event, rows) if whole else take(node, event, rows)
    except FeedError as error:
        raise ServiceError("bad-feed", str(error)) from error


def receive(node: Node, event: str, headers: Mapping[str, str], body: bytes) -> Taken:
    """Take in a webhook's delivery. Raises ServiceError for one that is not the ticketing system's."""
    if not node.outside.feed_secrets:
        raise ServiceError("no-feed", "this node takes no orders by webhook: it has no secret for it", 501)
    delivery = open_webhook(headers, body, node.outside.feed_secrets, node.now())
    if isinstance(delivery, Refused):
        raise ServiceError(delivery.reason, delivery.detail, _STATUS.get(delivery.reason, 401))
    with node.view() as view:
        node.event(view, event)
    taken = take(node, event, delivery.orders, MOST_ORDERS)
    if taken.bad:
        # Places and reasons name no content. The numbers of orders are what their buyers are asked for, so not here.
        faults = [f"order {place}: {reason}" for place, reason, _ in taken.faults[:SHOWN]]
        log.warning(
            "orders refused",
            event_id=event,
            delivery=delivery.id,
            bad=taken.bad,
            kept=taken.sold + taken.known,
            faults=faults,
        )
    return taken


def take(node: Node, event: str, rows: Iterable[Row], shown: int = SHOWN) -> Taken:
    """Log what is good, chunk by chunk; what was bad is told, the first `shown` with their reasons."""
    taken, seats = Taken(shown=shown), _Seats(node, event)
    each = iter(rows)
    while chunk := list(islice(each, CHUNK)):
        cases = list(_cases(node, event, chunk, seats, taken))
        raws = [case.raw for case in cases if case.raw]
        with fault_as_error():
            answers = iter(node.ledger.submit(raws).result() if raws else [])
        kept = []
        for case in cases:
            answer = next(answers) if case.raw else None
            if isinstance(answer, Rejected):
                taken.fault(case.ordered.line, answer.sentence(), case.ordered.number)
            else:
                _count(taken, answer)
                kept.append(case)
        taken.sort()
        _keep(node, event, kept)
    return taken


def _whole(node: Node, event: str, rows: Iterable[Row]) -> Taken:
    taken, seats = Taken(), _Seats(node, event)
    listed = list(islice(rows, MOST_WHOLE + 1))
    if len(listed) > MOST_WHOLE:
        why = f"more than {MOST_WHOLE:,} rows cannot be kept all or nothing, because nothing else is logged meanwhile"
        raise ServiceError("too-many", f"{why}: split the file, or take what is good (it may be given again)")
    cases = list(_cases(node, event, listed, seats, taken))
    logged = [case for case in cases if case.raw]
    # After a bad row, bytes that are no entry refuse the whole: the contract is asked what else it would refuse.
    raws = [case.raw for case in logged if case.raw] + ([_NO_ENTRY] if taken.bad and logged else [])
    with fault_as_error():
        answers = node.ledger.submit(raws, whole=True).result() if raws else []
    for case, answer in zip(logged, answers, strict=False):
        if isinstance(answer, Rejected) and answer.refusal is not Refusal.BATCH_REFUSED:
            taken.fault(case.ordered.line, answer.sentence(), case.ordered.number)
    if taken.bad:
        taken.sort()
        raise ServiceError("bad-rows", f"nothing of the file was kept. {taken.sentence()}")
    taken.sold += len(raws)
    taken.known += len(cases) - len(raws)
    for start in range(0, len(cases), CHUNK):
        _keep(node, event, cases[start : start + CHUNK])
    return taken


def _cases(node: Node, event: str, rows: Sequence[Row], seats: "_Seats", taken: Taken) -> Iterator[_Case]:
    now = node.seconds
    with node.view() as view:
        policy = policy_now(view, event, now)
        for row in rows:
            if isinstance(row, BadRow):
                taken.fault(row.line, row.reason, row.number)
            elif isinstance(row, Double):
                taken.known += 1
            else:
                case = _case(node, view, event, policy, seats, row, now)
                if isinstance(case, str):
                    taken.fault(row.line, case, row.number)
                else:
                    yield case


def _case(
    node: Node, view: View, event: str, policy: TicketPolicy, seats: "_Seats", row: Ordered, now: int
) -> _Case | str:
    if row.event != event:
        return f"event: the order is for another event than {event}"
    order = buyers.order_id(node, event, row.number)
    known = view.find(Order, event, order)
    if known is not None:
        # Before the seats are looked up: a ticket that was refunded since has none, and its order is known for good.
        same = known.amount == row.price + row.fee and _names(node, view, event, row, items_of(view, known))
        again = f"number: another order stands under it on the ledger, in entry {known.position}"
        return _Case(row, order, None) if same else again
    tickets = row.tickets or seats.tickets(view, row.seats)
    if isinstance(tickets, str):
        return tickets
    if ended := why_not_on(node, view, event):
        return f"event: {ended.sentence}"
    try:
        lines = lines_of(view, event, tickets, policy, now, row.price)
    except ServiceError as error:
        return str(error)
    if isinstance(lines, str):
        return lines
    sale = Sale(order, [line.item() for line in lines], row.eticket, row.fee, b"", b"")
    return _Case(row, order, sale.seal(event, now, node.keys.node))


def _names(node: Node, view: View, event: str, row: Ordered, sold: Sequence[int]) -> bool:
    """Whether the row is about these tickets: by number, or by the seats that they have or have had."""
    if row.tickets:
        return sorted(sold) == sorted(row.tickets)
    if len(sold) != len(row.seats):
        return False
    now = {ticket.row.seat for index in sold if (ticket := view.ticket(event, index)) is not None}
    return now == set(row.seats) or set(row.seats) <= now | seats_before(node, view, event, sold)


def _count(taken: Taken, answer: Outcome | None) -> None:
    if answer is not None and answer.new:
        taken.sold += 1
    else:
        taken.known += 1


def _keep(node: Node, event: str, cases: Sequence[_Case]) -> None:
    """How each order is found. Only who chose the e-ticket is to be reached; of the others no contact is kept."""
    if cases:
        named = {case.order: buyers.order_name(node, event, case.ordered.number) for case in cases}
        node.market.names.keep(event, named)
    wanted = [case for case in cases if case.ordered.eticket]
    if wanted:
        told = {case.order: (case.ordered.number, _contact(case.ordered)) for case in wanted}
        buyers.remember_all(node, event, told)


def _contact(ordered: Ordered) -> dict[str, str]:
    given = {"phone": ordered.contact.phone, "email": ordered.contact.email}
    return {name: value for name, value in given.items() if value}


class _Seats:
    """Which ticket has a seat, read once when the first order names seats."""

    def __init__(self, node: Node, event: str) -> None:
        self._node = node
        self._event = event
        self._tickets: dict[int, int] | None = None

    def tickets(self, view: View, seats: Sequence[int]) -> tuple[int, ...] | str:
        """The tickets of these seats, or what is wrong."""
        if self._tickets is None:
            rows = (ticket.row for ticket in view.tickets(self._event))
            self._tickets = {row.seat: row.ticket for row in rows if row.seat != NO_SEAT and row.state != REFUNDED}
        missing = [seat for seat in seats if seat not in self._tickets]
        return f"seats: no ticket has seat {missing[0]}" if missing else tuple(self._tickets[seat] for seat in seats)
