"""Seats that tickets have had, where they were moved since: another system knows a ticket by the seat that it sold."""

from collections.abc import Iterable

from ledger_node.log.ledger import View
from ledger_node.services.logged import read_logged
from ledger_node.services.node import Node

_STEPS = 100_000


def seats_before(node: Node, view: View, event: str, tickets: Iterable[int]) -> set[int]:
    """Every seat under which one of the tickets was issued or to which it was moved."""
    node.chronicle.catch_up(view)
    return {seat for ticket in tickets for seat in _of(node, view, event, ticket)}


def _of(node: Node, view: View, event: str, ticket: int) -> Iterable[int]:
    for act in node.chronicle.about_ticket(event, ticket, 0, view.size, _STEPS):
        if act.type in {"ticket.issue", "ticket.seat"}:
            (raw,) = view.entries(act.position, act.position + 1)
            body = read_logged(raw).body
            yield from (
                [body["seat"]] if act.type == "ticket.seat" else [row[1] for row in body["rows"] if row[0] == ticket]
            )
