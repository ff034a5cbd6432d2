"""`ledger-node orders`: the ticketing system's orders, from a file."""

import sys
from pathlib import Path

import click

from ledger_node.cli.groups import Group
from ledger_node.cli.operator import operator
from ledger_node.cli.output import errors_in_one_line, progress, show
from ledger_node.cli.ticket import Ticket


@click.group(cls=Group)
def orders() -> None:
    """Orders of the ticketing system. Running nodes also take them as signed webhooks: POST /v1/events/EVENT/orders."""


@orders.command()
@click.argument("event")
@click.argument("number", required=False)
@click.option("--ticket", type=Ticket(), help="The order of this ticket, instead of a number.")
@click.pass_obj
def find(home: Path, event: str, number: str | None, ticket: int | None) -> None:
    """Find an order of EVENT by its NUMBER, however it is spelt, or by one of its tickets.

    Shown are what was sold, what became of the tickets, and which activation links there are. No contacts: see
    `vault find order NUMBER`.

    \b
      ledger-node orders find coliseum-1122 U-100234
      ledger-node orders find coliseum-1122 --ticket 4711
    """
    if (number is None) == (ticket is None):
        raise click.UsageError("say the order's NUMBER, or --ticket")
    with errors_in_one_line(), operator(home) as node:
        show(node.do("orders-find", event=event, number=number, ticket=ticket))


@orders.command("import")
@click.argument("event")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--all-or-nothing", "whole", is_flag=True, help="Keep nothing of a file with a bad row.")
@click.pass_obj
def load(home: Path, event: str, file: Path, whole: bool) -> None:  # noqa: FBT001 - click passes it so
    """Log the orders in FILE as sales: CSV (also Excel's, in UTF-8 or Big5) or JSON lines, with the columns
    number,event,tickets,seats,eticket,price_cents,fee_cents,phone,email (or their Chinese names).

    tickets, or seats, are numbers with blanks between. An order number counts once, so a file may be given again. Bad
    rows are listed, the good ones kept; exit status 1 if there were any. Buyers of e-tickets are written to by the
    running node.

    \b
      ledger-node orders import coliseum-1122 orders.csv
      ledger-node orders import coliseum-1122 orders.jsonl --all-or-nothing
    """
    with errors_in_one_line():
        total = file.stat().st_size if file.exists() else None
        with operator(home) as node, progress(f"importing {file.name}", total) as update:
            taken = node.orders(event, file, update, whole=whole)
    show({"event": event, **taken})
    sys.exit(1 if taken["bad"] else 0)
