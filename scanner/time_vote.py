"""What several clocks say, and which of them to believe: Marzullo's rule, as NTP has it (RFC 5905, 11.2.1). Pure.

Each voice says that the time lies between two ends. What most of them share is true; one that stands alone is a false
ticker. A voice that only repeats another's word counts as that other one: `root` says whose word it is in the end.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Voice:
    """Unix seconds between which the time lies, as `source` has it, all of them at one moment."""

    source: str
    low: float
    high: float
    root: str

    def shares(self, other: "Voice | Elected") -> bool:
        """Whether both may be right."""
        return self.low <= other.high and other.low <= self.high

    def ahead_of(self, other: "Voice") -> float:
        """By how many seconds at least; negative: it is behind; 0: both may be right."""
        return max(0.0, self.low - other.high) + min(0.0, self.high - other.low)


@dataclass(frozen=True, slots=True)
class Elected:
    """What these voices share, and whose words they are in the end."""

    low: float
    high: float
    voices: tuple[Voice, ...]

    @property
    def roots(self) -> frozenset[str]:
        """Whose words: a voice is counted once, however often it is repeated."""
        return roots_of(self.voices)


def roots_of(voices: Iterable[Voice]) -> frozenset[str]:
    """Whose words these are in the end."""
    return frozenset(voice.root for voice in voices)


def elect(voices: Sequence[Voice]) -> Elected | None:
    """What more than half of the voices share, or None: also where two halves could be right."""
    groups = _groups(voices)
    if not groups:
        return None
    most = max(len(group.roots) for group in groups)
    first, *others = [group for group in groups if len(group.roots) == most]
    if others:
        return None
    rest = roots_of(voice for voice in voices if voice not in first.voices)
    return first if most > len(rest) else None


def beside(held: Voice, voices: Sequence[Voice]) -> Elected:
    """What most of those share that may be right together with `held`; where that is not one answer, `held` itself."""
    shared = _groups([held, *(voice for voice in voices if voice.shares(held))])
    with_held = [group for group in shared if held in group.voices]
    most = max(len(group.roots) for group in with_held)
    first, *others = [group for group in with_held if len(group.roots) == most]
    return Elected(held.low, held.high, (held,)) if others else first


def _groups(voices: Sequence[Voice]) -> list[Elected]:
    """The largest sets of voices that share something, each once."""
    found: dict[frozenset[int], Elected] = {}
    for begins in voices:
        at = [(number, one) for number, one in enumerate(voices) if one.low <= begins.low <= one.high]
        group = Elected(begins.low, min(one.high for _, one in at), tuple(one for _, one in at))
        found[frozenset(number for number, _ in at)] = group
    return [group for members, group in found.items() if not any(members < other for other in found)]
