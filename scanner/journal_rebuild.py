"""Beginning a journal anew beside a damaged one, and putting it in its place. Nothing is repaired, nothing overwritten.

NAME.building is being filled; NAME.new-STAMP is finished and only has to be put in place, with the damaged one renamed
to NAME.damaged-STAMP. So a crash or a full disk at any point leaves one of the two whole, and the next start goes on.
"""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from scanner import store
from scanner.journal_recovery import DAMAGED, Head, Identity, Salvage, use_marks
from scanner.journal_schema import EVERY_TICKET, MIGRATIONS
from scanner.verify.record import FIRST_PREVIOUS, INCIDENT, GateIncident, Link, Stamp, record_hash, sign_record


def begin_anew(
    path: Path, identity: Identity, stamp: Stamp, damage: str, salvage: Salvage, connector: store.Connect
) -> Head:
    """Put a new journal in place of the damaged one at `path`; its first record says so. Returns where it goes on.

    Raises sqlite3.Error or OSError, with the damaged journal where it was or the finished one ready for `finish`.
    """
    building = path.with_name(f"{path.name}.building")
    store.discard(building)
    name = datetime.fromtimestamp(stamp.time_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    kept = store.aside(path, name).name if store.exists(path) else ""
    counter = salvage.next_counter
    link = Link(identity.device, identity.gate, counter, FIRST_PREVIOUS)
    incident = GateIncident(DAMAGED, {"file": kept, "damage": damage, "carried": len(salvage.records)})
    raw = sign_record(INCIDENT, identity.event, link, stamp, incident, identity.key)
    connection = store.open_store(building, MIGRATIONS, connector)
    try:
        with store.transaction(connection):
            connection.execute("INSERT INTO record (counter, type, raw) VALUES (?, ?, ?)", (counter, INCIDENT, raw))
            connection.execute("INSERT INTO outbox (counter) VALUES (?)", (counter,))
            _carry_over(connection, salvage, identity.event)
    except BaseException:
        connection.close()
        raise
    store.fold(connection)
    building.rename(path.with_name(f"{path.name}.new-{name}"))
    store.sync_folder(path.parent)
    finish(path)
    return Head(counter + 1, record_hash(raw))


def finish(path: Path) -> None:
    """Put a journal in place that was finished before a crash, if there is one. Raises OSError."""
    for ready in path.parent.glob(f"{path.name}.new-*"):
        if store.exists(path):
            store.set_aside(path, ready.name.removeprefix(f"{path.name}.new-"))
        ready.rename(path)
        store.sync_folder(path.parent)


def _carry_over(connection: sqlite3.Connection, salvage: Salvage, event: str) -> None:
    """All records, the use marks that follow from them, and the uses that were given up: each of them, unless
    it can be read which.

    All records wait for a receipt again: one in a damaged file proves nothing, and the ledger takes a record only once.
    """
    records = salvage.records
    connection.executemany(
        "INSERT INTO older (counter, raw) VALUES (?, ?)", [(counter, entry.raw) for counter, entry in records.items()]
    )
    connection.executemany("INSERT INTO outbox (counter) VALUES (?)", [(counter,) for counter in records])
    connection.executemany(
        "INSERT INTO use (event, ticket, counter, owner_seq, holder_key, gate, at, released)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(*ticket, *mark) for ticket, mark in use_marks(salvage).items()],
    )
    given_up = salvage.given_up if salvage.given_up_whole else salvage.given_up | {(event, EVERY_TICKET)}
    connection.executemany("INSERT INTO given_up (event, ticket) VALUES (?, ?)", sorted(given_up))
