"""What the classes of entry bodies share: their shape, who may sign them, and how they become entries.

A body class is the one place where the fields of its type are written down. Whether an act is allowed, `apply` says.
"""

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, Literal, Self, get_type_hints

from ledger_node.contract.shape import EVERY_ACT, Shape
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
        """As the entry carries it: a field with a default is left out where it has that."""
        values = {item.name: (getattr(self, item.name), item.default) for item in fields(self)}
        return {name: _plain(value) for name, (value, default) in values.items() if value != default}

    def seal(self, event: str, at: int, key: SigningKey, nonce: bytes = b"") -> bytes:
        """The raw entry, signed. With a `nonce` it is another than the same act in the same second. Raises ValueError
        for one longer than 65,535 bytes.
        """
        return seal(self.TYPE, event, at, self.to_map() | ({"nonce": nonce} if nonce else {}), key)

    def draft(self, event: str, at: int, signer: bytes) -> Draft:
        """The entry for `signer` (a public key) to sign."""
        assert len(signer) == PUBLIC_KEY_BYTES, "an actor is a 32-byte key"
        fields_ = {"type": self.TYPE, "event": event, "at": at, "actor": signer, "body": self.to_map()}
        payload = canonical(fields_)
        return Draft(signed_message(self.TYPE, payload), payload)

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """The body of an entry whose shape is good."""
        return cls(**{name: value for name, value in entry.body.items() if name not in EVERY_ACT})


def signed_message(kind: str, payload: bytes) -> bytes:
    """What the signature of an entry of this type covers."""
    return _DOMAIN + kind.encode() + b"\0" + payload


def shape_of(kind: type[Body]) -> Shape:
    """Which fields the body has to have, each with its kind."""
    return _kinds(kind, optional=False)


def options_of(kind: type[Body]) -> Shape:
    """Which fields it may have: those with a default, which entries from before they were there do not have, and those
    of every act.
    """
    return {**_kinds(kind, optional=True), **EVERY_ACT}


def _kinds(kind: type[Body], *, optional: bool) -> Shape:
    hints = get_type_hints(kind, include_extras=True)
    chosen = [item.name for item in fields(kind) if (item.default is not MISSING) is optional]
    return {name: hints[name].__metadata__[0] for name in chosen}


def _plain(value: Any) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(item) for item in value]
    return value
