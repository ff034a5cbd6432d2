"""`ledger-node audit`: re-check a log that is known only by its public key."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import click

from ledger_node import config
from ledger_node.adapters.remote_log import RemoteLogError, http_source
from ledger_node.cli.output import errors_in_one_line, progress, show
from ledger_node.services.audit import AuditReport, Quorum, Source, folder_source
from ledger_node.services.audit import audit as check
from ledger_node.services.errors import ServiceError
from ledger_node.services.lying_there import audit_home
from scanner.verify.checkpoint import COSIGNATURE, VerifierKey
from scanner.verify.entry import Malformed


@click.command()
@click.argument("log", metavar="URL|FOLDER")
@click.option("--key", help="The log's root key (vkey).  [default: that of the node in --home]")
@click.option("--witness", "witnesses", multiple=True, metavar="VKEY", help="A witness's key; may be given again.")
@click.option("--quorum", type=click.IntRange(0), help="How many of them must have cosigned.  [default: all named]")
@click.option(
    "--seen",
    multiple=True,
    type=click.File(),
    help="A checkpoint of this log, or list of its keys, from elsewhere or before.",
)
@click.pass_obj
def audit(
    home: Path, log: str, key: str | None, witnesses: tuple[str, ...], quorum: int | None, seen: tuple[TextIO, ...]
) -> None:
    """Re-check every entry, hash, signature and rule of a log, knowing only its public key.

    Which keys sign its checkpoints, the log says itself at /log-keys, signed by that root key: keep the newest list and
    name it with --seen next time, then nobody can show you an older one with a key that was revoked since.

    Exit status 1 if anything at all is wrong; what is wrong is listed by position.

    \b
      ledger-node audit http://NODE:8440 --key "$(ledger-node keys | jq -r .log)"
      ledger-node audit ./copy-of-the-log --key VKEY
      ledger-node audit ./copy-of-the-log --key VKEY --witness VKEY_1 --witness VKEY_2 --quorum 1
      ledger-node audit /var/lib/ledger-node              a home that lies still, damaged or not
      ledger-node audit http://NODE:8440 --key VKEY --seen checkpoint-of-last-month --seen log-keys-of-last-month
    """
    with errors_in_one_line():
        key = key or _own_key(Path(log) if _is_home(log) else home)
        report = _check(log, key, _quorum(witnesses, quorum), [file.read() for file in seen])
    shown = {
        "origin": report.origin,
        "size": report.size,
        "root": report.root.hex(),
        "checked": report.checked,
        "log_keys": report.log_keys,
        "good": report.good,
        "findings": [str(finding) for finding in report.findings],
        "notes": list(report.notes),
        "state_digests": {event: digest.hex() for event, digest in report.digests.items()},
        "assurance": {event: numbers.summary() for event, numbers in report.assurance.items()},
    }
    show(shown)
    sys.exit(0 if report.good else 1)


def _quorum(vkeys: Sequence[str], count: int | None) -> Quorum:
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


def _check(log: str, key: str, quorum: Quorum, seen: Sequence[str]) -> AuditReport:
    try:
        with progress("auditing", None) as update:
            if not _is_home(log):
                return check(_source(log), key, update, quorum, seen)
            with config.hold(Path(log)):
                keys = _keys(Path(log))
                return audit_home(Path(log), keys.origin, keys.node, update, quorum, seen, keys.signers)
    except (RemoteLogError, OSError) as error:
        raise ServiceError("no-log", str(error)) from error


def _is_home(log: str) -> bool:
    return "://" not in log and (Path(log) / config.LEDGER_FILE).exists()


def _source(log: str) -> Source:
    if "://" in log:
        return http_source(log)
    if not Path(log).is_dir():
        raise ServiceError("no-log", f"{log} is neither a URL nor a folder")
    return folder_source(Path(log))


def _keys(home: Path) -> config.Keys:
    return config.load_keys(home, config.credentials_folder(os.environ), os.urandom)


def _own_key(home: Path) -> str:
    if not (home / config.LEDGER_FILE).exists():
        raise ServiceError("no-key", f"there is no ledger in {home}: name the log's key with --key")
    keys = _keys(home)
    return VerifierKey(keys.origin, keys.node.public).encode()
