"""Selling and passing on over real HTTP: a real server, real keys, a provider with real rules; and what strangers, the
clumsy and the malicious send.
"""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.testing import capture_logs

from ledger_node.contract.bodies_market import RejectTransfer
from ledger_node.services import sale
from ledger_node.web import market_models as models
from tests.fakes.deliveries import signed
from tests.fakes.marketplace import EVENT, FACE, RICH, Clock, consent
from tests.fakes.shop import open_shop, paying

SECRET = b"s" * 32


@pytest.fixture
def shop(tmp_path):
    with open_shop(tmp_path, Clock(int(time.time()))) as made:
        yield made


def test_seats_are_kept_paid_and_activated(shop):
    ben = shop.market.person("ben")
    seats = shop.get("/seats?from=1&count=3").json()
    assert [seat["free"] for seat in seats] == [True] * 3
    held = shop.post("/holds", {"tickets": [1, 2]})
    assert held.status_code == 201
    models.Kept.model_validate(held.json())
    assert [seat["free"] for seat in shop.get("/seats?from=1&count=3").json()] == [False, False, True]
    path = f"/holds/{held.json()['hold']}/pay"
    sold = shop.post(path, paying(ben, email="ben@example.com"))
    assert sold.status_code == 200, sold.text
    models.Sold.model_validate(sold.json())
    assert shop.post(path, paying(ben, email="ben@example.com")).json() == sold.json()
    shop.settled(lambda: shop.market.letters.sent and not shop.market.books().held)
    assert ben.balance() == RICH - sold.json()["amount"]


