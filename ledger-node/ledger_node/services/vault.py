"""Personal data, outside the log: encrypted for each person, forgotten by destroying that person's key. SQLite.

A person is a random id, a random key and fields (name, phone, ...). The key is kept wrapped under the vault key, which
lives with the node's other keys and never in this file; each field is a box (XSalsa20-Poly1305) under the person's key
and the field's name, padded, so that neither content nor length shows. To find a person by phone, e-mail, document or
order there is a blind index: a keyed BLAKE2b of the value in the one form of `spelling`.

Who has the same phone and the same e-mail is one person with one record (`keep`). One that has only one of the two in
common is another: a phone that somebody else typed must not open this person's record to them.

`forget` deletes the wrapped key, the boxes and the index in one transaction, which also notes that the file must be
made anew without them; if the process dies before that is done, opening the file does it. Not here: who may ask, and
any word on the ledger.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger_node.services.database import Database
from ledger_node.services.errors import ServiceError
from ledger_node.services.locker import Locker
from ledger_node.spelling import found_by
from scanner.verify.keys import lock_secret, unlock_secret

FIELDS = frozenset({"name", "phone", "email", "document"})
"""What is kept of a person. Besides, a use case may keep its own under "use:id", such as an answer to a question."""
FINDABLE = frozenset({"phone", "email", "document", "order"})
"""By what a person is found. "order" stands for each order's number, which is a use case's field "order:id"."""
MOST_BYTES = 4_096
UNKNOWN_PERSON = "there is nobody with this id: forgotten, or never here; `ledger-node vault find` gives ids"
_OF_USE = re.compile(r"[a-z]{1,16}:[0-9a-z-]{1,64}")
_BLOCK = 64
_NONCE = 24
_SCHEMA = """
CREATE TABLE IF NOT EXISTS persons (person TEXT PRIMARY KEY, key BLOB NOT NULL, since INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fields (person TEXT NOT NULL REFERENCES persons ON DELETE CASCADE, name TEXT NOT NULL,
    box BLOB NOT NULL, PRIMARY KEY (person, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sought (digest BLOB NOT NULL, person TEXT NOT NULL REFERENCES persons ON DELETE CASCADE,
    name TEXT NOT NULL, PRIMARY KEY (digest, person, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS merged (old TEXT PRIMARY KEY, person TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ties (person TEXT NOT NULL REFERENCES persons ON DELETE CASCADE, event TEXT NOT NULL,
    PRIMARY KEY (person, event)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unscrubbed (yes INTEGER PRIMARY KEY) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sought_of ON sought (person);
"""


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a message can be sent. Personal data: `repr` shows none of it."""

    phone: str | None
    email: str | None

    def __repr__(self) -> str:
        return f"Contact(phone={self.phone is not None}, email={self.email is not None})"


class Vault:
    """The open vault. `key` is the vault key (32 bytes), `before` the one that it replaces while it is being changed,
    `draw` the system's randomness. Any thread.
    """

    def __init__(self, path: Path, key: bytes, draw: Callable[[int], bytes], before: bytes | None = None) -> None:
        self.locker = Locker(key, draw, before)
        self._draw = draw
        self._database = Database(path, _SCHEMA)
        try:
            self._upgrade()
            self._scrub()
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._database.close()

    def add(self, values: Mapping[str, str], now: int, events: Iterable[str] = ()) -> str:
        """A new person with these fields, tied to these events; the person's id. Durable. Raises ServiceError."""
        person, key = self._draw(16).hex(), self._draw(32)
        with self._database.transaction():
            # In here, so that whoever has seen all people under a new vault key has seen this one.
            wrapped = self.locker.lock(key, bytes.fromhex(person))
            self._database.write("INSERT INTO persons VALUES (?, ?, ?)", person, wrapped, now)
            self._put(person, key, values)
            self._tie(person, events)
        return person

    def keep(self, contact: Mapping[str, str], use: Mapping[str, str], now: int, events: Iterable[str] = ()) -> str:
        """The person with just this contact, a new one if there is none, with `use` cases' fields and events added; the
        id. Durable. Raises ServiceError.
        """
        with self._database.transaction():
            person = self._same(contact)
            if person is None:
                return self.add({**contact, **use}, now, events)
            self.change(person, use, events)
        return person

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is done in the block is kept as one, with one commit, or not at all; everybody else waits."""
        with self._database.transaction():
            yield

    def change(self, person: str, values: Mapping[str, str], events: Iterable[str] = ()) -> None:
        """Set these fields and add these events. Raises ServiceError "unknown-person"."""
        with self._database.transaction():
            self._put(person, self._person_key(person), values)
            self._tie(person, events)

    def drop(self, person: str, *names: str) -> None:
        """Delete these fields, if they are there; the person may be forgotten by now. Stray copies: see `forget`."""
        with self._database.transaction():
            for name in names:
                self._database.write("DELETE FROM fields WHERE person = ? AND name = ?", person, name)
                self._database.write("DELETE FROM sought WHERE person = ? AND name = ?", person, name)

    def untie(self, person: str, events: Iterable[str]) -> None:
        """The person has to do with these events no more."""
        with self._database.transaction():
            for event in events:
                self._database.write("DELETE FROM ties WHERE person = ? AND event = ?", person, event)

    def read(self, person: str) -> dict[str, str]:
        """Every field of the person, by name. Raises ServiceError "unknown-person"; "vault" for a damaged box."""
        with self._database.transaction():
            key = self._person_key(person)
            rows = self._database.read("SELECT name, box FROM fields WHERE person = ? ORDER BY name", person)
        return {name: self._open(person, name, box, key) for name, box in rows}

    def contact(self, person: str) -> Contact:
        """Where the person can be reached."""
        values = self.read(person)
        return Contact(values.get("phone"), values.get("email"))

    def one(self, person: str, name: str) -> str | None:
        """One field of the person, None if there is none. Raises ServiceError as `read` does."""
        with self._database.transaction():
            key = self._person_key(person)
            rows = self._database.read("SELECT box FROM fields WHERE person = ? AND name = ?", person, name)
        return self._open(person, name, rows[0][0], key) if rows else None

    def find(self, name: str, value: str) -> list[str]:
        """The persons whose field `name` (one of FINDABLE) is `value`, however either is spelt."""
        return sorted({person for person, _ in self.fields_with(name, value)})

    def fields_with(self, name: str, value: str) -> list[tuple[str, str]]:
        """Where that value stands: the person, and the field's own name, which for an order is "order:id"."""
        _findable(name)
        found: set[tuple[str, str]] = set()
        for digest in self.locker.digests(name, found_by(name, value)):
            rows = self._database.read("SELECT person, name FROM sought WHERE digest = ?", digest)
            found |= {(person, field) for person, field in rows}
        return sorted(found)

    def events(self, person: str) -> list[str]:
        """The events that the person is tied to."""
        rows = self._database.read("SELECT event FROM ties WHERE person = ? ORDER BY event", person)
        return [row[0] for row in rows]

    def since(self, person: str) -> int:
        """When the person was added, in unix seconds. Raises ServiceError "unknown-person"."""
        rows = self._database.read("SELECT since FROM persons WHERE person = ?", person)
        if not rows:
            raise _unknown()
        return int(rows[0][0])

    def merged(self) -> list[tuple[str, str]]:
        """Ids that another took the place of when the file was upgraded, and which; until `forget_merged`."""
        return [(old, person) for old, person in self._database.read("SELECT old, person FROM merged")]

    def forget_merged(self) -> None:
        """Every book says the new ids."""
        self._database.write("DELETE FROM merged")

    def persons(self) -> list[str]:
        """Everybody's id."""
        return [row[0] for row in self._database.read("SELECT person FROM persons ORDER BY person")]

    def outlived(self, before: int, ended: frozenset[str]) -> list[str]:
        """Who was added before that unix second and whose events are all among `ended`."""
        rows = self._database.read("SELECT person FROM persons WHERE since < ? ORDER BY person", before)
        ties: dict[str, set[str]] = {row[0]: set() for row in rows}
        for person, event in self._database.read("SELECT person, event FROM ties"):
            if person in ties:
                ties[person].add(event)
        return [person for person, events in ties.items() if events <= ended]

    def forget(self, *persons: str) -> int:
        """Destroy these persons' keys and all that is kept of them; how many there were. May be repeated."""
        with self._database.transaction():
            gone = sum(self._database.write("DELETE FROM persons WHERE person = ?", person) for person in persons)
            self._database.write("INSERT OR IGNORE INTO unscrubbed VALUES (1)")
        self._scrub()
        return gone

    def count(self) -> int:
        """How many people there are."""
        ((count,),) = self._database.read("SELECT count(*) FROM persons")
        return int(count)

    def rewrap(self, after: str, most: int) -> str:
        """Move the next `most` people after this id under the newest vault key, all or none; the last one's id, or ""
        when there are no more. Who is under it already is passed over, so it may be done again.
        """
        statement = "SELECT person, key FROM persons WHERE person > ? ORDER BY person LIMIT ?"
        with self._database.transaction():
            rows = self._database.read(statement, after, most)
            for person, wrapped in rows:
                if not self.locker.fresh(wrapped, bytes.fromhex(person)):
                    self._rewrap(person)
        return rows[-1][0] if len(rows) == most else ""

    def rewrapped(self) -> bool:
        """Whether everybody is under the newest vault key."""
        rows = self._database.read("SELECT person, key FROM persons")
        return all(self.locker.fresh(wrapped, bytes.fromhex(person)) for person, wrapped in rows)

    def scrub(self) -> None:
        """Make the file anew, without what was replaced in it."""
        self._database.write("INSERT OR IGNORE INTO unscrubbed VALUES (1)")
        self._scrub()

    def _rewrap(self, person: str) -> None:
        key = self._person_key(person)
        wrapped = self.locker.lock(key, bytes.fromhex(person))
        self._database.write("UPDATE persons SET key = ? WHERE person = ?", wrapped, person)
        for name, box in self._database.read("SELECT name, box FROM fields WHERE person = ?", person):
            if _sort(name) in FINDABLE:
                self._index(person, name, self._open(person, name, box, key))

    def _index(self, person: str, name: str, value: str) -> None:
        digest = self.locker.digest(_sort(name), found_by(_sort(name), value))
        self._database.write("DELETE FROM sought WHERE person = ? AND name = ?", person, name)
        self._database.write("INSERT INTO sought VALUES (?, ?, ?)", digest, person, name)

    def _same(self, contact: Mapping[str, str]) -> str | None:
        """The first person with these of FIELDS, and no other."""
        if not contact:
            return None
        found = set.intersection(*(set(self.find(name, value)) for name, value in contact.items()))
        for person in sorted(found):
            names = {row[0] for row in self._database.read("SELECT name FROM fields WHERE person = ?", person)}
            if names & FIELDS == contact.keys():
                return person
        return None

    def _upgrade(self) -> None:
        """Files of earlier versions had a record for each order, and found only what was spelt alike: one record for
        each person from now on, with an index that knows every spelling. All or nothing; `merged` tells other books.
        """
        if not self._database.read("SELECT 1 FROM sqlite_master WHERE name = 'lookups'"):
            return
        first: dict[tuple[tuple[str, str], ...], str] = {}
        with self._database.transaction():
            for person in [row[0] for row in self._database.read("SELECT person FROM persons ORDER BY since, person")]:
                # Another vault key ends it here. A box that is damaged stays, with the rest of its person, as it is.
                self._person_key(person)
                try:
                    values = self.read(person)
                except ServiceError:
                    continue
                about = tuple(sorted((name, found_by(name, value)) for name, value in values.items() if name in FIELDS))
                same = first.setdefault(about, person) if about else person
                new = values if same == person else {name: values[name] for name in values.keys() - FIELDS}
                self._put(same, self._person_key(same), new)
                if same != person:
                    self._tie(same, self.events(person))
                    self._database.write("DELETE FROM persons WHERE person = ?", person)
                    self._database.write("INSERT INTO merged VALUES (?, ?)", person, same)
            self._database.write("DROP TABLE lookups")
            self._database.write("INSERT OR IGNORE INTO unscrubbed VALUES (1)")

    def _scrub(self) -> None:
        if self._database.read("SELECT 1 FROM unscrubbed"):
            self._database.scrub()
            self._database.write("DELETE FROM unscrubbed")

    def _put(self, person: str, key: bytes, values: Mapping[str, str]) -> None:
        for name, value in values.items():
            box = self._box(person, name, value, key)
            self._database.write("INSERT OR REPLACE INTO fields VALUES (?, ?, ?)", person, name, box)
            if _sort(name) in FINDABLE:
                self._index(person, name, value)

    def _tie(self, person: str, events: Iterable[str]) -> None:
        for event in events:
            self._database.write("INSERT OR IGNORE INTO ties VALUES (?, ?)", person, event)

    def _box(self, person: str, name: str, value: str, key: bytes) -> bytes:
        if name not in FIELDS and not _OF_USE.fullmatch(name):
            raise ServiceError("bad-field", f"{name!r} is not a field of the vault: {', '.join(sorted(FIELDS))}")
        plain = value.encode()
        if len(plain) > MOST_BYTES:
            raise ServiceError("too-long", f"{name} has more than {MOST_BYTES} bytes")
        size = len(plain).to_bytes(2, "big")
        padded = (size + plain).ljust(-(-(len(plain) + 2) // _BLOCK) * _BLOCK, b"\0")
        return lock_secret(padded, _field_secret(person, name, key), self._draw(_NONCE))

    def _open(self, person: str, name: str, box: bytes, key: bytes) -> str:
        padded = unlock_secret(box, _field_secret(person, name, key))
        if padded is None:
            raise ServiceError("vault", f"{name} of person {person} was changed on the disk: restore a backup", 500)
        return padded[2 : 2 + int.from_bytes(padded[:2], "big")].decode()

    def _person_key(self, person: str) -> bytes:
        rows = self._database.read("SELECT key FROM persons WHERE person = ?", person)
        if not rows:
            raise _unknown()
        # The id is part of the secret, so that a key that was moved to another row opens nothing.
        key = self.locker.unlock(rows[0][0], bytes.fromhex(person))
        if key is None:
            raise ServiceError("vault", f"the key of person {person} does not open: is keys/vault.key another?", 500)
        return key


def _unknown() -> ServiceError:
    return ServiceError("unknown-person", UNKNOWN_PERSON, 404)


def _sort(name: str) -> str:
    """What kind of value a field has: an "order:id" is an order's number."""
    return name.partition(":")[0]


def _findable(name: str) -> None:
    if name not in FINDABLE:
        raise ServiceError("bad-field", f"nobody can be found by {name}, only by {', '.join(sorted(FINDABLE))}")


def _field_secret(person: str, name: str, key: bytes) -> bytes:
    return key + bytes.fromhex(person) + name.encode()
