"""What other gates are called in sentences for people."""

from collections import Counter
from collections.abc import Sequence


def names_of(own: str, others: Sequence[tuple[str, str]]) -> list[str]:
    """For each (gate, device): its gate, or its device where more than one stands at that gate; `own` is ours."""
    standing = Counter([own, *(gate for gate, _ in others)])
    return [gate if standing[gate] == 1 else device for gate, device in others]
