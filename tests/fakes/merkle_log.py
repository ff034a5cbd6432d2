"""A whole Merkle tree in memory that makes proofs the slow way, word for word as RFC 6962 2.1 defines them."""

from scanner.verify.merkle import empty_root, leaf_hash, node_hash


class MerkleLog:
    """Entries in order, with the root and proofs of any size up to now."""

    def __init__(self, entries=()):
        self.entries = list(entries)
        self._leaves = [leaf_hash(raw) for raw in self.entries]

    def __len__(self):
        return len(self.entries)

    def append(self, raw):
        self.entries.append(raw)
        self._leaves.append(leaf_hash(raw))
        return len(self.entries) - 1

    def root(self, size=None):
        return _root(self._leaves[:size])

    def inclusion(self, position, size=None):
        return _path(position, self._leaves[:size])

    def consistency(self, old, new=None):
        return _subproof(old, self._leaves[:new], whole=True) if old else []


def _split(count):
    return 1 << (count - 1).bit_length() - 1


def _root(leaves):
    if not leaves:
        return empty_root()
    if len(leaves) == 1:
        return leaves[0]
    k = _split(len(leaves))
    return node_hash(_root(leaves[:k]), _root(leaves[k:]))


def _path(position, leaves):
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if position < k:
        return [*_path(position, leaves[:k]), _root(leaves[k:])]
    return [*_path(position - k, leaves[k:]), _root(leaves[:k])]


def _subproof(old, leaves, *, whole):
    if old == len(leaves):
        return [] if whole else [_root(leaves)]
    k = _split(len(leaves))
    if old <= k:
        return [*_subproof(old, leaves[:k], whole=whole), _root(leaves[k:])]
    return [*_subproof(old - k, leaves[k:], whole=False), _root(leaves[:k])]
