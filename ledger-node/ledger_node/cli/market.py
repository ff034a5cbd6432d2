"""`ledger-node policy`, `actors`, `sale`, `transfers`, `resale`: the rules of an event's market, and what is open."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import click

from ledger_node.cli.groups import Group
from ledger_node.cli.operator import operator
from ledger_node.cli.output import Moment, errors_in_one_line, moment, read_as_usage, show, table

_HOLDS = click.IntRange(1, 1_000_000)
_JSON = click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")


class Change(click.ParamType[tuple[str, Any]]):
    """name=value, the value in JSON or as it is."""

    name = "NAME=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        """See click.ParamType."""
        if isinstance(value, tuple):
            return value
        name, equals, text = str(value).partition("=")
        if not equals or not name:
            self.fail(f"{value!r} is not like transfer_cap=100", param, ctx)
        try:
            return name, json.loads(text, object_pairs_hook=partial(_once, name))
        except json.JSONDecodeError:
            return name, text
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _once(where: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raises ValueError for what is said twice: of two values, neither is certainly the one that is meant."""
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name!r} is said twice in {where}" if where else f"{name} is said twice")
    return dict(pairs)


@click.group(cls=Group)
def policy() -> None:
    """What an organiser allows: price caps, fees, limits, tiers, rules. On the ledger; it never reaches back."""


@policy.command("set")
@click.argument("event")
@click.argument("changes", nargs=-1, required=True, type=Change())
@click.option("--effective", type=Moment(), help="From when it counts.  [default: now]")
@click.pass_obj
def set_policy(home: Path, event: str, changes: tuple[tuple[str, Any], ...], effective: int | None) -> None:
    """Put EVENT's next policy on the ledger: the one that counts then, with these CHANGES.

    What is planned for later (`policy show`) stays planned, with its own changes on top of these. To take it back, set
    the same again with the same --effective.

    \b
    Amounts are in cents, fees and shares in basis points, times in unix seconds:
      transfer_cap resale_cap         highest price, in percent of the face value
      organiser_fee service_fee       of a resale's price
      organiser_party service_party   who gets the fees, 64 hex digits (provider's name for them)
      handling_fee                    for a ticket, with the e-ticket option
      currency                        three capitals, HKD
      most_transfers most_tickets     changes of hands of a ticket; tickets of one person
      opens freezes                   from when tickets change hands; seconds before doors from which not
      send_level receive_level        how well the provider must know giver and receiver, 0 to 9
      sponsor_share capacity          of the capacity; tickets that are licensed
      tiers                           a list of tier, category, price, opens, closes
      rules                           a map: an expression for sale, transfer, resale

    \b
      ledger-node policy set coliseum-1122 transfer_cap=100 freezes=7200 most_tickets=4
      ledger-node policy set coliseum-1122 organiser_fee=500 organiser_party=HEX resale_cap=110
      ledger-node policy set coliseum-1122 'rules={"transfer": "ticket.transfers < 2"}'
      ledger-node policy set coliseum-1122 \\
          'tiers=[{"tier": 1, "category": 0, "price": 88000, "opens": 0, "closes": '"$(date -d '+30 days' +%s)"'}]'
    """
    with read_as_usage():
        said = _once("", list(changes))
    with errors_in_one_line(), operator(home) as node:
        show(node.do("policy-set", event=event, changes=said, effective=effective))


@policy.command("show")
@click.argument("event")
@click.pass_obj
def show_policy(home: Path, event: str) -> None:
    """All of EVENT's policies as JSON, oldest first; amounts in cents, times in unix seconds, fees in basis points.

    The first is version 0, the default: what counts before a policy was set. "in_force" marks the one that counts now.
    """
    with errors_in_one_line(), operator(home) as node:
        show(node.do("policy-show", event=event))


@click.group(cls=Group)
def actors() -> None:
    """Organisations that sign entries of an event: organiser, ticketing system, wallet provider."""


@actors.command("add")
@click.argument("event")
@click.argument("actor")
@click.argument("role", type=click.Choice(["organiser", "ticketing", "provider"]))
@click.argument("public_key", metavar="KEY")
@click.pass_obj
def add_actor(home: Path, event: str, actor: str, role: str, public_key: str) -> None:
    """Trust KEY (Ed25519, hex) to speak for ACTOR in EVENT. Sponsors have keys of their own: `sponsors add`."""
    with errors_in_one_line(), operator(home) as node:
        show(node.do("actors-add", event=event, actor=actor, role=role, public_key=public_key))


