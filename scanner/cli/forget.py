"""`gate-scanner forget`: end an enrolment, so that the device can be enrolled for another gate or show."""

import sqlite3
import time
from pathlib import Path

from scanner.cli.lock import LOCK, only_gate
from scanner.cli.settings import load
from scanner.errors import GateError
from scanner.identity import Identities
from scanner.store import check_format, sync_folder

_STATUS = {"status.json", "status.new"}
"""What a gate said of itself, where it has no other folder for that: alone it is nothing to keep."""


def forget_enrolment(config: Path | None, *, unsent: bool) -> str:
    """What was done. Raises GateError if there is nothing to forget, if a gate runs here, or if records wait to be sent
    and `unsent` is not given.
    """
    folder = load(config).state_folder
    if not _of_an_enrolment(folder):
        raise GateError(f"nothing to forget: no gate is enrolled in {folder}")
    with only_gate(folder):
        waiting = _waiting(folder / "journal.db")
        if waiting and not unsent:
            raise GateError(
                f"{waiting} records have not reached the ledger: start the gate where the node is reachable and wait, "
                "or repeat with --unsent to keep them only here"
            )
        Identities(folder).forget()
        if not _of_an_enrolment(folder):
            return "forgotten: there was a key, and no journal yet"
        kept = folder / time.strftime("before-%Y%m%dT%H%M%SZ", time.gmtime())
        kept.mkdir()
        for path in _files(folder):
            path.rename(kept / path.name)
        sync_folder(kept)
        sync_folder(folder)
    return f"forgotten; journal and view are kept in {kept}"


def _of_an_enrolment(folder: Path) -> list[Path]:
    return [path for path in _files(folder) if path.name not in _STATUS]


def _files(folder: Path) -> list[Path]:
    """All but the lock, which is held, and what was kept before."""
    found = folder.iterdir() if folder.exists() else ()
    return [path for path in found if path.name != LOCK and not path.name.startswith("before-")]


def _waiting(journal: Path) -> int:
    if not journal.exists():
        return 0
    check_format(journal)
    connection = sqlite3.connect(f"{journal.absolute().as_uri()}?mode=ro", uri=True)
    try:
        return int(connection.execute("SELECT count(*) FROM outbox WHERE aside IS NULL").fetchone()[0])
    except sqlite3.Error as error:
        raise GateError(
            f"the journal cannot be read ({error}): start the gate once, it repairs or sets aside"
        ) from error
    finally:
        connection.close()
