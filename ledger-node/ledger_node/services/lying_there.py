"""The audit of a node's database as it lies there: also when it is so damaged that the node does not start with it.

Reads only, and believes nothing: the checkpoint is made of what the database says, and the audit checks all of it. What
no auditor elsewhere can see of a log is checked here as well: whether the state in the database is that of the entries.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from ledger_node.home_folder import LEDGER_FILE
from ledger_node.log.ledger import LedgerFault, View
from ledger_node.log.readers import Readers
from ledger_node.log.schema import open_reader
from ledger_node.log.tiles import TilePath
from ledger_node.log_signers import LogSigners
from ledger_node.services.audit import AuditReport, Finding, Progress, Quorum, audit
from ledger_node.services.errors import ServiceError
from scanner.verify.checkpoint import VerifierKey, sign_checkpoint
from scanner.verify.keys import SigningKey
from scanner.verify.log_keys import NEWEST, path_of

_NONE = Quorum()


def audit_home(
    home: Path,
    origin: str,
    key: SigningKey,
    progress: Progress = lambda _done, _all: None,
    quorum: Quorum = _NONE,
    seen: Sequence[str] = (),
    signers: LogSigners | None = None,
) -> AuditReport:
    """Audit the database in `home`, which nobody else has open; `key` is the log's root key, `signers` sign its
    checkpoints if that key was rotated. Raises ServiceError "damaged" when SQLite itself can read no more of it.
    """
    signers = signers if signers and signers.keys else LogSigners.of_root(key, origin)
    lists = {path_of(one.version): one.note.encode() for one in signers.lists if one.note}
    lists |= {NEWEST: signers.newest.note.encode()}
    readers = Readers(home / LEDGER_FILE)
    try:
        with readers.view() as view:
            checkpoint = sign_checkpoint(origin, view.size, view.root, *signers.keys).encode()

            def read(path: str) -> bytes | None:
                tile = TilePath.parse(path)
                return checkpoint if path == "checkpoint" else view.read(tile) if tile else lists.get(path)

            report = audit(read, VerifierKey(origin, key.public).encode(), progress, quorum, seen)
            damage = (*_of_state(view, report), *_of_file(home / LEDGER_FILE, origin, key.public))
            return replace(report, findings=(*report.findings, *damage))
    except (LedgerFault, sqlite3.Error, TypeError, ValueError) as fault:
        # The last two: a row that is gone, or a cell that is of another kind.
        why = f"{home / LEDGER_FILE} cannot be read to the end ({fault}): restore the newest backup"
        raise ServiceError("damaged", why) from fault
    finally:
        readers.close()


def _of_state(view: View, report: AuditReport) -> list[Finding]:
    """Events whose tickets are not as the entries say, and seats that are not as the tickets say."""
    wrong = [event for event, digest in report.digests.items() if view.state_digest(event) != digest]
    found = [Finding(None, f"{event}: the state in the database is not that of its entries") for event in wrong]
    if not found and view.misplaced():
        found.append(Finding(None, f"the database's file: {view.misplaced()} seats are not noted as the tickets say"))
    return found


def _of_file(path: Path, origin: str, operator: bytes) -> list[Finding]:
    """What SQLite finds in the structure of its file: where rows are, not what is in them; and whose log it says it is,
    by which alone a node may refuse to start.
    """
    with closing(open_reader(path)) as conn:
        said = [str(line) for (line,) in conn.execute("PRAGMA integrity_check(20)")]
        named = conn.execute("SELECT operator, origin FROM head").fetchone()
    if named is not None and tuple(named) != (operator, origin):
        said.append(f"it names another log or another key than {origin} and its own")
    return [Finding(None, f"the database's file: {line}") for line in said if line != "ok"]
