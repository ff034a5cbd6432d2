"""C2SP tlog-tiles: where tiles are found, what is in them, and the proofs that can be made from their hashes.

Paths: `tile/<L>/<N>[.p/<W>]` and `tile/entries/<N>[.p/<W>]`, N in groups of three digits as x001/x234/067. A hash tile
is up to 256 hashes of 32 bytes; an entry bundle is up to 256 entries, each after its length as u16. Reading and
keeping them is for others.
"""

import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ledger_node.log.port import HashSource, LedgerFault
from scanner.verify.entry import Malformed
from scanner.verify.merkle import Frontier, empty_root, node_hash

WIDTH, HEIGHT = 256, 8
TOP_LEVEL = 5
"""256^6 = 2^48 entries are more than any log of ours will have."""
ENTRIES = "entries"
Roots = dict[tuple[int, int], bytes]
"""Roots of subtrees by their first entry and the one after their last, as they were worked out for one source."""
_LENGTH = struct.Struct(">H")
_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9]|[1-5][0-9]|6[0-3])/(?P<n>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True)
class TilePath:
    """A tile's address; `level` None = an entry bundle; `width` 1 to 256."""

    level: int | None
    n: int
    width: int = WIDTH

    def __str__(self) -> str:
        groups = [f"{self.n % 1000:03}"]
        rest = self.n // 1000
        while rest:
            groups.append(f"x{rest % 1000:03}")
            rest //= 1000
        level = ENTRIES if self.level is None else str(self.level)
        partial = f".p/{self.width}" if self.width < WIDTH else ""
        return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"

    @classmethod
    def parse(cls, path: str) -> "TilePath | None":
        """The tile that a path asks for; None if it is not exactly the path of one."""
        match = _PATH.fullmatch(path)
        if match is None:
            return None
        level = None if match["level"] == ENTRIES else int(match["level"])
        tile = cls(level, int(match["n"].replace("x", "").replace("/", "")), int(match["width"] or WIDTH))
        return tile if str(tile) == path else None


def tiles_of(size: int) -> Iterator[TilePath]:
    """Every tile and bundle that a static copy of a log of this size holds; of partial ones only the newest."""
    for level in (None, *range(TOP_LEVEL + 1)):
        count = size >> HEIGHT * (level or 0)
        for n in range(count // WIDTH):
            yield TilePath(level, n)
        if count % WIDTH:
            yield TilePath(level, count // WIDTH, count % WIDTH)


def bundle(entries: Iterable[bytes]) -> bytes:
    """An entry bundle."""
    return b"".join(_LENGTH.pack(len(raw)) + raw for raw in entries)


def unbundle(data: bytes) -> list[bytes] | Malformed:
    """The entries of a bundle."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        if len(entries) == WIDTH:
            return Malformed(f"the bundle has more than {WIDTH} entries")
        start = at + _LENGTH.size
        if start > len(data):
            return Malformed("the bundle ends inside a length")
        at = start + _LENGTH.unpack_from(data, at)[0]
        if at > len(data):
            return Malformed(f"the bundle ends inside entry {len(entries)} of it")
        entries.append(data[start:at])
    return entries


def grow(frontier: Frontier, leaf: bytes) -> list[tuple[int, int, bytes]]:
    """Append a leaf hash; the tile hashes that this completes, as (level, place, hash)."""
    position = frontier.size
    grown = [(0, position, leaf)]
    for height, subtree in frontier.append(leaf):
        if height % HEIGHT == 0:
            grown.append((height // HEIGHT, position >> height, subtree))
    return grown


def frontier_of(source: HashSource, size: int) -> Frontier:
    """The right edge of the tree at `size`, from stored hashes."""
    edges, start = [], 0
    for height in reversed(range(size.bit_length())):
        if size >> height & 1:
            edges.append(subtree_root(source, start, start + (1 << height)))
            start += 1 << height
    return Frontier(size, edges)


class WholeTiles:
    """A HashSource over another one of a log that does not grow meanwhile: it reads each tile once, and whole."""

    def __init__(self, source: HashSource) -> None:
        self._source = source
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def hashes(self, level: int, start: int, count: int) -> list[bytes]:
        """As `HashSource` says, for ranges that lie within one tile."""
        n, first = divmod(start, WIDTH)
        if (level, n) not in self._tiles:
            self._tiles[level, n] = list(self._source.hashes(level, n * WIDTH, WIDTH))
        return self._tiles[level, n][first : first + count]


def subtree_root(source: HashSource, start: int, end: int) -> bytes:
    """MTH(D[start:end]) of RFC 6962 2.1, for the ranges that its recursion makes."""
    size = end - start
    if size == 0:
        return empty_root()
    if size & size - 1:
        split = start + _split(size)
        return node_hash(subtree_root(source, start, split), subtree_root(source, split, end))
    level, rest = divmod(size.bit_length() - 1, HEIGHT)
    hashes = source.hashes(level, start >> HEIGHT * level, 1 << rest)
    if len(hashes) != 1 << rest:
        raise LedgerFault(
            f"tile hashes are missing: level {level} has {len(hashes)} of {1 << rest} from"
            f" {start >> HEIGHT * level}; run `ledger-node audit`",
            lasting=True,
        )
    return _fold(hashes)


def inclusion(source: HashSource, position: int, size: int, known: Roots | None = None) -> list[bytes]:
    """PATH(position, D[size]) of RFC 6962 2.1.1, lowest first. Raises ValueError outside the log.

    Neighbours share most of their paths: hand the same `known` to each, and it is worked out once.
    """
    if not 0 <= position < size:
        raise ValueError(f"no entry {position} in a log of {size}")
    path, start, end = [], 0, size
    while end - start > 1:
        split = start + _split(end - start)
        if position < split:
            path.append((split, end))
            end = split
        else:
            path.append((start, split))
            start = split
    known = {} if known is None else known
    for span in path:
        if span not in known:
            known[span] = subtree_root(source, *span)
    return [known[span] for span in reversed(path)]


def consistency(source: HashSource, old: int, new: int) -> list[bytes]:
    """PROOF(old, D[new]) of RFC 6962 2.1.2; empty from 0 and between equals. Raises ValueError if old > new."""
    if not 0 <= old <= new:
        raise ValueError(f"a log of {new} entries has no beginning of {old}")
    if old in {0, new}:
        return []
    path, start, end = [], 0, new
    while end != old:
        split = start + _split(end - start)
        if old <= split:
            path.append((split, end))
            end = split
        else:
            path.append((start, split))
            start = split
    whole = [] if start == 0 else [(start, end)]
    return [subtree_root(source, *span) for span in (*whole, *reversed(path))]


def _split(size: int) -> int:
    """The largest power of two that is smaller than size."""
    return 1 << (size - 1).bit_length() - 1


def _fold(hashes: Sequence[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]
