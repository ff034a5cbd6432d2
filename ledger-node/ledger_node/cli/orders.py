"""`ledger-node orders`: the ticketing system's orders, from a file."""

import sys
from pathlib import Path

import click

from ledger_node.cli.operator import operator
from ledger_node.cli.output import errors_in_one_line, progress, show


@click.group()
def orders() -> None:
    """Orders of the ticketing system. Running nodes also take them as signed webhooks: POST /v1/events/EVENT/orders."""


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
