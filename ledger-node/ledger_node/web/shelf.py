"""Answers that stay true, kept by the public front so that the ledger's process is asked for them once."""

from collections import OrderedDict
from dataclasses import dataclass

from ledger_node.web.upstream import Headers


@dataclass(frozen=True, slots=True)
class Answer:
    """One that is whole."""

    status: int
    headers: Headers
    body: bytes

    @property
    def immutable(self) -> bool:
        """Whether the ledger said that it never changes."""
        return self.status == 200 and any(
            name == b"cache-control" and b"immutable" in said for name, said in self.headers
        )


_OF_ONE = 1_000
"""Bytes that the interpreter takes for an answer without anything in it."""


class Shelf:
    """At most so many bytes of answers and their targets; what was not asked for for longest goes first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._kept: OrderedDict[bytes, Answer] = OrderedDict()

    def find(self, target: bytes) -> Answer | None:
        """What is kept for it."""
        found = self._kept.get(target)
        if found is not None:
            self._kept.move_to_end(target)
        return found

    def keep(self, target: bytes, answer: Answer) -> None:
        """From now on."""
        if target in self._kept:
            return
        self._kept[target] = answer
        self._size += _size(target, answer)
        while self._size > self._most:
            self._size -= _size(*self._kept.popitem(last=False))


def _size(target: bytes, answer: Answer) -> int:
    headers = sum(len(name) + len(said) for name, said in answer.headers)
    return _OF_ONE + len(target) + headers + len(answer.body)
