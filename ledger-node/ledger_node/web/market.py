"""Puts the parts of the market's API together."""

from fastapi import FastAPI

from ledger_node.services.node import Node
from ledger_node.web.deals import add_resale, add_transfers
from ledger_node.web.hands import Hands
from ledger_node.web.help_desk import add_help_desk
from ledger_node.web.market_door import Paths
from ledger_node.web.portal import add_portal
from ledger_node.web.refunds import add_refunds
from ledger_node.web.sales import add_sales


def add_market(app: FastAPI, node: Node, hands: Hands) -> None:
    """Selling, passing on, refunds, and sponsors."""
    add_sales(Paths(app, "sale"), node, hands)
    add_transfers(Paths(app, "transfers"), node, hands)
    add_resale(Paths(app, "resale"), node, hands)
    add_refunds(Paths(app, "refunds"), node, hands)
    add_help_desk(Paths(app, "sale"), node)
    add_portal(Paths(app, "sponsors"), node, hands)
