"""What an operator can have done about the market, by name, with plain values in and out (`operations`)."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from ledger_node.contract.bodies_house import RegisterActor, RevokeActor
from ledger_node.contract.facts import Actor, Deal
from ledger_node.services import actors, dealing, help_desk, policies, refunds, resale, sale, sponsors, transfers
from ledger_node.services.allowances import HOLDS
from ledger_node.services.given import hex_of, require_actor_id
from ledger_node.services.market_book import DirectSale
from ledger_node.services.node import Node
from ledger_node.services.sponsors import Guest
from ledger_node.services.trail import CONSOLE
from ledger_node.services.trail import Actor as By
from scanner.verify.keys import PUBLIC_KEY_BYTES

DIGEST_BYTES = 32
Values = Mapping[str, Any]


def _show_policy(node: Node, values: Values) -> Any:
    return policies.shown(node, values["event"])


def _set_policy(node: Node, values: Values) -> Any:
    first, *planned = policies.set_policy(node, values["event"], values["changes"], values.get("effective"))
    made = _show_policy(node, values)[first]
    return {**made, "note": policies.planned_again(node, values["event"], planned)} if planned else made


def _add_actor(node: Node, values: Values) -> Any:
    require_actor_id(values["actor"])
    key = hex_of(values, "public_key", PUBLIC_KEY_BYTES, "the organisation's Ed25519 public key")
    body = RegisterActor(values["actor"], values["role"], key)
    outcome = node.commit_new(body.seal(values["event"], node.seconds, node.keys.node, node.nonce()))
    return {"actor": body.actor, "role": body.role, "position": outcome.position}


def _end_actor(node: Node, values: Values) -> Any:
    actors.require(node, values["event"], values["actor"])
    body = RevokeActor(values["actor"], values["reason"])
    outcome = node.commit_new(body.seal(values["event"], node.seconds, node.keys.node, node.nonce()))
    return {"actor": body.actor, "revoked": True, "position": outcome.position}


def _list_actors(node: Node, values: Values) -> Any:
    with node.view() as view:
        node.event(view, values["event"])
        return [
            {"actor": one.actor, "role": one.role, "public_key": one.public_key.hex(), "revoked_at": one.revoked_at}
            for one in view.each(Actor, values["event"])
        ]


def _open_sale(node: Node, values: Values) -> Any:
    made = DirectSale(values["event"], int(values["most"]), int(values["seconds"]), int(values.get("holds", HOLDS)))
    sale.open_sale(node, made.event, made.most, made.seconds, made.holds)
    notes = [sale.unpaid(node, made.event), sale.unpriced(node, made.event)] if made.most else []
    return {**asdict(made), **({"note": "; ".join(filter(None, notes))} if any(notes) else {})}


def _list_transfers(node: Node, values: Values) -> Any:
    return [_deal(one) for one in dealing.open_deals(node, values["event"], "transfer")]


def _cancel_transfer(node: Node, values: Values) -> Any:
    return {"position": transfers.cancel_for(node, values["event"], _deal_id(values, "transfers")).position}


def _list_resale(node: Node, values: Values) -> Any:
    return [
        {**_deal(one.deal), "seat": one.seat, "seller": one.seller, "organiser": one.organiser, "fees": one.fees}
        for one in resale.listings(node, values["event"])
    ]


def _unlist(node: Node, values: Values) -> Any:
    return {"position": resale.unlist_for(node, values["event"], _deal_id(values, "resale")).position}


def _add_sponsor(node: Node, values: Values) -> Any:
    return {"sponsor": values["sponsor"], "position": sponsors.add(node, values["event"], values["sponsor"]).position}


def _end_sponsor(node: Node, values: Values) -> Any:
    outcome = sponsors.end(node, values["event"], values["sponsor"], values["reason"])
    return {"sponsor": values["sponsor"], "revoked": True, "position": outcome.position}


def _allot(node: Node, values: Values) -> Any:
    event, tickets = values["event"], list(values.get("tickets", ()))
    tickets = tickets or sponsors.free_tickets(node, event, int(values["count"]), values.get("category"))
    sponsors.allot(node, event, values["sponsor"], tickets)
    return {"sponsor": values["sponsor"], "tickets": tickets}


def _invite(node: Node, values: Values) -> Any:
    guests = [Guest(**guest) for guest in values["guests"]]
    return {"tickets": sponsors.invite(node, values["event"], values["sponsor"], guests)}


def _recall(node: Node, values: Values) -> Any:
    return {"tickets": sponsors.recall(node, values["event"], values["sponsor"], list(values.get("tickets", ())))}


def _reclaim(node: Node, values: Values) -> Any:
    return {"position": sponsors.reclaim(node, values["event"], list(values["tickets"])).position}


def _standing(node: Node, values: Values) -> Any:
    found = sponsors.standing(node, values["event"], values["sponsor"])
    lists = {name: list(getattr(found, name)) for name in ("free", "unclaimed", "claimed")}
    return {"sponsor": found.sponsor, **lists}


def _due_refunds(node: Node, values: Values) -> Any:
    return {"tickets": refunds.due(node, values["event"])}


def _run_refunds(node: Node, values: Values) -> Any:
    event, keep_fees = values["event"], bool(values.get("keep_fees"))
    ended = refunds.run(node, event, list(values["tickets"]), By(CONSOLE), keep_fees=keep_fees)
    return refunds.told(node, event, ended)


def _list_refunds(node: Node, values: Values) -> Any:
    return refunds.listed(node, str(values["event"]))


def _find_orders(node: Node, values: Values) -> Any:
    event, number, ticket = str(values["event"]), values.get("number"), values.get("ticket")
    if ticket is not None:
        return [help_desk.find_by_ticket(node, event, int(ticket))]
    return help_desk.find_by_number(node, event, str(number))


MARKET: Mapping[str, Callable[[Node, Values], Any]] = {
    "policy-show": _show_policy,
    "policy-set": _set_policy,
    "actors-add": _add_actor,
    "actors-revoke": _end_actor,
    "actors-list": _list_actors,
    "orders-find": _find_orders,
    "sale-open": _open_sale,
    "transfers-list": _list_transfers,
    "transfers-cancel": _cancel_transfer,
    "resale-list": _list_resale,
    "resale-unlist": _unlist,
    "refunds-due": _due_refunds,
    "refunds-run": _run_refunds,
    "refunds-list": _list_refunds,
    "sponsors-add": _add_sponsor,
    "sponsors-revoke": _end_sponsor,
    "sponsors-allot": _allot,
    "sponsors-invite": _invite,
    "sponsors-recall": _recall,
    "sponsors-reclaim": _reclaim,
    "sponsors-show": _standing,
}


def _deal_id(values: Values, where: str) -> bytes:
    return hex_of(values, "deal", DIGEST_BYTES, f"an id of `{where} list --json`")


def _deal(deal: Deal) -> dict[str, Any]:
    return {"deal": deal.deal.hex(), "ticket": deal.ticket, "price": deal.price, "until": deal.until}
