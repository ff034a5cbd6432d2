"""Accounts on disk: SQLite tables and plain values. Tokens stand here only as hashes; names and code secrets only
locked under the vault key, and a name is found by a keyed hash.

No rule is decided here. Methods are durable when they return, or with the transaction that the caller has open.
"""

import hashlib
from dataclasses import dataclass, replace

from ledger_node.services import trail
from ledger_node.services.accounts.roles import Role, State, Way
from ledger_node.services.database import Database
from ledger_node.services.errors import ServiceError
from ledger_node.services.locker import Locker

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS staff (account TEXT PRIMARY KEY, role TEXT NOT NULL, name BLOB NOT NULL,
    digest BLOB NOT NULL UNIQUE, organisation TEXT NOT NULL, state TEXT NOT NULL, since INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS invitations (digest BLOB PRIMARY KEY, account TEXT NOT NULL, expires INTEGER NOT NULL)
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passkeys (id BLOB PRIMARY KEY, account TEXT NOT NULL, public_key BLOB NOT NULL,
    sign_count INTEGER NOT NULL, since INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS second_ways (account TEXT PRIMARY KEY, secret BLOB NOT NULL, digest BLOB NOT NULL,
    confirmed INTEGER NOT NULL, step INTEGER NOT NULL, tries INTEGER NOT NULL, locked_until INTEGER NOT NULL)
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sessions (number INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL UNIQUE,
    account TEXT NOT NULL, way TEXT NOT NULL, since INTEGER NOT NULL, seen INTEGER NOT NULL, address TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS spent (challenge BLOB PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
{trail.SCHEMA}"""
_NAME = "account"
_NAME_BYTES = 256
"""Names of 64 letters have no more in UTF-8; all boxes are of one length."""
_OF_ACCOUNT = ("invitations", "passkeys", "second_ways", "sessions")


@dataclass(frozen=True, slots=True)
class Account:
    """Who somebody is to the node. `organisation` is whose things they may see; empty for ops and the regulator."""

    account: str
    role: Role
    name: str
    organisation: str
    state: State
    since: int


@dataclass(frozen=True, slots=True)
class Passkey:
    """A credential: its id, COSE key (RFC 9052) and the counter by which clones are noticed."""

    id: bytes
    account: str
    public_key: bytes
    sign_count: int


@dataclass(frozen=True, slots=True)
class SecondWay:
    """A locked code secret, the hash of the key that goes with it, the last time step used, and wrong tries."""

    account: str
    secret: bytes
    digest: bytes
    confirmed: bool
    step: int
    tries: int
    locked_until: int


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session; times are unix seconds."""

    number: int
    account: str
    way: Way
    since: int
    seen: int
    address: str


def token_digest(token: str) -> bytes:
    """How a random token is kept. It has at least 128 bits, so a plain hash cannot be searched."""
    return hashlib.sha256(b"ticketme/v1/token\0" + token.encode()).digest()


class AccountTables:
    """The tables in `database`, whose schema has SCHEMA. Any thread."""

    def __init__(self, database: Database, locker: Locker) -> None:
        self.database = database
        self._locker = locker
        self._lock_old_names()

    def account(self, account: str) -> Account | None:
        """By id."""
        return next(iter(self._staff("account = ?", account)), None)

    def named(self, name: str) -> Account | None:
        """By name."""
        found = [one for digest in self._locker.digests(_NAME, name) for one in self._staff("digest = ?", digest)]
        return next(iter(found), None)

    def accounts(self) -> list[Account]:
        """All, revoked ones too."""
        return sorted(self._staff("true"), key=lambda one: one.name)

    def put_account(self, one: Account) -> None:
        """New or changed."""
        name = self._locker.lock(one.name.encode().ljust(_NAME_BYTES, b"\0"), _name_use(one.account))
        digest = self._locker.digest(_NAME, one.name)
        values = (one.account, one.role.value, name, digest, one.organisation, one.state.value, one.since)
        self.database.write("INSERT OR REPLACE INTO staff VALUES (?, ?, ?, ?, ?, ?, ?)", *values)

    def relock(self) -> None:
        """Move every name and code secret under the newest vault key, and make the file anew without the old ones."""
        with self.database.transaction():
            for one in self.accounts():
                self.put_account(one)
                way, use = self.second_way(one.account), second_way_use(one.account)
                secret = self._locker.unlock(way.secret, use) if way else None
                if way is not None and secret is not None:
                    self.put_second_way(replace(way, secret=self._locker.lock(secret, use)))
        self.database.scrub()

    def strip(self, account: str) -> None:
        """Take away everything by which somebody could act as this account."""
        for table in _OF_ACCOUNT:
            self.database.write(f"DELETE FROM {table} WHERE account = ?", account)  # noqa: S608 - names from above

    def add_invitation(self, digest: bytes, account: str, expires: int) -> None:
        """The only invitation of the account from now on."""
        self.database.write("DELETE FROM invitations WHERE account = ?", account)
        self.database.write("INSERT INTO invitations VALUES (?, ?, ?)", digest, account, expires)

    def invited(self, digest: bytes, now: int) -> Account | None:
        """Whom the invitation is for, if it is still good."""
        rows = self.database.read("SELECT account FROM invitations WHERE digest = ? AND expires > ?", digest, now)
        return self.account(rows[0][0]) if rows else None

    def use_invitation(self, digest: bytes) -> bool:
        """Spend it: True for the first."""
        return self.database.write("DELETE FROM invitations WHERE digest = ?", digest) == 1

    def passkey(self, credential: bytes) -> Passkey | None:
        """By its id."""
        columns = "SELECT id, account, public_key, sign_count FROM passkeys"
        rows = self.database.read(f"{columns} WHERE id = ?", credential)
        return Passkey(*rows[0]) if rows else None

    def passkeys(self, account: str) -> list[bytes]:
        """The ids of an account's passkeys."""
        return [row[0] for row in self.database.read("SELECT id FROM passkeys WHERE account = ?", account)]

    def add_passkey(self, one: Passkey, now: int) -> None:
        """A new one."""
        values = (one.id, one.account, one.public_key, one.sign_count, now)
        self.database.write("INSERT INTO passkeys VALUES (?, ?, ?, ?, ?)", *values)

    def count_passkey(self, credential: bytes, sign_count: int) -> None:
        """Keep the counter of the last use."""
        self.database.write("UPDATE passkeys SET sign_count = ? WHERE id = ?", sign_count, credential)

    def second_way(self, account: str) -> SecondWay | None:
        """The account's second way, confirmed or not."""
        rows = self.database.read("SELECT * FROM second_ways WHERE account = ?", account)
        return SecondWay(*rows[0]) if rows else None

    def put_second_way(self, one: SecondWay) -> None:
        """New or changed."""
        values = (one.account, one.secret, one.digest, one.confirmed, one.step, one.tries, one.locked_until)
        self.database.write("INSERT OR REPLACE INTO second_ways VALUES (?, ?, ?, ?, ?, ?, ?)", *values)

    def spend(self, challenge: bytes, expires: int, now: int) -> bool:
        """Remember a challenge until it expires: True for the first time. Older ones go."""
        self.database.write("DELETE FROM spent WHERE expires < ?", now)
        return self.database.write("INSERT OR IGNORE INTO spent VALUES (?, ?)", challenge, expires) == 1

    def add_session(self, digest: bytes, account: str, way: Way, now: int, address: str) -> None:
        """A new session."""
        statement = "INSERT INTO sessions (digest, account, way, since, seen, address) VALUES (?, ?, ?, ?, ?, ?)"
        self.database.write(statement, digest, account, way.value, now, now, address)

    def session(self, digest: bytes) -> SessionRow | None:
        """By its token's hash, however old."""
        return next(iter(self._sessions("digest = ?", digest)), None)

    def sessions(self, account: str) -> list[SessionRow]:
        """All of an account."""
        return self._sessions("account = ?", account)

    def touch(self, number: int, now: int) -> None:
        """The session was used."""
        self.database.write("UPDATE sessions SET seen = ? WHERE number = ?", now, number)

    def end_session(self, account: str, number: int) -> bool:
        """End one session of the account; whether there was one."""
        return self.database.write("DELETE FROM sessions WHERE account = ? AND number = ?", account, number) == 1

    def end_sessions(self, since: int, seen: int) -> None:
        """End those that began or were last seen before these times."""
        self.database.write("DELETE FROM sessions WHERE since < ? OR seen < ?", since, seen)

    def setting(self, name: str) -> str | None:
        """A setting that outlives the process."""
        rows = self.database.read("SELECT value FROM settings WHERE name = ?", name)
        return rows[0][0] if rows else None

    def set(self, name: str, value: str) -> None:
        """Keep a setting."""
        self.database.write("INSERT OR REPLACE INTO settings VALUES (?, ?)", name, value)

    def _staff(self, where: str, *values: object) -> list[Account]:
        columns = "account, role, name, organisation, state, since"
        rows = self.database.read(f"SELECT {columns} FROM staff WHERE {where}", *values)  # noqa: S608 - from above
        return [
            Account(account, Role(role), self._name(account, box), organisation, State(state), since)
            for account, role, box, organisation, state, since in rows
        ]

    def _name(self, account: str, box: bytes) -> str:
        plain = self._locker.unlock(box, _name_use(account))
        if plain is None:
            raise ServiceError("vault", f"the name of {account} does not open: is keys/vault.key another?", 500)
        return plain.rstrip(b"\0").decode()

    def _lock_old_names(self) -> None:
        """Names stood in the clear once, in a table of another name."""
        if not self.database.read("SELECT 1 FROM sqlite_master WHERE name = 'accounts'"):
            return
        with self.database.transaction():
            for row in self.database.read("SELECT account, role, name, organisation, state, since FROM accounts"):
                self.put_account(Account(row[0], Role(row[1]), row[2], row[3], State(row[4]), row[5]))
            self.database.write("DROP TABLE accounts")
        self.database.scrub()

    def _sessions(self, where: str, value: object) -> list[SessionRow]:
        columns = "number, account, way, since, seen, address"
        rows = self.database.read(f"SELECT {columns} FROM sessions WHERE {where} ORDER BY number", value)  # noqa: S608
        return [SessionRow(row[0], row[1], Way(row[2]), *row[3:]) for row in rows]


def second_way_use(account: str) -> bytes:
    """What the lock of an account's code secret is for."""
    return b"second way of " + account.encode()


def _name_use(account: str) -> bytes:
    return b"name of " + account.encode()
