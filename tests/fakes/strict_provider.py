"""A wallet provider in this process, with the rules of a real one and a database of its own: money never appears or
vanishes, an authorisation is good once, a reference counts once, and what was answered is answered again.

`faults` go wrong on the next orders, each as a provider can: "lost" (done, answer lost), "dropped" (never arrived),
"declined" (for no reason). What was asked stays in `asked`.
"""

import hashlib
import sqlite3
import threading
from collections import deque
from pathlib import Path

from ledger_node.adapters.provider import Declined, ProviderError
from ledger_node.adapters.provider_orders import Attest, Capture, Hold, Order, Refund, Release
from ledger_node.contract.provider import Attestation, Money, open_receipt, seal_receipt
from scanner.verify.keys import SigningKey

NAME = "wallet"
KEY = SigningKey(hashlib.sha256(b"strict provider").digest())
_SCHEMA = """
CREATE TABLE IF NOT EXISTS account (party BLOB PRIMARY KEY, cents INTEGER NOT NULL CHECK (cents >= 0));
CREATE TABLE IF NOT EXISTS permit (token TEXT PRIMARY KEY, party BLOB NOT NULL, used_by TEXT);
CREATE TABLE IF NOT EXISTS hold (reference TEXT PRIMARY KEY, event TEXT, party BLOB, amount INTEGER, currency TEXT,
    until INTEGER, state TEXT);
CREATE TABLE IF NOT EXISTS capture (reference TEXT PRIMARY KEY, hold TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS refund (reference TEXT PRIMARY KEY, of TEXT NOT NULL, amount INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS done (reference TEXT PRIMARY KEY, said TEXT NOT NULL, receipt BLOB, code TEXT);
"""


