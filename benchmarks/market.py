"""A market for the benchmark: a real `ledger-node serve` and a real provider in a process of its own, one buyer's and
one seller's account, tickets that are for sale and tickets that have holders.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger_node.adapters.provider_orders import Attest
from ledger_node.contract.bodies_house import RegisterActor
from ledger_node.contract.bodies_market import AttestIdentity
from ledger_node.contract.entries import NewTicket
from ledger_node.contract.provider import Attestation
from ledger_node.services import policies, sale
from ledger_node.services.events import EventOrder, create_event
from ledger_node.services.node import Node
from scanner.verify.gatecode import event_hash, possession_message
from scanner.verify.keys import SigningKey
from scanner.verify.possession import identity_message
from tests.fakes.running_node import open_home, process
from tests.fakes.running_provider import EVENT, NODE, Desk, client_of, provider_process

__all__ = ["EVENT", "PRICE", "Market", "Tickets", "key", "open_market"]
PRICE = 88_000
_RICH = 10**12


@dataclass(frozen=True, slots=True)
class Tickets:
    """How many are for sale, held, and held by somebody whom the provider has identified, who may be paid for them."""

    unsold: int
    held: int
    identified: int

    @property
    def all(self) -> int:
        """Together."""
        return self.unsold + self.held + self.identified

    def of_holders(self) -> range:
        """Tickets that may be given away."""
        return range(self.unsold + 1, self.unsold + self.held + 1)

    def of_sellers(self) -> range:
        """Tickets that may be passed on for money."""
        return range(self.unsold + self.held + 1, self.all + 1)


@dataclass(frozen=True, slots=True)
class Market:
    """The node's port, its home, the buyer's party and the provider's desk."""

    port: int
    home: Path
    party: str
    desk: Desk


@contextmanager
def open_market(folder: Path, tickets: Tickets) -> Iterator[Market]:
    """Served until the block ends."""
    with provider_process(folder / "provider") as (_, about), closing(Desk(about["url"])) as desk:
        home = folder / "node"
        for name in ("house", "buyer", "seller"):
            desk.account(name, deposit=_RICH if name == "buyer" else 0, merchant=name == "house")
        with open_home(home) as node:
            desk.do("clients", public_key=node.keys.node.public.hex())
            _stage(node, about["public_key"], desk.party("house").hex(), tickets)
            node.commit(list(_identities(node, desk, about, tickets.of_sellers())))
        lines = [f"{name} = {json.dumps(value)}" for name, value in _provider(about).items()]
        (home / "outside.toml").write_text("\n".join(["[provider]", *lines]))
        with process(home) as (running, port):
            yield Market(port, home, desk.party("buyer").hex(), desk)
            running.terminate()
            running.wait(20)


def key(ticket: int, seq: int) -> SigningKey:
    """Of whoever has the ticket with this owner_seq."""
    return SigningKey(hashlib.sha256(b"%d/%d" % (ticket, seq)).digest())


def _provider(about: dict[str, str]) -> dict[str, str]:
    return {"url": about["url"], "name": about["provider"], "public_key": about["public_key"]}


def _stage(node: Node, provider: str, house: str, tickets: Tickets) -> None:
    doors = node.seconds + 10**6
    create_event(node, EventOrder(EVENT, "Harbour Nights", doors, doors + 5_400, tickets.all))
    unsold = [NewTicket(index, index, 0, 1, PRICE) for index in range(1, tickets.unsold + 1)]
    held = [_held(index) for index in (*tickets.of_holders(), *tickets.of_sellers())]
    node.commit(list(node.operator.issue(EVENT, [*unsold, *held], node.seconds)))
    actor = RegisterActor("sandbox", "provider", bytes.fromhex(provider))
    node.commit([actor.seal(EVENT, node.seconds, node.keys.node)])
    policies.set_policy(node, EVENT, {"organiser_party": house})
    sale.open_sale(node, EVENT, 8, 3_600)


def _held(index: int) -> NewTicket:
    owner = key(index, 0)
    proof = owner.sign(possession_message(event_hash(EVENT), index, 0, owner.public))
    return NewTicket(index, index, 0, 1, PRICE, owner.public, proof)


def _identities(node: Node, desk: Desk, about: dict[str, str], tickets: range) -> Iterator[bytes]:
    """What the provider says of each seller's key, as entries."""
    desk.do("clients", public_key=NODE.public.hex())
    with closing(client_of(about["url"], bytes.fromhex(about["public_key"]))) as client:
        for index in tickets:
            order = Attest(f"seller-{index}", EVENT, key(index, 0).public, 2, desk.yes("seller", "identify"))
            said = client.attest(order)
            assert isinstance(said, Attestation), said
            owner = key(index, 0)
            proof = owner.sign(identity_message(event_hash(EVENT), owner.public, said.reference))
            yield AttestIdentity([index], said.raw, proof).seal(EVENT, node.seconds, node.keys.node)
