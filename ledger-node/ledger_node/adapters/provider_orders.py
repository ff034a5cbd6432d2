"""What the ledger node orders from the wallet provider: values, how they go over the wire, and which receipt fits.

Amounts are cents, parties the provider's 32-byte pseudonyms, times unix seconds. `authorisation` is what the person was
given by the provider's own app when they said yes; it is good once and only for what they said yes to.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ledger_node.contract.provider import Attestation, Kind, Money, Receipt, Share


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep the payer's money for us until a time; then it is theirs again. `payer` has an identity attested."""

    kind: ClassVar[Kind] = "hold"
    reference: str
    event: str
    amount: int
    currency: str
    authorisation: str = field(repr=False)
    until: int
    payer: bytes

    def to_json(self) -> dict[str, Any]:
        """As it is posted."""
        return {
            "reference": self.reference,
            "event": self.event,
            "amount": self.amount,
            "currency": self.currency,
            "authorisation": self.authorisation,
            "until": self.until,
            "payer": self.payer.hex(),
        }

    def matches(self, receipt: Receipt) -> bool:
        """Whether the receipt says just this."""
        asked = (self.amount, self.currency, self.until, self.payer)
        told = isinstance(receipt, Money) and (receipt.amount, receipt.currency, receipt.until, receipt.payer)
        return _same(self, receipt) and told == asked


@dataclass(frozen=True, slots=True)
class Capture:
    """Take the whole hold `of` and share it out; the shares add up to its amount."""

    kind: ClassVar[Kind] = "capture"
    reference: str
    event: str
    of: str
    shares: tuple[Share, ...]

    def to_json(self) -> dict[str, Any]:
        """As it is posted."""
        return _sharing(self)

    def matches(self, receipt: Receipt) -> bool:
        """Whether the receipt says just this."""
        return _same(self, receipt) and _shared(receipt) == (self.of, _sorted(self.shares))


@dataclass(frozen=True, slots=True)
class Release:
    """Let go of the whole hold `of`."""

    kind: ClassVar[Kind] = "release"
    reference: str
    event: str
    of: str

    def to_json(self) -> dict[str, Any]:
        """As it is posted."""
        return {"reference": self.reference, "event": self.event, "of": self.of}

    def matches(self, receipt: Receipt) -> bool:
        """Whether the receipt says just this."""
        return _same(self, receipt) and _shared(receipt) == (self.of, ())


@dataclass(frozen=True, slots=True)
class Refund:
    """Give the payer of capture `of` money back, from these parties. A person gives at most what they got in it; an
    organisation may give more, for those who got it.
    """

    kind: ClassVar[Kind] = "refund"
    reference: str
    event: str
    of: str
    shares: tuple[Share, ...]

    def to_json(self) -> dict[str, Any]:
        """As it is posted."""
        return _sharing(self)

    def matches(self, receipt: Receipt) -> bool:
        """Whether the receipt says just this."""
        return _same(self, receipt) and _shared(receipt) == (self.of, _sorted(self.shares))


@dataclass(frozen=True, slots=True)
class Attest:
    """Say who has `key`, known to `level` at least."""

    kind: ClassVar[Kind] = "attest"
    reference: str
    event: str
    key: bytes
    level: int
    authorisation: str = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """As it is posted."""
        return {
            "reference": self.reference,
            "event": self.event,
            "key": self.key.hex(),
            "level": self.level,
            "authorisation": self.authorisation,
        }

    def matches(self, receipt: Receipt) -> bool:
        """Whether the receipt is about this key, and its level high enough."""
        if not isinstance(receipt, Attestation) or receipt.level < self.level:
            return False
        return (receipt.reference, receipt.event, receipt.key) == (self.reference, self.event, self.key)


Transaction = Hold | Capture | Release | Refund
Order = Transaction | Attest


def _sharing(order: Capture | Refund) -> dict[str, Any]:
    return {
        "reference": order.reference,
        "event": order.event,
        "of": order.of,
        "shares": [{"party": share.party.hex(), "amount": share.amount} for share in order.shares],
    }


def _same(order: Transaction, receipt: Receipt) -> bool:
    asked = (order.kind, order.reference, order.event)
    return isinstance(receipt, Money) and (receipt.kind, receipt.reference, receipt.event) == asked


def _shared(receipt: Receipt) -> tuple[str, tuple[Share, ...]]:
    assert isinstance(receipt, Money), "asked only of what `_same` let through"
    return receipt.of, _sorted(receipt.shares)


def _sorted(shares: tuple[Share, ...]) -> tuple[Share, ...]:
    return tuple(sorted(shares, key=lambda share: share.party))
