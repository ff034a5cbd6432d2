"""`ledger-node accounts`: who may sign in at the node's pages, and what they did."""

from pathlib import Path

import click

from ledger_node.cli.groups import Group
from ledger_node.cli.operator import operator
from ledger_node.cli.output import errors_in_one_line, moment, show, table
from ledger_node.services.accounts.roles import Role


@click.group(cls=Group)
def accounts() -> None:
    """Accounts of organisers, sponsors, operators and the regulator."""


@accounts.command()
@click.argument("role", type=click.Choice([role.value for role in Role]))
@click.argument("name")
@click.option(
    "--organisation",
    default="",
    help="For whom they act; a sponsor's or organiser's id, as in `sponsors add` and `actors add`.",
)
@click.pass_obj
def invite(home: Path, role: str, name: str, organisation: str) -> None:
    """Invite somebody to set up the account NAME (a name for work, such as "Box office 2"), and print the link.

    The link is shown this once and is good once, for three days: whoever opens it makes their passkey there.

    \b
      ledger-node accounts invite ops "Duty manager"
      ledger-node accounts invite sponsor "Bank events desk" --organisation harbour-bank
    """
    with errors_in_one_line(), operator(home, makes=True) as node:
        _print(node.do("accounts-invite", role=role, name=name, organisation=organisation))


@accounts.command("list")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
@click.pass_obj
def list_all(home: Path, as_json: bool) -> None:  # noqa: FBT001 - click passes it so
    """All accounts, revoked ones too."""
    with errors_in_one_line(), operator(home) as node:
        found = node.do("accounts-list")
    if as_json:
        show(found)
        return
    rows = [{**one, "since": moment(one["since"])} for one in found]
    columns = ("account", "role", "name", "organisation", "state", "since")
    table(rows, columns, "none: ledger-node accounts invite ROLE NAME")


@accounts.command()
@click.argument("account")
@click.pass_obj
def recover(home: Path, account: str) -> None:
    """Somebody lost their passkey: take away every way into ACCOUNT (its id or name) and print a new invitation."""
    with errors_in_one_line(), operator(home) as node:
        _print(node.do("accounts-recover", account=account))


@accounts.command()
@click.argument("account")
@click.pass_obj
def revoke(home: Path, account: str) -> None:
    """End ACCOUNT (its id or name) for good; its sessions end now."""
    with errors_in_one_line(), operator(home) as node:
        show(node.do("accounts-revoke", account=account))


@accounts.command()
@click.option("--after", default=0, type=click.IntRange(0), help="Rows behind this number.")
@click.pass_obj
def trail(home: Path, after: int) -> None:
    """Check the audit trail and show it: who did what, when and from where, with its signed head.

    Keep the head somewhere else: it also proves later that no row was dropped.
    """
    with errors_in_one_line(), operator(home) as node:
        found = node.do("accounts-trail", after=after)
    show(found)
    if found["problem"]:
        raise click.ClickException(f"the trail was tampered with: {found['problem']}")


def _print(made: dict[str, str]) -> None:
    click.echo(made["link"])
    click.echo(f"account {made['account']}: good until {moment(int(made['expires']))}, once", err=True)
