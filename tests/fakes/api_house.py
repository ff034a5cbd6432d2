"""A running node with one of everything that a request can name, and whoever may ask for it: an enrolled device, an
operator's browser, the ticketing system's secret.
"""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from requests import PreparedRequest

from ledger_node.cli.operator import operator
from ledger_node.services import activation, sponsors
from ledger_node.services.activation import Ask
from ledger_node.services.devices import make_code
from tests.fakes.api_fuzzer import Things, address
from tests.fakes.deliveries import signed
from tests.fakes.gate_client import GateClient
from tests.fakes.marketplace import EVENT, FACE, Marketplace, marketplace
from tests.fakes.people_client import Browser
from tests.fakes.running_node import serving
from tests.fakes.wallet import Wallet

SITE = "https://tickets.example"
SECRET = b"k" * 32
ANSWER = "Z9876543"


@dataclass
class House:
    """A running node with one of everything that a request can name."""

    url: str
    home: Path
    market: Marketplace
    gate: GateClient
    ops: Browser
    things: Things

    def anybody(self, made: PreparedRequest) -> None:
        """A stranger, from anywhere."""
        made.headers["X-Forwarded-For"] = address()

    def insider(self, made: PreparedRequest) -> None:
        """Whoever may: signed as the device, from the operator's browser, or as the ticketing system."""
        made.headers.update({**self.ops.headers, "X-Forwarded-For": address(), "Cookie": self.ops.cookie})
        body = made.body or b""
        body = body if isinstance(body, bytes) else body.encode()
        path, kind = made.path_url, made.headers.get("Content-Type")
        if path.endswith("/orders"):
            made.headers.update(signed(body, SECRET, time.time()))
        made.headers.update(self.gate.sign(made.method or "", path, body, kind))

    def sign_in(self) -> None:
        """Somebody may have signed the operator out."""
        if self.ops.get("/me").status_code != 200:
            assert self.ops.login().status_code == 200


def things_of(market: Marketplace, gate: GateClient, hold: str, account: str) -> Things:
    node, ada, ben = market.node, market.person("ada"), market.person("ben")
    for ticket in (1, 2, 3):
        ada.hold_ticket(ticket)
    offer, listing = ada.offer(1, price=FACE), ada.listing(2)
    person = node.vault.add({"email": "guest@example.com"}, node.seconds)
    link = activation.prepare(node, Ask(EVENT, (5,), "HK-0001", person, "HKID?", ANSWER))
    deals = [outcome_of(node, raw) for raw in (offer, listing)]
    wallet = Wallet(ada.key(3, 0))
    admissions = [gate.admission(3, wallet.compact(EVENT, 3, 0, time.time()).raw) for _ in range(3)]
    named = {
        "event": [EVENT],
        "index": ["1", "3", "0", "4294967295", "4294967296"],
        "device": [gate.device],
        "counter": ["1", "2", "9999999999999999"],
        "deal": [deal.hex() for deal in deals],
        "hold": [hold],
        "token": [link.token],
        "link": [link.link],
        "sponsor": ["bank"],
        "account": [account],
        "number": ["1", "2"],
        "path": ["0/000.p/1", "entries/000.p/2", "1/000", "0/x001/000"],
        "tickets": [[1], [6, 7], [2**32 - 1], []],
        "ticket": [5],
        "entry": [offer.hex(), ada.offer(3).hex(), ben.offer(3).hex()],
        "key": [ben.key(1, 1).public.hex()],
        "secret": ["73" * 32],
        "payer": [ben.party.hex()],
        "holder_key": [ben.key(5, 0).public.hex()],
    }
    entries = [offer, listing, ada.cancel(1, 0, deals[0]), ada.unlist(2, 0, deals[1]), ben.reject(1, deals[0])]
    return Things(named, [*entries, *admissions])


def outcome_of(node, raw: bytes) -> bytes:
    node.commit([raw])
    return hashlib.sha256(raw).digest()


@contextmanager
def open_house(home: Path) -> Iterator[House]:
    """Served until the block ends."""
    doors = int(time.time()) + 30 * 86_400
    with marketplace(home, 40, clock=time.time, doors=doors) as market, serving(market.node) as running:
        sponsors.add(market.node, EVENT, "bank")
        sponsors.allot(market.node, EVENT, "bank", [30, 31])
        gate = GateClient(running.url, market.node.keys.node.public, EVENT)
        assert gate.enrol(make_code(market.node, EVENT, "R1").text()).status == 200
        ops = Browser(running.url, SITE)
        with operator(home) as node:
            link = node.do("accounts-invite", role="ops", name="Duty manager", organisation="")["link"]
            victim = node.do("accounts-invite", role="sponsor", name="Bank desk", organisation="bank")["account"]
        assert ops.join(link).status_code == 200
        held = requests.post(f"{running.url}/v1/events/{EVENT}/holds", json={"tickets": [10]}, timeout=20).json()
        made = things_of(market, gate, held["hold"], victim)
        yield House(running.url, home, market, gate, ops, made)
        gate.close()
        ops.close()
