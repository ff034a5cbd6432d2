"""Sale rush and transfers over HTTP: seats kept, paid and sold; tickets offered and accepted.

A real `ledger-node serve` and a real provider in a process of its own, both on this machine's cores, with real signed
orders between them. Each sale is two requests (hold, pay) of a buyer of its own; the captures go on behind and are
waited for, but not timed with it. The limit is an empty application, asked by the same clients as often, and what the
signatures cost.
"""

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import limits
from benchmarks.empty import empty_server
from benchmarks.figures import Bench, Figure, Limit, Target
from benchmarks.load import Run, drive, request
from ledger_node.contract.bodies_house import RegisterActor
from ledger_node.contract.bodies_market import AcceptTransfer, OfferTransfer
from ledger_node.contract.commitments import invitation
from ledger_node.contract.entries import NewTicket
from ledger_node.services import policies, sale
from ledger_node.services.events import EventOrder, create_event
from ledger_node.services.node import Node
from scanner.verify.gatecode import event_hash, possession_message
from scanner.verify.keys import SigningKey
from scanner.verify.record import record_hash
from tests.fakes.running_node import open_home, process
from tests.fakes.running_provider import EVENT, Desk, provider_process

CLIENTS = 16
PRICE = 88_000
SECRET = b"s" * 32
_JSON, _CBOR = {"Content-Type": "application/json"}, {"Content-Type": "application/cbor"}
_VERIFIES, _SIGNS = 8, 10
"""Of a sale: entries, receipts, and the signed messages between node and provider; both of them are on this machine."""


@dataclass(frozen=True, slots=True)
class Market:
    """The node's port, its home, the buyers' party and the provider's desk."""

    port: int
    home: Path
    party: str
    desk: Desk


def run(bench: Bench) -> list[Figure]:
    buyers, changes = bench.pick(2_000, 40), bench.pick(2_000, 40)
    bench.tell("rush: an event, its provider and its buyers")
    with bench.room() as folder, empty_server() as empty, _open(folder, buyers, changes) as market:
        bench.tell(f"rush: {buyers} buyers")
        sold = _rush(market, buyers)
        bench.tell(f"rush: {changes} transfers")
        moved = _transfers(market, buyers, changes)
        nothing = drive(empty, [request("POST", "/", {}, bytes(300))] * buyers, CLIENTS).seconds / buyers
    crypto = _VERIFIES * limits.verify_s() + _SIGNS * limits.sign_s()
    of_sale = Limit(f"two empty answers + {_VERIFIES} verifies + {_SIGNS} signs", 1 / (2 * nothing + crypto))
    of_change = Limit("two empty answers + 2 verifies", 1 / (2 * nothing + 2 * limits.verify_s()))
    at_least = Target(150.0, "at least 150 a second")
    return [
        Figure(f"sale rush, {CLIENTS} at a time: hold + pay + sold", buyers / sold, "/s", of_sale, at_least),
        Figure(f"transfers, {CLIENTS} at a time: offer + accept", changes / moved, "/s", of_change, at_least),
    ]


@contextmanager
def _open(folder: Path, buyers: int, changes: int) -> Iterator[Market]:
    with provider_process(folder / "provider") as (_, about), closing(Desk(about["url"])) as desk:
        home = folder / "node"
        for name in ("house", "buyer"):
            desk.account(name, deposit=10**12 if name == "buyer" else 0, merchant=name == "house")
        with open_home(home) as node:
            desk.do("clients", public_key=node.keys.node.public.hex())
            _stage(node, about["public_key"], desk.party("house").hex(), buyers, changes)
        lines = [f"{name} = {json.dumps(value)}" for name, value in _provider(about).items()]
        (home / "outside.toml").write_text("\n".join(["[provider]", *lines]))
        with process(home) as (running, port):
            yield Market(port, home, desk.party("buyer").hex(), desk)
            running.terminate()
            running.wait(20)


def _provider(about: dict[str, str]) -> dict[str, str]:
    return {"url": about["url"], "name": about["provider"], "public_key": about["public_key"]}


