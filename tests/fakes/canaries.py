"""Looks for people in whatever was written: each canary in every form that a program might leave it in, in files, in
what is packed inside them, and in their names.
"""

import base64
import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import zstandard

_WIDE = ("utf-16-le", "utf-16-be", "big5hkscs")
_ZSTD = b"\x28\xb5\x2f\xfd"
_MOST_UNPACKED = 1 << 26


def spellings(canary: str) -> frozenset[bytes]:
    """As it might stand somewhere: as it is, in capitals, without the country, in JSON, in a URL, in other encodings,
    and the likely ones of these as hex or inside of base64. CBOR and SQLite keep texts as they are.
    """
    short = canary.removeprefix("+852")
    plain = {
        canary,
        short,
        canary.upper(),
        canary.lower(),
        json.dumps(canary)[1:-1],
        quote(canary),
        ascii(canary)[1:-1],
    }
    wide = [canary.encode(encoding) for encoding in _WIDE]
    packed = {canary.encode(), short.encode(), *wide}
    hexed = {form for data in packed for form in (data.hex().encode(), data.hex().upper().encode())}
    inside = {part for data in packed for part in _inside_base64(data)}
    return frozenset({*map(str.encode, plain), *wide, *hexed, *inside})


def _inside_base64(data: bytes) -> Iterator[bytes]:
    """What stands in the base64 of anything that has `data` in it, in both alphabets, wherever it begins."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + data)
        sure = encoded[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        if len(sure) >= 8:
            yield sure
            yield sure.translate(bytes.maketrans(b"+/", b"-_"))


def layers(data: bytes) -> Iterator[bytes]:
    """The bytes, and what was packed with zstd inside of them."""
    yield data
    start = data.find(_ZSTD)
    while start >= 0:
        # Four bytes may only look like a frame.
        with contextlib.suppress(zstandard.ZstdError):
            yield zstandard.ZstdDecompressor().decompressobj().decompress(data[start : start + _MOST_UNPACKED])
        start = data.find(_ZSTD, start + 4)


def found(
    places: Mapping[str, bytes], canaries: Iterable[str], clear: Mapping[str, set[str]] | None = None
) -> set[tuple[str, str]]:
    """(place, canary) for each place that has one in its bytes or its name; `clear` = which may stand in which file."""
    forms = {canary: spellings(canary) for canary in canaries}
    seen = set()
    for place, data in places.items():
        known = (clear or {}).get(place.rpartition("/")[2].removesuffix("-wal"), set())
        for layer in (place.encode(), *layers(data)):
            seen |= {
                (place, canary)
                for canary, spelled in forms.items()
                if canary not in known and any(form in layer for form in spelled)
            }
    return seen


def written_below(folder: Path, *, but: Path) -> dict[str, bytes]:
    """Every file below `folder` with its path, except what is below `but`."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_relative_to(but))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
