"""`ledger-node refunds`: money back for single tickets, or for a whole event that was cancelled."""

import csv
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from ledger_node.cli.groups import Group
from ledger_node.cli.operator import operator
from ledger_node.cli.output import errors_in_one_line, progress, show, table
from ledger_node.cli.ticket import Ticket
from ledger_node.home_folder import HomeError

_INDEX = Ticket()
_FILE = click.Path(path_type=Path, dir_okay=False)
_AT_ONCE = 50
_ENDINGS = ("refunded", "box-office", "ended", "refused")
COLUMNS = ("number", "ticket", "seat", "amount", "order")


@click.group(cls=Group)
def refunds() -> None:
    """Money back to whoever paid for a ticket last; the ticket ends with it."""


@refunds.command()
@click.argument("event")
@click.argument("indexes", type=_INDEX, nargs=-1, required=True, metavar="INDEX...")
@click.option("--keep-fees", is_flag=True, help="The service keeps its fee.")
@click.pass_obj
def make(home: Path, event: str, indexes: tuple[int, ...], keep_fees: bool) -> None:  # noqa: FBT001 - click
    """Refund tickets of EVENT that nobody has entered with. The same again is safe.

    "box-office" in the answer: a ticketing system was paid, so it gives the money back; the ticket is cancelled here.
    Exit status 1 if one was refused.
    """
    with errors_in_one_line(), operator(home) as node:
        ended = [one for some in _parts(indexes) for one in _run(node, event, some, keep_fees=keep_fees)]
        note = node.do("event-note", event=event).get("note")
    if note:
        click.echo(note, err=True)
    show(ended)
    sys.exit(1 if any(one["ending"] == "refused" for one in ended) else 0)


@refunds.command("event")
@click.argument("event")
@click.option("--report", required=True, type=_FILE, help="CSV for the box office.")
@click.option("--keep-fees", is_flag=True, help="The service keeps its fees.")
@click.pass_obj
def whole_event(home: Path, event: str, report: Path, keep_fees: bool) -> None:  # noqa: FBT001 - click passes it so
    """Refund every ticket of EVENT, which was cancelled (`event cancel`). Stopped, it goes on when it is given again.

    What the wallet provider was paid goes back through it. The report has the tickets that a ticketing system was paid
    for, with their seats (0: standing) and the numbers of their orders (kept of e-tickets only), amounts in cents: give
    them back there, then say so with `tickets refund`, and the next report is without them.
    Exit status 1 if some were refused; why, and how many, is printed.

    \b
      ledger-node event cancel coliseum-1122 --reason "typhoon signal 10"
      ledger-node refunds event coliseum-1122 --report box-office.csv
    """
    with errors_in_one_line():
        ended: list[dict[str, Any]] = []
        with operator(home) as node:
            due = node.do("refunds-due", event=event)["tickets"]
            with progress(f"refunding {event}", len(due)) as update:
                for some in _parts(due):
                    ended += _run(node, event, some, keep_fees=keep_fees)
                    update(len(ended))
        _write(report, [one for one in ended if one["ending"] == "box-office"])
    refused = [one for one in ended if one["ending"] == "refused"]
    counts = {kind: sum(one["ending"] == kind for one in ended) for kind in _ENDINGS}
    amount = sum(one["amount"] for one in ended if one["ending"] == "refunded")
    show({"event": event, **counts, "amount": amount, "report": str(report), "first_refused": refused[:20]})
    sys.exit(1 if refused else 0)


@refunds.command("list")
@click.argument("event")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
@click.pass_obj
def list_all(home: Path, event: str, as_json: bool) -> None:  # noqa: FBT001 - click passes it so
    """EVENT's refunds through the wallet provider, also those that it declined; amounts in cents."""
    with errors_in_one_line(), operator(home) as node:
        found = node.do("refunds-list", event=event)
    if as_json:
        show(found)
    else:
        table(
            found, ("number", "ticket", "seat", "amount", "state", "detail"), "no refunds through the wallet provider"
        )


def _run(node: Any, event: str, tickets: list[int], *, keep_fees: bool) -> list[dict[str, Any]]:
    ended: list[dict[str, Any]] = node.do("refunds-run", event=event, tickets=tickets, keep_fees=keep_fees)
    return ended


def _parts(tickets: "tuple[int, ...] | list[int]") -> Iterator[list[int]]:
    for start in range(0, len(tickets), _AT_ONCE):
        yield list(tickets[start : start + _AT_ONCE])


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Whole or not at all; order numbers are their buyers' business, so only the owner reads it."""
    new = path.with_name(f"{path.name}.new")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", newline="") as file:
            written = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
            written.writeheader()
            written.writerows(rows)
        new.replace(path)
    except OSError as error:
        raise HomeError(f"cannot write {error.filename}: {error.strerror}; name another file") from error
