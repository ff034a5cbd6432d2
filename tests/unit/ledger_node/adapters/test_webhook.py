"""Webhooks of the ticketing system: only what it signed, now, unchanged, is an order."""

import base64
import hashlib
import hmac
import json

import pytest

from ledger_node.adapters.orders import BadRow, Order
from ledger_node.adapters.webhook import MOST_BODY, WINDOW, Delivery, Refused, open_webhook, read_secret

NOW = 1_795_000_000
SECRET = b"s" * 32
ORDER = {
    "number": "U1",
    "event": "coliseum-1122",
    "tickets": [12],
    "eticket": True,
    "price_cents": 88_000,
    "phone": "91234567",
}


def signed(
    body: bytes, *secrets: bytes, at: int | str = NOW, ident: str = "msg_1", version: str = "v1"
) -> dict[str, str]:
    """As a ticketing system does it, from the specification."""
    codes = [hmac.new(secret, f"{ident}.{at}.".encode() + body, hashlib.sha256).digest() for secret in secrets]
    value = " ".join(f"{version},{base64.b64encode(code).decode()}" for code in codes)
    return {"Webhook-Id": ident, "Webhook-Timestamp": str(at), "Webhook-Signature": value}


def opened(value: object, **changes: str) -> Delivery | Refused:
    body = json.dumps(value).encode()
    return open_webhook(signed(body, SECRET) | changes, body, [SECRET], NOW)


def test_the_specifications_own_example_verifies() -> None:
    secret = read_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    opened = open_webhook(headers, body, [secret], 1_614_265_330)
    assert isinstance(opened, Delivery)
    assert isinstance(opened.orders[0], BadRow)


def test_one_order_or_many() -> None:
    one, many = opened(ORDER), opened({"orders": [ORDER, {**ORDER, "number": "U2", "price_cents": "x"}, 7]})
    assert isinstance(one, Delivery)
    assert isinstance(many, Delivery)
    assert one.id == "msg_1"
    assert isinstance(one.orders[0], Order)
    assert [type(row) for row in many.orders] == [Order, BadRow, BadRow]
    assert [row.line for row in many.orders] == [1, 2, 3]


def test_a_secret_is_changed_without_a_gap() -> None:
    body, new = json.dumps(ORDER).encode(), b"n" * 32
    for sent, trusted in [([SECRET, new], [new]), ([SECRET], [new, SECRET]), ([new], [SECRET, new])]:
        assert isinstance(open_webhook(signed(body, *sent), body, trusted, NOW), Delivery)
    assert open_webhook(signed(body, SECRET), body, [new], NOW) == open_webhook(signed(body, new), body, [SECRET], NOW)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Webhook-Signature": ""}, "unsigned"),
        ({"Webhook-Id": ""}, "unsigned"),
        ({"Webhook-Timestamp": ""}, "unsigned"),
        ({"Webhook-Id": "msg_2"}, "forged"),
        ({"Webhook-Timestamp": str(NOW + 1)}, "forged"),
        ({"Webhook-Timestamp": "now"}, "malformed"),
        ({"Webhook-Timestamp": "9" * 400}, "malformed"),
        ({"Webhook-Id": "a b"}, "malformed"),
        ({"Webhook-Signature": "v1,"}, "forged"),
        ({"Webhook-Signature": "v1,é"}, "forged"),
        ({"Webhook-Signature": "none " * 2000}, "forged"),
    ],
)
def test_a_delivery_that_is_not_signed_as_it_stands_is_refused(change: dict[str, str], reason: str) -> None:
    refused = opened(ORDER, **change)
    assert isinstance(refused, Refused)
    assert refused.reason == reason


def test_a_changed_body_another_secret_or_another_version_is_forged() -> None:
    body = json.dumps(ORDER).encode()
    for headers, sent in [
        (signed(body, SECRET), body.replace(b"88000", b"00001")),
        (signed(body, b"x" * 32), body),
        (signed(body, SECRET, version="v0"), body),
    ]:
        refused = open_webhook(headers, sent, [SECRET], NOW)
        assert isinstance(refused, Refused)
        assert refused.reason == "forged"
    assert isinstance(open_webhook(signed(body, b""), body, [], NOW), Refused), "without a secret nothing is good"


@pytest.mark.parametrize(("age", "good"), [(WINDOW, True), (WINDOW + 1, False), (-WINDOW, True), (-WINDOW - 1, False)])
def test_an_old_delivery_is_not_opened_again(age: int, good: bool) -> None:
    body = json.dumps(ORDER).encode()
    answer = open_webhook(signed(body, SECRET, at=NOW - age), body, [SECRET], NOW)
    assert isinstance(answer, Delivery) == good
    assert good or (isinstance(answer, Refused) and answer.reason == "clock")


TWICE, TOO_MANY = b'{"orders": [1], "orders": [2]}', json.dumps({"orders": [ORDER] * 1001}).encode()


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"7", b'{"orders": []}', b'{"orders": {}}', b"\xff", b"<html>", b"[" * 9000, TWICE, TOO_MANY],
)
def test_a_signed_body_that_makes_no_sense_is_said_to_be_one(body: bytes) -> None:
    refused = open_webhook(signed(body, SECRET), body, [SECRET], NOW)
    assert isinstance(refused, Refused)
    assert refused.reason == "bad-body"


def test_an_oversized_body_is_not_even_hashed() -> None:
    refused = open_webhook({}, bytes(MOST_BODY + 1), [SECRET], NOW)
    assert isinstance(refused, Refused)
    assert refused.reason == "too-large"


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_AAAA", "whsec_!!!!", base64.b64encode(SECRET).decode()])
def test_a_weak_secret_is_refused_when_it_is_set_up(text: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        read_secret(text)
