"""How an order is found by any spelling of its number: a keyed hash of what all spellings share. It is kept of every
order that came in, also where of its buyer nothing is. Part of the market's file.
"""

import hashlib
from collections.abc import Mapping

from ledger_node.services.database import Row
from ledger_node.services.grouped import Grouped
from ledger_node.spelling import found_by

SCHEMA = """
CREATE TABLE IF NOT EXISTS order_names (event TEXT NOT NULL, name BLOB NOT NULL, number BLOB NOT NULL,
    PRIMARY KEY (event, name, number)) WITHOUT ROWID;
"""
_PERSON = b"ticketme/v1/ordn"


def name_of(key: bytes, event: str, number: str) -> bytes:
    """The same for every spelling of the number; it is guessed by nobody without the node's key."""
    said = f"{event}\0{found_by('order', number)}".encode()
    return hashlib.blake2b(said, key=key, person=_PERSON, digest_size=32).digest()


class OrderNames:
    """The table. Any thread."""

    def __init__(self, line: Grouped) -> None:
        self._line = line

    def keep(self, event: str, orders: Mapping[bytes, bytes]) -> None:
        """The name of each order, by the keyed hash of its number as it is spelt; what is known stays."""
        rows: list[Row] = [(event, name, number) for number, name in orders.items()]
        statement = "INSERT OR IGNORE INTO order_names VALUES (?, ?, ?)"
        self._line.do(lambda database: database.write_many(statement, rows))

    def find(self, event: str, name: bytes) -> list[bytes]:
        """The orders with this name; two may differ in a hyphen only."""
        query = "SELECT number FROM order_names WHERE event = ? AND name = ?"
        return [number for (number,) in self._line.do(lambda database: database.read(query, event, name))]