def _stage(node: Node, key: str, house: str, buyers: int, changes: int) -> None:
    doors = node.seconds + 10**6
    create_event(node, EventOrder(EVENT, "Harbour Nights", doors, doors + 5_400, buyers + changes))
    unsold = [NewTicket(index, index, 0, 1, PRICE) for index in range(1, buyers + 1)]
    held = [_held(index) for index in range(buyers + 1, buyers + changes + 1)]
    node.commit(list(node.operator.issue(EVENT, [*unsold, *held], node.seconds)))
    node.commit([RegisterActor("sandbox", "provider", bytes.fromhex(key)).seal(EVENT, node.seconds, node.keys.node)])
    policies.set_policy(node, EVENT, {"organiser_party": house})
    sale.open_sale(node, EVENT, 8, 3_600)


def _held(index: int) -> NewTicket:
    owner = _key(index, 0)
    proof = owner.sign(possession_message(event_hash(EVENT), index, 0, owner.public))
    return NewTicket(index, index, 0, 1, PRICE, owner.public, proof)


def _key(ticket: int, seq: int) -> SigningKey:
    return SigningKey(hashlib.sha256(b"%d/%d" % (ticket, seq)).digest())


def _rush(market: Market, buyers: int) -> float:
    """Seconds; every seat is asked for by two buyers at once, and exactly one of them has it."""
    wanted = [seat for seat in range(1, buyers + 1) for _ in range(2 if seat % 2 else 1)]
    holds = [_post("/holds", _JSON, json.dumps({"tickets": [seat]}).encode()) for seat in wanted]
    kept = drive(market.port, holds, CLIENTS)
    tokens = [json.loads(answer.body)["hold"] for answer in kept.answers if answer.status == 201]
    assert len(tokens) == buyers, f"{len(tokens)} holds of {buyers} seats"
    paying = [(token, {"payer": market.party, "authorisation": market.desk.yes("buyer")}) for token in tokens]
    pays = [
        _post(f"/holds/{token}/pay", _JSON, json.dumps({**who, "eticket": False}).encode()) for token, who in paying
    ]
    paid = drive(market.port, pays, CLIENTS)
    sold = [seat for answer in paid.answers for seat in json.loads(answer.body)["tickets"]]
    assert sorted(sold) == list(range(1, buyers + 1)), "a seat was sold twice, or not at all"
    _until_captured(market, buyers * PRICE)
    return kept.seconds + paid.seconds


def _until_captured(market: Market, amount: int) -> None:
    until = time.monotonic() + 120
    while market.desk.do("accounts")["house"] < amount:
        assert time.monotonic() < until, "the captures do not come"
        time.sleep(0.05)
    books = market.desk.do("books")
    assert books["balanced"], books


def _transfers(market: Market, first: int, changes: int) -> float:
    now, tickets = int(time.time()), range(first + 1, first + changes + 1)
    offers = {
        ticket: OfferTransfer(ticket, 0, 0, invitation(SECRET), now + 3_000).seal(EVENT, now, _key(ticket, 0))
        for ticket in tickets
    }
    asked = [_post("/transfers", _JSON, json.dumps({"entry": raw.hex()}).encode()) for raw in offers.values()]
    offered = _good(drive(market.port, asked, CLIENTS), 201)
    accepts = [_accept(ticket, record_hash(raw), now) for ticket, raw in offers.items()]
    return offered.seconds + _good(drive(market.port, accepts, CLIENTS), 200).seconds


def _accept(ticket: int, deal: bytes, now: int) -> bytes:
    raw = AcceptTransfer(ticket, deal, 1, SECRET, b"").seal(EVENT, now, _key(ticket, 1))
    return _post(f"/transfers/{deal.hex()}/accept", _CBOR, raw)


def _good(done: Run, status: int) -> Run:
    assert {answer.status for answer in done.answers} == {status}, done.answers[0]
    return done


def _post(path: str, headers: dict[str, str], body: bytes) -> bytes:
    return request("POST", f"/v1/events/{EVENT}{path}", headers, body)
