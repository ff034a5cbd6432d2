"""The sandbox provider's rules: who has how much, who may move it, and what was said about it. All in one transaction
that the caller begins and commits; no network, no clock, no randomness but what is passed in.

A reference counts once. What was answered to it, a refusal too, is answered again to the same order, and another order
under it is refused. A hold that has ended gives its money back by itself, and can then only be released.
"""

import hashlib
import hmac
import json
import sqlite3
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ledger_node.contract.provider import seal_receipt
from ledger_node.sandbox.orders import shares_of, total
from scanner.verify.keys import SigningKey

HELD, OUTSIDE = "*held", "*outside"
ATTESTED_FOR = 400 * 86_400
"""Seconds that an attestation is good for."""
Answer = dict[str, Any]
Order = Mapping[str, Any]
Rule = Callable[[sqlite3.Connection, Order, int], dict[str, Any]]


class RefusedError(Exception):
    """An order that is not carried out: a stable code and a sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class Bank:
    """One provider: its name on receipts, its key, and the secret that its pseudonyms are made with."""

    name: str
    key: SigningKey
    secret: bytes

    def pseudonym(self, account: str, event: str) -> bytes:
        """What an account is called within one event; without the secret, two events cannot be linked."""
        message = len(event.encode()).to_bytes(4, "big") + event.encode() + account.encode()
        return hmac.digest(self.secret, message, hashlib.sha256)

    def perform(self, db: sqlite3.Connection, kind: str, order: Order, now: int, *, decline: bool) -> Answer:
        """Carry an order out, once. `decline` refuses it for no reason, as providers do at times."""
        request = hashlib.sha256(json.dumps([kind, order], sort_keys=True).encode()).digest()
        known = _row(db, "SELECT * FROM operation WHERE reference = ?", order["reference"])
        if known:
            if known["request"] != request:
                raise RefusedError("reference-used", "another order was sent under this reference")
            return dict(json.loads(known["answer"]))
        _expire(db, now)
        answer = self._carried_out(db, _declined if decline else self._rule(kind), kind, order, now)
        row = (order["reference"], request, json.dumps(answer))
        db.execute("INSERT INTO operation VALUES (?, ?, ?)", row)
        return answer

    def answered(self, db: sqlite3.Connection, reference: str) -> Answer:
        """What was answered under a reference, or that nothing was."""
        found = db.execute("SELECT answer FROM operation WHERE reference = ?", (reference,)).fetchone()
        return dict(json.loads(found[0])) if found else {"status": "unknown", "reference": reference}

    def party(self, db: sqlite3.Connection, account: str, event: str) -> bytes:
        """The account's pseudonym, remembered, so that it can be paid."""
        pseudonym = self.pseudonym(account, event)
        db.execute("INSERT OR IGNORE INTO party VALUES (?, ?, ?)", (pseudonym, event, account))
        return pseudonym

    def _rule(self, kind: str) -> Rule:
        return {
            "hold": self._hold,
            "capture": self._capture,
            "release": self._release,
            "refund": self._refund,
            "attest": self._attest,
        }[kind]

    def _carried_out(self, db: sqlite3.Connection, rule: Rule, kind: str, order: Order, now: int) -> Answer:
        reference = order["reference"]
        db.execute("SAVEPOINT carried_out")
        try:
            said = rule(db, order, now)
        except RefusedError as refused:
            db.execute("ROLLBACK TO carried_out")
            return {"status": "refused", "reference": reference, "code": refused.code, "detail": str(refused)}
        finally:
            db.execute("RELEASE carried_out")
        common = {"provider": self.name, "kind": kind, "event": order["event"], "reference": reference, "at": now}
        receipt = seal_receipt({**common, **said}, self.key)
        return {"status": "done", "reference": reference, "receipt": b64encode(receipt).decode()}

    def _hold(self, db: sqlite3.Connection, order: Order, now: int) -> dict[str, Any]:
        account = _permitted(db, order, "pay", order["amount"])
        if order["until"] <= now:
            raise RefusedError("hold-expired", "the hold would end before it begins")
        _move(db, order["reference"], account, HELD, order["amount"])
        payer = self.party(db, account, order["event"])
        if payer.hex() != order["payer"]:
            raise RefusedError("other-payer", "this was authorised by somebody else")
        row = (order["reference"], order["event"], account, payer, order["amount"], order["currency"], order["until"])
        db.execute("INSERT INTO hold VALUES (?, ?, ?, ?, ?, ?, ?, 'open')", row)
        return {**_told(order, "amount", "currency", "until"), "payer": payer}

    def _capture(self, db: sqlite3.Connection, order: Order, _now: int) -> dict[str, Any]:
        hold = _find_hold(db, order)
        if hold["state"] != "open":
            raise RefusedError(f"hold-{hold['state']}", f"the hold is {hold['state']}")
        if hold["amount"] != total(order["shares"]):
            raise RefusedError("wrong-amount", "a hold is captured whole")
        shares = shares_of(order["shares"])
        db.execute("INSERT INTO capture (reference, hold) VALUES (?, ?)", (order["reference"], order["of"]))
        for party, amount in shares:
            _move(db, order["reference"], HELD, _account_of(db, party, order["event"]), amount)
            db.execute(
                "INSERT INTO part (capture, pseudonym, amount) VALUES (?, ?, ?)", (order["reference"], party, amount)
            )
        db.execute("UPDATE hold SET state = 'captured' WHERE reference = ?", (order["of"],))
        return {**_told(hold, "amount", "currency", "payer"), "of": order["of"], "shares": shares}

    def _release(self, db: sqlite3.Connection, order: Order, _now: int) -> dict[str, Any]:
        hold = _find_hold(db, order)
        if hold["state"] not in {"open", "expired"}:
            raise RefusedError(f"hold-{hold['state']}", f"the hold is {hold['state']}")
        if hold["state"] == "open":
            _move(db, order["reference"], HELD, hold["account"], hold["amount"])
        db.execute("UPDATE hold SET state = 'released' WHERE reference = ?", (order["of"],))
        return {**_told(hold, "amount", "currency", "payer"), "of": order["of"]}

    def _refund(self, db: sqlite3.Connection, order: Order, _now: int) -> dict[str, Any]:
        """A party gives back what it got in this capture; a merchant may give more, for those who got it."""
        capture = _row(
            db,
            "SELECT hold.*, refunded FROM capture JOIN hold ON hold.reference = hold WHERE capture.reference = ?",
            order["of"],
        )
        if capture is None or capture["event"] != order["event"]:
            raise RefusedError("unknown-capture", "no such capture in this event")
        amount = total(order["shares"])
        if capture["refunded"] + amount > capture["amount"]:
            raise RefusedError("over-refund", "more than was captured and not yet refunded")
        shares = shares_of(order["shares"])
        for party, part in shares:
            giver = _account_of(db, party, order["event"])
            _give_back(db, order["of"], party, giver, part)
            _move(db, order["reference"], giver, capture["account"], part)
        db.execute("UPDATE capture SET refunded = refunded + ? WHERE reference = ?", (amount, order["of"]))
        told = {**_told(capture, "currency", "payer"), "of": order["of"]}
        return {**told, "amount": amount, "shares": shares}

    def _attest(self, db: sqlite3.Connection, order: Order, now: int) -> dict[str, Any]:
        account = _permitted(db, order, "identify", 0)
        level: int = db.execute("SELECT level FROM account WHERE account = ?", (account,)).fetchone()[0]
        if level < order["level"]:
            raise RefusedError("level-too-low", f"this person is known to level {level}, not {order['level']}")
        subject = self.party(db, account, order["event"])
        return {"subject": subject, "key": bytes.fromhex(order["key"]), "level": level, "until": now + ATTESTED_FOR}


