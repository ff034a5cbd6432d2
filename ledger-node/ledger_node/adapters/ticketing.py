"""The order feed of a ticketing system (URBTIX stands behind this port), as a file: CSV as spreadsheets write it, or
JSON lines. Row by row, however long the file is; a bad row is a value with its line, and the rest goes on.

Read: UTF-8 with or without BOM, Big5 with Hong Kong's characters, CRLF or LF, commas, semicolons or tabs, columns in
any order under their English or Chinese names (adapters/orders.py). A row is a line: no field holds a line break.
An order number counts once in a file: the same order again is a `Double`, another order under its number a `BadRow`.
Whether the order was known before is the service's business.
"""

import codecs
import csv
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from ledger_node.adapters.orders import FIELDS, NAMES, BadRow, Order, read_json_order, read_order

MOST_LINE = 16_384
"""Bytes of a row."""
_PIECE = 1 << 20
_EVERY = 4_096
Progress = Callable[[int], None]
"""Called now and then with the bytes read so far."""


@dataclass(frozen=True, slots=True)
class Double:
    """An order that stands in the file again, word for word: `line` this time, `first` the first time."""

    line: int
    first: int


Row = Order | BadRow | Double
_Line = tuple[int, str | BadRow]
_Read = Callable[[str, int], Order | BadRow]


class FeedError(Exception):
    """The file as a whole cannot be read; the text says why and what to do."""


def read_feed(path: Path, progress: Progress = lambda _: None) -> Iterator[Row]:
    """Every row of the file: JSON lines if it begins with {, else CSV with a header line. Raises FeedError."""
    try:
        with path.open("rb") as file:
            encoding = _encoding(file)
            file.seek(0)
            yield from _once_each(_orders(_lines(file, encoding, progress)))
    except OSError as error:
        raise FeedError(f"cannot read the feed {path.name}: {error.strerror}") from error


def read_text(path: Path, most: int) -> str:
    """A file of at most `most` bytes, in either encoding, without its mark. Raises FeedError."""
    try:
        with path.open("rb") as file:
            encoding = _encoding(file)
            size = file.tell()
            file.seek(0)
            if size > most:
                raise FeedError(f"{path.name} has more than {most:,} bytes: split it")
            return file.read().decode(encoding).removeprefix("\ufeff")
    except OSError as error:
        raise FeedError(f"cannot read {path.name}: {error.strerror}") from error


def _encoding(file: BinaryIO) -> str:
    if file.read(2) in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        raise FeedError("the file is UTF-16 (Excel's Unicode text): save it as CSV UTF-8")
    for encoding in ("utf-8", "big5hkscs"):
        file.seek(0)
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            while piece := file.read(_PIECE):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    raise FeedError("the file is neither UTF-8 nor Big5: save it as CSV UTF-8")


def _lines(file: BinaryIO, encoding: str, progress: Progress) -> Iterator[_Line]:
    """(number, text) of each line that is not blank. In both encodings a byte 0x0A is a line feed and nothing else."""
    number = size = 0
    while data := file.readline(MOST_LINE):
        number, size = number + 1, size + len(data)
        if number % _EVERY == 0:
            progress(size)
        if len(data) == MOST_LINE:
            size += _skip(file, data)
            yield number, BadRow(number, f"longer than {MOST_LINE} bytes")
        elif text := data.decode(encoding).strip("\r\n").removeprefix("\ufeff"):
            yield number, text
    progress(size)


def _skip(file: BinaryIO, data: bytes) -> int:
    """To the end of the line that `data` begins; the bytes passed over."""
    size = 0
    while data and not data.endswith(b"\n"):
        data = file.readline(MOST_LINE)
        size += len(data)
    return size


def _orders(lines: Iterator[_Line]) -> Iterator[Order | BadRow]:
    first = next(lines, None)
    if first is None:
        raise FeedError("the file is empty: it needs a header line and rows, or JSON lines")
    text = first[1]
    if isinstance(text, BadRow):
        raise FeedError(f"line {first[0]}: {text.reason}")
    if text.lstrip().startswith("{"):
        return _parsed(chain([first], lines), read_json_order)
    return _parsed(lines, _csv_reader(text, first[0]))


def _parsed(lines: Iterable[_Line], read: _Read) -> Iterator[Order | BadRow]:
    for number, text in lines:
        yield read(text, number) if isinstance(text, str) else text


def _csv_reader(header: str, line: int) -> _Read:
    delimiter = max(",;\t", key=header.count)
    cells = _cells(header, delimiter)
    if isinstance(cells, str):
        raise FeedError(f"line {line}: {cells}")
    names = [NAMES.get(cell.strip().lower(), "") for cell in cells]
    if "" in names or len(set(names)) < len(names):
        raise FeedError(f"line {line}: the columns are {','.join(FIELDS)}, each once; it has {header[:200]!r}")

    def read(text: str, number: int) -> Order | BadRow:
        values = _cells(text, delimiter)
        if isinstance(values, str):
            return BadRow(number, values)
        if len(values) != len(names):
            return BadRow(number, f"{len(values)} columns instead of {len(names)}")
        return read_order(dict(zip(names, values, strict=True)), number)

    return read


def _cells(text: str, delimiter: str) -> list[str] | str:
    """The fields of one row, or what is wrong with it."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        return "the quotes do not match"


def _once_each(orders: Iterator[Order | BadRow]) -> Iterator[Row]:
    """Digests instead of orders: a million orders would be a gigabyte, and contacts are not to be kept about."""
    lines: dict[bytes, int] = {}
    contents: dict[int, bytes] = {}
    for row in orders:
        if isinstance(row, BadRow):
            yield row
            continue
        number = hashlib.blake2b(row.number.encode(), digest_size=16).digest()
        content = hashlib.blake2b(row.content(), digest_size=16).digest()
        first = lines.setdefault(number, row.line)
        if first == row.line:
            contents[first] = content
            yield row
        elif contents[first] == content:
            yield Double(row.line, first)
        else:
            yield BadRow(row.line, f"number: another order stands under it in line {first}", row.number)
