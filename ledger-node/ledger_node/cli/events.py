"""`ledger-node event`: create, show, assurance, list."""

import re
import sys
from pathlib import Path
from typing import Any

import click

from ledger_node.cli.groups import Group
from ledger_node.cli.operator import operator
from ledger_node.cli.output import Moment, Zone, errors_in_one_line, moment, show, table, zone
from scanner.verify.policy import LIST_EXPIRES, Policy
from scanner.verify.zones import HONG_KONG

_CHOICES = Policy.choices()
_GROUP = re.compile(r"(\d{1,3}):([^:]+):([^:]+):([^:]+)")


class GateGroup(click.ParamType[dict[str, Any]]):
    """number:English:Chinese:gate,gate,..."""

    name = "N:EN:ZH:GATES"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        """See click.ParamType."""
        if isinstance(value, dict):
            return value
        match = _GROUP.fullmatch(str(value))
        if not match:
            self.fail(f"{value!r} is not like 1:red:紅:R1,R2", param, ctx)
        gates = [gate.strip() for gate in match[4].split(",")]
        return {"number": int(match[1]), "name_en": match[2], "name_zh": match[3], "gates": gates}


@click.group(cls=Group)
def event() -> None:
    """Events: a show's times, capacity, gates and policy."""


@event.command()
@click.argument("event")
@click.option("--name", required=True, help="As gates and wallets show it, e.g. in two languages.")
@click.option("--doors", required=True, type=Moment(), help="When doors open; without a zone: in --zone.")
@click.option("--starts", required=True, type=Moment(), help="When the show starts; without a zone: in --zone.")
@click.option("--capacity", required=True, type=click.IntRange(0, 2**32 - 1), help="Licensed: never more tickets.")
@click.option("--zone", default=HONG_KONG, show_default=True, type=Zone(), is_eager=True,
              help="The event's time zone, in which all who read its times are told them.")  # fmt: skip
@click.option("--group", "groups", multiple=True, type=GateGroup(), help="A gate group; repeat it. See below.")
@click.option("--step", default=10, show_default=True, type=click.IntRange(1, 3600), help="Seconds a code is shown.")
@click.option("--tolerance", default=900, show_default=True, type=click.IntRange(0, 86400),
              help="Seconds by which a phone's clock may be off and still be told so in amber.")  # fmt: skip
@click.option("--lease", type=click.Choice(_CHOICES["lease"]), default="group", show_default=True,
              help="Who may admit a ticket while cut off: its gate group, or one gate of it.")  # fmt: skip
@click.option("--offline-policy", "offline", type=click.Choice(_CHOICES["offline"]), default="refuse",
              show_default=True, help="A ticket that may enter elsewhere offline, while no node answers.")  # fmt: skip
@click.option("--wrong-gate", type=click.Choice(_CHOICES["wrong_gate"]), default="amber", show_default=True,
              help="A ticket of another gate group.")  # fmt: skip
@click.option("--too-early", type=click.Choice(_CHOICES["too_early"]), default="amber", show_default=True,
              help="A ticket shown before doors open.")  # fmt: skip
@click.option("--early-opens", default=0, show_default=True, type=click.IntRange(0, 2**32 - 1),
              help="Seconds before doors at which tickets are taken.")  # fmt: skip
@click.option("--claim-deadline-ms", default=150, show_default=True, type=click.IntRange(0, 60_000),
              help="How long a gate waits for the node before it decides alone.")  # fmt: skip
@click.option("--list-expires", default=LIST_EXPIRES, show_default=True, type=click.IntRange(3_600, 31 * 86_400),
              help="Seconds without this node's word after which a gate admits nobody by its list alone.")  # fmt: skip
@click.pass_obj
def create(home: Path, /, event: str, groups: tuple[dict[str, Any], ...], **order: Any) -> None:
    """Create EVENT (letters, digits, . _ ~ : @ -).

    Without --group it has the four gate groups of the Hong Kong Coliseum (red 紅 R1-R4, yellow 黃 Y1-Y4,
    green 綠 G1-G4, blue 藍 B1-B4), and tickets of other group numbers make groups of their own.

    \b
      ledger-node event create coliseum-1122 --name "Harbour Nights 海港之夜" --capacity 12500 \\
                  --doors "$(date -d '+30 days' +%F)T18:30" --starts "$(date -d '+30 days' +%F)T20:15"
      ledger-node event create club --name Club --capacity 300 --doors "$(date -d '+30 days' +%F)T13:00Z" \\
                  --starts "$(date -d '+30 days' +%F)T14:00Z" --group 1:main:正門:M1,M2 --offline-policy supervisor
    """
    names = ("lease", "offline", "wrong_gate", "too_early", "early_opens", "claim_deadline_ms", "list_expires")
    policy = {name: order.pop(name) for name in names}
    with errors_in_one_line(), operator(home, makes=True) as node:
        show(node.do("event-create", event=event, gate_groups=list(groups), policy=policy, **order))


@event.command("show")
@click.argument("event")
@click.pass_obj
def show_one(home: Path, event: str) -> None:
    """All of EVENT's manifest as JSON, keys in hex, times in unix seconds."""
    with errors_in_one_line(), operator(home) as node:
        show(node.do("event-show", event=event))


@event.command()
@click.argument("event")
@click.option("--cosigned", type=click.IntRange(0), default=0, help="At a size that so many witnesses have cosigned.")
@click.pass_obj
def assurance(home: Path, event: str, cosigned: int) -> None:
    """EVENT's promises in numbers: issued <= licensed, sponsors' share <= declared, transfers and resales <= cap.

    Each number comes with the positions of the log entries behind it. `ledger-node audit` counts the same from the log
    alone. Exit status 1 if a promise was broken.
    """
    with errors_in_one_line(), operator(home) as node:
        numbers = node.do("event-assurance", event=event, cosigned=cosigned)
    show(numbers)
    sys.exit(0 if numbers["holds"] else 1)


@event.command()
@click.argument("event")
@click.option("--reason", default="cancelled by the organiser", show_default=True, help="For the ledger.")
@click.confirmation_option(prompt="The event will be cancelled for good. Go on?", help="Do not ask.")
@click.pass_obj
def cancel(home: Path, event: str, reason: str) -> None:
    """EVENT does not take place. It cannot be undone; what follows is `ledger-node refunds event EVENT`."""
    with errors_in_one_line(), operator(home) as node:
        show(node.do("event-cancel", event=event, reason=reason))


@event.command("list")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
@click.pass_obj
def list_all(home: Path, as_json: bool) -> None:  # noqa: FBT001 - click passes it so
    """All events of this home: ids, names, times, how many tickets are issued, and whether each is still on."""
    with errors_in_one_line(), operator(home) as node:
        events = node.do("event-list")
    if as_json:
        show(events)
        return
    rows = [{**one, **{name: moment(one[name], zone(one["zone"])) for name in ("doors", "starts")}} for one in events]
    columns = ("event", "name", "doors", "starts", "capacity", "issued", "standing")
    table(rows, columns, "no events yet: ledger-node event create")
