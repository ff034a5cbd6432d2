"""One ticket as a gate knows it: 54 bytes, the same in the snapshot, in a change and under the state digest.

ticket u32 | owner_seq u16 | state u8 | gate_group u8 | category u8 | flags u8 | seat u32 | holder_key 32 | lease u8 |
uses u8 | used_gate u16 | used_at u32, big-endian. No name, price or order: a gate needs none of them.
"""

import struct
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import NamedTuple

ACTIVE, CANCELLED, REFUNDED, BLOCKED = range(4)

_ROW = struct.Struct(">IHBBBBI32sBBHI")
_INDEX = struct.Struct(">I")
_INDEXES = struct.Struct(f">I{_ROW.size - _INDEX.size}x")
ROW_BYTES = _ROW.size
LEASE_BYTE = 46
"""Where `lease` stands in a packed row, counted from 0."""


class Row(NamedTuple):
    """A ticket's row. `gate_group` 0 = any; `lease` 0 = the gate group's own, else where its use was moved to (see
    leases.py); `used_gate` 0 = unused, else its place in the manifest's gates, from 1; `used_at` is unix seconds;
    `holder_key` of 32 zero bytes = none registered.
    """

    ticket: int
    owner_seq: int
    state: int
    gate_group: int
    category: int
    flags: int
    seat: int
    holder_key: bytes
    lease: int
    uses: int
    used_gate: int
    used_at: int

    def pack(self) -> bytes:
        """ROW_BYTES bytes. Raises struct.error for a value beyond its field."""
        return _ROW.pack(*self)

    @classmethod
    def unpack(cls, data: bytes | memoryview) -> "Row":
        """From exactly ROW_BYTES bytes."""
        return cls(*_ROW.unpack(data))


class Rows:
    """Packed rows in the order of their ticket index, over a buffer that may be mapped. Checks nothing."""

    def __init__(self, buffer: memoryview) -> None:
        self._buffer = buffer
        self._count = len(buffer) // ROW_BYTES

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Row]:
        return map(Row._make, _ROW.iter_unpack(self._buffer))

    def merged(self, newer: Mapping[int, Row]) -> Iterator[bytes | memoryview]:
        """Runs of packed rows, in order: these, with those of `newer` (by ticket) in their places or between them."""
        done = 0
        for index in sorted(newer):
            place = bisect_left(range(self._count), index, key=self._index)
            if place > done:
                yield self._buffer[done * ROW_BYTES : place * ROW_BYTES]
            yield newer[index].pack()
            done = place + (place < self._count and self._index(place) == index)
        yield self._buffer[done * ROW_BYTES :]

    def find(self, index: int) -> Row | None:
        """The row of this ticket. Indexes are mostly dense, so the first guess is where it would then stand."""
        low, high = 0, self._count - 1
        guess = index - self._index(0) if self._count else 0
        while low <= high:
            middle = min(max(guess, low), high)
            found = self._index(middle)
            if found == index:
                start = middle * ROW_BYTES
                return Row(*_ROW.unpack_from(self._buffer, start))
            if found < index:
                low = middle + 1
            else:
                high = middle - 1
            guess = (low + high) // 2
        return None

    def _index(self, place: int) -> int:
        number: int = _INDEX.unpack_from(self._buffer, place * ROW_BYTES)[0]
        return number


def indexes(packed: bytes | memoryview) -> Iterator[int]:
    """The indexes of whole packed rows, in the order they stand."""
    return (index for (index,) in _INDEXES.iter_unpack(packed))
