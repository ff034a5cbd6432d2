"""`ledger-node audit`: re-check a log that is known only by its public key."""

import sys
from pathlib import Path
from typing import TextIO

import click

from ledger_node.cli.output import errors_in_one_line, read_as_usage, show


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
    from ledger_node.cli import auditing  # noqa: PLC0415 - `--help` checks no log

    with read_as_usage():
        asked = auditing.quorum_of(witnesses, quorum)
    with errors_in_one_line():
        key = key or auditing.own_key(Path(log) if auditing.is_home(log) else home)
        report = auditing.check_log(log, key, asked, [file.read() for file in seen])
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
