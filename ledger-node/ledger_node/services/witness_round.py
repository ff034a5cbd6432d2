"""What is known of the sizes that witnesses are asked about: plain values, of which `cosigning` has the lock."""

from dataclasses import dataclass, field

from ledger_node.log.ledger import Shown
from ledger_node.log.port import Head


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint with the cosignatures that were good when they came."""

    head: Head
    shown: Shown
    count: int


@dataclass(frozen=True, slots=True)
class Stated:
    """A checkpoint with cosignatures, and what witnesses state of the tickets at its size."""

    shown: Shown
    statements: tuple[str, ...]


@dataclass(slots=True, eq=False)
class Want:
    """Somebody waits for exactly this head, with statements or without. `dropped` when nobody is asked about it."""

    head: Head
    stating: bool
    dropped: bool = False


@dataclass(slots=True)
class Round:
    """One size that witnesses are asked about: what they signed and stated of it, by their keys. `asking` counts those
    who have not answered yet, `silent` are those who state nothing of this size, `over` says that all had their chance.
    """

    head: Head
    lines: dict[str, str] = field(default_factory=dict)
    statements: dict[str, str] = field(default_factory=dict)
    stating: bool = False
    silent: set[str] = field(default_factory=set)
    asking: int = 0
    over: bool = False

    def lacks(self, key: str) -> bool:
        """Whether the witness with this key is still to be asked something."""
        return key not in self.lines or (self.stating and key not in self.silent | self.statements.keys())
