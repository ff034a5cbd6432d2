"""`ledger-node alerts`: what monitoring raised; acknowledge and close it."""

from pathlib import Path

import click

from ledger_node.cli.groups import Group
from ledger_node.cli.operator import operator
from ledger_node.cli.output import errors_in_one_line, moment, show, table

_COLUMNS = ("id", "rule", "event", "subject", "state", "count", "first_seen", "last_seen")


@click.group(cls=Group)
def alerts() -> None:
    """Alerts: tickets, gates and pseudonyms that somebody should look at. No names; see `tickets history`."""


@alerts.command("list")
@click.option("--all", "closed", is_flag=True, help="Closed ones, too.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table, with details.")
@click.pass_obj
def list_all(home: Path, closed: bool, as_json: bool) -> None:  # noqa: FBT001 - click passes it so
    """The newest alerts, newest first."""
    with errors_in_one_line(), operator(home) as node:
        found = node.do("alerts-list", closed=closed)
    if as_json:
        show(found)
        return
    rows = [{**one, **{name: moment(one[name]) for name in ("first_seen", "last_seen")}} for one in found]
    table(rows, _COLUMNS, "no alerts")


@alerts.command()
@click.argument("number", type=click.IntRange(1))
@click.pass_obj
def ack(home: Path, number: int) -> None:
    """Say that somebody looks after alert NUMBER. It goes on counting, and is told to nobody again."""
    with errors_in_one_line(), operator(home) as node:
        show(node.do("alerts-ack", id=number))


@alerts.command()
@click.argument("number", type=click.IntRange(1))
@click.pass_obj
def close(home: Path, number: int) -> None:
    """Be done with alert NUMBER. If the same happens again it is a new alert."""
    with errors_in_one_line(), operator(home) as node:
        show(node.do("alerts-close", id=number))
