"""HTTP message signatures (RFC 9421) with Ed25519 and Content-Digest (RFC 9530), for gates and the ledger node.

Pure functions over plain values: nothing is sent, no clock is read, no nonce is drawn or remembered. Who may ask, and
whether a nonce was seen before, is the caller's business. Signatures go through `scanner.verify.keys` and nothing else.

A request covers method, path, query, digest and, with a body, content type. Not the authority: a proxy or a second
name of the same node rewrites it, and what it would stop (a request replayed at another node) changes nothing, because
each request is idempotent or single-use. An answer covers status, digest, content type and the signature of the request
it answers (`"signature";req`), so an answer to another question, or to another gate, does not verify. A message has one
signature with our label and nothing beside it, or it is refused: what an answer is bound to is what was verified.
The tags keep requests and answers apart; `keyid` is the signer's public key in hex.
"""

import base64
import hashlib
import re
from collections.abc import Callable

from scanner.verify import httpsig_base as plain
from scanner.verify import httpsig_library as library
from scanner.verify.httpsig_base import ANSWER_TAG, LABEL, REQUEST_TAG, Headers, Lines, Refused, Signed, sole_signature
from scanner.verify.keys import SigningKey, verify

__all__ = [
    "WINDOW",
    "Lines",
    "Refused",
    "Signed",
    "digest_field",
    "sign_request",
    "sign_response",
    "sole_signature",
    "verify_request",
    "verify_response",
]

WINDOW = 60
"""Seconds by which a request's `created` may differ from the reader's clock, either way."""
_TARGET = re.compile(r"(?:https?://[^/?#]+)?(/[^#]*)")

Resolve = Callable[[str], bytes | None]
"""Gives the public key of a key id, or None."""


def sign_request(
    method: str, url: str, headers: Headers, body: bytes, key: SigningKey, keyid: str, now: float, nonce: str
) -> dict[str, str]:
    """`headers` with Content-Digest, Signature-Input and Signature. `url` is absolute or a path; `nonce` is random."""
    digest = digest_field(hashlib.sha256(body).digest())
    headers = {**headers, "Content-Digest": digest}
    made = _quick_sign(
        _plain_request(method, url, headers, digest, typed=bool(body)), key, keyid, now, nonce, REQUEST_TAG
    )
    if made is None:
        message = library.RequestMessage.of(method, url, headers, typed=bool(body))
        made = library.sign(message, key, keyid, now, nonce, REQUEST_TAG)
    return headers | _fields(*made)


def verify_request(
    method: str,
    url: str,
    headers: Lines,
    body: bytes,
    resolve_key: Resolve,
    now: float,
) -> Signed | Refused:
    """Whether a known key signed exactly this request within WINDOW; a good signature out of time is "clock"."""
    sha256 = hashlib.sha256(body).digest()
    components = _plain_request(method, url, headers, digest_field(sha256), typed=bool(body))
    signed: Signed | Refused | None = _quick_verify(components, headers, sha256, resolve_key, REQUEST_TAG)
    if signed is None:
        message = library.RequestMessage.of(method, url, headers, typed=bool(body))
        signed = library.verify_message(message, body, resolve_key, REQUEST_TAG)
    if isinstance(signed, Signed):
        if not signed.nonce or len(signed.nonce) > 64:
            return Refused("malformed", "the signature has no nonce of 1 to 64 characters")
        if abs(now - signed.created) > WINDOW:
            return Refused("clock", f"signed {signed.created - int(now)} s from now, {WINDOW} s are allowed")
    return signed


def sign_response(
    status: int,
    headers: Headers,
    body: bytes | None,
    key: SigningKey,
    keyid: str,
    now: float,
    request_signature: str | None,
) -> dict[str, str]:
    """`headers` with the signature headers. `body` None means that Content-Digest is in `headers` already (a file).

    `request_signature` is the request's `sole_signature`; None if it had none, or several: then nothing is bound.
    """
    if body is not None:
        headers = {**headers, "Content-Digest": digest_field(hashlib.sha256(body).digest())}
    question = _question(request_signature)
    components = _plain_answer(status, headers, headers["Content-Digest"], question)
    made = _quick_sign(components, key, keyid, now, None, ANSWER_TAG)
    if made is None:
        made = library.sign(library.AnswerMessage.of(status, headers, question), key, keyid, now, None, ANSWER_TAG)
    return {**headers, **_fields(*made)}


def verify_response(
    status: int,
    headers: Lines,
    body: bytes | None,
    node_key: bytes,
    request_signature: str | None,
) -> Signed | Refused:
    """Whether `node_key` gave exactly this answer to the request that carried `request_signature`.

    `body` None leaves the content unchecked: compare what is read with `.digest`. There is no window: the answer is
    bound to a request of ours, and a gate whose clock is wrong must still be able to learn the time (`.created`).
    """
    trusted, question = {node_key.hex(): node_key}.get, _question(request_signature)
    if body is not None:
        sha256 = hashlib.sha256(body).digest()
        components = _plain_answer(status, headers, digest_field(sha256), question)
        signed = _quick_verify(components, headers, sha256, trusted, ANSWER_TAG)
        if signed is not None:
            return signed
    return library.verify_message(library.AnswerMessage.of(status, headers, question), body, trusted, ANSWER_TAG)


def digest_field(sha256: bytes) -> str:
    """The Content-Digest field (RFC 9530) of content with this SHA-256."""
    return f"sha-256=:{base64.b64encode(sha256).decode()}:"


def _plain_request(method: str, url: str, headers: Lines, digest: str, *, typed: bool) -> plain.Components | None:
    fields, target = plain.plain_fields(headers), _TARGET.fullmatch(url)
    if fields is None or target is None or (typed and "content-type" not in fields):
        return None
    return plain.request_components(method, target[1], fields["content-type"] if typed else None, digest)


def _plain_answer(status: int, headers: Lines, digest: str, question: str | None) -> plain.Components | None:
    fields = plain.plain_fields(headers)
    return plain.answer_components(status, fields.get("content-type"), digest, question) if fields is not None else None


def _quick_sign(
    components: plain.Components | None, key: SigningKey, keyid: str, now: float, nonce: str | None, tag: str
) -> tuple[str, bytes] | None:
    if components is None:
        return None
    params = plain.parameters(components, int(now), keyid, nonce, tag)
    return (params, key.sign(plain.base(components, params))) if params is not None else None


def _quick_verify(
    components: plain.Components | None, headers: Lines, sha256: bytes, resolve_key: Resolve, tag: str
) -> Signed | None:
    """Only ever a yes; whatever is not a plain yes, the library looks at, and says why not."""
    fields = plain.plain_fields(headers)
    if components is None or fields is None or fields.get("content-digest") != digest_field(sha256):
        return None
    given = fields.get("signature-input", "")
    read = plain.read_parameters(given, components, tag)
    signature = plain.signature_item(fields.get("signature", ""))
    key = resolve_key(read[1]) if read else None
    if read is None or signature is None or key is None:
        return None
    created, keyid, nonce = read
    message = plain.base(components, given.partition("=")[2])
    return Signed(keyid, nonce, created, sha256) if verify(key, message, base64.b64decode(signature[1:-1])) else None


def _question(request_signature: str | None) -> str | None:
    """What an answer is bound to; nothing for what no gate of ours would have sent."""
    ours = request_signature is not None and plain.signature_item(request_signature) is not None
    return request_signature if ours else None


def _fields(params: str, signature: bytes) -> dict[str, str]:
    encoded = base64.b64encode(signature).decode()
    return {"Signature-Input": f"{LABEL}={params}", "Signature": f"{LABEL}=:{encoded}:"}