def _declined(_db: sqlite3.Connection, _order: Order, _now: int) -> dict[str, Any]:
    raise RefusedError("declined", "the provider declines this")


def _expire(db: sqlite3.Connection, now: int) -> None:
    query = "SELECT reference, account, amount FROM hold WHERE state = 'open' AND until <= ?"
    for reference, account, amount in db.execute(query, (now,)).fetchall():
        _move(db, f"{reference} ended", HELD, account, amount)
        db.execute("UPDATE hold SET state = 'expired' WHERE reference = ?", (reference,))


def _permitted(db: sqlite3.Connection, order: Order, purpose: str, amount: int) -> str:
    """The account whose owner said yes to this, once."""
    found = _row(db, "SELECT * FROM permission WHERE token = ?", order["authorisation"])
    good = found is not None and (found["event"], found["purpose"]) == (order["event"], purpose)
    if not good or found is None or found["used_by"] is not None or amount > found["most"]:
        raise RefusedError("bad-authorisation", "the person did not authorise this, or it was used before")
    db.execute("UPDATE permission SET used_by = ? WHERE token = ?", (order["reference"], order["authorisation"]))
    return str(found["account"])


def _give_back(db: sqlite3.Connection, capture: str, party: bytes, giver: str, amount: int) -> None:
    (merchant,) = db.execute("SELECT merchant FROM account WHERE account = ?", (giver,)).fetchone()
    if not merchant:
        got = db.execute(
            "SELECT amount - refunded FROM part WHERE capture = ? AND pseudonym = ?", (capture, party)
        ).fetchone()
        if got is None or got[0] < amount:
            raise RefusedError("over-refund", "a person gives back at most what they got in this capture")
    db.execute("UPDATE part SET refunded = refunded + ? WHERE capture = ? AND pseudonym = ?", (amount, capture, party))


def _find_hold(db: sqlite3.Connection, order: Order) -> dict[str, Any]:
    hold = _row(db, "SELECT * FROM hold WHERE reference = ?", order["of"])
    if hold is None or hold["event"] != order["event"]:
        raise RefusedError("unknown-hold", "no such hold in this event")
    return hold


def _account_of(db: sqlite3.Connection, party: bytes, event: str) -> str:
    found = db.execute("SELECT account FROM party WHERE pseudonym = ? AND event = ?", (party, event)).fetchone()
    if found is None:
        raise RefusedError("unknown-party", "nobody is called so in this event")
    return str(found[0])


def _move(db: sqlite3.Connection, operation: str, source: str, target: str, amount: int) -> None:
    """From one place to the other; both sides of the journal at once."""
    for account, change in ((source, -amount), (target, amount)):
        db.execute("INSERT INTO posting (operation, account, amount) VALUES (?, ?, ?)", (operation, account, change))
        if account not in {HELD, OUTSIDE}:
            try:
                db.execute("UPDATE account SET available = available + ? WHERE account = ?", (change, account))
            except sqlite3.IntegrityError:
                raise RefusedError("insufficient-funds", "the account does not have that much") from None


def pay_in(db: sqlite3.Connection, account: str, amount: int) -> None:
    """Money from outside, as when somebody tops up."""
    _move(db, "pay-in", OUTSIDE, account, amount)


def _row(db: sqlite3.Connection, query: str, value: str) -> dict[str, Any] | None:
    cursor = db.execute(query, (value,))
    found = cursor.fetchone()
    return dict(zip([column[0] for column in cursor.description], found, strict=True)) if found else None


def _told(order: Order, *names: str) -> dict[str, Any]:
    return {name: order[name] for name in names}
