"""Signed requests and answers: nothing that is changed, replayed or swapped on the wire is believed."""

import hashlib

import pytest

from scanner.verify.httpsig import (
    WINDOW,
    Refused,
    Signed,
    digest_field,
    sign_request,
    sign_response,
    sole_signature,
    verify_request,
    verify_response,
)
from scanner.verify.keys import SigningKey

GATE = SigningKey(b"g" * 32)
NODE = SigningKey(b"n" * 32)
NOW = 1_900_000_000
PATH = "/v1/events/coliseum/claims?from=12"
BODY = b"\xa1\x61a\x01"


class Pairs(list[tuple[str, str]]):
    """Header lines as a server has them, doubled ones too."""

    def items(self) -> list[tuple[str, str]]:
        return self


def keys(keyid: str) -> bytes | None:
    return {GATE.public.hex(): GATE.public}.get(keyid)


def request(body: bytes = BODY, nonce: str = "a1" * 16, key: SigningKey = GATE) -> dict[str, str]:
    headers = {"Content-Type": "application/cbor"} if body else {}
    return sign_request("POST", "https://node.example:8443" + PATH, headers, body, key, key.public.hex(), NOW, nonce)


def answer(question: dict[str, str] | None, body: bytes = b"{}", status: int = 200) -> dict[str, str]:
    asked = question["Signature"] if question else None
    return sign_response(status, {"Content-Type": "application/json"}, body, NODE, NODE.public.hex(), NOW, asked)


@pytest.mark.parametrize("body", [BODY, b"", b"x" * 100_000])
def test_a_signed_request_is_believed_under_another_name_of_the_node(body: bytes) -> None:
    signed = verify_request("POST", "http://10.0.0.7" + PATH, request(body), body, keys, NOW + WINDOW)
    assert signed == Signed(GATE.public.hex(), "a1" * 16, NOW, hashlib.sha256(body).digest())


@pytest.mark.parametrize(
    ("method", "path", "body", "content_type"),
    [
        ("PUT", PATH, BODY, "application/cbor"),
        ("POST", "/v1/events/coliseum/claims?from=13", BODY, "application/cbor"),
        ("POST", "/v1/events/other/claims?from=12", BODY, "application/cbor"),
        ("POST", "/v1/events/coliseum/claims", BODY, "application/cbor"),
        ("POST", PATH, BODY + b"\0", "application/cbor"),
        ("POST", PATH, b"", "application/cbor"),
        ("POST", PATH, BODY, "text/html"),
    ],
)
def test_a_change_on_the_wire_is_noticed(method: str, path: str, body: bytes, content_type: str) -> None:
    headers = request() | {"Content-Type": content_type}
    refused = verify_request(method, path, headers, body, keys, NOW)
    assert isinstance(refused, Refused)
    assert refused.reason in {"forged", "malformed"}


def test_a_body_cannot_be_added_to_a_request_without_one() -> None:
    assert isinstance(verify_request("POST", PATH, request(b""), b"extra", keys, NOW), Refused)


def test_a_digest_swapped_with_the_body_is_noticed() -> None:
    evil = b"evil"
    headers = request() | {"Content-Digest": digest_field(hashlib.sha256(evil).digest())}
    assert verify_request("POST", PATH, headers, evil, keys, NOW) == Refused("forged", "the signature is not the key's")


@pytest.mark.parametrize("away", [-WINDOW - 1, WINDOW + 1, 86_400 * 365])
def test_outside_the_window_is_a_matter_of_the_clock(away: int) -> None:
    refused = verify_request("POST", PATH, request(), BODY, keys, NOW + away)
    assert isinstance(refused, Refused)
    assert refused.reason == "clock"


def test_a_forged_request_does_not_learn_that_it_is_a_matter_of_the_clock() -> None:
    refused = verify_request("POST", PATH, request() | {"Content-Type": "x/y"}, BODY, keys, NOW + 999)
    assert isinstance(refused, Refused)
    assert refused.reason == "forged"


def test_a_stranger_is_a_stranger() -> None:
    refused = verify_request("POST", PATH, request(key=NODE), BODY, keys, NOW)
    assert isinstance(refused, Refused)
    assert refused.reason == "unknown-key"


def test_the_small_order_key_that_other_libraries_accept_signs_nothing() -> None:
    identity = b"\x01" + bytes(31)
    headers = request()
    headers["Signature-Input"] = headers["Signature-Input"].replace(GATE.public.hex(), identity.hex())
    headers["Signature"] = (
        "gate=:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==:"
    )
    refused = verify_request("POST", PATH, headers, BODY, lambda _: identity, NOW)
    assert isinstance(refused, Refused)
    assert refused.reason == "forged"


@pytest.mark.parametrize("covered", ['"@method" ', '"@path" ', '"@query" ', ' "content-digest"', ' "content-type"'])
def test_a_signature_that_covers_less_is_no_signature(covered: str) -> None:
    headers = request()
    headers["Signature-Input"] = headers["Signature-Input"].replace(covered, "")
    assert isinstance(verify_request("POST", PATH, headers, BODY, keys, NOW), Refused)


