"""`gate-scanner journal`: reading what the gate did, also while it runs."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from scanner.cli.settings import load
from scanner.errors import GateError
from scanner.event_zone import in_words
from scanner.identity import Identities
from scanner.journal_recovery import verify_chain
from scanner.store import check_format
from scanner.verify.entry import Entry, Malformed, open_entry
from scanner.view_file import stored_zone


def show(config: Path | None, last: int) -> Iterator[str]:
    """The newest records for people."""
    raws, zone = _records(config), stored_zone(load(config).state_folder / "view")
    for raw in raws[-last:] if last else raws:
        entry = open_entry(raw)
        yield "damaged record" if isinstance(entry, Malformed) else _line(entry, zone)


def verify(config: Path | None) -> tuple[str, bool]:
    """One sentence, and whether the chain is whole."""
    raws = _records(config)
    wrong = verify_chain(raws, Identities(load(config).state_folder).key().public)
    return (f"damaged: {wrong}", False) if wrong else (f"whole: {len(raws)} records, each signed and chained", True)


def export(config: Path | None) -> Iterable[str]:
    """JSON lines for an auditor."""
    for raw in _records(config):
        entry = open_entry(raw)
        known = {} if isinstance(entry, Malformed) else {"type": entry.type, "at": entry.at, "body": entry.body}
        yield json.dumps({**known, "raw": raw}, default=bytes.hex, ensure_ascii=False)


def _records(config: Path | None) -> list[bytes]:
    path = load(config).state_folder / "journal.db"
    if not path.exists():
        raise GateError(f"there is no journal at {path}; has this gate run?")
    check_format(path)
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            return [raw for (raw,) in connection.execute("SELECT raw FROM record ORDER BY counter")]
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise GateError(f"the journal {path} cannot be read: {error}") from error


def _line(entry: Entry, zone: str) -> str:
    body = entry.body
    at = in_words(body["time_ms"] / 1000, zone)
    what = {
        "admission": lambda: f"ticket {body['ticket']}  {' '.join(body['marks'])}",
        "refusal": lambda: f"ticket {body['ticket']}  {body['verdict']}: {body['reason']}",
        "void": lambda: f"of {body['of']}: {body['reason']}",
        "release": lambda: f"of {body['of']}: {body['reason']}",
        "incident": lambda: f"{body['kind']} {json.dumps(body['detail'], default=str)}",
    }
    return f"{body['counter']:>8}  {at}  {entry.type:<10} {what[entry.type]()}".rstrip()
