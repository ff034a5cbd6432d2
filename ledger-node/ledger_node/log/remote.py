"""Another node's log, read through its C2SP tile paths: entries, and hashes for making proofs. Believes nothing.

What is read is only as good as the signed root that the caller checks it against. Where the bytes come from (HTTP, a
folder) is the caller's; nothing is kept beyond one reader, which serves one size.
"""

from collections.abc import Callable

from ledger_node.log.tiles import HEIGHT, WIDTH, TilePath, unbundle
from scanner.verify.entry import Malformed
from scanner.verify.merkle import HASH_BYTES

Source = Callable[[str], bytes | None]
"""Gives the bytes at a C2SP path, or None if there are none."""


class UnreadableLogError(Exception):
    """The log does not give what a log of this size must have; the text names the path."""


class RemoteTiles:
    """A `HashSource` over somebody else's log of `size` entries. One thread. Raises UnreadableLogError."""

    def __init__(self, read: Source, size: int) -> None:
        self._read, self._size = read, size
        self._tiles: dict[tuple[int, int], bytes] = {}

    def entries(self, start: int, stop: int) -> list[bytes]:
        """The raw entries at start <= position < stop."""
        found: list[bytes] = []
        for n in range(start // WIDTH, -(-stop // WIDTH)):
            path = TilePath(None, n, min(WIDTH, self._size - n * WIDTH))
            held = unbundle(self._fetch(path))
            if isinstance(held, Malformed):
                raise UnreadableLogError(f"{path}: {held.reason}")
            wanted = held[max(0, start - n * WIDTH) : min(path.width, stop - n * WIDTH)]
            if len(wanted) != min(stop, (n + 1) * WIDTH) - max(start, n * WIDTH):
                raise UnreadableLogError(f"{path}: holds {len(held)} entries, not {path.width}")
            found += wanted
        return found

    def hashes(self, level: int, start: int, count: int) -> list[bytes]:
        """As `HashSource` says."""
        stop = min(start + count, self._size >> HEIGHT * level)
        return [self._hash(level, place) for place in range(start, stop)]

    def _hash(self, level: int, place: int) -> bytes:
        n, at = divmod(place, WIDTH)
        tile = self._tiles.get((level, n))
        if tile is None:
            tile = self._tiles[level, n] = self._tile(level, n)
        return tile[at * HASH_BYTES : (at + 1) * HASH_BYTES]

    def _tile(self, level: int, n: int) -> bytes:
        path = TilePath(level, n, min(WIDTH, (self._size >> HEIGHT * level) - n * WIDTH))
        data = self._fetch(path)
        if len(data) < path.width * HASH_BYTES:
            raise UnreadableLogError(f"{path}: is too short")
        return data

    def _fetch(self, path: TilePath) -> bytes:
        """The tile, or the full one that a partial tile has grown into since the checkpoint."""
        data = self._read(str(path))
        if data is None and path.width < WIDTH:
            data = self._read(str(TilePath(path.level, path.n)))
        if data is None:
            raise UnreadableLogError(f"{path}: is missing")
        return data
