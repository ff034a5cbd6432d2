"""Refunds under way: what must not be forgotten between the first step and the last. A part of the market's file.

Durable when a method returns; any thread. Nobody's contact is here, and no rule: in which order a refund moves through
its states is `refunds`' business. A move from a state that it has left moves nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from ledger_node.adapters.provider_orders import Refund
from ledger_node.contract.provider import Share
from ledger_node.services.database import Database, Row
from ledger_node.services.grouped import Grouped
from scanner.verify.cbor import canonical, reread

RefundState = Literal["asked", "paid", "logged", "declined", "dropped"]
SCHEMA = """
CREATE TABLE IF NOT EXISTS refunds (reference TEXT PRIMARY KEY, event TEXT NOT NULL, of TEXT NOT NULL,
    shares BLOB NOT NULL, ticket INTEGER NOT NULL, owner_seq INTEGER NOT NULL, due INTEGER NOT NULL,
    block BLOB NOT NULL, state TEXT NOT NULL, entry BLOB NOT NULL, detail TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS refunds_unsettled ON refunds (due) WHERE state IN ('asked', 'paid');
CREATE INDEX IF NOT EXISTS refunds_of ON refunds (event, ticket);
"""
_COLUMNS = "reference, event, of, shares, ticket, owner_seq, due, block, state, entry, detail"


@dataclass(frozen=True, slots=True)
class RefundRow:
    """Money on its way back.

    order   what the provider is asked for; its reference names the refund.
    due     unix second before which nobody tries again by themselves.
    block   the entry that keeps the ticket still meanwhile; empty where it was no longer active.
    entry   the ticket.refund with the provider's receipt in it; empty until there is one.
    detail  why it was declined or dropped.
    """

    order: Refund
    ticket: int
    owner_seq: int
    due: int
    block: bytes = field(default=b"", repr=False)
    state: RefundState = "asked"
    entry: bytes = field(default=b"", repr=False)
    detail: str = ""

    @property
    def amount(self) -> int:
        """Cents that go back."""
        return sum(share.amount for share in self.order.shares)


class RefundBook:
    """The table, in the file that `line` writes."""

    def __init__(self, line: Grouped) -> None:
        self._line = line

    def begin(self, event: str, ticket: int, choose: Callable[[list[RefundRow]], RefundRow]) -> RefundRow:
        """The refund that goes on: `choose` is given all that there were of the ticket, and gives one of them or a new
        one. Nobody else chooses at the same time.
        """

        def act(database: Database) -> RefundRow:
            tries = _rows(database, "event = ? AND ticket = ?", event, ticket)
            one = choose(tries)
            if one not in tries:
                shares = canonical([[share.party, share.amount] for share in one.order.shares])
                order = (one.order.reference, one.order.event, one.order.of, shares)
                rest = (one.ticket, one.owner_seq, one.due, one.block, one.state, one.entry, one.detail)
                marks = ", ".join("?" * 11)
                database.write(f"INSERT INTO refunds VALUES ({marks})", *order, *rest)  # noqa: S608 - only marks
            return one

        return self._line.do(act)

    def paid(self, row: RefundRow, entry: bytes) -> RefundRow:
        """asked -> paid, with the entry that is to be logged; the one that another thread has written stands."""

        def act(database: Database) -> RefundRow:
            statement = "UPDATE refunds SET state = 'paid', entry = ? WHERE reference = ? AND state = 'asked'"
            if database.write(statement, entry, row.order.reference):
                return replace(row, state="paid", entry=entry)
            return _rows(database, "reference = ?", row.order.reference)[0]

        return self._line.do(act)

    def end(self, reference: str, state: RefundState, detail: str = "") -> None:
        """asked or paid -> logged, declined or dropped."""
        statement = "UPDATE refunds SET state = ?, detail = ? WHERE reference = ? AND state IN ('asked', 'paid')"
        self._line.do(lambda database: database.write(statement, state, detail, reference))

    def put_off(self, reference: str, due: int) -> None:
        """Nobody tries it again by themselves before `due`."""
        statement = "UPDATE refunds SET due = ? WHERE reference = ?"
        self._line.do(lambda database: database.write(statement, due, reference))

    def due(self, now: int) -> list[RefundRow]:
        """What is neither on the ledger nor given up, and is to be tried now."""
        return self._read("state IN ('asked', 'paid') AND due <= ? ORDER BY due", now)

    def of_event(self, event: str) -> list[RefundRow]:
        """All refunds of an event, by ticket; the tries of one ticket in their order."""
        return sorted(self._read("event = ?", event), key=lambda one: (one.ticket, one.order.reference))

    def of_ticket(self, event: str, ticket: int) -> list[RefundRow]:
        """All tries to refund a ticket."""
        return self._read("event = ? AND ticket = ? ORDER BY reference", event, ticket)

    def under_way(self, event: str, tickets: Iterable[int]) -> set[int]:
        """Which of these tickets are to stay as they are, because money may be on its way back."""
        rows = self._read("state IN ('asked', 'paid') AND event = ?", event)
        return {row.ticket for row in rows} & set(tickets)

    def _read(self, where: str, *values: object) -> list[RefundRow]:
        return self._line.do(lambda database: _rows(database, where, *values))


def _rows(database: Database, where: str, *values: object) -> list[RefundRow]:
    query = f"SELECT {_COLUMNS} FROM refunds WHERE {where}"  # noqa: S608 - from above
    return [_row(row) for row in database.read(query, *values)]


def _row(row: Row) -> RefundRow:
    reference, event, of, shares, ticket, owner_seq, due, block, state, entry, detail = row
    order = Refund(reference, event, of, tuple(Share(*share) for share in reread(shares)))
    return RefundRow(order, ticket, owner_seq, due, block, state, entry, detail)