@pytest.mark.parametrize(
    "change",
    [
        {"Signature": ""},
        {"Signature": "gate=:!:"},
        {"Signature-Input": "gate=()"},
        {"Signature-Input": "gate=1"},
        {"Signature-Input": "\x00"},
        {"Signature-Input": "gate=(" + '"@method" ' * 500 + ")"},
        {"Content-Digest": "md5=:AAAA:"},
        {"Content-Digest": "sha-256=1"},
    ],
)
def test_damaged_headers_are_refused_with_a_reason(change: dict[str, str]) -> None:
    refused = verify_request("POST", PATH, request() | change, BODY, keys, NOW)
    assert isinstance(refused, Refused)
    assert refused.detail


def test_no_signature_is_said_to_be_none() -> None:
    refused = verify_request("POST", PATH, {"Content-Type": "application/cbor"}, BODY, keys, NOW)
    assert refused == Refused("unsigned", "there is no signature")


def test_no_nonce_is_refused() -> None:
    refused = verify_request("POST", PATH, request(nonce=""), BODY, keys, NOW)
    assert isinstance(refused, Refused)
    assert refused.reason == "malformed"


def test_an_answer_is_believed_whatever_our_clock_says_and_tells_the_time() -> None:
    asked = request()
    signed = verify_response(200, answer(asked), b"{}", NODE.public, asked["Signature"])
    assert isinstance(signed, Signed)
    assert signed.created == NOW


def test_an_old_answer_to_a_new_question_is_refused() -> None:
    old = answer(request(nonce="old"))
    assert isinstance(verify_response(200, old, b"{}", NODE.public, request(nonce="new")["Signature"]), Refused)


def test_an_answer_bound_to_nothing_does_not_answer_a_signed_question() -> None:
    assert isinstance(verify_response(200, answer(None), b"{}", NODE.public, request()["Signature"]), Refused)


@pytest.mark.parametrize(("status", "body", "key"), [(403, b"{}", NODE), (200, b"[]", NODE), (200, b"{}", GATE)])
def test_an_answer_with_another_status_body_or_signer_is_refused(status: int, body: bytes, key: SigningKey) -> None:
    asked = request()
    assert isinstance(verify_response(status, answer(asked), body, key.public, asked["Signature"]), Refused)


def test_a_captive_portals_page_is_unsigned() -> None:
    refused = verify_response(200, {"Content-Type": "text/html"}, b"<html>", NODE.public, request()["Signature"])
    assert refused == Refused("unsigned", "there is no signature")


def test_a_request_cannot_be_passed_off_as_an_answer() -> None:
    asked = request()
    assert isinstance(verify_response(200, asked, BODY, GATE.public, None), Refused)


def test_a_large_file_is_signed_by_its_digest_and_checked_by_the_reader() -> None:
    asked, file = request(b""), b"rows" * 1000
    headers = {"Content-Digest": digest_field(hashlib.sha256(file).digest())}
    headers = sign_response(200, headers, None, NODE, NODE.public.hex(), NOW, asked["Signature"])
    signed = verify_response(200, headers, None, NODE.public, asked["Signature"])
    assert isinstance(signed, Signed)
    assert signed.digest == hashlib.sha256(file).digest()


@pytest.mark.parametrize("signature", ["", "gate=1", "other=:AAAA:", "gate=:AAAA:", "\x00", "x" * 9000])
def test_a_damaged_question_still_gets_a_signed_answer(signature: str) -> None:
    headers = sign_response(400, {}, b"no", NODE, NODE.public.hex(), NOW, signature)
    assert isinstance(verify_response(400, headers, b"no", NODE.public, None), Signed)


SECOND = request(nonce="b2" * 16)


@pytest.mark.parametrize(
    "lines",
    [
        [("Signature", request()["Signature"]), ("signature", SECOND["Signature"])],
        [("Signature-Input", request()["Signature-Input"]), ("Signature-Input", SECOND["Signature-Input"])],
        [("Content-Digest", request()["Content-Digest"]), ("content-digest", request()["Content-Digest"])],
    ],
)
def test_of_two_lines_none_is_taken_and_none_is_bound_to(lines: list[tuple[str, str]]) -> None:
    twice = {lines[0][0].lower()}
    doubled = Pairs([*lines, *((name, value) for name, value in request().items() if name.lower() not in twice)])
    refused = verify_request("POST", PATH, doubled, BODY, keys, NOW)
    assert refused == Refused("malformed", "a header that is signed stands there twice")
    assert sole_signature(doubled) is None


@pytest.mark.parametrize("name", ["Signature", "Signature-Input"])
@pytest.mark.parametrize("label", ["gate", "rogue"])
def test_of_two_labels_in_a_line_none_is_taken_and_none_is_bound_to(name: str, label: str) -> None:
    doubled = request() | {name: f"{request()[name]}, {label}{SECOND[name].removeprefix('gate')}"}
    refused = verify_request("POST", PATH, doubled, BODY, keys, NOW)
    assert refused == Refused("malformed", f"{name.lower()} is not one signature with the label 'gate'")
    assert sole_signature(doubled) is None


def test_an_answer_with_a_second_signature_is_refused_too() -> None:
    asked = request()
    doubled = answer(asked)
    doubled["Signature"] += ", " + answer(SECOND)["Signature"].replace("gate", "other")
    assert isinstance(verify_response(200, doubled, b"{}", NODE.public, asked["Signature"]), Refused)
    assert sole_signature(asked) == asked["Signature"]
