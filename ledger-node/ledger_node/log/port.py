"""What the ledger asks of the place where it is kept, and the one family of faults that comes out of it.

A store keeps entries, the hashes over them and the state that the contract derived, and changes all three together or
not at all. It knows nothing of rules and signs nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ledger_node.contract.state import State


class LedgerFault(Exception):  # noqa: N818 - a fault is an exception, as a refusal is a value
    """The ledger cannot do what was asked; the text says what happened and what to do.

    `lasting` = trying again will not help until somebody has looked at it.
    """

    def __init__(self, text: str, *, lasting: bool = False) -> None:
        super().__init__(text)
        self.lasting = lasting


class LogBehindFault(LedgerFault):
    """Nothing is logged now, because the newest part of the log is missing here."""


@dataclass(frozen=True, slots=True)
class Head:
    """A log's size and root hash."""

    size: int
    root: bytes


class Store(Protocol):
    """Durable storage of one ledger. One thread uses it; nobody else writes or checkpoints the same files."""

    @property
    def state(self) -> State:
        """The contract's state, as of what was appended since `begin`."""

    def begin(self) -> int:
        """Start a transaction; the size of the log, which is the position of the next entry."""

    def append(self, raw: bytes) -> None:
        """Add an entry, after its changes were put into the state."""

    def commit(self) -> Head:
        """Make everything since `begin` durable: when this returns, it survives a power cut. If it raises, it may or
        may not have been kept, but never in part; `recover` tells.
        """

    def recover(self) -> Head:
        """Forget what was not committed, also after a fault, and read again what stands on disk."""

    def explain(self, error: Exception) -> LedgerFault:
        """What an exception out of any of these, or out of the state, means for whoever runs the ledger."""

    def close(self) -> None:
        """Give everything back; may be called twice."""


class HashSource(Protocol):
    """Tile hashes: level 0 holds the leaf hashes, level L the root of each perfect subtree of 256^L leaves."""

    def hashes(self, level: int, start: int, count: int) -> Sequence[bytes]:
        """`count` hashes from place `start`; fewer where the log ends."""
