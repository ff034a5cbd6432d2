"""A holder's wallet: makes a key, proves that it has it, and draws codes, with the real rules and real signatures.

What it cannot do is what a holder cannot do: it has no ledger key, so full codes need a certificate that a ledger gave.
"""

from dataclasses import dataclass
from random import Random

from scanner.verify.gatecode import (
    COMPACT,
    FULL,
    Certificate,
    Core,
    GateCode,
    event_hash,
    possession_message,
    sign_compact,
    sign_full,
)
from scanner.verify.keys import SigningKey


@dataclass(frozen=True, slots=True)
class BeaconSeen:
    """A venue beacon that the phone has picked up."""

    number: int
    value: bytes


NO_BEACON = BeaconSeen(0, b"")


@dataclass(frozen=True, slots=True)
class Wallet:
    """One key, for one ticket: fresh keys keep a holder's tickets from being linked."""

    key: SigningKey
    step: int = 10

    @classmethod
    def new(cls, seed_rng: Random, step: int = 10) -> "Wallet":
        """A wallet whose key is drawn from `seed_rng`, so that a test can be repeated."""
        return cls(SigningKey(seed_rng.randbytes(32)), step)

    @property
    def public(self) -> bytes:
        """The holder key that a ledger registers."""
        return self.key.public

    def proof(self, event: str, index: int, owner_seq: int = 0) -> bytes:
        """Proof of possession for one ticket and owner_seq."""
        return self.key.sign(possession_message(event_hash(event), index, owner_seq, self.key.public))

    def compact(self, event: str, index: int, owner_seq: int, at: float, beacon: BeaconSeen = NO_BEACON) -> GateCode:
        """The code that the phone shows at unix second `at`; `.text()` is what its QR holds."""
        core = self._core(COMPACT, event, index, owner_seq, at, beacon)
        return sign_compact(event_hash(event), core, self.key, beacon.value)

    def full(
        self,
        event: str,
        index: int,
        owner_seq: int,
        at: float,
        certificate: Certificate,
        ledger_signature: bytes,
        beacon: BeaconSeen = NO_BEACON,
    ) -> GateCode:
        """The same with the ledger's certificate, for gates whose snapshot is older than the sale."""
        core = self._core(FULL, event, index, owner_seq, at, beacon)
        return sign_full(event_hash(event), core, certificate, ledger_signature, self.key, beacon.value)

    def _core(self, kind: int, event: str, index: int, owner_seq: int, at: float, beacon: BeaconSeen) -> Core:
        return Core(kind, event_hash(event)[:4], index, owner_seq, int(at) // self.step, beacon.number)
