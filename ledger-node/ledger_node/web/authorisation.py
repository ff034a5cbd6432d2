"""Kinds of callers, what they may reach and how they prove who they are: the words of `authorisation_matrix`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from ledger_node.services.accounts.roles import Role


class Caller(StrEnum):
    """Everybody who asks for something. The first four are roles of accounts."""

    OPS = "ops"
    REGULATOR = "regulator"
    ORGANISER = "organiser"
    SPONSOR = "sponsor"
    DEVICE = "device"
    REVOKED_DEVICE = "revoked device"
    NEW_DEVICE = "new device"
    LINK = "activation link"
    HOLDER = "holder"
    RECIPIENT = "recipient"
    BUYER = "buyer"
    CUSTOMER = "wallet customer"
    TICKETING = "ticketing system"
    INVITED = "invited person"
    PAGE = "page of this node"
    PUBLIC = "public"


class Scope(StrEnum):
    """Whose things a caller reaches."""

    ALL = "all"
    EVENT = "event"
    ORGANISATION = "organisation"
    TICKET = "ticket"
    SELF = "self"


class Proof(StrEnum):
    """How a caller proves who it is. The first three are looked at before a handler is called, the rest by what the
    handler calls: the contract for signed entries, a service for secrets.
    """

    SESSION = "session"
    SIGNATURE = "signature"
    PAGE = "page"
    LINK = "link"
    WEBHOOK = "webhook"
    BODY = "body"
    NONE = "none"


ROLES: Mapping[Caller, Role] = MappingProxyType({Caller(role.value): role for role in Role})
DEVICES = frozenset({Caller.DEVICE, Caller.REVOKED_DEVICE, Caller.NEW_DEVICE})
PROOFS: Mapping[Caller, Proof] = MappingProxyType(
    {
        **dict.fromkeys(ROLES, Proof.SESSION),
        **dict.fromkeys(DEVICES, Proof.SIGNATURE),
        Caller.LINK: Proof.LINK,
        **dict.fromkeys((Caller.HOLDER, Caller.RECIPIENT, Caller.BUYER, Caller.CUSTOMER), Proof.BODY),
        Caller.TICKETING: Proof.WEBHOOK,
        Caller.INVITED: Proof.PAGE,
        Caller.PAGE: Proof.PAGE,
        Caller.PUBLIC: Proof.NONE,
    }
)


@dataclass(frozen=True, slots=True)
class Row:
    """One route: who may call it, and whose things each of them reaches. `passkey`: not with the second way."""

    method: str
    path: str
    scopes: Mapping[Caller, Scope]
    passkey: bool = False

    @property
    def proof(self) -> Proof:
        """How all of its callers prove who they are."""
        (found,) = {PROOFS[caller] for caller in self.scopes}
        return found

    @property
    def private(self) -> bool:
        """Whether an answer is for its caller alone, and not for caches: all but what is public."""
        return self.method != "GET" or self.proof is not Proof.NONE

    @property
    def roles(self) -> dict[Role, Scope]:
        """Of accounts."""
        return {ROLES[caller]: scope for caller, scope in self.scopes.items() if caller in ROLES}

    def described(self) -> dict[str, object]:
        """As /openapi.json says it."""
        callers = {caller.value: scope.value for caller, scope in self.scopes.items()}
        return {"proof": self.proof.value, "passkey": self.passkey, "private": self.private, "callers": callers}


SECURITY_SCHEMES: Mapping[Proof, Mapping[str, str]] = MappingProxyType(
    {
        Proof.SESSION: {
            "type": "apiKey",
            "in": "cookie",
            "name": "__Host-ticketme",
            "description": "The session of an account, signed in with a passkey or the second way. What changes "
            "something must come from a page of this node.",
        },
        Proof.SIGNATURE: {
            "type": "apiKey",
            "in": "header",
            "name": "Signature",
            "description": "HTTP message signature (RFC 9421) with the device's Ed25519 key, single-use nonce, 60 s.",
        },
        Proof.LINK: {
            "type": "http",
            "scheme": "bearer",
            "description": "The token of an activation link; it may stand in the path instead.",
        },
        Proof.WEBHOOK: {
            "type": "apiKey",
            "in": "header",
            "name": "webhook-signature",
            "description": "Standard Webhooks 1.0: HMAC-SHA256 with the ticketing system's secret.",
        },
    }
)
"""What OpenAPI has words for. Where the proof is in the body (signed entries, secrets), the operation says so."""
