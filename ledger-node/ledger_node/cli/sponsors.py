"""`ledger-node sponsors`: allotments, audiences, recall."""

from dataclasses import asdict
from pathlib import Path

import click

from ledger_node.cli.operator import operator
from ledger_node.cli.output import errors_in_one_line, progress, show
from ledger_node.services.errors import ServiceError
from ledger_node.services.sponsors import Guest, read_guests

_AT_ONCE = 200
_TICKETS = click.argument("tickets", nargs=-1, type=click.IntRange(0, 2**32 - 1), metavar="TICKET...")


@click.group()
def sponsors() -> None:
    """Sponsors: tickets that they give to an audience of their own."""


@sponsors.command()
@click.argument("event")
@click.argument("sponsor")
@click.pass_obj
def add(home: Path, event: str, sponsor: str) -> None:
    """Make SPONSOR (an id without spaces) known in EVENT. The node keeps the key that it acts by."""
    with errors_in_one_line(), operator(home) as node:
        show(node.do("sponsors-add", event=event, sponsor=sponsor))


@sponsors.command()
@click.argument("event")
@click.argument("sponsor")
@click.option("--reason", default="revoked by operator", show_default=True, help="For the ledger; no personal data.")
@click.pass_obj
def revoke(home: Path, event: str, sponsor: str, reason: str) -> None:
    """SPONSOR gives nothing more; guests keep what they have."""
    with errors_in_one_line(), operator(home) as node:
        show(node.do("sponsors-revoke", event=event, sponsor=sponsor, reason=reason))


@sponsors.command()
@click.argument("event")
@click.argument("sponsor")
@_TICKETS
@click.option("--count", type=click.IntRange(1), help="The first so many unsold tickets, instead of naming them.")
@click.option("--category", type=click.IntRange(0, 255), help="With --count: of this price category.")
@click.pass_obj
def allot(
    home: Path, event: str, sponsor: str, tickets: tuple[int, ...], count: int | None, category: int | None
) -> None:
    """Put unsold tickets of EVENT at SPONSOR's disposal, within the share that the policy allows.

    \b
      ledger-node sponsors allot coliseum-1122 harbour-bank --count 200 --category 2
    """
    with errors_in_one_line():
        if bool(tickets) == (count is not None):
            raise ServiceError("bad-values", "name tickets, or say --count")
        with operator(home) as node:
            values = {"tickets": list(tickets), "count": count, "category": category}
            show(node.do("sponsors-allot", event=event, sponsor=sponsor, **values))


@sponsors.command()
@click.argument("event")
@click.argument("sponsor")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--phone", help="One guest, instead of a file.")
@click.option("--email", help="One guest, instead of a file.")
@click.pass_obj
def invite(home: Path, event: str, sponsor: str, file: Path | None, phone: str | None, email: str | None) -> None:
    """Give each guest one of SPONSOR's tickets and write to them: FILE is a CSV (also Excel's, in UTF-8 or Big5) with
    some of the columns phone,email,question,answer. Who was invited before is passed over: a file may be given again.

    \b
      ledger-node sponsors invite coliseum-1122 harbour-bank guests.csv
      ledger-node sponsors invite coliseum-1122 harbour-bank --email guest@example.com
    """
    with errors_in_one_line():
        if bool(file) == bool(phone or email):
            raise ServiceError("bad-values", "name a file, or one guest by --phone or --email")
        guests = read_guests(file) if file else [Guest(phone, email)]
        given: list[int] = []
        with operator(home) as node, progress("inviting", len(guests)) as update:
            for start in range(0, len(guests), _AT_ONCE):
                some = [asdict(guest) for guest in guests[start : start + _AT_ONCE]]
                given += node.do("sponsors-invite", event=event, sponsor=sponsor, guests=some)["tickets"]
                update(start + len(some))
    show({"event": event, "sponsor": sponsor, "guests": len(guests), "invited": len(given), "tickets": given})


@sponsors.command()
@click.argument("event")
@click.argument("sponsor")
@_TICKETS
@click.pass_obj
def recall(home: Path, event: str, sponsor: str, tickets: tuple[int, ...]) -> None:
    """Take tickets that no guest has claimed back into SPONSOR's allotment: all, or the ones that are named."""
    with errors_in_one_line(), operator(home) as node:
        show(node.do("sponsors-recall", event=event, sponsor=sponsor, tickets=list(tickets)))


@sponsors.command()
@click.argument("event")
@_TICKETS
@click.pass_obj
def reclaim(home: Path, event: str, tickets: tuple[int, ...]) -> None:
    """Take tickets that nobody has claimed out of an allotment: the house sells them itself."""
    with errors_in_one_line(), operator(home) as node:
        show(node.do("sponsors-reclaim", event=event, tickets=list(tickets)))


@sponsors.command("show")
@click.argument("event")
@click.argument("sponsor")
@click.pass_obj
def show_one(home: Path, event: str, sponsor: str) -> None:
    """SPONSOR's tickets: free, given but not claimed, claimed."""
    with errors_in_one_line(), operator(home) as node:
        show(node.do("sponsors-show", event=event, sponsor=sponsor))
