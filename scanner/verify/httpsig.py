"""HTTP message signatures (RFC 9421) with Ed25519 and Content-Digest (RFC 9530), for gates and the ledger node.

Pure functions over plain values: nothing is sent, no clock is read, no nonce is drawn or remembered. Who may ask, and
whether a nonce was seen before, is the caller's business. Signatures go through `scanner.verify.keys` and nothing else.

A request covers method, path, query, digest and, with a body, content type. Not the authority: a proxy or a second
name of the same node rewrites it, and what it would stop (a request replayed at another node) changes nothing, because
each request is idempotent or single-use. An answer covers status, digest, content type and the signature of the request
it answers (`"signature";req`), so an answer to another question, or to another gate, does not verify.
The tags keep requests and answers apart; `keyid` is the signer's public key in hex.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureAlgorithm,
    HTTPSignatureKeyResolver,
    InvalidSignature,
)
from http_message_signatures.exceptions import HTTPMessageSignaturesException

from scanner.verify.keys import SigningKey, verify

WINDOW = 60
"""Seconds by which a request's `created` may differ from the reader's clock, either way."""
LABEL = "gate"
REQUEST_TAG = "ticketme/v1/request"
ANSWER_TAG = "ticketme/v1/answer"
_MOST_HEADER = 4096
_SIGNED_FIELDS = frozenset({"signature", "signature-input", "content-digest", "content-type"})
_REQUEST = ("@method", "@path", "@query", "content-digest")
_ANSWER = ("@status", "content-digest")
_QUESTION = '"signature";req;key="gate"'

Reason = Literal["unsigned", "malformed", "unknown-key", "forged", "clock"]
Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Signed:
    """A message whose signature is good; `digest` is the SHA-256 that the content has, or must have."""

    keyid: str
    nonce: str
    created: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that cannot be believed, and why."""

    reason: Reason
    detail: str


def sign_request(
    method: str, url: str, headers: Headers, body: bytes, key: SigningKey, keyid: str, now: float, nonce: str
) -> dict[str, str]:
    """`headers` with Content-Digest, Signature-Input and Signature. `url` is absolute or a path; `nonce` is random."""
    message = _Request(method.upper(), _absolute(url), _Fields.of(headers))
    message.headers["Content-Digest"] = digest_field(hashlib.sha256(body).digest())
    components = (*_REQUEST, "content-type") if body else _REQUEST
    return dict(headers) | _sign(message, components, key, keyid, now, nonce, REQUEST_TAG)


def verify_request(
    method: str,
    url: str,
    headers: Headers,
    body: bytes,
    resolve_key: Callable[[str], bytes | None],
    now: float,
) -> Signed | Refused:
    """Whether a known key signed exactly this request within WINDOW; a good signature out of time is "clock"."""
    components = (*_REQUEST, "content-type") if body else _REQUEST
    message = _Request(method.upper(), _absolute(url), _Fields.of(headers))
    signed = _verify(message, components, body, resolve_key, REQUEST_TAG)
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

    `request_signature` is the Signature field of the request, None if it had none: then nothing is bound.
    """
    message = _Response(status, _Fields.of(headers), _question(request_signature))
    if body is not None:
        message.headers["Content-Digest"] = digest_field(hashlib.sha256(body).digest())
    components = _answer_components(message)
    return dict(headers) | _sign(message, components, key, keyid, now, None, ANSWER_TAG)


def verify_response(
    status: int,
    headers: Headers,
    body: bytes | None,
    node_key: bytes,
    request_signature: str | None,
) -> Signed | Refused:
    """Whether `node_key` gave exactly this answer to the request that carried `request_signature`.

    `body` None leaves the content unchecked: compare what is read with `.digest`. There is no window: the answer is
    bound to a request of ours, and a gate whose clock is wrong must still be able to learn the time (`.created`).
    """
    message = _Response(status, _Fields.of(headers), _question(request_signature))
    return _verify(message, _answer_components(message), body, {node_key.hex(): node_key}.get, ANSWER_TAG)


def digest_field(sha256: bytes) -> str:
    """The Content-Digest field (RFC 9530) of content with this SHA-256."""
    return f"sha-256=:{base64.b64encode(sha256).decode()}:"


@dataclass(slots=True)
class _Fields:
    """Only the fields that are signed, each line of them; the library walks over all that it is given, twice."""

    lines: list[tuple[str, str]]

    @classmethod
    def of(cls, headers: Headers) -> "_Fields":
        return cls([(name, value) for name, value in headers.items() if name.lower() in _SIGNED_FIELDS])

    def items(self) -> Iterable[tuple[str, str]]:
        return self.lines

    def __iter__(self) -> Iterator[str]:
        return iter([name for name, _ in self.lines])

    def __contains__(self, wanted: str) -> bool:
        return any(name.lower() == wanted.lower() for name, _ in self.lines)

    def __setitem__(self, name: str, value: str) -> None:
        self.lines = [line for line in self.lines if line[0].lower() != name.lower()] + [(name, value)]


@dataclass(slots=True)
class _Request:
    method: str
    url: str
    headers: _Fields


@dataclass(slots=True)
class _Response:
    status_code: int
    headers: _Fields
    request: _Request


class _Libsodium(HTTPSignatureAlgorithm):
    """The door to `keys`, in the shape that the library asks for."""

    algorithm_id = "ed25519"

    def __init__(self, public_key: Any = None, private_key: Any = None) -> None:  # noqa: ARG002  (we sign ourselves)
        self._public: bytes = public_key

    def verify(self, signature: bytes, message: bytes) -> None:
        if not verify(self._public, message, signature):
            raise InvalidSignature(_FORGED)


class _Keys(HTTPSignatureKeyResolver):
    def __init__(self, resolve: Callable[[str], bytes | None]) -> None:
        self._resolve = resolve
        self.unknown = False

    def resolve_public_key(self, key_id: str) -> Any:
        key = self._resolve(key_id)
        self.unknown = key is None
        return key


class _Verifier(HTTPMessageVerifier):
    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:  # noqa: ARG002
        """Only the form: the library compares with the machine's clock, and ours is given by the caller."""
        if type(sig_input.params.get("created")) is not int:
            raise InvalidSignature("the signature does not say when it was created")
        if "expires" in sig_input.params:
            raise InvalidSignature("the signature has an expiry, which is not part of this protocol")


