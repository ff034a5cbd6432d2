"""What `ledger-node audit` does: the log is found, read and checked, with the witnesses that were named."""

import os
from collections.abc import Sequence
from pathlib import Path

from ledger_node import config, home_folder
from ledger_node.adapters.remote_log import RemoteLogError, http_source
from ledger_node.cli.operator import held
from ledger_node.cli.output import progress
from ledger_node.services.audit import AuditReport, Quorum, Source, folder_source
from ledger_node.services.audit import audit as check
from ledger_node.services.errors import ServiceError
from ledger_node.services.lying_there import audit_home
from scanner.verify.checkpoint import COSIGNATURE, VerifierKey
from scanner.verify.entry import Malformed


def quorum_of(vkeys: Sequence[str], count: int | None) -> Quorum:
    """So many of the witnesses with these keys; all of them if no number is given. Raises ServiceError."""
    keys = {}
    for vkey in vkeys:
        key = VerifierKey.parse(vkey)
        if isinstance(key, Malformed) or key.type != COSIGNATURE:
            why = key.reason if isinstance(key, Malformed) else "it is a log's"
            raise ServiceError("witness", f"{vkey!r} is no witness's key ({why}): a witness shows it at its URL")
        keys[key.public_key] = key
    count = len(keys) if count is None else count
    if count > len(keys):
        raise ServiceError("quorum", f"--quorum {count} of {len(keys)} different witnesses: name more with --witness")
    return Quorum(tuple(keys.values()), count)


def check_log(log: str, key: str, quorum: Quorum, seen: Sequence[str]) -> AuditReport:
    """What is wrong with the log at a URL, in a folder or in a home. Raises ServiceError if it can't be read."""
    try:
        with progress("auditing", None) as update:
            if not is_home(log):
                return check(_source(log), key, update, quorum, seen)
            with held(Path(log)):
                keys = _keys(Path(log))
                return audit_home(Path(log), keys.origin, keys.node, update, quorum, seen, keys.signers)
    except (RemoteLogError, OSError) as error:
        raise ServiceError("no-log", str(error)) from error


def is_home(log: str) -> bool:
    """Whether this is a node's own folder."""
    return "://" not in log and (Path(log) / home_folder.LEDGER_FILE).exists()


def _source(log: str) -> Source:
    if "://" in log:
        return http_source(log)
    if not Path(log).is_dir():
        raise ServiceError("no-log", f"{log} is neither a URL nor a folder")
    return folder_source(Path(log))


def _keys(home: Path) -> config.Keys:
    return config.load_keys(home, home_folder.credentials_folder(os.environ), os.urandom)


def own_key(home: Path) -> str:
    """The verifier key of the log of the node in `home`. Raises ServiceError if there is none."""
    if not (home / home_folder.LEDGER_FILE).exists():
        raise ServiceError("no-key", f"there is no ledger in {home}: name the log's key with --key")
    keys = _keys(home)
    return VerifierKey(keys.origin, keys.node.public).encode()
