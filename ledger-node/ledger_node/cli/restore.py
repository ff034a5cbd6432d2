"""`ledger-node restore ...`: after an old copy of the node's folder was put back."""

from pathlib import Path

import click

from ledger_node.cli.groups import Group
from ledger_node.cli.operator import operator
from ledger_node.cli.output import errors_in_one_line, show


@click.group(cls=Group)
def restore() -> None:
    """After an old copy of the node's folder was put back: what its log lacks."""


@restore.command()
@click.pass_obj
def status(home: Path) -> None:
    """What the log lacks: how long it is here, and how long it was shown to have been.

    \b
      ledger-node restore status
    """
    with errors_in_one_line(), operator(home) as node:
        show(node.do("restore-status"))


@restore.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_obj
def seen(home: Path, file: Path) -> None:
    """Show the node a checkpoint of its log in FILE, as an auditor or a witness has it.

    If it is one that the node lost, the node logs nothing from then on.

    \b
      curl -s https://WITNESS/logs/NAME/checkpoint > theirs.txt
      ledger-node restore seen theirs.txt
    """
    with errors_in_one_line(), operator(home) as node:
        show(node.do("restore-seen", note=file.read_text(errors="replace")))


@restore.command()
@click.argument("source", metavar="URL|FOLDER|FILE")
@click.option("--unproven", is_flag=True, help="Of your own backup: also entries that no checkpoint was shown for.")
@click.pass_obj
def fetch(home: Path, source: str, unproven: bool) -> None:  # noqa: FBT001 - click passes it so
    """Take back what the log lacks: from a witness or a mirror (URL), an exported copy or a node's folder, or the
    ledger.sqlite3 of another backup, which the node must be able to read.

    Everything is checked: it must be the log that our key signed, and the contract must allow each entry. Its own
    witnesses a node asks by itself.

    \b
      ledger-node restore fetch https://WITNESS
      ledger-node restore fetch ./copy-of-the-log
      ledger-node restore fetch ./newer-backup/ledger.sqlite3
    """
    where = source if "://" in source else str(Path(source).absolute())
    with errors_in_one_line(), operator(home) as node:
        show(node.do("restore-fetch", source=where, unproven=unproven))


@restore.command("declare-lost")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def declare_lost(home: Path, yes: bool) -> None:  # noqa: FBT001 - click passes it so
    """Go on without what no source has: it is lost for good, says the log's root key from then on.

    Gates send again what they have of it. Until each has, the node grants no claim and gives out no list.
    Then revoke again what was revoked in that time: the log does not know it any more.

    \b
      ledger-node restore declare-lost
    """
    with errors_in_one_line(), operator(home) as node:
        told = node.do("restore-status")
        if not told["whole"] and not yes:
            lost = f"entries {told['size']} to {told['newest'] - 1}"
            click.confirm(f"{lost} are gone for good, with what was sold and revoked there. Go on?", abort=True)
        show(node.do("restore-declare-lost", newest=told.get("newest")))


@restore.command()
@click.pass_obj
def finish(home: Path) -> None:
    """Wait no longer for gates that have not sent again what they have of a lost part: what they let in is not known
    until they do.

    \b
      ledger-node restore finish
    """
    with errors_in_one_line(), operator(home) as node:
        show(node.do("restore-finish"))