_FORGED = "the signature is not the key's"
_OUR_SIGNATURE = re.compile(rf"{LABEL}=:[A-Za-z0-9+/]{{86}}==:")


def _sign(
    message: _Request | _Response,
    components: tuple[str, ...],
    key: SigningKey,
    keyid: str,
    now: float,
    nonce: str | None,
    tag: str,
) -> dict[str, str]:
    # prepare() only: apply() resolves and parses everything a second time, in case somebody changed the message.
    prepared = HTTPMessageSigner(signature_algorithm=_Libsodium).prepare(
        message,
        key_id=keyid,
        created=datetime.fromtimestamp(int(now), UTC),
        nonce=nonce,
        tag=tag,
        label=LABEL,
        covered_component_ids=components,
        use_existing_digest=True,
    )
    signature = base64.b64encode(key.sign(prepared.signature_base)).decode()
    digest = next(value for name, value in message.headers.items() if name.lower() == "content-digest")
    return {
        "Content-Digest": digest,
        "Signature-Input": f"{LABEL}={prepared.signature_params}",
        "Signature": f"{LABEL}=:{signature}:",
    }


def _verify(
    message: _Request | _Response,
    components: tuple[str, ...],
    body: bytes | None,
    resolve_key: Callable[[str], bytes | None],
    tag: str,
) -> Signed | Refused:
    if not {"signature", "signature-input"} <= {name.lower() for name in message.headers}:
        return Refused("unsigned", "there is no signature")
    if sum(len(value) for _, value in message.headers.items()) > _MOST_HEADER:
        return Refused("malformed", f"the signed headers are longer than {_MOST_HEADER} characters")
    keys = _Keys(resolve_key)
    verifier = _Verifier(signature_algorithm=_Libsodium, key_resolver=keys)
    try:
        result = verifier.verify(message, expect_tag=tag, require_components=components, body=body, max_age=None)[0]
    except HTTPMessageSignaturesException as error:
        return _refusal(keys, error)
    digest = _sha256_of(result.covered_components['"content-digest"'])
    if digest is None:
        return Refused("malformed", "the content digest is not one SHA-256")
    parameters = result.parameters
    return Signed(str(parameters["keyid"]), result.nonce or "", int(parameters["created"]), digest)


def _refusal(keys: _Keys, error: HTTPMessageSignaturesException) -> Refused:
    if keys.unknown:
        return Refused("unknown-key", "the signer's key is not known here")
    detail = str(error)
    return Refused("forged" if _FORGED in detail or "does not match" in detail else "malformed", detail)


def _question(request_signature: str | None) -> _Request:
    """The part of the request that an answer is bound to; empty for what no gate of ours would have sent."""
    ours = request_signature is not None and _OUR_SIGNATURE.fullmatch(request_signature)
    return _Request("GET", "http://node/", _Fields([("signature", str(request_signature))] if ours else []))


def _answer_components(message: _Response) -> tuple[str, ...]:
    typed = ("content-type",) if "content-type" in message.headers else ()
    bound = (_QUESTION,) if "signature" in message.request.headers else ()
    return (*_ANSWER, *typed, *bound)


def _sha256_of(field: str) -> bytes | None:
    match = re.fullmatch(r"sha-256=:([A-Za-z0-9+/]{43}=):", field)
    return base64.b64decode(match[1]) if match else None


def _absolute(url: str) -> str:
    return f"http://node{url}" if url.startswith("/") else url
