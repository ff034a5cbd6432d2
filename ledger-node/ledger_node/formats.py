"""The formats of the node's databases: which release may open them, read before SQLite opens them, and written by it.

Each database of the node, of a witness and of the sandbox is opened by way of `refusal`, then marked by `mark`.
"""

import sqlite3
from pathlib import Path

from scanner.verify.file_format import HEADER_BYTES, Format
from scanner.verify.file_format import refusal as refusal_of

FORMATS = {
    "ledger": Format(),
    "node": Format(),
    "witness": Format(),
    "vault": Format(),
    "accounts": Format(),
    "activations": Format(),
    "market": Format(),
    "chronicle": Format(),
    "alerts": Format(),
    "provider": Format(),
}
"""By the name of the file, without its ending. A change of the tables takes a new number here."""


def refusal(path: Path) -> str:
    """Why this release must not open the database at `path`, "" if it may or there is none. Raises OSError."""
    try:
        with path.open("rb") as file:
            return refusal_of(str(path), file.read(HEADER_BYTES), FORMATS.get(path.stem, Format()))
    except FileNotFoundError:
        return ""


def mark(connection: sqlite3.Connection, path: Path) -> None:
    """Write the format into the file itself, before its tables become those of this format. Raises sqlite3.Error."""
    name, number = FORMATS.get(path.stem, Format()).pragmas()
    found = [connection.execute(f"PRAGMA {one}").fetchone()[0] for one in ("application_id", "user_version")]
    if found == [int(pragma.rpartition(" ")[2]) for pragma in (name, number)]:
        return
    connection.execute(name)
    connection.execute(number)
    # Another release reads the header of the file, not the write-ahead log beside it.
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
