"""`ledger-node keys rotate-log` and `end-overlap`: which key signs the log's checkpoints."""

from pathlib import Path

import click

from ledger_node.cli.operator import operator
from ledger_node.cli.output import errors_in_one_line, show


@click.command("rotate-log")
@click.option("--overlap", is_flag=True, help="Let the key before it sign too, until `keys end-overlap`.")
@click.pass_obj
def rotate_log(home: Path, overlap: bool) -> None:  # noqa: FBT001 - click passes it so
    """Have a new key sign the log's checkpoints, and revoke the ones before it. The node may be serving.

    The root key (`log` in `keys show`) signs a list that names the new key, which the node shows at /log-keys and sends
    along with its answers: gates, our witnesses and auditors, who know the root key, follow by themselves. Whatever an
    old key signs after that, they refuse.

    \b
      ledger-node keys rotate-log             now, e.g. because somebody may have the old key
      ledger-node keys rotate-log --overlap   both sign: for witnesses and tools of others, which must be told
      ledger-node keys end-overlap            when they have been: from now on only the newest one

    Make a backup of the node's folder afterwards: keys/ has a new file.
    """
    with errors_in_one_line(), operator(home) as node:
        show(node.do("keys-rotate-log", overlap=overlap))


@click.command("end-overlap")
@click.pass_obj
def end_overlap(home: Path) -> None:
    """End an overlap: revoke all keys that sign the log's checkpoints but the newest."""
    with errors_in_one_line(), operator(home) as node:
        show(node.do("keys-end-overlap"))
