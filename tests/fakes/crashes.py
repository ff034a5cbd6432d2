"""A process that dies at a chosen write: its writes are counted, and it crashes just before or after one of them.

A crash is no Exception, so that no code under test can catch it and go on, as a dead process could not.
"""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


class Crashed(BaseException):
    """The process is gone."""


class Fate:
    """Counts writes; dies `before` or after number `at` (from 1). 0 = lives."""

    def __init__(self, at: int = 0, *, before: bool = True) -> None:
        self.at, self.before, self.writes = at, before, 0
        self.dead = False

    def write(self, act: Callable[[], Any]) -> Any:
        if self.dead:
            raise Crashed
        self.writes += 1
        if self.writes == self.at and self.before:
            self._die()
        result = act()
        if self.writes == self.at:
            if isinstance(result, Future):
                result.result()
            self._die()
        return result

    def _die(self) -> None:
        self.dead = True
        raise Crashed


class Fated:
    """`real`, but for the methods that write."""

    def __init__(self, real: Any, fate: Fate, *writing: str) -> None:
        self._real, self._fate, self._writing = real, fate, frozenset(writing)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if name not in self._writing:
            return found
        return lambda *args, **kwargs: self._fate.write(lambda: found(*args, **kwargs))
