"""The audit trail: who did what, when and from where, in a table that only grows, each row hashed with the one before.

The newest hash is signed by the node, so a row that was changed, dropped or put in between is found by `check`. A file
that was put back whole, as it was at an earlier time, is not: whoever must notice that keeps a `head` elsewhere.
No secret and nobody's contact goes in here: staff are accounts, holders are ids of the vault.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from ledger_node.services.database import Database
from scanner.verify.entry import canonical
from scanner.verify.keys import SigningKey, verify

FIRST_PREVIOUS = bytes(32)
CONSOLE = "console"
"""Who acts on the command line: whoever may write in the node's home folder."""
_ROW = b"ticketme/v1/trail\0"
_HEAD = b"ticketme/v1/trail-head\0"
SCHEMA = """
CREATE TABLE IF NOT EXISTS trail (n INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,
    subject TEXT NOT NULL, origin TEXT NOT NULL, detail TEXT NOT NULL, hash BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS trail_head (only INTEGER PRIMARY KEY CHECK (only = 1), n INTEGER, hash BLOB, signature BLOB);
CREATE TRIGGER IF NOT EXISTS trail_stays BEFORE UPDATE ON trail BEGIN SELECT RAISE(ABORT, 'the trail only grows'); END;
CREATE TRIGGER IF NOT EXISTS trail_keeps BEFORE DELETE ON trail BEGIN SELECT RAISE(ABORT, 'the trail only grows'); END;
"""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from which network address: an account's id, or CONSOLE without an address."""

    who: str
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """One row: `n` from 1, `at` in unix seconds, `what` was done to `subject`, and details as JSON."""

    n: int
    at: int
    who: str
    what: str
    subject: str
    origin: str
    detail: str

    def hash(self, previous: bytes) -> bytes:
        """SHA-256 over the row and the hash before it."""
        said = canonical([self.n, self.at, self.who, self.what, self.subject, self.origin, self.detail])
        return hashlib.sha256(_ROW + previous + said).digest()


@dataclass(frozen=True, slots=True)
class Head:
    """How long the trail is, its newest hash, and the node's signature over both."""

    n: int
    hash: bytes
    signature: bytes

    def good(self, node_key: bytes) -> bool:
        """Whether the node with this public key signed it."""
        return verify(node_key, _head_message(self.n, self.hash), self.signature)


class Trail:
    """The trail in `database`, whose schema has SCHEMA. Any thread."""

    def __init__(self, database: Database, key: SigningKey) -> None:
        self._database = database
        self._key = key

    def add(self, at: int, actor: Actor, what: str, subject: str, detail: Mapping[str, object] | None = None) -> None:
        """Write down an act; part of the transaction that the caller has open, if there is one."""
        said = json.dumps(detail or {}, sort_keys=True, ensure_ascii=False)
        with self._database.transaction():
            head = self.head()
            act = Act(head.n + 1, at, actor.who, what, subject, actor.origin, said)
            row = act.hash(head.hash)
            values = (act.n, at, act.who, what, subject, act.origin, said, row)
            self._database.write("INSERT INTO trail VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *values)
            signature = self._key.sign(_head_message(act.n, row))
            self._database.write("INSERT OR REPLACE INTO trail_head VALUES (1, ?, ?, ?)", act.n, row, signature)

    def head(self) -> Head:
        """The newest head; of length 0 and unsigned when nothing was done yet."""
        rows = self._database.read("SELECT n, hash, signature FROM trail_head")
        return Head(*rows[0]) if rows else Head(0, FIRST_PREVIOUS, b"")

    def acts(self, after: int = 0, most: int = 1_000) -> list[Act]:
        """The rows behind number `after`, in order."""
        statement = "SELECT n, at, who, what, subject, origin, detail FROM trail WHERE n > ? ORDER BY n LIMIT ?"
        rows = self._database.read(statement, after, most)
        return [Act(*row) for row in rows]

    def tells(self, what: str, subject: str) -> bool:
        """Whether such an act was ever done to this."""
        return bool(self._database.read("SELECT 1 FROM trail WHERE what = ? AND subject = ? LIMIT 1", what, subject))

    def check(self) -> str | None:
        """What is wrong with the trail, naming the row; None if every row and the head's signature are good."""
        previous, expected = FIRST_PREVIOUS, 1
        while acts := self.acts(expected - 1):
            for act in acts:
                kept = self._database.read("SELECT hash FROM trail WHERE n = ?", act.n)[0][0]
                if act.n != expected:
                    return f"row {expected} is missing"
                previous = act.hash(previous)
                if previous != kept:
                    return f"row {act.n} was changed, or the one before it"
                expected += 1
        head = self.head()
        if (head.n, head.hash) != (expected - 1, previous):
            return f"the trail ends at row {expected - 1}, its head says {head.n}"
        return None if head.n == 0 or head.good(self._key.public) else f"the head at row {head.n} has a bad signature"


def _head_message(n: int, row: bytes) -> bytes:
    return _HEAD + n.to_bytes(8, "big") + row
