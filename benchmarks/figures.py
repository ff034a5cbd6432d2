"""A figure, the physical limit that was measured beside it, and the target it must reach. Measures nothing itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

Unit = Literal["ms", "s", "/s", "MB", "bytes", "%"]


@dataclass(frozen=True, slots=True)
class Limit:
    """What the same machine took, in the same run, for the part of the work that nobody can leave out."""

    what: str
    value: float


@dataclass(frozen=True, slots=True)
class Target:
    """What the product promises: a bound in the figure's unit, and the words for it."""

    bound: float
    words: str

    @classmethod
    def of_time(cls, most: float, limit: Limit) -> "Target":
        """At most so many times the limit of the same run: machines differ by two, and so do seconds."""
        return cls(most * limit.value, f"at most {most:g} x the limit")

    @classmethod
    def of_rate(cls, most: float, limit: Limit) -> "Target":
        """The same of what is counted by the second."""
        return cls(limit.value / most, f"at most {most:g} x the limit")


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. Of rates and shares more is better, of everything else less."""

    what: str
    value: float
    unit: Unit
    limit: Limit | None = None
    target: Target | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times as much as the limit it takes; 1 = nothing is left to gain."""
        if self.limit is None or not self.value or not self.limit.value:
            return None
        return self.limit.value / self.value if self._more_is_better else self.value / self.limit.value

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without one."""
        if self.target is None:
            return None
        return self.value >= self.target.bound if self._more_is_better else self.value <= self.target.bound

    @property
    def _more_is_better(self) -> bool:
        return self.unit in {"/s", "%"}

    def as_map(self) -> dict[str, Any]:
        """For JSON."""
        shown: dict[str, Any] = {"what": self.what, "value": self.value, "unit": self.unit}
        if self.limit:
            shown |= {"limit": self.limit.value, "limit_is": self.limit.what, "ratio": self.ratio}
        if self.target:
            shown |= {"target": self.target.bound, "target_is": self.target.words, "met": self.met}
        return shown | ({"note": self.note} if self.note else {})


@dataclass(frozen=True)
class Bench:
    """What a section is given: where it may write (the project's disk), how much to do, and whom to tell."""

    folder: Path
    quick: bool
    tell: Callable[[str], None]
    kept: dict[Any, Any] = field(default_factory=dict)
    """What one section made and others need, until the run ends."""

    @property
    def most_tickets(self) -> int:
        """The large event."""
        return 20_000 if self.quick else 1_000_000

    @property
    def most_entries(self) -> int:
        """The long log."""
        return 10_000 if self.quick else 1_000_000

    @property
    def house_tickets(self) -> int:
        """The Coliseum."""
        return 1_000 if self.quick else 12_500

    def pick(self, full: int, quick: int) -> int:
        """How often, or how many."""
        return quick if self.quick else full

    @contextmanager
    def room(self) -> Iterator[Path]:
        """A folder that is gone at the end of the block."""
        with TemporaryDirectory(dir=self.folder) as folder:
            yield Path(folder)


Section = Callable[[Bench], list[Figure]]


def ms(seconds: float) -> float:
    """Milliseconds."""
    return seconds * 1000
