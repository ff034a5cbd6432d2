"""The sandbox provider as a whole: its database, its keys, its clients, and the desk at which a demonstration sets up
accounts and lets people say yes. What comes over the network is taken apart elsewhere (server.py).
"""

import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ledger_node.sandbox.bank import HELD, OUTSIDE, Answer, Bank, RefusedError, pay_in
from ledger_node.sandbox.faults import Faults
from ledger_node.sandbox.orders import order_fault
from ledger_node.sandbox.schema import open_database, secret
from ledger_node.sandbox.writer import Writer
from scanner.verify.keys import SigningKey

PURPOSES = ("pay", "identify")
DATABASE = "provider.sqlite3"


class BadOrderError(Exception):
    """An order that cannot be read; nothing of it is remembered."""


class Provider:
    """One provider, open until `close`. `now` gives unix seconds, `draw` random bytes."""

    def __init__(
        self, home: Path, name: str, draw: Callable[[int], bytes], now: Callable[[], float] = time.time
    ) -> None:
        database = open_database(home / DATABASE)
        self.key = SigningKey(secret(database, "signing key", draw))
        self.bank = Bank(name, self.key, secret(database, "pseudonyms", draw))
        self.faults = Faults()
        self.now = now
        self._draw = draw
        self._clients = {bytes(key).hex(): bytes(key) for (key,) in database.execute("SELECT public_key FROM client")}
        self._writer = Writer(database)

    def close(self) -> None:
        """Finish and shut the database."""
        self._writer.close()

    def client_key(self, keyid: str) -> bytes | None:
        """The public key of a ledger node that may ask, by its key id (the key in hex)."""
        return self._clients.get(keyid)

    def perform(self, kind: str, order: Mapping[str, Any], *, decline: bool) -> Answer:
        """Carry out an order. Raises BadOrderError, or RefusedError for another order under a known reference."""
        wrong = order_fault(kind, order)
        if wrong:
            raise BadOrderError(wrong)
        now = int(self.now())
        return self._writer.do(lambda db: self.bank.perform(db, kind, order, now, decline=decline))

    def answered(self, reference: str) -> Answer:
        """What was answered under a reference."""
        return self._writer.do(lambda db: self.bank.answered(db, reference))

    def add_client(self, public_key: bytes) -> None:
        """A ledger node that may ask from now on."""
        self._writer.do(lambda db: db.execute("INSERT OR IGNORE INTO client VALUES (?)", (public_key,)))
        self._clients[public_key.hex()] = public_key

    def open_account(self, account: str, *, deposit: int = 0, level: int = 2, merchant: bool = False) -> None:
        """An account, or more money and another level for the one that is there."""

        def act(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT INTO account (account, merchant, level) VALUES (?1, ?2, ?3)"
                " ON CONFLICT DO UPDATE SET merchant = ?2, level = ?3",
                (account, merchant, level),
            )
            if deposit:
                pay_in(db, account, deposit)

        self._writer.do(act)

    def permit(self, account: str, event: str, purpose: str, most: int) -> str:
        """The account's owner says yes, as in the provider's own app; the token that a ledger node shows, once."""
        token = f"{purpose}-{self._draw(16).hex()}"
        self._known(account)
        row = (token, account, event, purpose, most)
        self._writer.do(lambda db: db.execute("INSERT INTO permission VALUES (?, ?, ?, ?, ?, NULL)", row))
        return token

    def party(self, account: str, event: str) -> bytes:
        """What the account is called in an event."""
        self._known(account)
        return self._writer.do(lambda db: self.bank.party(db, account, event))

    def accounts(self) -> dict[str, int]:
        """Cents by account, without what is held."""
        return dict(self._writer.do(lambda db: db.execute("SELECT account, available FROM account").fetchall()))

    def available(self, account: str) -> int:
        """Cents of one account, without what is held."""
        (cents,) = self._known(account)
        return int(cents)

    def books(self) -> dict[str, Any]:
        """Where all the money is, and whether the journal and the accounts agree on it."""
        return self._writer.do(_books)

    def _known(self, account: str) -> tuple[int]:
        """Its balance, alone in a row."""
        ask = "SELECT available FROM account WHERE account = ?"
        found: tuple[int] | None = self._writer.do(lambda db: db.execute(ask, (account,)).fetchone())
        if not found:
            raise RefusedError("unknown-account", f"open the account first: {account}")
        return found


def _books(db: sqlite3.Connection) -> dict[str, Any]:
    journal = dict(db.execute("SELECT account, sum(amount) FROM posting GROUP BY account").fetchall())
    accounts = dict(db.execute("SELECT account, available FROM account").fetchall())
    (held,) = db.execute("SELECT coalesce(sum(amount), 0) FROM hold WHERE state = 'open'").fetchone()
    paid_in, waiting = -journal.pop(OUTSIDE, 0), journal.pop(HELD, 0)
    uneven = db.execute("SELECT count(*) FROM (SELECT 1 FROM posting GROUP BY operation HAVING sum(amount) <> 0)")
    balanced = (
        {account: amount for account, amount in accounts.items() if account in journal} == journal
        and held == waiting
        and paid_in == held + sum(accounts.values())
        and uneven.fetchone()[0] == 0
    )
    return {"paid_in": paid_in, "held": held, "accounts": sum(accounts.values()), "balanced": balanced}
