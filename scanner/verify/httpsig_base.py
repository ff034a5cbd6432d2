"""The signature base (RFC 9421, 2.5) of our own messages, in the one form in which we write them.

A gate in a crowd asks hundreds of times a second, and the library takes a message apart in general ways that ours never
need. This module only knows that one form: it gives None for anything else, which the library then reads in full. Tests
hold that both build the same bytes. No keys and no verdicts here.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

LABEL = "gate"
REQUEST_TAG = "ticketme/v1/request"
ANSWER_TAG = "ticketme/v1/answer"
QUESTION = '"signature";req;key="gate"'

SIGNED_FIELDS = frozenset({"signature", "signature-input", "content-digest", "content-type"})
_PATH = re.compile(r"/[A-Za-z0-9._~/-]*")
_QUERY = re.compile(r"[A-Za-z0-9._~/=&-]*")
_TYPE = re.compile(r"[a-z0-9/+.-]+(?:; ?[a-z0-9=.-]+)*")
_DIGEST = re.compile(r"sha-256=:[A-Za-z0-9+/]{43}=:")
_SIGNATURE = re.compile(rf"{LABEL}=(:[A-Za-z0-9+/]{{86}}==:)")
_ONE_SIGNATURE = re.compile(rf"{LABEL}=:[A-Za-z0-9+/=]*:")
_ONE_INPUT = re.compile(rf'{LABEL}=\([^()]*\)(?:;[a-z]+=(?:"[^"\\]*"|-?[0-9]+))*')
_PARAMETERS = re.compile(
    r'(\([a-z0-9 "@;=-]*\));created=(0|[1-9][0-9]{0,14});keyid="([0-9a-f]{1,64})";alg="ed25519"'
    r'(?:;nonce="([A-Za-z0-9._~-]{1,64})")?;tag="([a-z0-9/]+)"'
)

Reason = Literal["unsigned", "malformed", "unknown-key", "forged", "clock"]
Headers = Mapping[str, str]


class Lines(Protocol):
    """Header lines, doubled ones too."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Name and value of each."""


Components = tuple[tuple[str, str], ...]
"""(component identifier, value), in order."""


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


def plain_fields(headers: Lines) -> dict[str, str] | None:
    """The fields that matter, by small name; None if one of them stands there twice."""
    found: dict[str, str] = {}
    for name, value in headers.items():
        low = name.lower()
        if low in SIGNED_FIELDS:
            if low in found:
                return None
            found[low] = value
    return found


def sole_signature(headers: Lines) -> str | None:
    """The one Signature field of a message, as it stands there; None if there is none, or more than one of anything.

    What is verified and what an answer is bound to are both read here: of two lines, or of two labels in one line, one
    reader takes the first and another the last, and an answer to a stranger's request passes for one to another gate's.
    """
    fields = plain_fields(headers)
    return fields.get("signature") if fields is not None and why_not_one(headers) is None else None


def why_not_one(headers: Lines) -> str | None:
    """Why this is not a message with exactly one signature, under our label; None if it is, or has none at all."""
    fields = plain_fields(headers)
    if fields is None:
        return "a header that is signed stands there twice"
    for name, form in (("signature", _ONE_SIGNATURE), ("signature-input", _ONE_INPUT)):
        if name in fields and not form.fullmatch(fields[name]):
            return f"{name} is not one signature with the label {LABEL!r}"
    return None


def request_components(method: str, target: str, content_type: str | None, digest: str) -> Components | None:
    """What a request's signature covers; `target` is path and query, `content_type` None without a body."""
    path, mark, query = target.partition("?")
    if not method.isalpha() or not method.isupper() or (mark and not query):
        return None
    if not _PATH.fullmatch(path) or not _QUERY.fullmatch(query) or not _DIGEST.fullmatch(digest):
        return None
    common = (('"@method"', method), ('"@path"', path), ('"@query"', f"?{query}"), ('"content-digest"', digest))
    if content_type is None:
        return common
    return (*common, ('"content-type"', content_type)) if _TYPE.fullmatch(content_type) else None


def answer_components(status: int, content_type: str | None, digest: str, question: str | None) -> Components | None:
    """What an answer's signature covers; `question` is the request's Signature field, None if it had none of ours."""
    if not _DIGEST.fullmatch(digest) or (content_type is not None and not _TYPE.fullmatch(content_type)):
        return None
    parts = [('"@status"', str(status)), ('"content-digest"', digest)]
    if content_type is not None:
        parts.append(('"content-type"', content_type))
    if question is not None:
        signature = signature_item(question)
        if signature is None:
            return None
        parts.append((QUESTION, signature))
    return tuple(parts)


def parameters(components: Components, created: int, keyid: str, nonce: str | None, tag: str) -> str | None:
    """The value of @signature-params."""
    once = f';nonce="{nonce}"' if nonce is not None else ""
    listed = " ".join(identifier for identifier, _ in components)
    made = f'({listed});created={created};keyid="{keyid}";alg="ed25519"{once};tag="{tag}"'
    return made if _PARAMETERS.fullmatch(made) else None


def read_parameters(field: str, components: Components, tag: str) -> tuple[int, str, str] | None:
    """(created, keyid, nonce) of a Signature-Input that covers exactly these components in this order."""
    label, _, value = field.partition("=")
    match = _PARAMETERS.fullmatch(value) if label == LABEL else None
    if match is None or match[5] != tag or match[1] != f"({' '.join(name for name, _ in components)})":
        return None
    return int(match[2]), match[3], match[4] or ""


def signature_item(field: str) -> str | None:
    """The byte sequence of a Signature field of ours, colons included."""
    match = _SIGNATURE.fullmatch(field)
    return match[1] if match else None


def base(components: Iterable[tuple[str, str]], params: str) -> bytes:
    """What is signed."""
    lines = [f"{identifier}: {value}" for identifier, value in components]
    return "\n".join([*lines, f'"@signature-params": {params}']).encode()
