"""Activation links on disk: which person may put keys on which tickets, until when, and how often they may still try.

SQLite. A link's token stands here only as a hash; question and answer are the person's, in the vault. Durable when a
method returns; the rules are in `activation`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ledger_node.services.database import Database

OPEN, CLAIMED, USED, REVOKED = "open", "claimed", "used", "revoked"
_COLUMNS = "link, person, event, purchase, expires, tries, state"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS links (link TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, person TEXT NOT NULL,
    event TEXT NOT NULL, purchase TEXT NOT NULL, expires INTEGER NOT NULL, tries INTEGER NOT NULL, state TEXT NOT NULL)
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS places (link TEXT NOT NULL REFERENCES links, event TEXT NOT NULL, ticket INTEGER NOT NULL,
    owner_seq INTEGER NOT NULL, holder_key BLOB, PRIMARY KEY (link, ticket)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS links_of ON links (person);
CREATE INDEX IF NOT EXISTS links_of_event ON links (event);
CREATE INDEX IF NOT EXISTS places_of_ticket ON places (event, ticket);
"""
_REPLACED = """SELECT DISTINCT link FROM places JOIN links USING (link)
    WHERE places.event = ? AND ticket = ? AND state IN ('open', 'claimed')"""


@dataclass(frozen=True, slots=True)
class Place:
    """A ticket of a link, the owner_seq that it gets, and the key that was claimed for it, if one was."""

    ticket: int
    owner_seq: int
    holder_key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """One link, for the tickets of one order. `purchase` is the order's number; `expires` in unix seconds."""

    link: str
    person: str
    event: str
    purchase: str
    expires: int
    tries: int
    state: str
    places: tuple[Place, ...]

    @property
    def keys(self) -> dict[int, bytes | None]:
        """The claimed keys by ticket."""
        return {place.ticket: place.holder_key for place in self.places}


class ActivationLinks:
    """The open file. Any thread."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _SCHEMA)

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._database.close()

    def add(self, digest: bytes, one: Link) -> list[Link]:
        """A new link; unused ones that share a ticket with it are revoked in the same moment, and returned."""
        with self._database.transaction():
            old = {row[0] for place in one.places for row in self._database.read(_REPLACED, one.event, place.ticket)}
            for link in old:
                self.set_state(link, REVOKED)
            values = (one.link, digest, one.person, one.event, one.purchase, one.expires, one.tries, one.state)
            self._database.write("INSERT INTO links VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *values)
            for place in one.places:
                row = (one.link, one.event, place.ticket, place.owner_seq, place.holder_key)
                self._database.write("INSERT INTO places VALUES (?, ?, ?, ?, ?)", *row)
        return [link for link in map(self.by_id, sorted(old)) if link is not None]

    def by_digest(self, digest: bytes) -> Link | None:
        """By the hash of its token."""
        return next(iter(self._links("digest = ?", digest)), None)

    def by_id(self, link: str) -> Link | None:
        """By the id that the help desk sees."""
        return next(iter(self._links("link = ?", link)), None)

    def of_event(self, event: str) -> list[Link]:
        """All of an event."""
        return self._links("event = ?", event)

    def of_tickets(self, event: str, tickets: Iterable[int]) -> list[Link]:
        """All that are or were for one of these tickets, in the order of their ids."""
        of_ticket = "SELECT link FROM places WHERE event = ? AND ticket = ?"
        with self._database.transaction():
            found = {row[0] for ticket in tickets for row in self._database.read(of_ticket, event, ticket)}
            return [link for link in map(self.by_id, sorted(found)) if link is not None]

    def of_person(self, person: str) -> list[Link]:
        """All of a person."""
        return self._links("person = ?", person)

    def take_over(self, persons: Sequence[tuple[str, str]]) -> None:
        """Each of these ids, which come first, is another now. May be repeated."""
        rows = [(new, old) for old, new in persons]
        with self._database.transaction():
            self._database.write_many("UPDATE links SET person = ? WHERE person = ?", rows)

    def count_try(self, link: str, most: int) -> bool:
        """Count one try, before it is looked at: False, and not counted, when `most` have been made."""
        return self._database.write("UPDATE links SET tries = tries + 1 WHERE link = ? AND tries < ?", link, most) == 1

    def reset_tries(self, link: str) -> None:
        """All tries are there again."""
        self._database.write("UPDATE links SET tries = 0 WHERE link = ?", link)

    def claim(self, link: str, keys: Mapping[int, bytes]) -> bool:
        """Bind an open link to these keys, by ticket: True for the first, and for the very same again."""
        with self._database.transaction():
            statement = "UPDATE links SET state = 'claimed', tries = 0 WHERE link = ? AND state = 'open'"
            if not self._database.write(statement, link):
                found = self.by_id(link)
                return found is not None and found.state == CLAIMED and found.keys == dict(keys)
            for ticket, key in keys.items():
                place = (key, link, ticket)
                self._database.write("UPDATE places SET holder_key = ? WHERE link = ? AND ticket = ?", *place)
        return True

    def unclaim(self, link: str) -> None:
        """The ledger did not take the keys: the link is open again."""
        with self._database.transaction():
            self._database.write("UPDATE links SET state = 'open' WHERE link = ? AND state = 'claimed'", link)
            self._database.write("UPDATE places SET holder_key = NULL WHERE link = ?", link)

    def set_state(self, link: str, state: str) -> None:
        """Used, or revoked."""
        self._database.write("UPDATE links SET state = ? WHERE link = ?", state, link)

    def _links(self, where: str, value: object) -> list[Link]:
        with self._database.transaction():
            rows = self._database.read(f"SELECT {_COLUMNS} FROM links WHERE {where}", value)  # noqa: S608 - from above
            return [self._link(*row) for row in rows]

    def _link(self, link: str, person: str, event: str, purchase: str, expires: int, tries: int, state: str) -> Link:
        return Link(link, person, event, purchase, expires, tries, state, self._places(link))

    def _places(self, link: str) -> tuple[Place, ...]:
        statement = "SELECT ticket, owner_seq, holder_key FROM places WHERE link = ? ORDER BY ticket"
        return tuple(Place(*row) for row in self._database.read(statement, link))
