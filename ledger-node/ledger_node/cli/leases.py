"""`ledger-node leases`: which gates may admit alone what, and moving it to others."""

from pathlib import Path

import click

from ledger_node.cli.groups import Group
from ledger_node.cli.operator import operator
from ledger_node.cli.output import errors_in_one_line, show, table


@click.group(cls=Group)
def leases() -> None:
    """Which tickets a gate may admit while it is cut off: each ticket's use is leased to a gate group, or to a gate."""


@leases.command("show")
@click.argument("event")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
@click.pass_obj
def show_leases(home: Path, event: str, as_json: bool) -> None:  # noqa: FBT001 - click passes it so
    """How many tickets of EVENT that are not used hang on each gate, and which of its devices do not listen."""
    with errors_in_one_line(), operator(home) as node:
        found = node.do("leases-show", event=event)
    if as_json:
        show(found)
        return
    lists = ("devices", "away")
    rows = [{**one, **{name: ", ".join(one[name]) for name in lists}} for one in found["gates"]]
    table(rows, ("gate", "tickets", *lists), "none: the event has no gates")
    if found["paused"]:
        waits = ", ".join(found["waits_for"]) or "the node, for a moment"
        click.echo(
            f"paused, because gates changed: no gate holds a use before these have heard of it: {waits}", err=True
        )


@leases.command("move")
@click.argument("event")
@click.argument("to")
@click.option("--from", "source", default="", help="All that are leased to this gate, or gate group.")
@click.option("--ticket", "tickets", multiple=True, type=int, help="This ticket; may be given many times.")
@click.option("--reason", required=True, help="For the ledger; no personal data.")
@click.pass_obj
def move(home: Path, event: str, to: str, source: str, tickets: tuple[int, ...], reason: str) -> None:
    """Lease tickets of EVENT to TO: a gate, where each use is one gate's (`event create --lease gate`), else the number
    of a gate group.

    The gates that hold them now give them up first, so they must be connected, or out of service. What a gate has
    spent, or does not give up in time, stays with it (`kept`).

    \b
      ledger-node leases move coliseum-1122 R2 --from R1 --reason "R1 is crowded"
    """
    if not source and not tickets:
        raise click.UsageError("say which tickets: --from GATE, or --ticket NUMBER")
    values = {"source": source, "tickets": list(tickets), "reason": reason}
    with errors_in_one_line(), operator(home) as node:
        show(node.do("leases-move", event=event, to=to, **values))
