"""`ledger-node sponsors`: allotments, audiences, recall."""

from dataclasses import asdict
from pathlib import Path

import click

from ledger_node.cli.answers import NO_ANSWER_HERE, ask_for_answer
from ledger_node.cli.groups import Group
from ledger_node.cli.operator import operator
from ledger_node.cli.output import errors_in_one_line, progress, show
from ledger_node.cli.ticket import Ticket

_AT_ONCE = 200
_TICKETS = click.argument("tickets", nargs=-1, type=Ticket(), metavar="TICKET...")


@click.group(cls=Group)
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
    if bool(tickets) == (count is not None):
        raise click.UsageError("name tickets, or say --count")
    with errors_in_one_line(), operator(home) as node:
        values = {"tickets": list(tickets), "count": count, "category": category}
        show(node.do("sponsors-allot", event=event, sponsor=sponsor, **values))


@sponsors.command()
@click.argument("event")
@click.argument("sponsor")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--phone", help="One guest, instead of a file.")
@click.option("--email", help="One guest, instead of a file.")
@click.option("--question", default="", help="What guests are asked who have no question of their own in FILE.")
@NO_ANSWER_HERE
@click.pass_obj
def invite(home: Path, /, event: str, sponsor: str, file: Path | None, **one: str) -> None:
    """Give each guest one of SPONSOR's tickets and write to them: FILE is a CSV (also Excel's, in UTF-8 or Big5) with
    some of the columns phone,email,question,answer. Who was invited before is passed over: a file may be given again.
    A guest without a question of their own, and without --question, is asked for the address that the letter does not
    go to, so give both phone and e-mail. The answer to --question is asked for, or read from standard input; no letter
    may say it: print it on the sponsor's card.

    \b
      ledger-node sponsors invite coliseum-1122 harbour-bank guests.csv
      ledger-node sponsors invite coliseum-1122 harbour-bank --email guest@example.com --phone 91234567
      ledger-node sponsors invite coliseum-1122 harbour-bank guests.csv --question "Your adviser?" < answer
    """
    from ledger_node.services.sponsors import Guest, read_guests  # noqa: PLC0415 - `--help` reads no guests

    if bool(file) == bool(one["phone"] or one["email"]):
        raise click.UsageError("name a file, or one guest by --phone or --email")
    one["answer"] = ask_for_answer() if one["question"] else ""
    with errors_in_one_line():
        guests = read_guests(file, one["question"], one["answer"]) if file else [Guest(**one)]
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
@click.argument("tickets", nargs=-1, required=True, type=Ticket(), metavar="TICKET...")
@click.pass_obj
def reclaim(home: Path, event: str, tickets: tuple[int, ...]) -> None:
    """Take tickets that nobody has claimed out of an allotment: the house sells them itself.

    \b
      ledger-node sponsors reclaim coliseum-1122 1054 1055
    """
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
