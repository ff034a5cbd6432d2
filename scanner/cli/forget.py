"""`gate-scanner forget`: end an enrolment, so that the device can be enrolled for another gate or show."""

import sqlite3
import time
from pathlib import Path

from scanner.cli.lock import only_gate
from scanner.cli.settings import load
from scanner.errors import GateError
from scanner.identity import Identities
from scanner.store import sync_folder

STAYS = "lock"


def forget_enrolment(config: Path | None, *, unsent: bool) -> str:
    """What was done. Raises GateError if a gate runs here, or if records wait to be sent and `unsent` is not given."""
    folder = load(config).state_folder
    if not folder.exists():
        return f"nothing to forget in {folder}"
    with only_gate(folder):
        waiting = _waiting(folder / "journal.db")
        if waiting and not unsent:
            raise GateError(
                f"{waiting} records have not reached the ledger: start the gate where the node is reachable and wait, "
                "or repeat with --unsent to keep them only here"
            )
        Identities(folder).forget()
        kept = folder / time.strftime("before-%Y%m%dT%H%M%SZ", time.gmtime())
        kept.mkdir()
        for path in [path for path in folder.iterdir() if path.name != STAYS and not path.name.startswith("before-")]:
            path.rename(kept / path.name)
        sync_folder(kept)
        sync_folder(folder)
    return f"forgotten; journal and view are kept in {kept}"


def _waiting(journal: Path) -> int:
    if not journal.exists():
        return 0
    connection = sqlite3.connect(f"{journal.absolute().as_uri()}?mode=ro", uri=True)
    try:
        return int(connection.execute("SELECT count(*) FROM outbox WHERE aside IS NULL").fetchone()[0])
    except sqlite3.Error as error:
        raise GateError(
            f"the journal cannot be read ({error}): start the gate once, it repairs or sets aside"
        ) from error
    finally:
        connection.close()