class StrictProvider:
    """A `services.outside.WalletProvider`. Any thread, any number of processes on one file."""

    def __init__(self, path: Path, now):
        self.now = now
        self.faults: deque[str] = deque()
        self.asked: list[Order] = []
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=20)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.executescript(_SCHEMA)

    def close(self):
        self._db.close()

    def account(self, party: bytes, cents: int = 0) -> bytes:
        """Somebody's money; the party, for short."""
        self._write("INSERT INTO account VALUES (?1, ?2) ON CONFLICT DO UPDATE SET cents = cents + ?2", party, cents)
        return party

    def spend(self, party: bytes, cents: int) -> None:
        """Its owner pays for something else."""
        self._write("UPDATE account SET cents = cents - ? WHERE party = ?", cents, party)

    def permit(self, party: bytes, token: str) -> str:
        """Its owner says yes, once."""
        self._write("INSERT INTO permit VALUES (?, ?, NULL)", token, party)
        return token

    def balance(self, party: bytes) -> int:
        return int(self._read("SELECT coalesce(sum(cents), 0) FROM account WHERE party = ?", party))

    def held(self) -> int:
        return int(self._read("SELECT coalesce(sum(amount), 0) FROM hold WHERE state = 'open'"))

    def total(self) -> int:
        """All the money there is, wherever it stands."""
        return int(self._read("SELECT coalesce(sum(cents), 0) FROM account")) + self.held()

    def captures(self) -> int:
        return int(self._read("SELECT count(*) FROM hold WHERE state = 'captured'"))

    def do(self, order):
        outcome = self._perform(order)
        assert not isinstance(outcome, Attestation)
        return outcome

    def attest(self, order):
        outcome = self._perform(order)
        assert not isinstance(outcome, Money)
        return outcome

    def _perform(self, order):
        self.asked.append(order)
        fault = self.faults.popleft() if self.faults else ""
        if fault == "dropped":
            raise ProviderError("the order never arrived")
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            outcome = self._once(order, decline=fault == "declined")
            self._db.execute("COMMIT")
        if fault == "lost":
            raise ProviderError("the answer was lost")
        return outcome

    def _once(self, order, *, decline):
        said = repr(sorted(order.to_json().items()))
        known = self._db.execute(
            "SELECT said, receipt, code FROM done WHERE reference = ?", (order.reference,)
        ).fetchone()
        if known is not None:
            assert known[0] == said, f"{order.reference} was used for another order"
            return open_receipt(known[1]) if known[1] else Declined(known[2], "as before")
        outcome = "declined" if decline else self._carry_out(order)
        receipt = None if isinstance(outcome, str) else seal_receipt(outcome, KEY)
        code = outcome if isinstance(outcome, str) else None
        self._db.execute("INSERT INTO done VALUES (?, ?, ?, ?)", (order.reference, said, receipt, code))
        return Declined(str(code), "the provider says no") if receipt is None else open_receipt(receipt)

    def _carry_out(self, order):
        common = {
            "provider": NAME,
            "kind": order.kind,
            "event": order.event,
            "reference": order.reference,
            "at": int(self.now()),
        }
        match order:
            case Hold():
                return self._hold(order, common)
            case Capture() | Release():
                return self._settle(order, common)
            case Attest():
                party = self._used(order.authorisation, order.reference)
                fields = {"subject": party, "key": order.key, "level": 2, "until": int(self.now()) + 86_400}
                return common | fields if party else "bad-authorisation"
            case Refund():
                return self._refund(order, common)

    def _hold(self, order, common):
        party = self._used(order.authorisation, order.reference)
        if party != order.payer:
            return "bad-authorisation"
        taken = self._db.execute(
            "UPDATE account SET cents = cents - ?1 WHERE party = ?2 AND cents >= ?1", (order.amount, party)
        )
        if taken.rowcount != 1:
            return "insufficient-funds"
        row = (order.reference, order.event, party, order.amount, order.currency, order.until, "open")
        self._db.execute("INSERT INTO hold VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        return common | {"amount": order.amount, "currency": order.currency, "payer": party, "until": order.until}

    def _settle(self, order, common):
        hold = self._db.execute(
            "SELECT party, amount, currency, state FROM hold WHERE reference = ?", (order.of,)
        ).fetchone()
        if hold is None or hold[3] != "open":
            return "unknown-hold" if hold is None else f"hold-{hold[3]}"
        party, amount, currency, _ = hold
        shares = (
            [(share.party, share.amount) for share in order.shares] if isinstance(order, Capture) else [(party, amount)]
        )
        assert sum(part for _, part in shares) == amount, "shares that are not the whole"
        for whose, part in shares:
            paid = self._db.execute("UPDATE account SET cents = cents + ? WHERE party = ?", (part, whose))
            assert paid.rowcount == 1, "money for nobody"
        state = "captured" if isinstance(order, Capture) else "released"
        self._db.execute("UPDATE hold SET state = ? WHERE reference = ?", (state, order.of))
        if state == "captured":
            self._db.execute("INSERT INTO capture VALUES (?, ?)", (order.reference, order.of))
        fields = {"amount": amount, "currency": currency, "payer": party, "of": order.of}
        return common | fields | ({"shares": [list(share) for share in shares]} if state == "captured" else {})

    def _refund(self, order, common):
        """Of a capture, never more than it was; each share from its party's own money."""
        found = self._db.execute("SELECT hold FROM capture WHERE reference = ?", (order.of,)).fetchone()
        if found is None:
            return "unknown-capture"
        party, amount, currency = self._db.execute(
            "SELECT party, amount, currency FROM hold WHERE reference = ?", found
        ).fetchone()
        back = sum(share.amount for share in order.shares)
        before = self._db.execute("SELECT coalesce(sum(amount), 0) FROM refund WHERE of = ?", (order.of,)).fetchone()[0]
        if before + back > amount:
            return "over-refund"
        take = "UPDATE account SET cents = cents - ?1 WHERE party = ?2 AND cents >= ?1"
        rich = "SELECT 1 FROM account WHERE party = ?2 AND cents >= ?1"
        if not all(self._db.execute(rich, (share.amount, share.party)).fetchone() for share in order.shares):
            return "insufficient-funds"
        for share in order.shares:
            self._db.execute(take, (share.amount, share.party))
        self._db.execute("UPDATE account SET cents = cents + ? WHERE party = ?", (back, party))
        self._db.execute("INSERT INTO refund VALUES (?, ?, ?)", (order.reference, order.of, back))
        shares = [list(pair) for pair in sorted((share.party, share.amount) for share in order.shares)]
        return common | {"amount": back, "currency": currency, "payer": party, "of": order.of, "shares": shares}

    def _used(self, token, reference):
        used = self._db.execute(
            "UPDATE permit SET used_by = ? WHERE token = ? AND used_by IS NULL RETURNING party", (reference, token)
        ).fetchone()
        return used[0] if used else None

    def _write(self, statement, *values):
        with self._lock:
            self._db.execute(statement, values)

    def _read(self, query, *values):
        with self._lock:
            return self._db.execute(query, values).fetchone()[0]
