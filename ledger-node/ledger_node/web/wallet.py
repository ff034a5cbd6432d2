"""The API of the holder's wallet: a ticket as its phone keeps it. What else a holder does goes by the market's API."""

import asyncio
import re
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request

from ledger_node.contract.facts import Deal
from ledger_node.services.errors import ServiceError
from ledger_node.services.holding import Holding, read_holding
from ledger_node.services.node import Node
from ledger_node.services.tickets import STATE_WORDS
from ledger_node.web.account_models import read_model
from ledger_node.web.public import event_facts
from ledger_node.web.reply import JSON, Reply, reply
from ledger_node.web.routes import add_route, plain
from ledger_node.web.wallet_models import BoxOffice, Held, HeldTicket, ProviderFacts

_PATH = "/v1/events/{event}/tickets/{index}/holder"
_MOST_BODY = 1_024
_TICKET = re.compile(r"0|[1-9][0-9]{0,9}")
_MOST_TICKET = 2**32 - 1


def add_wallet(app: FastAPI, node: Node) -> None:
    """/v1/events/{event}/tickets/{index}/holder, and whom payments go through."""

    async def holder(request: Request) -> Reply:
        """A ticket for the wallet that has its key: event, place, state, what is open, and a fresh certificate. 409
        "not-yours" once another key has it.
        """
        asked = await read_model(request, Held, _MOST_BODY)
        index, event = str(request.path_params["index"]), str(request.path_params["event"])
        if not _TICKET.fullmatch(index) or int(index) > _MOST_TICKET:
            raise ServiceError("unknown-ticket", f"{index!r} is not the index of a ticket", 404)
        key = bytes.fromhex(asked.holder_key)
        found = await asyncio.to_thread(read_holding, node, event, int(index), key)
        return reply(held_map(found, int(node.now() * 1000)))

    async def provider(_request: Request) -> Reply:
        """The wallet provider of this node ("" = none), and its page on which people say yes ("" = in its app only)."""
        return reply({"name": node.outside.provider_name, "consent": node.outside.consent})

    async def box_office(_request: Request) -> Reply:
        """Where holders reach the box office: a link (https, mailto or tel), or "" if none is set."""
        return reply({"contact": node.outside.box_office})

    add_route(app, "GET", "/v1/provider", plain(provider), provider.__doc__, "wallet", ProviderFacts)
    add_route(app, "GET", "/v1/box-office", plain(box_office), box_office.__doc__, "wallet", BoxOffice)
    add_route(app, "POST", _PATH, plain(holder), holder.__doc__, "wallet", HeldTicket, JSON, body=Held)


def held_map(found: Holding, time_ms: int) -> dict[str, Any]:
    """As `HeldTicket` says it."""
    row, policy, manifest = found.ticket.row, found.policy, found.event.manifest
    signed = found.certified
    of_codes = {"step": manifest.step, "beacon_required": manifest.policy.beacon_required}
    return {
        "event": {**event_facts(found.event), **of_codes},
        "ticket": row.ticket,
        "owner_seq": row.owner_seq,
        "state": STATE_WORDS[row.state],
        "seat": row.seat,
        "category": row.category,
        "gate_group": row.gate_group,
        "flags": row.flags,
        "face_value": found.ticket.face_value,
        "entered": {"gate": found.entered.gate, "time_ms": found.entered.time_ms} if found.entered else None,
        "deal": _deal(found.deal) if found.deal else None,
        "identified": bool(found.title.pseudonym),
        "level": found.title.level,
        "terms": {
            "currency": policy.currency,
            "most_transfer": found.most_price("transfer"),
            "most_resale": found.most_price("resale"),
            "send_level": policy.send_level,
            "asks_giver": {"transfer": found.asks_giver("transfer"), "resale": found.asks_giver("resale")},
            "transfers_left": found.transfers_left,
            "opens": policy.opens,
            "freezes": manifest.doors - policy.freezes,
        },
        "certificate": signed.certificate.pack().hex() if signed else None,
        "ledger_signature": signed.signature.hex() if signed else None,
        "time_ms": time_ms,
    }


def _deal(deal: Deal) -> dict[str, Any]:
    return {"deal": deal.deal.hex(), "kind": deal.kind, "price": deal.price, "until": deal.until}
