"""`ledger-node devices`: enrolment codes, the list, revocation."""

from pathlib import Path

import click

from ledger_node.cli.groups import Group
from ledger_node.cli.operator import operator
from ledger_node.cli.output import errors_in_one_line, moment, show, table


@click.group(cls=Group)
def devices() -> None:
    """Gates' devices."""


@devices.command()
@click.argument("event")
@click.argument("gate")
@click.option("--minutes", default=60, show_default=True, type=click.IntRange(1, 10_080), help="How long it is good.")
@click.pass_obj
def code(home: Path, event: str, gate: str, minutes: int) -> None:
    """Make a one-time code that enrols one device at GATE of EVENT, and print it.

    The code also says which node gave it, so that the gate refuses an impostor.

    \b
      ledger-node devices code coliseum-1122 R1 | gate-scanner enrol http://NODE:8444
    """
    with errors_in_one_line(), operator(home) as node:
        made = node.do("devices-code", event=event, gate=gate, lifetime=minutes * 60)
    click.echo(made["code"])
    if note := made.get("note"):
        click.echo(note, err=True)
    click.echo(f"good until {moment(made['expires'])}, once: gate-scanner enrol URL asks for it", err=True)


@devices.command("list")
@click.argument("event")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
@click.pass_obj
def list_all(home: Path, event: str, as_json: bool) -> None:  # noqa: FBT001 - click passes it so
    """EVENT's devices: last seen, how far their view is, how many records wait there."""
    with errors_in_one_line(), operator(home) as node:
        found = node.do("devices-list", event=event)
    if as_json:
        show(found)
        return
    rows = [{**one, "last_seen": moment(one["last_seen"]), "revoked": moment(one["revoked_at"])} for one in found]
    table(rows, ("device", "gate", "last_seen", "view_size", "queue", "revoked"), "none: ledger-node devices code")


@devices.command()
@click.argument("event")
@click.argument("device")
@click.option("--reason", default="revoked by operator", show_default=True, help="For the ledger; no personal data.")
@click.pass_obj
def revoke(home: Path, event: str, device: str, reason: str) -> None:
    """Revoke DEVICE (its id from `devices list`) for good: it is told to wipe, its further records change nothing."""
    with errors_in_one_line(), operator(home) as node:
        show(node.do("devices-revoke", event=event, device=device, reason=reason))


@devices.command("out-of-service")
@click.argument("event")
@click.argument("gate")
@click.option("--reason", required=True, help="For the ledger; no personal data.")
@click.pass_obj
def out_of_service(home: Path, event: str, gate: str, reason: str) -> None:
    """Say that GATE of EVENT is out of service: its devices are revoked for good, and other gates admit its tickets.

    Switch it off or lock its turnstile first: one that is cut off does not hear of this, and may go on admitting what
    it held. An alert says so when its admissions arrive.

    \b
      ledger-node devices out-of-service coliseum-1122 R1 --reason "does not start any more"
    """
    with errors_in_one_line(), operator(home) as node:
        show(node.do("devices-out-of-service", event=event, gate=gate, reason=reason))
