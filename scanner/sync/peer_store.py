"""What this gate was told by its peers, and who they are, on disk. Each value has a checksum; SQLite has none.

Durable when a method returns, but for what is only news of records that are here already; a file of its own, so that
being told never makes the journal wait. Whatever fails leaves as SyncError. A damaged file is set aside, and the peers
tell everything again. What values mean: see peer_book.
"""

import hashlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from scanner import store
from scanner.errors import SyncError
from scanner.sync.peer_book import Chain, PeerBook, Plan, Stale, Undone
from scanner.verify.entry import Malformed, canonical, decode_map
from scanner.verify.told import Peer, Told

MIGRATIONS = Migrations("peers")
_OWNER, _PEERS = "owner", "peers"
_CHAIN, _TOLD, _UNDONE, _UNPROVEN = "chain", "told", "undone", "unproven"
"""Kinds of notes. Unproven ones are a kind of their own, which earlier releases pass over."""


@MIGRATIONS()
def first(db: Database) -> None:
    """note: a value in canonical CBOR under a name, and eight bytes of a hash of both."""
    db.table("note").create({"name": str, "value": bytes, "sum": bytes}, pk="name", not_null={"value", "sum"})


class PeerStore:
    """See the module. Any thread may call; calls wait for each other."""

    def __init__(
        self, path: Path, event: str, device: str, stamp: str, connector: store.Connect = store.connect
    ) -> None:
        """Open what is kept for `device` at `event`; what is another's is forgotten, what is damaged is set aside under
        `stamp`, and `damage` says why.
        """
        self._path, self._lock = path, threading.Lock()
        try:
            store.check_format(path)
            self.damage = _damage(path, connector)
            if self.damage:
                store.set_aside(path, stamp)
            self._db = store.open_store(path, MIGRATIONS, connector)
        except (sqlite3.Error, OSError) as error:
            raise SyncError(f"{path} cannot be opened ({error}); check the disk") from error
        owner = {"event": event, "device": device}
        try:
            if self._values(_OWNER) != {_OWNER: owner}:
                self.wipe()
                self._write({_OWNER: owner})
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Give the file back. May be called twice."""
        with self._lock:
            self._db.close()

    def book(self) -> PeerBook:
        """All that was told."""
        book = PeerBook()
        for value in self._values(_name(_CHAIN)).values():
            chain = Chain(**value)
            book.chains[chain.device] = chain
        for value in self._values(_name(_UNDONE)).values():
            undone = Undone(**value)
            book.undone[undone.device, undone.of] = undone.by
        for value in [*self._values(_name(_TOLD)).values(), *self._values(_name(_UNPROVEN)).values()]:
            told = Told(**value)
            book.told.setdefault(told.ticket, {})[told.device, told.counter] = told
        return book

    def peers(self) -> tuple[Peer, ...]:
        """Who the node said that they are."""
        found = self._values(_PEERS).get(_PEERS, {"peers": []})
        return tuple(Peer(**one) for one in found["peers"])

    def keep_peers(self, peers: Iterable[Peer]) -> None:
        """From now on these, and no word of any other."""
        packed = [{"device": p.device, "gate": p.gate, "public_key": p.public_key, "address": p.address} for p in peers]
        self._write({_PEERS: {"peers": packed}})

    def add(self, plan: Plan, *, soon: bool = False) -> None:
        """Keep what a message brought. `soon`: it is durable with the next that is not, see store.transaction."""
        chain = plan.chain
        notes = {
            _name(_CHAIN, chain.device): {
                "device": chain.device,
                "have": chain.have,
                "head": chain.head,
                "settled": chain.settled,
                "position": chain.position,
                "fault": chain.fault,
            }
        }
        for undone in plan.undone:
            notes[_name(_UNDONE, undone.device, undone.of)] = {
                "device": undone.device,
                "of": undone.of,
                "by": undone.by,
            }
        self._write(notes | _told_notes(plan.told), soon=soon)

    def note_seen(self, told: Sequence[Told]) -> None:
        """Keep these admissions as they are now. Durable soon: the view shows it again."""
        if told:
            self._write(_told_notes(told), soon=True)

    def drop(self, stale: Stale) -> None:
        """Forget what need not be kept. Durable soon: it may be kept for longer."""
        names = [_name(kind, *ref) for ref in stale.told for kind in (_TOLD, _UNPROVEN)]
        names += [_name(_UNDONE, device, of) for device, of in stale.undone]
        if names:
            with self._storing(), store.transaction(self._db, soon=True):
                self._db.executemany("DELETE FROM note WHERE name = ?", [(name,) for name in names])

    def forget(self, devices: Sequence[str]) -> None:
        """Forget what these devices told."""
        with self._storing(), store.transaction(self._db):
            for device in devices:
                for kind in (_CHAIN, _TOLD, _UNDONE, _UNPROVEN):
                    start = _name(kind, device)
                    self._db.execute("DELETE FROM note WHERE substr(name, 1, ?) = ?", (len(start), start))

    def wipe(self) -> None:
        """Forget everything."""
        with self._storing(), store.transaction(self._db):
            self._db.execute("DELETE FROM note")

    def _values(self, start: str) -> dict[str, dict[str, Any]]:
        with self._storing():
            rows = self._db.execute(
                "SELECT name, value FROM note WHERE substr(name, 1, ?) = ?", (len(start), start)
            ).fetchall()
        found = {name: decode_map(value) for name, value in rows}
        return {name: value for name, value in found.items() if not isinstance(value, Malformed)}

    def _write(self, notes: dict[str, dict[str, Any]], *, soon: bool = False) -> None:
        packed = [(name, canonical(value)) for name, value in notes.items()]
        with self._storing(), store.transaction(self._db, soon=soon):
            self._db.executemany(
                # In its place: as a new row it would move, and each page that it leaves or enters is written.
                "INSERT INTO note (name, value, sum) VALUES (?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value, sum = excluded.sum",
                [(name, value, _sum(name, value)) for name, value in packed],
            )

    @contextmanager
    def _storing(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                raise SyncError(f"{self._path} failed ({error}); check the disk") from error


def _name(*parts: str | int) -> str:
    """Each part with an end of its own, so that no device is taken for the beginning of another."""
    return "".join(f"{part}\x1f" for part in parts)


def _told_notes(told: Iterable[Told]) -> dict[str, dict[str, Any]]:
    return {
        _name(_UNPROVEN if one.code else _TOLD, one.device, one.counter, one.ticket): {
            "device": one.device,
            "gate": one.gate,
            "counter": one.counter,
            "ticket": one.ticket,
            "time_ms": one.time_ms,
            "until": one.until,
            **({"code": one.code} if one.code else {}),
        }
        for one in told
    }


def _damage(path: Path, connector: store.Connect) -> str:
    if not path.exists() or not path.stat().st_size:
        return "it is gone, and its -wal is still there" if store.held_something(path) else ""
    try:
        with store.looking(path, connector) as connection:
            wrong = store.damage(path, connection, MIGRATIONS)
            made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'note'").fetchone()
            return wrong or (_changed(connection) if made else "")
    except store.UNREADABLE as error:
        return store.told(error)


def _changed(connection: sqlite3.Connection) -> str:
    for name, value, kept in connection.execute("SELECT name, value, sum FROM note"):
        if not isinstance(name, str) or not isinstance(value, bytes) or kept != _sum(name, value):
            return f"the value of {name!r} was changed"
    return ""


def _sum(name: str, value: bytes) -> bytes:
    return hashlib.blake2b(name.encode() + b"\0" + value, digest_size=8).digest()
