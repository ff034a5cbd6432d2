"""Merkle trees of RFC 6962 (hashing) and RFC 9162 (verification): hashes, a growing root, and checking proofs.

Proofs are made where the hashes are stored, not here. Checking answers True or False for input of any shape: a proof
that is too long, too short or holds something else than 32-byte hashes is simply not a proof.
"""

import hashlib
from collections.abc import Sequence

HASH_BYTES = 32
_LONGEST_PROOF = 64
"""A tree of 2^64 leaves needs no more; whoever sends more wants us to work."""


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 | data), RFC 6962 2.1."""
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 | left | right), RFC 6962 2.1."""
    return hashlib.sha256(b"\1" + left + right).digest()


def empty_root() -> bytes:
    """The root of a log without entries: SHA-256 of nothing."""
    return hashlib.sha256(b"").digest()


class Frontier:
    """The right edge of a tree: enough to append and to know the root, without the leaves (a compact range from 0).

    `size` leaves; `hashes` holds one perfect subtree for each bit that is set in `size`, largest first.
    """

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if size < 0 or len(hashes) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has not {len(hashes)} perfect subtrees")
        self.size = size
        self.hashes = list(hashes)

    def append(self, leaf: bytes) -> list[tuple[int, bytes]]:
        """Add a leaf hash. Returns the perfect subtrees that it completed: (height >= 1, hash), lowest first."""
        completed = []
        carry, height, right = self.size, 0, leaf
        while carry & 1:
            right = node_hash(self.hashes.pop(), right)
            height += 1
            carry >>= 1
            completed.append((height, right))
        self.hashes.append(right)
        self.size += 1
        return completed

    def root(self) -> bytes:
        """The root of the tree as it is now."""
        if not self.hashes:
            return empty_root()
        root = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            root = node_hash(left, root)
        return root

    def copy(self) -> "Frontier":
        """An independent frontier of the same tree."""
        return Frontier(self.size, self.hashes)


def verify_inclusion(leaf: bytes, position: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows that the leaf hash stands at `position` in the tree of `size` leaves (RFC 9162 2.1.3.2)."""
    if not 0 <= position < size or not _hashes(proof):
        return False
    fn, sn, running = position, size - 1, leaf
    for sibling in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            running = node_hash(sibling, running)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            running = node_hash(running, sibling)
        fn >>= 1
        sn >>= 1
    return sn == 0 and running == root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree of `old` leaves is the beginning of that of `new` (RFC 9162 2.1.4.2).

    The empty tree begins every tree and a tree begins itself, both with an empty proof.
    """
    if not 0 <= old <= new or not _hashes(proof):
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == empty_root()
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    return bool(path) and _climb(old, new, path) == (old_root, new_root)


def _climb(old: int, new: int, path: list[bytes]) -> tuple[bytes, bytes] | None:
    """The two roots that the path leads to, or None if it does not fit the sizes."""
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn >>= 1
        sn >>= 1
    old_root = new_root = path[0]
    for sibling in path[1:]:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            old_root = node_hash(sibling, old_root)
            new_root = node_hash(sibling, new_root)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            new_root = node_hash(new_root, sibling)
        fn >>= 1
        sn >>= 1
    return (old_root, new_root) if sn == 0 else None


def _hashes(proof: Sequence[bytes]) -> bool:
    return len(proof) <= _LONGEST_PROOF and all(len(item) == HASH_BYTES for item in proof)
