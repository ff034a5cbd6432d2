"""Reads the lists of pairs that some bodies hold."""

from collections.abc import Sequence
from typing import Any

from ledger_node.contract.shape import digest, u32


def pairs_of(items: Sequence[Any]) -> list[tuple[int, bytes]] | None:
    """[[ticket, commitment], ...] with each ticket once, or None."""
    if not all(isinstance(item, list) and len(item) == 2 and u32(item[0]) and digest(item[1]) for item in items):
        return None
    pairs = [(item[0], item[1]) for item in items]
    return pairs if len(dict(pairs)) == len(pairs) else None
