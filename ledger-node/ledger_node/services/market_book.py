"""What the market must not forget and no ledger needs to know: purchases under way, orders whose buyers wait for their
links, how orders are found (`order_names`), letters that wait to be sent, refunds (`refund_book`), what was counted
against whom (`charge_book`), and which events are sold directly. SQLite.

Durable when a method returns; any thread. Nobody's contact is here: a person is an id of the vault. The order in which
a purchase moves through its states is `purchases`' business; a move from a state that it has left moves nothing.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ledger_node.adapters.provider_orders import Hold
from ledger_node.services.allowances import HOLDS
from ledger_node.services.charge_book import SCHEMA as CHARGES
from ledger_node.services.charge_book import ChargeBook
from ledger_node.services.database import Database, Row
from ledger_node.services.grouped import Grouped
from ledger_node.services.order_names import SCHEMA as NAMES
from ledger_node.services.order_names import OrderNames
from ledger_node.services.refund_book import SCHEMA as REFUNDS
from ledger_node.services.refund_book import RefundBook

PurchaseState = Literal["asked", "held", "signed", "logged", "releasing", "released", "declined"]
UNSETTLED: tuple[PurchaseState, ...] = ("asked", "held", "signed", "releasing")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS purchases (reference TEXT PRIMARY KEY, event TEXT NOT NULL, amount INTEGER NOT NULL,
    currency TEXT NOT NULL, authorisation TEXT NOT NULL, until INTEGER NOT NULL, payer BLOB NOT NULL,
    subject BLOB NOT NULL, buyer BLOB NOT NULL, sign_by INTEGER NOT NULL, state TEXT NOT NULL,
    receipt BLOB NOT NULL, entry BLOB NOT NULL)
    WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS purchases_unsettled ON purchases (sign_by)
    WHERE state IN ('asked', 'held', 'signed', 'releasing');
CREATE INDEX IF NOT EXISTS purchases_of ON purchases (subject, buyer);
CREATE TABLE IF NOT EXISTS orders (event TEXT NOT NULL, number BLOB NOT NULL, person TEXT NOT NULL,
    due INTEGER NOT NULL, PRIMARY KEY (event, number)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS orders_of ON orders (person);
CREATE INDEX IF NOT EXISTS orders_due ON orders (due) WHERE due > 0;
CREATE TABLE IF NOT EXISTS letters (letter TEXT PRIMARY KEY, event TEXT NOT NULL, person TEXT NOT NULL,
    template TEXT NOT NULL, subject BLOB NOT NULL, due INTEGER NOT NULL, tries INTEGER NOT NULL, state TEXT NOT NULL)
    WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS letters_of ON letters (person);
CREATE INDEX IF NOT EXISTS letters_due ON letters (due) WHERE state = 'waiting';
CREATE TABLE IF NOT EXISTS direct (event TEXT PRIMARY KEY, most INTEGER NOT NULL, seconds INTEGER NOT NULL,
    holds INTEGER NOT NULL DEFAULT 20) WITHOUT ROWID;
"""
_SELL = "INSERT OR REPLACE INTO direct VALUES (?, ?, ?, ?)"
_PUT_OFF = "UPDATE orders SET due = ? WHERE event = ? AND number = ?"
_GIVE_UP = "UPDATE purchases SET state = 'releasing' WHERE reference = ? AND state IN ('asked', 'held')"
_BILL = "reference, event, amount, currency, authorisation, until, payer"


@dataclass(frozen=True, slots=True)
class Purchase:
    """Money on its way to a ticket.

    bill      what the provider is asked for; its reference names the purchase.
    subject   the order or the deal that it is for; `buyer` is the key that is to sign, or the operator's.
    sign_by   unix second after which an unsigned one is given up.
    receipt   the provider's receipt for the hold, `entry` what was signed with it in it; empty until there is one.
    """

    bill: Hold
    subject: bytes
    buyer: bytes
    sign_by: int
    state: PurchaseState = "asked"
    receipt: bytes = b""
    entry: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order by the keyed hash of its number, and its buyer. `due` = from when its links are to be made; 0 = done."""

    event: str
    number: bytes
    person: str
    due: int


@dataclass(frozen=True, slots=True)
class LetterRow:
    """A letter; its values are the person's, in the vault. `subject` is the deal that it tells of, or empty."""

    letter: str
    event: str
    person: str
    template: str
    subject: bytes
    due: int
    tries: int = 0
    state: str = "waiting"


@dataclass(frozen=True, slots=True)
class DirectSale:
    """An event that this node sells itself: seats for one buyer at once, seconds that they are kept, and how many
    unpaid holds one network address has at once.
    """

    event: str
    most: int
    seconds: int
    holds: int = HOLDS


