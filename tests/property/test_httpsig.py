"""The short way through a message signature and the library's give the same bytes and the same verdicts."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from scanner.verify import httpsig, httpsig_base, httpsig_library
from scanner.verify.httpsig import Signed, digest_field, sign_request, sign_response, verify_request, verify_response
from scanner.verify.keys import SigningKey

GATE, NODE, NOW = SigningKey(b"g" * 32), SigningKey(b"n" * 32), 1_900_000_000
KEYS = {GATE.public.hex(): GATE.public}
METHODS = st.sampled_from(["GET", "POST", "HEAD", "PUT"])
TARGETS = st.from_regex(r"/[A-Za-z0-9._~/-]{0,40}(\?[A-Za-z0-9=&._~-]{0,40})?", fullmatch=True)
ODD_TARGETS = st.from_regex(r"/[!-~]{0,30}(\?[!-~]{0,30})?", fullmatch=True)
BODIES = st.binary(max_size=64)
NONCES = st.text("0123456789abcdefXYZ._~-", min_size=1, max_size=64)
TYPES = st.sampled_from(
    ["application/cbor", "application/json", "text/plain; charset=utf-8", 'Odd/Type;q="x"', " a/b "]
)


def by_library(message: httpsig_library.Message, nonce: str | None, tag: str, key: SigningKey) -> tuple[str, bytes]:
    return httpsig_library.sign(message, key, key.public.hex(), NOW, nonce, tag)


@given(METHODS, TARGETS, BODIES, NONCES, TYPES)
def test_requests_are_signed_as_the_library_signs_them(
    method: str, target: str, body: bytes, nonce: str, content_type: str
) -> None:
    headers = {"Content-Type": content_type, "Content-Digest": digest_field(hashlib.sha256(body).digest())}
    message = httpsig_library.RequestMessage.of(method, target, headers, typed=bool(body))
    params, signature = by_library(message, nonce, httpsig_base.REQUEST_TAG, GATE)
    ours = sign_request(method, f"http://node:1{target}", headers, body, GATE, GATE.public.hex(), NOW, nonce)
    assert ours["Signature-Input"] == f"gate={params}"
    assert ours["Signature"] == httpsig._fields(params, signature)["Signature"]
    assert isinstance(verify_request(method, target, ours, body, KEYS.get, NOW), Signed)


@given(st.integers(200, 599), BODIES, TYPES, st.booleans())
def test_answers_are_signed_as_the_library_signs_them(status: int, body: bytes, content_type: str, bound: bool) -> None:
    asked = sign_request("GET", "/", {}, b"", GATE, GATE.public.hex(), NOW, "n")["Signature"] if bound else None
    headers = {"Content-Type": content_type, "Content-Digest": digest_field(hashlib.sha256(body).digest())}
    message = httpsig_library.AnswerMessage.of(status, headers, asked)
    params, _ = by_library(message, None, httpsig_base.ANSWER_TAG, NODE)
    ours = sign_response(status, headers, body, NODE, NODE.public.hex(), NOW, asked)
    assert ours["Signature-Input"] == f"gate={params}"
    assert isinstance(verify_response(status, ours, body, NODE.public, asked), Signed)


@given(st.sampled_from(["POST", "GET"]), st.one_of(st.just("/v1/x?from=1"), TARGETS, ODD_TARGETS), BODIES, st.data())
def test_whatever_is_changed_the_library_has_the_last_word(
    method: str, target: str, body: bytes, data: st.DataObject
) -> None:
    headers = {"Content-Type": "application/cbor"}
    signed = sign_request("POST", "/v1/x?from=1", headers, b"body", GATE, GATE.public.hex(), NOW, "n")
    name = data.draw(st.sampled_from(sorted(signed)))
    place = data.draw(st.integers(0, len(signed[name]) - 1))
    changed = signed | {
        name: signed[name][:place] + data.draw(st.characters(codec="ascii")) + signed[name][place + 1 :]
    }
    for given_headers, given_body in ((changed, b"body"), (signed, body), (changed, body)):
        ours = verify_request(method, target, given_headers, given_body, KEYS.get, NOW)
        message = httpsig_library.RequestMessage.of(method, target, given_headers, typed=bool(given_body))
        theirs = httpsig_library.verify_message(message, given_body, KEYS.get, httpsig_base.REQUEST_TAG)
        assert isinstance(ours, Signed) == (
            isinstance(theirs, Signed) and abs(theirs.created - NOW) <= 60 and theirs.nonce != ""
        )
