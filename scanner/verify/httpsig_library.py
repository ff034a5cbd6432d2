"""The library's way through a message signature (RFC 9421): general, careful, and it says what is wrong.

`httpsig` takes the short way for messages written exactly as we write them, and this one for all others. The library
(http-message-signatures) compares with no clock of ours and checks a body only when it is handed over; so it is here
that `created` is only read, the body always given, and libsodium put in the place of its own Ed25519.
"""

import base64
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureAlgorithm,
    HTTPSignatureKeyResolver,
    InvalidSignature,
)
from http_message_signatures.exceptions import HTTPMessageSignaturesException

from scanner.verify.httpsig_base import LABEL, QUESTION, SIGNED_FIELDS, Lines, Refused, Signed, why_not_one
from scanner.verify.keys import SigningKey, verify

_MOST_HEADER = 4096


@dataclass(slots=True)
class _Fields:
    """Only the fields that are signed, each line of them; the library walks over all that it is given, twice."""

    lines: list[tuple[str, str]]

    @classmethod
    def of(cls, headers: Lines) -> "_Fields":
        return cls([(name, value) for name, value in headers.items() if name.lower() in SIGNED_FIELDS])

    def items(self) -> Iterable[tuple[str, str]]:
        return self.lines

    def __iter__(self) -> Iterator[str]:
        return iter([name for name, _ in self.lines])

    def __contains__(self, wanted: str) -> bool:
        return any(name.lower() == wanted.lower() for name, _ in self.lines)


@dataclass(slots=True)
class RequestMessage:
    """A request in the shape that the library asks for; with `typed` its content type is covered."""

    method: str
    url: str
    headers: _Fields
    typed: bool

    @property
    def components(self) -> tuple[str, ...]:
        """What a signature must cover."""
        return ("@method", "@path", "@query", "content-digest", *(("content-type",) if self.typed else ()))

    @classmethod
    def of(cls, method: str, url: str, headers: Lines, *, typed: bool) -> "RequestMessage":
        """From plain values; `url` may be a path."""
        absolute = f"http://node{url}" if url.startswith("/") else url
        return cls(method.upper(), absolute, _Fields.of(headers), typed)


@dataclass(slots=True)
class AnswerMessage:
    """An answer in the shape that the library asks for, with what it is bound to of its request."""

    status_code: int
    headers: _Fields
    request: RequestMessage

    @property
    def components(self) -> tuple[str, ...]:
        """What a signature must cover."""
        typed = ("content-type",) if "content-type" in self.headers else ()
        bound = (QUESTION,) if "signature" in self.request.headers else ()
        return ("@status", "content-digest", *typed, *bound)

    @classmethod
    def of(cls, status: int, headers: Lines, question: str | None) -> "AnswerMessage":
        """From plain values; `question` is the request's Signature field, if it had one of ours."""
        asked = _Fields([("signature", question)] if question is not None else [])
        return cls(status, _Fields.of(headers), RequestMessage("GET", "http://node/", asked, typed=False))


Message = RequestMessage | AnswerMessage


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


def sign(
    message: Message,
    key: SigningKey,
    keyid: str,
    now: float,
    nonce: str | None,
    tag: str,
) -> tuple[str, bytes]:
    """(signature parameters, signature) of the message, which carries its Content-Digest."""
    # prepare() only: apply() resolves and parses everything a second time, in case somebody changed the message.
    prepared = HTTPMessageSigner(signature_algorithm=_Libsodium).prepare(
        message,
        key_id=keyid,
        created=datetime.fromtimestamp(int(now), UTC),
        nonce=nonce,
        tag=tag,
        label=LABEL,
        covered_component_ids=message.components,
        use_existing_digest=True,
    )
    return prepared.signature_params, key.sign(prepared.signature_base)


def verify_message(
    message: Message,
    body: bytes | None,
    resolve_key: Callable[[str], bytes | None],
    tag: str,
) -> Signed | Refused:
    """Whether a known key signed exactly this message; `body` None leaves the content unchecked."""
    if not {"signature", "signature-input"} <= {name.lower() for name in message.headers}:
        return Refused("unsigned", "there is no signature")
    if sum(len(value) for _, value in message.headers.items()) > _MOST_HEADER:
        return Refused("malformed", f"the signed headers are longer than {_MOST_HEADER} characters")
    doubled = why_not_one(message.headers)
    if doubled is not None:
        return Refused("malformed", doubled)
    keys = _Keys(resolve_key)
    verifier = _Verifier(signature_algorithm=_Libsodium, key_resolver=keys)
    try:
        result = verifier.verify(
            message, expect_tag=tag, require_components=message.components, body=body, max_age=None
        )[0]
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


def _sha256_of(field: str) -> bytes | None:
    match = re.fullmatch(r"sha-256=:([A-Za-z0-9+/]{43}=):", field)
    return base64.b64decode(match[1]) if match else None
