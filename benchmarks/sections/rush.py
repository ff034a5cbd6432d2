"""Sale rush and transfers over HTTP: seats kept, paid and sold; tickets offered and accepted, also for money.

A real `ledger-node serve` and a real provider in a process of its own, both on this machine's cores, with real signed
orders between them. Each sale is two requests (hold, pay) of a buyer of its own, a transfer for money three (offer,
checkout, accept); the captures go on behind and are waited for, but not timed with it. The limit is an empty
application, asked by the same clients, and what the signatures of both processes cost, one after the other; it has no
commit, and not the buyers who came second.
"""

import json
import time
from collections.abc import Sequence

from benchmarks import limits
from benchmarks.empty import empty_server
from benchmarks.figures import Bench, Figure, Limit, Target
from benchmarks.load import Run, drive, request
from benchmarks.market import EVENT, PRICE, Market, Tickets, key, open_market
from ledger_node.contract.bodies_market import AcceptTransfer, OfferTransfer
from ledger_node.contract.commitments import invitation
from scanner.verify.record import record_hash

CLIENTS = 16
SECRET = b"s" * 32
_JSON, _CBOR = {"Content-Type": "application/json"}, {"Content-Type": "application/cbor"}
_VERIFIES, _SIGNS = 8, 10
"""Of a sale: entries, receipts, and the signed messages between node and provider; both of them are on this machine."""
_PAID_VERIFIES, _PAID_SIGNS = 8, 8
"""The same of a transfer for money, whose two entries other people sign."""


def run(bench: Bench) -> list[Figure]:
    buyers, changes = bench.pick(2_000, 40), bench.pick(2_000, 40)
    tickets = Tickets(buyers, changes, changes // 2)
    bench.tell("rush: an event, its provider and its buyers")
    with bench.room() as folder, empty_server() as empty, open_market(folder, tickets) as market:
        bench.tell(f"rush: {buyers} buyers")
        sold = _rush(market, buyers)
        bench.tell(f"rush: {changes} transfers")
        moved = _given(market, tickets.of_holders())
        bench.tell(f"rush: {tickets.identified} transfers for money")
        paid = _paid(market, tickets)
        nothing = drive(empty, [request("POST", "/", {}, bytes(300))] * buyers, CLIENTS).seconds / buyers
    verify, sign = limits.verify_s(), limits.sign_s()
    of_sale = Limit(
        f"two empty answers + {_VERIFIES} verifies + {_SIGNS} signs",
        1 / (2 * nothing + _VERIFIES * verify + _SIGNS * sign),
    )
    of_change = Limit("two empty answers + 2 verifies", 1 / (2 * nothing + 2 * verify))
    of_paid = Limit(
        f"three empty answers + {_PAID_VERIFIES} verifies + {_PAID_SIGNS} signs",
        1 / (3 * nothing + _PAID_VERIFIES * verify + _PAID_SIGNS * sign),
    )
    at_a_time = f"{CLIENTS} at a time"
    return [
        Figure(f"sale rush, {at_a_time}: hold + pay + sold", buyers / sold, "/s", of_sale, Target.of_rate(8, of_sale)),
        Figure(
            f"transfers, {at_a_time}: offer + accept", changes / moved, "/s", of_change, Target.of_rate(14, of_change)
        ),
        Figure(
            f"transfers for money, {at_a_time}: offer + hold + accept",
            tickets.identified / paid,
            "/s",
            of_paid,
            Target.of_rate(9, of_paid),
        ),
    ]


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
    _until_captured(market, "house", buyers * PRICE)
    return kept.seconds + paid.seconds


def _given(market: Market, tickets: Sequence[int]) -> float:
    """Seconds; every ticket is offered, then accepted."""
    offered, deals = _offered(market, tickets, 0)
    now = int(time.time())
    accepts = [_accept(deal, _taken(ticket, deal, now)) for ticket, deal in zip(tickets, deals, strict=True)]
    return offered + _good(drive(market.port, accepts, CLIENTS), 200).seconds


def _paid(market: Market, tickets: Tickets) -> float:
    """The same with a hold of the price at the provider between the two; the money follows the ticket."""
    sellers = tickets.of_sellers()
    offered, deals = _offered(market, sellers, PRICE)
    orders = [_order(market, ticket) for ticket in sellers]
    asked = [
        _post(f"/transfers/{deal.hex()}/checkout", _JSON, order) for deal, order in zip(deals, orders, strict=True)
    ]
    held = _good(drive(market.port, asked, CLIENTS), 200)
    drafts = [json.loads(answer.body) for answer in held.answers]
    accepts = [
        _accept(deal, key(ticket, 1).sign(bytes.fromhex(draft["message"])) + bytes.fromhex(draft["payload"]))
        for ticket, deal, draft in zip(sellers, deals, drafts, strict=True)
    ]
    taken = _good(drive(market.port, accepts, CLIENTS), 200)
    _until_captured(market, "seller", len(sellers) * PRICE)
    return offered + held.seconds + taken.seconds


def _offered(market: Market, tickets: Sequence[int], price: int) -> tuple[float, list[bytes]]:
    """Seconds, and the deals."""
    now = int(time.time())
    entries = [
        OfferTransfer(ticket, 0, price, invitation(SECRET), now + 3_000).seal(EVENT, now, key(ticket, 0))
        for ticket in tickets
    ]
    asked = [_post("/transfers", _JSON, json.dumps({"entry": raw.hex()}).encode()) for raw in entries]
    return _good(drive(market.port, asked, CLIENTS), 201).seconds, [record_hash(raw) for raw in entries]


def _order(market: Market, ticket: int) -> bytes:
    who = {"payer": market.party, "authorisation": market.desk.yes("buyer")}
    return json.dumps({"key": key(ticket, 1).public.hex(), "secret": SECRET.hex(), **who}).encode()


def _taken(ticket: int, deal: bytes, now: int) -> bytes:
    return AcceptTransfer(ticket, deal, 1, SECRET, b"").seal(EVENT, now, key(ticket, 1))


def _accept(deal: bytes, raw: bytes) -> bytes:
    return _post(f"/transfers/{deal.hex()}/accept", _CBOR, raw)


def _until_captured(market: Market, account: str, amount: int) -> None:
    until = time.monotonic() + 120
    while market.desk.do("accounts")[account] < amount:
        assert time.monotonic() < until, "the captures do not come"
        time.sleep(0.05)
    books = market.desk.do("books")
    assert books["balanced"], books


def _good(done: Run, status: int) -> Run:
    assert {answer.status for answer in done.answers} == {status}, done.answers[0]
    return done


def _post(path: str, headers: dict[str, str], body: bytes) -> bytes:
    return request("POST", f"/v1/events/{EVENT}{path}", headers, body)
