"""CBOR (RFC 8949) as gates, nodes and witnesses write and read it: the one door to the library, which can do far more.

Left to itself the library carries out tags: 220 bytes make it compile a regular expression for two seconds, others
parse mail or reckon with huge numbers, all before a check of ours sees a value. So it is told to refuse every tag,
whatever its number, indefinite lengths, doubled keys, keys that are no texts or bytes, and nesting; what it then gives
is bounded in values before anything is done with them, and must be the canonical spelling (4.2) of what it means.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

import cbor2

DEEPEST = 16
MOST_VALUES = 49_152
MOST_LISTS = 8_192
MOST_MAPS = 1_024
"""More than the densest entry has: a ticket.issue full of short rows."""
MOST_SKIMMED, MOST_ITEMS = 16_384, 8
"""More than a passkey has: a key, what extensions say, and certificates."""
U64 = 2**64 - 1
_LEAST = -(2**63)
_SCALARS = frozenset({str, bytes, bool, type(None)})
_KEYS = frozenset({str})


class NotCborError(ValueError):
    """Bytes that are not what is read here, and why."""


class _NoTags(Mapping[int, Any]):
    """Has a decoder for every tag, also for those that a later library may know, and each of them refuses."""

    def __getitem__(self, tag: int) -> Any:
        return self._refuse

    def __iter__(self) -> Iterator[int]:
        return iter(())

    def __len__(self) -> int:
        return 0

    @staticmethod
    def _refuse(*_: object) -> NoReturn:
        raise NotCborError("a tag, which nothing here has")


_NO_TAGS = _NoTags()


def canonical(value: object) -> bytes:
    """Canonical CBOR: shortest forms, sorted keys, definite lengths."""
    return cbor2.dumps(value, canonical=True)


def read(data: bytes, looks_right: Callable[[Any], bool] = lambda _: True, deepest: int = DEEPEST) -> Any:
    """The value that these bytes, from whomever, spell canonically. What does not look right is refused before it is
    walked through and written again, which is what costs most. Raises NotCborError.
    """
    value = reread(data, deepest)
    if not looks_right(value):
        raise NotCborError("not of the form that is read here")
    wrong = fault(value)
    if wrong is not None:
        raise NotCborError(wrong)
    if canonical(value) != data:
        raise NotCborError("not canonical CBOR")
    return value


def reread(data: bytes, deepest: int = DEEPEST) -> Any:
    """The value in bytes that were read or written here before. Still no tags, and no deep nesting; nothing else is
    looked at. Raises NotCborError.
    """
    try:
        return cbor2.loads(
            data,
            semantic_decoders=_NO_TAGS,
            max_depth=deepest,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            strict_hashable_types=True,
        )
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError, MemoryError) as error:
        raise NotCborError(f"not CBOR: {error}") from error


def skim(data: bytes) -> None:
    """Look through CBOR items that another library is going to read: their keys may be integers, and nothing is kept.
    Raises NotCborError for tags, deep nesting, too much, and what is none.
    """
    if len(data) > MOST_SKIMMED:
        raise NotCborError(f"more than {MOST_SKIMMED} bytes")
    stream = io.BytesIO(data)
    decoder = cbor2.CBORDecoder(
        stream, semantic_decoders=_NO_TAGS, max_depth=DEEPEST, allow_indefinite=False, read_size=1
    )
    try:
        for _ in range(MOST_ITEMS):
            if stream.tell() >= len(data):
                return
            decoder.decode()
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError, MemoryError) as error:
        raise NotCborError(f"not CBOR: {error}") from error
    if stream.tell() < len(data):
        raise NotCborError(f"more than {MOST_ITEMS} items in a row")


def fault(value: object, deepest: int = DEEPEST) -> str | None:
    """What the value holds that no entry may, or None; level by level, so that too much of it is not walked through."""
    level: list[Any] = [value]
    values, lists, maps = MOST_VALUES, MOST_LISTS, MOST_MAPS
    for _ in range(deepest + 1):
        below: list[Any] = []
        for item in level:
            kind = type(item)
            if kind in _SCALARS or (kind is int and _LEAST <= item <= U64):
                continue
            if kind is list:
                lists -= 1
                inner = item
            elif kind is dict and not {*map(type, item)} - _KEYS:
                maps -= 1
                inner = item.values()
            else:
                return f"holds more than integers, texts, bytes, booleans, lists and maps, {deepest} deep at most"
            values -= len(inner)
            if values < 0 or lists < 0 or maps < 0:
                return f"holds more than {MOST_VALUES} values, {MOST_LISTS} lists or {MOST_MAPS} maps"
            below.extend(inner)
        if not below:
            return None
        level = below
    return f"holds more than integers, texts, bytes, booleans, lists and maps, {deepest} deep at most"