@actors.command("revoke")
@click.argument("event")
@click.argument("actor")
@click.option("--reason", default="revoked by operator", show_default=True, help="For the ledger; no personal data.")
@click.pass_obj
def revoke_actor(home: Path, event: str, actor: str, reason: str) -> None:
    """End the trust in ACTOR's key; they may come back with another."""
    with errors_in_one_line(), operator(home) as node:
        show(node.do("actors-revoke", event=event, actor=actor, reason=reason))


@actors.command("list")
@click.argument("event")
@_JSON
@click.pass_obj
def list_actors(home: Path, event: str, as_json: bool) -> None:  # noqa: FBT001 - click passes it so
    """EVENT's organisations, with their keys."""
    with errors_in_one_line(), operator(home) as node:
        found = node.do("actors-list", event=event)
    _print(found, as_json, ("actor", "role", "public_key", "revoked_at"), "none: ledger-node actors add")


@click.group(cls=Group)
def sale() -> None:
    """Direct sale by this node, for events that no ticketing system sells."""


@sale.command("open")
@click.argument("event")
@click.option("--most", default=8, show_default=True, type=click.IntRange(1, 50), help="Seats for one buyer at once.")
@click.option("--minutes", default=10, show_default=True, type=click.IntRange(1, 1440), help="How long they are kept.")
@click.option("--holds", default=20, show_default=True, type=_HOLDS, help="Unpaid holds of one network at once.")
@click.pass_obj
def open_sale(home: Path, event: str, most: int, minutes: int, holds: int) -> None:
    """Sell EVENT's unsold tickets over the API, at the policy's prices, paid through the wallet provider.

    Behind a proxy on another machine all buyers come from one network, unless `serve --proxy` names it.
    """
    with errors_in_one_line(), operator(home) as node:
        show(node.do("sale-open", event=event, most=most, seconds=minutes * 60, holds=holds))


@sale.command("close")
@click.argument("event")
@click.pass_obj
def close_sale(home: Path, event: str) -> None:
    """Keep and sell no more seats of EVENT here."""
    with errors_in_one_line(), operator(home) as node:
        show(node.do("sale-open", event=event, most=0, seconds=60))


@click.group(cls=Group)
def transfers() -> None:
    """Tickets that their holders offer to somebody."""


@transfers.command("list")
@click.argument("event")
@_JSON
@click.pass_obj
def list_transfers(home: Path, event: str, as_json: bool) -> None:  # noqa: FBT001 - click passes it so
    """EVENT's open offers, by ticket."""
    with errors_in_one_line(), operator(home) as node:
        found = node.do("transfers-list", event=event)
    _print(found, as_json, ("ticket", "price", "until", "deal"), "no open offers")


@transfers.command("cancel")
@click.argument("event")
@click.argument("deal")
@click.pass_obj
def cancel(home: Path, event: str, deal: str) -> None:
    """Take an offer back for its holder. DEAL is its id from `transfers list --json`."""
    with errors_in_one_line(), operator(home) as node:
        show(node.do("transfers-cancel", event=event, deal=deal))


@click.group("resale", cls=Group)
def resale() -> None:
    """Tickets that their holders have listed for anybody."""


@resale.command("list")
@click.argument("event")
@_JSON
@click.pass_obj
def list_resale(home: Path, event: str, as_json: bool) -> None:  # noqa: FBT001 - click passes it so
    """EVENT's listings, with who gets what of the price (cents)."""
    with errors_in_one_line(), operator(home) as node:
        found = node.do("resale-list", event=event)
    columns = ("ticket", "seat", "price", "seller", "organiser", "fees", "until", "deal")
    _print(found, as_json, columns, "nothing is listed")


@resale.command("unlist")
@click.argument("event")
@click.argument("deal")
@click.pass_obj
def unlist(home: Path, event: str, deal: str) -> None:
    """Take a listing back for its holder. DEAL is its id from `resale list --json`."""
    with errors_in_one_line(), operator(home) as node:
        show(node.do("resale-unlist", event=event, deal=deal))


def _print(found: list[dict[str, Any]], as_json: bool, columns: tuple[str, ...], nothing: str) -> None:  # noqa: FBT001
    if as_json:
        show(found)
        return
    rows = [
        {name: moment(one[name]) if name in {"until", "revoked_at"} else one[name] for name in one} for one in found
    ]
    table(rows, columns, nothing)