class MarketBook:
    """The open file."""

    def __init__(self, path: Path) -> None:
        self._line = Grouped(_opened(path))
        self.refunds = RefundBook(self._line)
        self.charges = ChargeBook(self._line)
        self.names = OrderNames(self._line)
        self._direct: dict[str, DirectSale | None] = {}
        self.work = threading.Event()
        """Set when something is to be done that nobody waits for: a capture, links, a letter."""
        self.busy: set[str] = set()
        """References of purchases and refunds that a thread is about to end, so that nobody else need."""

        self.buyers: set[object] = set()
        """One for each person who is paying at this moment."""

    @contextmanager
    def buyer(self) -> Iterator[None]:
        """A person pays within the block, so that what can wait is put off."""
        one = object()
        self.buyers.add(one)
        try:
            yield
        finally:
            self.buyers.discard(one)

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._line.close()

    def begin(self, subject: bytes, buyer: bytes, choose: Callable[[list[Purchase]], Purchase]) -> Purchase:
        """The try to pay that goes on: `choose` is given all that there were, and gives one of them or a new one. The
        others are given up in the same moment, if they had not come to anything.
        """

        def act(database: Database) -> Purchase:
            tries = _purchases(database, "subject = ? AND buyer = ?", subject, buyer)
            one = choose(tries)
            for other in tries:
                if other.bill.reference != one.bill.reference:
                    database.write(_GIVE_UP, other.bill.reference)
            if one not in tries:
                bill = one.bill
                values = (bill.reference, bill.event, bill.amount, bill.currency, bill.authorisation, bill.until)
                rest = (bill.payer, one.subject, one.buyer, one.sign_by, one.state, one.receipt, one.entry)
                marks = ", ".join("?" * 13)
                database.write(f"INSERT INTO purchases VALUES ({marks})", *values, *rest)  # noqa: S608 - only marks
            return one

        return self._line.do(act)

    def purchase(self, reference: str) -> Purchase | None:
        """By its reference."""
        return next(iter(self._purchases("reference = ?", reference)), None)

    def purchases_for(self, subject: bytes, buyer: bytes) -> list[Purchase]:
        """All tries of one buyer to pay for one thing."""
        return self._purchases("subject = ? AND buyer = ?", subject, buyer)

    def unsettled(self) -> list[Purchase]:
        """Everything that is neither on the ledger nor given back."""
        return self._purchases("state IN ('asked', 'held', 'signed', 'releasing') ORDER BY sign_by")

    def held(self, reference: str, receipt: bytes) -> bool:
        """asked -> held."""
        return self._move(reference, ("asked",), "held", "receipt = ?", receipt)

    def signed(self, reference: str, receipt: bytes, entry: bytes) -> bool:
        """asked or held -> signed; also True for the entry that was signed before."""
        if self._move(reference, ("asked", "held"), "signed", "receipt = ?, entry = ?", receipt, entry):
            return True
        known = self.purchase(reference)
        return known is not None and known.state in {"signed", "logged"} and known.entry == entry

    def logged(self, reference: str) -> None:
        """signed -> logged, and the payer's authorisation is forgotten; soon, because the ledger itself knows it."""
        statement = "UPDATE purchases SET state = 'logged', authorisation = '' WHERE reference = ? AND state = 'signed'"
        self._line.soon(lambda database: database.write(statement, reference))
        self.work.set()

    def give_up(self, reference: str, *states: PurchaseState) -> bool:
        """One of `states` -> releasing."""
        return self._move(reference, states, "releasing")

    def end(self, reference: str, state: Literal["released", "declined"]) -> bool:
        """asked or releasing -> released or declined."""
        return self._move(reference, ("asked", "releasing"), state, "authorisation = ''")

    def add_orders(self, *orders: OrderRow) -> None:
        """Remember orders' buyers, all in one; one that is known stays as it is."""
        rows = [(order.event, order.number, order.person, order.due) for order in orders]
        self._line.do(lambda database: database.write_many("INSERT OR IGNORE INTO orders VALUES (?, ?, ?, ?)", rows))
        self.work.set()

    def without_buyer(self, event: str, numbers: Sequence[bytes]) -> set[bytes]:
        """Those of the orders, by the keyed hashes of their numbers, whose buyer is not known."""
        known = "SELECT 1 FROM orders WHERE event = ? AND number = ?"
        return self._line.do(lambda database: {one for one in numbers if not database.read(known, event, one)})

    def order(self, event: str, number: bytes) -> OrderRow | None:
        """By the keyed hash of its number."""
        where = "SELECT event, number, person, due FROM orders WHERE event = ? AND number = ?"
        return next((OrderRow(*row) for row in self._read(where, event, number)), None)

    def orders_of(self, person: str) -> list[OrderRow]:
        """Everything that a person has ordered."""
        rows = self._read("SELECT event, number, person, due FROM orders WHERE person = ? ORDER BY event", person)
        return [OrderRow(*row) for row in rows]

    def letters_of(self, person: str) -> list[LetterRow]:
        """Every letter to a person."""
        return [LetterRow(*row) for row in self._read("SELECT * FROM letters WHERE person = ?", person)]

    def take_over(self, persons: Sequence[tuple[str, str]]) -> None:
        """Each of these ids, which come first, is another now. May be repeated."""
        rows = [(new, old) for old, new in persons]

        def act(database: Database) -> None:
            for table in ("orders", "letters"):
                database.write_many(f"UPDATE {table} SET person = ? WHERE person = ?", rows)  # noqa: S608 - from above

        self._line.do(act)

    def orders_due(self, now: int, most: int) -> list[OrderRow]:
        """Orders whose links are to be made."""
        query = "SELECT event, number, person, due FROM orders WHERE due > 0 AND due <= ? ORDER BY due LIMIT ?"
        return [OrderRow(*row) for row in self._read(query, now, most)]

    def put_off(self, order: OrderRow, due: int) -> None:
        """Another time for an order's links; 0 = never again."""
        self._write(_PUT_OFF, due, order.event, order.number)

    def invited(self, letters: Iterable[LetterRow], order: OrderRow | None = None) -> None:
        """Letters that are to be sent, and the order that they are all of; in one."""
        rows = [
            (one.letter, one.event, one.person, one.template, one.subject, one.due, one.tries, one.state)
            for one in letters
        ]

        def act(database: Database) -> None:
            for values in rows:
                database.write("INSERT OR IGNORE INTO letters VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *values)
            if order:
                database.write(_PUT_OFF, 0, order.event, order.number)

        self._line.do(act)
        self.work.set()

    def letters_due(self, now: int, most: int) -> list[LetterRow]:
        """Letters that are to be sent now, oldest first."""
        query = "SELECT * FROM letters WHERE state = 'waiting' AND due <= ? ORDER BY due LIMIT ?"
        return [LetterRow(*row) for row in self._read(query, now, most)]

    def letter(self, letter: str) -> LetterRow | None:
        """By its id."""
        return next((LetterRow(*row) for row in self._read("SELECT * FROM letters WHERE letter = ?", letter)), None)

    def letter_tried(self, letter: str, state: str, due: int) -> None:
        """What came of a try: waiting (again from `due`), sent or dropped."""
        statement = "UPDATE letters SET tries = tries + 1, state = ?, due = ? WHERE letter = ?"
        self._write(statement, state, due, letter)

    def sell_directly(self, sale: DirectSale) -> None:
        """Open an event's direct sale, or change its terms; `most` 0 closes it."""
        self._write(_SELL, sale.event, sale.most, sale.seconds, sale.holds)
        self._direct.pop(sale.event, None)

    def direct_sale(self, event: str) -> DirectSale | None:
        """The event's direct sale, if there is one. Every buyer asks, so it is kept in memory."""
        if event not in self._direct:
            rows = self._read("SELECT * FROM direct WHERE event = ? AND most > 0", event)
            self._direct[event] = DirectSale(*rows[0]) if rows else None
        return self._direct[event]

    def _read(self, statement: str, *values: object) -> list[Row]:
        return self._line.do(lambda database: database.read(statement, *values))

    def _write(self, statement: str, *values: object) -> int:
        return self._line.do(lambda database: database.write(statement, *values))

    def _move(
        self, reference: str, states: tuple[PurchaseState, ...], to: PurchaseState, also: str = "", *values: object
    ) -> bool:
        change = f"state = ?, {also}" if also else "state = ?"
        marks = ", ".join("?" * len(states))
        statement = f"UPDATE purchases SET {change} WHERE reference = ? AND state IN ({marks})"  # noqa: S608 - from above
        return self._write(statement, to, *values, reference, *states) == 1

    def _purchases(self, where: str, *values: object) -> list[Purchase]:
        return self._line.do(lambda database: _purchases(database, where, *values))


def _opened(path: Path) -> Database:
    database = Database(path, _SCHEMA + REFUNDS + CHARGES + NAMES)
    if not database.read("SELECT 1 FROM pragma_table_info('direct') WHERE name = 'holds'"):
        database.write("ALTER TABLE direct ADD COLUMN holds INTEGER NOT NULL DEFAULT 20")
    return database


def _purchases(database: Database, where: str, *values: object) -> list[Purchase]:
    query = f"SELECT {_BILL}, subject, buyer, sign_by, state, receipt, entry FROM purchases WHERE {where}"  # noqa: S608
    return [_purchase(row) for row in database.read(query, *values)]


def _purchase(row: Row) -> Purchase:
    return Purchase(Hold(*row[:7]), *row[7:])