def test_robot_keeps_a_few_seats_and_not_the_hall(shop):
    sale.open_sale(shop.market.node, EVENT, 8, 300, holds=3)
    robot, person = {"X-Forwarded-For": "198.51.100.1"}, {"X-Forwarded-For": "198.51.100.2"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda seat: shop.post("/holds", {"tickets": [seat]}, **robot), range(1, 13)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [429] * 9
    assert {answer.json()["code"] for answer in answers if answer.status_code == 429} == {"too-many-holds"}
    assert shop.post("/holds", {"tickets": [15]}, **person).status_code == 201
    taken = [answer.json() for answer in answers if answer.status_code == 201]
    assert shop.post(f"/holds/{taken[0]['hold']}/release", {}, **robot).status_code == 200
    ben = shop.market.person("ben")
    assert shop.post(f"/holds/{taken[1]['hold']}/pay", paying(ben, eticket=False), **robot).status_code == 200
    again = [shop.post("/holds", {"tickets": [seat]}, **robot).status_code for seat in (16, 17, 18)]
    assert again == [201, 201, 429]
    assert shop.post("/holds", {"tickets": [16]}, **person).status_code == 422, "a seat that is taken counts for nobody"
    assert shop.post("/holds", {"tickets": [19]}).status_code == 201, "the operator's own"


def test_transfer_from_offer_to_capture(shop):
    ada, ben = shop.market.person("ada"), shop.market.person("ben")
    ada.hold_ticket(1)
    offer = {"entry": ada.offer(1, price=FACE).hex(), "secret": SECRET.hex(), "phone": "91234567"}
    made = shop.post("/transfers", offer)
    assert made.status_code == 201, made.text
    one = f"/transfers/{made.json()['deal']}"
    models.DealFacts.model_validate(shop.get(one).json())
    checkout = {"key": ben.key(1, 1).public.hex(), "secret": SECRET.hex(), **paying(ben)}
    ready = shop.post(f"{one}/checkout", checkout).json()
    models.Ready.model_validate(ready)
    raw = ben.key(1, 1).sign(bytes.fromhex(ready["message"])) + bytes.fromhex(ready["payload"])
    first, again = (shop.post(f"{one}/accept", raw=raw) for _ in range(2))
    assert (first.status_code, first.json()) == (200, again.json())
    shop.settled(lambda: ada.balance() == RICH + FACE)
    assert shop.market.owner(1) == ben.key(1, 1).public
    shop.settled(lambda: bool(shop.market.letters.sent))
    assert shop.market.letters.sent[0][0] == ("+85291234567", None)


def test_resale_from_listing_to_settlement(shop):
    ada, ben = shop.market.person("ada"), shop.market.person("ben")
    ada.hold_ticket(1)
    made = shop.post("/listings", raw=ada.listing(1))
    assert made.status_code == 201, made.text
    (listed,) = shop.get("/listings").json()
    models.Listed.model_validate(listed)
    one = f"/listings/{listed['deal']}"
    ready = shop.post(f"{one}/checkout", {"key": ben.key(1, 1).public.hex(), **paying(ben)}).json()
    raw = ben.key(1, 1).sign(bytes.fromhex(ready["message"])) + bytes.fromhex(ready["payload"])
    assert shop.post(f"{one}/buy", raw=raw).status_code == 200
    shop.settled(lambda: ada.balance() == RICH + listed["seller"])
    assert shop.get(one).status_code == 404


def test_offer_is_rejected_and_cancelled_by_signature(shop):
    ada, ben = shop.market.person("ada"), shop.market.person("ben")
    for ticket, act in ((1, "reject"), (2, "cancel")):
        ada.hold_ticket(ticket)
        deal = bytes.fromhex(shop.post("/transfers", {"entry": ada.offer(ticket).hex()}).json()["deal"])
        raw = ben.reject(ticket, deal) if act == "reject" else ada.cancel(ticket, 0, deal)
        assert shop.post(f"/transfers/{deal.hex()}/{act}", raw=raw).status_code == 200
        assert shop.get(f"/transfers/{deal.hex()}").status_code == 404


def test_identity_is_put_on_the_ledger_by_the_owners_yes(shop):
    ada = shop.market.person("ada")
    key = ada.key(1, 0)
    given, made_up = ada.consent(key), consent(EVENT, key, "made-up")
    asked = {"key": key.public.hex(), "authorisation": given.authorisation, "proof": given.proof.hex(), "level": 2}
    assert shop.post("/identities", asked).status_code == 200
    unknown = {"authorisation": made_up.authorisation, "proof": made_up.proof.hex()}
    assert shop.post("/identities", {"key": asked["key"], **unknown}).status_code == 403
    assert shop.post("/identities", {}).status_code == 400


def webhook(body, key=b"k" * 32, at=None):
    return {**signed(body, key, at or time.time()), "Content-Type": "application/json"}


def test_ticketing_systems_webhook(shop):
    order = {"number": "W-1", "event": EVENT, "tickets": [5], "eticket": False, "price_cents": FACE}
    body = json.dumps({"orders": [order]}).encode()
    path = f"{shop.base}/orders"
    for sold in (1, 0):
        taken = shop.session.post(path, data=body, headers=webhook(body), timeout=20)
        assert taken.status_code == 200, taken.text
        assert models.TakenIn.model_validate(taken.json()).sold == sold
    forged = shop.session.post(path, data=body, headers=webhook(body, key=b"x" * 32), timeout=20)
    assert (forged.status_code, forged.json()["code"]) == (401, "forged")


def test_sender_of_bad_orders_hears_which_and_why_and_again_the_same(shop):
    order = {"number": "W-1", "event": EVENT, "tickets": [5], "eticket": True, "price_cents": FACE}
    order |= {"fee_cents": 1_000, "phone": "91234567"}
    bad = [{**order, "number": "W-2", "tickets": [99]}, {"number": "W-3"}, {**order, "number": "W-4", "price_cents": 1}]
    unreadable = [{**order, "number": "W 5"}, 7, {}]
    body = json.dumps({"orders": [bad[0], order, *bad[1:], *unreadable]}).encode()
    told = []
    with capture_logs() as lines:
        for sold, known in ((1, 0), (0, 1)):
            answer = shop.session.post(f"{shop.base}/orders", data=body, headers=webhook(body), timeout=20)
            assert (answer.status_code, answer.json()["code"]) == (422, "bad-orders"), answer.text
            assert (answer.json()["sold"], answer.json()["known"], answer.json()["bad"]) == (sold, known, 6)
            assert "orders 1, 3, 4, 5, 6, 7 of the list cannot be taken" in answer.json()["detail"]
            models.TakenIn.model_validate({key: answer.json()[key] for key in ("sold", "known", "bad", "faults")})
            told.append([(one["line"], one["number"], one["reason"]) for one in answer.json()["faults"]])
    assert told[0] == told[1]
    assert [(line, number) for line, number, _ in told[0]] == [
        (1, "W-2"), (3, "W-3"), (4, "W-4"), (5, None), (6, None), (7, None),
    ]  # fmt: skip
    assert [reason.split(":")[0] for _, _, reason in told[0][3:]] == [
        "number", "not a JSON object", "number, event, eticket, price_cents",
    ]  # fmt: skip
    said = str(lines)
    assert [line["event"] for line in lines].count("orders refused") == 2
    assert "order 4: price_cents" in said
    for private in ("W-2", "W-4", "91234567"):
        assert private not in said


def test_every_bad_order_of_a_large_delivery_is_named(shop):
    bad = [
        {"number": f"B-{n}", "event": EVENT, "tickets": [999], "eticket": False, "price_cents": 1} for n in range(60)
    ]
    body = json.dumps({"orders": bad}).encode()
    answer = shop.session.post(f"{shop.base}/orders", data=body, headers=webhook(body), timeout=20).json()
    assert [one["number"] for one in answer["faults"]] == [one["number"] for one in bad]


def test_things_of_others_cannot_be_reached_by_guessing(shop):
    ada, eve = shop.market.person("ada"), shop.market.person("eve")
    ada.hold_ticket(1)
    deal = bytes.fromhex(shop.post("/transfers", {"entry": ada.offer(1).hex()}).json()["deal"])
    one = f"/transfers/{deal.hex()}"
    wrong_secret = {"key": eve.key(1, 1).public.hex(), "secret": os.urandom(32).hex()}
    answers = [
        (shop.post(f"{one}/checkout", wrong_secret), 403, "bad-secret"),
        (shop.post(f"{one}/cancel", raw=eve.cancel(1, 0, deal)), 422, "wrong-signer"),
        (shop.post(f"{one}/reject", raw=eve.reject(1, deal, b"x" * 32)), 422, "bad-secret"),
        (shop.post("/transfers", {"entry": eve.offer(1).hex()}), 422, "wrong-signer"),
        (shop.post("/listings", raw=eve.listing(1)), 422, "wrong-signer"),
        (shop.get(f"/listings/{deal.hex()}"), 404, "deal-gone"),
        (shop.post(f"/holds/{'0' * 32}.1.5/pay", {"eticket": False}), 410, "hold-expired"),
        (shop.post(f"/holds/{'0' * 32}.1.5/release", {}), 422, "not-held"),
        (shop.get("/sponsors/bank"), 401, "not-signed-in"),
        (shop.post("/sponsors/bank/recall", {}), 403, "cross-site"),
    ]
    for answer, status, code in answers:
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert shop.market.owner(1) == ada.key(1, 0).public


def test_clumsy_requests_get_a_problem_and_never_a_fault(shop):
    ada = shop.market.person("ada")
    deal = "0" * 64
    json_type = {"Content-Type": "application/json"}
    post = shop.session.post
    answers = [
        shop.post("/holds", {"tickets": ["1"]}),
        shop.post("/holds", {"tickets": [1, 1]}),
        shop.post("/holds", {"tickets": []}),
        shop.post("/holds", {"tickets": [2**32]}),
        shop.post("/holds", {"tickets": [1], "more": 1}),
        shop.post("/holds", {"tickets": [4_000_000]}),
        post(f"{shop.base}/holds", data=b"{", headers=json_type, timeout=20),
        post(f"{shop.base}/holds", data=b"tickets=1", timeout=20),
        post(f"{shop.base}/holds", data=b"[" * 20_000, headers=json_type, timeout=20),
        post(f"{shop.base}/holds", data=b'{"tickets": [1], "x": "\\ud800"}', headers=json_type, timeout=20),
        shop.post("/holds/x/pay", {}),
        shop.post("/holds/x/release", {}),
        shop.post("/transfers", {"entry": "00"}),
        shop.post("/transfers", {"entry": "zz"}),
        shop.post("/transfers", {"entry": ada.offer(1).hex(), "secret": SECRET.hex(), "email": "\u2028@x"}),
        shop.get("/transfers/xyz"),
        shop.get(f"/transfers/{deal}"),
        shop.get(f"/listings/{deal.upper()}"),
        shop.post(f"/transfers/{deal}/checkout", {"key": "00"}),
        shop.post(f"/transfers/{deal}/checkout", {"key": "00" * 32}),
        shop.post(f"/transfers/{deal}/accept", raw=b""),
        shop.post(f"/transfers/{deal}/accept", raw=b"\xff" * 200),
        shop.post(f"/transfers/{deal}/accept", raw=b"x" * 70_000),
        post(f"{shop.base}/transfers/{deal}/accept", data=b"x", headers=json_type, timeout=20),
        shop.post("/listings", raw=RejectTransfer(1, b"d" * 32, SECRET).seal(EVENT, 1, ada.key(1, 0))),
        shop.post("/identities", {"attestation": "00"}),
        shop.get("/seats?from=-1"),
        shop.get("/seats?count=" + "9" * 30),
        post(f"{shop.base}/orders", data=b"x" * 10, headers=json_type, timeout=20),
        shop.session.get(f"{shop.url}/v1/events/none/listings", timeout=20),
        shop.session.get(f"{shop.url}/v1/events/none/policy", timeout=20),
        shop.session.post(f"{shop.url}/v1/events/none/holds", json={"tickets": [1]}, timeout=20),
    ]
    for answer in answers:
        assert 400 <= answer.status_code < 500, (answer.request.url, answer.status_code, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]


def test_provider_that_is_away_is_a_503_and_nothing_is_lost(shop):
    ben = shop.market.person("ben")
    held = shop.post("/holds", {"tickets": [1]}).json()
    pay = paying(ben, eticket=False)
    shop.market.provider.faults.append("lost")
    away = shop.post(f"/holds/{held['hold']}/pay", pay)
    assert (away.status_code, away.headers["retry-after"]) == (503, "1")
    assert shop.post(f"/holds/{held['hold']}/pay", pay).status_code == 200
    shop.settled(lambda: not shop.market.books().held)
    assert ben.balance() == RICH - FACE


def test_node_without_a_provider_says_so(shop):
    shop.market.node.outside = type(shop.market.node.outside)()
    held = shop.post("/holds", {"tickets": [1]}).json()
    answer = shop.post(f"/holds/{held['hold']}/pay", paying(shop.market.person("ben"), eticket=False))
    assert (answer.status_code, answer.json()["code"]) == (501, "no-provider")


def test_every_path_of_the_market_is_described(shop):
    described = shop.session.get(f"{shop.url}/openapi.json", timeout=20).json()["paths"]
    ours = [path for path in described if any(f"/{part}" in path for part in ("holds", "transfers", "listings"))]
    assert len(ours) >= 11
    for path in ours:
        for act in described[path].values():
            assert act["description"]
            assert "default" in act["responses"]


def test_closed_sale_is_not_found(shop):
    sale.open_sale(shop.market.node, EVENT, 0, 60)
    assert shop.post("/holds", {"tickets": [1]}).status_code == 404
