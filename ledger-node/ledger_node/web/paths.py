"""Which pattern a path fits: its parts are each fixed or named, and are looked up without trying all in turn."""

import re
from dataclasses import dataclass
from typing import Generic, TypeVar

_T = TypeVar("_T")
_NAMED = re.compile(r"{\w+}")


@dataclass(frozen=True, slots=True)
class _Way(Generic[_T]):
    """A path in its parts: which are fixed, and which have a name."""

    fixed: tuple[tuple[int, str], ...]
    named: tuple[tuple[int, str], ...]
    what: _T

    def values(self, parts: list[str]) -> dict[str, str] | None:
        """What the named parts are, if the path is this one."""
        for place, text in self.fixed:
            if parts[place] != text:
                return None
        found = {name: parts[place] for place, name in self.named}
        return None if "" in found.values() else found


class Paths(Generic[_T]):
    """What stands at each method and pattern."""

    def __init__(self) -> None:
        self._ways: dict[tuple[str, int], list[_Way[_T]]] = {}

    def add(self, method: str, pattern: str, what: _T) -> None:
        """Patterns with other parts, like {path:path}, are left out."""
        parts = pattern.split("/")
        named = tuple((place, part[1:-1]) for place, part in enumerate(parts) if _NAMED.fullmatch(part))
        # From the end: most paths begin alike.
        fixed = tuple((place, part) for place, part in enumerate(parts) if "{" not in part)[::-1]
        if len(named) + len(fixed) == len(parts):
            self._ways.setdefault((method, len(parts)), []).append(_Way(fixed, named, what))

    def find(self, method: str, path: str) -> tuple[_T, dict[str, str]] | None:
        """What was added first for a path, and the values of its named parts."""
        parts = path.split("/")
        for way in self._ways.get((method, len(parts)), ()):
            values = way.values(parts)
            if values is not None:
                return way.what, values
        return None
