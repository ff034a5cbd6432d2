"""What the classes of entry bodies share: their shape, who may sign them, and how they become entries.

A body class is the one place where the fields of its type are written down. Whether an act is allowed, `apply` says.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, Self, get_type_hints

from ledger_node.contract.shape import Shape
from scanner.verify.entry import Entry, canonical, seal
from scanner.verify.keys import PUBLIC_KEY_BYTES, SigningKey

Signer = Literal["operator", "organiser", "ticketing", "provider", "sponsor", "device", "holder", "newcomer"]
"""Who may sign an entry. "holder" = the key that the ticket holds by now; "newcomer" = a key that is not on the ledger
yet, which the entry itself proves its owner to possess; the others are registered, the operator is the ledger's root.
"""
Signers = frozenset[Signer]
_DOMAIN = b"ticketme/v1/entry/"


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry without its signature, for a signer elsewhere (a holder's phone): `message` is what it signs."""

    message: bytes
    payload: bytes

    def sealed(self, signature: bytes) -> bytes:
        """The raw entry."""
        return signature + self.payload


@dataclass(frozen=True, slots=True)
class Body:
    """The body of one type of entry."""

    TYPE: ClassVar[str]
    SIGNERS: ClassVar[Signers]

    def to_map(self) -> dict[str, Any]:
        """As the entry carries it."""
        return {item.name: _plain(getattr(self, item.name)) for item in fields(self)}

    def seal(self, event: str, at: int, key: SigningKey) -> bytes:
        """The raw entry, signed. Raises ValueError for one longer than 65,535 bytes."""
        return seal(self.TYPE, event, at, self.to_map(), key)

    def draft(self, event: str, at: int, signer: bytes) -> Draft:
        """The entry for `signer` (a public key) to sign."""
        assert len(signer) == PUBLIC_KEY_BYTES, "an actor is a 32-byte key"
        fields_ = {"type": self.TYPE, "event": event, "at": at, "actor": signer, "body": self.to_map()}
        payload = canonical(fields_)
        return Draft(signed_message(self.TYPE, payload), payload)

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """The body of an entry whose shape is good."""
        return cls(**entry.body)


def signed_message(kind: str, payload: bytes) -> bytes:
    """What the signature of an entry of this type covers."""
    return _DOMAIN + kind.encode() + b"\0" + payload


def shape_of(kind: type[Body]) -> Shape:
    """Which fields the body has, each with its kind."""
    hints = get_type_hints(kind, include_extras=True)
    return {item.name: hints[item.name].__metadata__[0] for item in fields(kind)}


def _plain(value: Any) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(item) for item in value]
    return value
