"""`ledger-node vault` and `ledger-node activations`: personal data as a whole, and holders' links."""

import sys
from pathlib import Path

import click

from ledger_node.cli.answers import NO_ANSWER_HERE, ask_for_answer
from ledger_node.cli.groups import Group
from ledger_node.cli.operator import operator
from ledger_node.cli.output import Moment, errors_in_one_line, moment, progress, show, table

_NO_LINKS = "no links yet: the running node makes them, for orders with the e-ticket option (see `serve`)"


@click.group(cls=Group)
def vault() -> None:
    """Personal data: find, export, forget, expire. Each is in the audit trail (`accounts trail`)."""


@vault.command()
@click.argument("field", type=click.Choice(["phone", "email", "document", "order"]))
@click.argument("value")
@click.pass_obj
def find(home: Path, field: str, value: str) -> None:
    """The ids of persons whose FIELD is VALUE, however it is spelt; an order by its number.

    With - as VALUE it is read from standard input, and so stands in no shell's history.

    \b
      ledger-node vault find phone "9123 4567"
      ledger-node vault find email -
    """
    value = sys.stdin.readline().strip() if value == "-" else value
    with errors_in_one_line(), operator(home) as node:
        show(node.do("vault-find", field=field, value=value))


@vault.command()
@click.argument("person")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a text: amounts in cents.")
@click.pass_obj
def export(home: Path, person: str, as_json: bool) -> None:  # noqa: FBT001 - click passes it so
    """Everything that is kept of PERSON (an id from `vault find`), as a text to be handed to them: who they are to us,
    orders, tickets, links, letters. Make sure first that they have every phone and address that it names.

    \b
      ledger-node vault export 2f1c0a... > record.txt
    """
    with errors_in_one_line(), operator(home) as node:
        found = node.do("vault-export", person=person)
    if as_json:
        show(found)
    else:
        from ledger_node.cli.person_text import person_text  # noqa: PLC0415 - `--help` writes no text

        click.echo(person_text(found), nl=False)


@vault.command()
@click.argument("persons", nargs=-1, required=True, metavar="PERSON...")
@click.pass_obj
def forget(home: Path, persons: tuple[str, ...]) -> None:
    """Destroy the key of each PERSON, so that nothing kept of them can be read again. It cannot be undone.

    Somebody who has bought with a phone here and with a phone and an address there is two: `vault find` names both.
    """
    with errors_in_one_line(), operator(home) as node:
        for person in persons:
            show(node.do("vault-forget", person=person))


@vault.command()
@click.option("--before", required=True, type=Moment(), help="Forget whose events all started before this.")
@click.pass_obj
def expire(home: Path, before: int) -> None:
    """Forget everybody whose events are over; run it daily. A postponed event counts with its new date.

    \b
      ledger-node vault expire --before "$(date -I -d '90 days ago')"
    """
    with errors_in_one_line(), operator(home) as node:
        show(node.do("vault-expire", before=before))


@vault.command("rotate-key")
@click.pass_obj
def rotate_key(home: Path) -> None:
    """Put everything that the vault key locks under a new one, and destroy the old one.

    The node may be running. Stopped, it goes on when it is given again; until then both keys are needed. Make a backup
    of keys/vault.key afterwards, apart from those of the data. A key that systemd gives cannot be replaced from here:
    give the new one as vault.key and the old one as vault.key.old, start the node, give this command, and then take
    vault.key.old away.
    """
    from ledger_node.services.vault_rotation import PEOPLE_A_STEP  # noqa: PLC0415 - `--help` opens no vault

    with errors_in_one_line(), operator(home) as node, progress("vault key", None) as update:
        done, made = 0, node.do("vault-rotate", after="")
        while made["after"]:
            done += PEOPLE_A_STEP
            update(min(done, made["people"]))
            made = node.do("vault-rotate", after=made["after"])
    show({"people": made["people"], "old_key_destroyed": made["destroyed"]})


@click.group(cls=Group)
def activations() -> None:
    """Holders' activation links: what the help desk needs."""


@activations.command("list")
@click.argument("event")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
@click.pass_obj
def list_all(home: Path, event: str, as_json: bool) -> None:  # noqa: FBT001 - click passes it so
    """EVENT's links, with their orders' numbers; no persons. A single order: `orders find`."""
    with errors_in_one_line(), operator(home) as node:
        found = node.do("activations-list", event=event)
    if as_json:
        show(found)
        return
    rows = [{**one, "expires": moment(one["expires"]), "tickets": ", ".join(map(str, one["tickets"]))} for one in found]
    table(rows, ("link", "number", "tickets", "state", "tries", "locked", "expires"), _NO_LINKS)


@activations.command()
@click.argument("link")
@click.pass_obj
def unlock(home: Path, link: str) -> None:
    """Give LINK (an id from `activations list`) its five tries again, when the person is known in another way."""
    with errors_in_one_line(), operator(home) as node:
        show(node.do("activations-unlock", link=link))


@activations.command()
@click.argument("link")
@click.option("--print", "printed", is_flag=True, help="Print the new link, and write to nobody.")
@click.pass_obj
def renew(home: Path, link: str, printed: bool) -> None:  # noqa: FBT001 - click passes it so
    """Replace LINK, whose message was lost or whose time is over, by a new one that asks the same.

    The running node sends it to where the person is written to. With --print the help desk hands it over: to the person
    of the old link only, known in another way.
    """
    with errors_in_one_line(), operator(home) as node:
        made = node.do("activations-renew", link=link, print=printed)
    if printed:
        click.echo(made["url"])
    sent = "hand it to the person of the old one" if printed else "its letter is on its way"
    click.echo(f"link {made['link']}: good until {moment(made['expires'])}; {sent}", err=True)


@activations.command()
@click.argument("link")
@click.option("--question", required=True, help="What the new link asks.")
@NO_ANSWER_HERE
@click.pass_obj
def replace(home: Path, link: str, question: str) -> None:
    """Make a new link for the tickets of LINK, whose phone was lost, and print it. Only for a person whom you know.

    The answer to the question is asked for, or read from standard input. The codes of the lost phone die when the new
    link is used. Tickets that were passed on are left alone.
    """
    answer = ask_for_answer()
    with errors_in_one_line(), operator(home) as node:
        made = node.do("activations-replace", link=link, question=question, answer=answer)
    click.echo(made["url"])
    click.echo(f"link {made['link']}: good until {moment(made['expires'])}; hand it to its person", err=True)


@activations.command()
@click.argument("link")
@click.pass_obj
def revoke(home: Path, link: str) -> None:
    """Make LINK good for nothing. Tickets that have their keys keep them."""
    with errors_in_one_line(), operator(home) as node:
        show(node.do("activations-revoke", link=link))
