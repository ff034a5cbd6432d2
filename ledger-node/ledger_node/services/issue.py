"""Issuing tickets in bulk: generated ones, or the rows of a CSV file. All of a call or nothing: one transaction.

Everything that can be known without the ledger is checked before the first entry is submitted; what the contract
refuses (a taken index, a bad proof) refuses the whole too, and is traced back to its line. A crash at any moment leaves
all tickets or none, so the same command is simply given again.
"""

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ledger_node.contract.entries import NewTicket
from ledger_node.contract.scene import NO_SEAT
from ledger_node.log.helper_process import helper
from ledger_node.log.looks import looked
from ledger_node.services.errors import ServiceError
from ledger_node.services.events import groups_for, next_version, read_event
from ledger_node.services.node import Node
from scanner.verify.keys import PUBLIC_KEY_BYTES, SIGNATURE_BYTES

COLUMNS = ("index", "seat", "category", "gate_group", "face_value", "holder_key", "proof")
_MOST = (2**32 - 1, 2**32 - 1, 255, 255, 2**63 - 1)
_HEX = (PUBLIC_KEY_BYTES, SIGNATURE_BYTES)
_SHOWN = 20
_EVERY = 10_000
_LARGE = 2_000_000
"""Bytes of a file for which it is worth to start another process that looks at keys and proofs."""

Progress = Callable[[int], None]
"""Called now and then with the number of bytes read so far."""


@dataclass(frozen=True, slots=True)
class Lot:
    """Generated tickets: `count` of them, index and seat from `first` on, or no seats if they are `standing`; no
    `gate_group` = spread over all groups.
    """

    event: str
    count: int
    first: int | None = None
    category: int = 0
    gate_group: int | None = None
    face_value: int = 0
    standing: bool = False


def issue_lot(node: Node, lot: Lot) -> tuple[int, int]:
    """Issue generated tickets; the first and the last index. Raises ServiceError."""
    if lot.count < 1:
        raise ServiceError("bad-count", "--count is at least 1")
    state = read_event(node, lot.event)
    if state.issued + lot.count > state.manifest.capacity:
        free = state.manifest.capacity - state.issued
        raise ServiceError("over-capacity", f"{lot.count} tickets, but the capacity has room for {free}")
    groups = [group.number for group in state.manifest.gate_groups]
    first = _next_index(node, lot.event) if lot.first is None else lot.first
    if first + lot.count - 1 > _MOST[0]:
        told = f"an index is at most {_MOST[0]}, and these would go up to {first + lot.count - 1}"
        raise ServiceError("bad-index", f"{told}: say by --first where {lot.count} indexes are free")
    tickets = (
        NewTicket(index, NO_SEAT if lot.standing else index, lot.category, _group(lot, groups, index), lot.face_value)
        for index in range(first, first + lot.count)
    )
    node.commit(list(node.operator.issue(lot.event, tickets, node.seconds)), whole=True)
    return first, first + lot.count - 1


def import_file(node: Node, event: str, path: Path, progress: Progress = lambda _: None) -> int:
    """Issue the rows of a CSV file; how many. Raises ServiceError that names the lines that are wrong."""
    state = read_event(node, event)
    numbers: set[int] = set()
    count = 0

    def tickets() -> Iterator[NewTicket]:
        nonlocal count
        for ticket in read_rows(path, progress):
            numbers.add(ticket.gate_group)
            count += 1
            yield ticket

    with helper() if path.exists() and path.stat().st_size > _LARGE else nullcontext() as pool:
        entries = list(looked(node.operator.issue(event, tickets(), node.seconds), pool))
    if not count:
        raise ServiceError("no-rows", "the file has no rows")
    if state.issued + count > state.manifest.capacity:
        free = state.manifest.capacity - state.issued
        raise ServiceError("over-capacity", f"the file has {count} rows, the capacity has room for {free}")
    update = next_version(node, event, lambda manifest: groups_for(manifest, numbers))
    try:
        node.commit([*update, *entries], whole=True)
    except ServiceError as error:
        raise _with_line(error, path) from error
    return count


def read_rows(path: Path, progress: Progress = lambda _: None) -> Iterator[NewTicket]:
    """The rows of the file. Raises ServiceError at the end, naming up to 20 bad lines, so the caller keeps nothing."""
    faults: list[str] = []
    lines: dict[int, int] = {}
    for line, values, read in _records(path):
        row = _row(values)
        if isinstance(row, str):
            faults.append(f"line {line}: {row}")
            if len(faults) == _SHOWN:
                break
            continue
        if row.index in lines:
            faults.append(f"line {line}: index {row.index} stands in line {lines[row.index]} already")
            continue
        lines[row.index] = line
        if len(lines) % _EVERY == 0:
            progress(read())
        if not faults:
            yield row
    if faults:
        raise ServiceError("bad-rows", "nothing of the file was kept. " + "; ".join(faults))


def _records(path: Path) -> Iterator[tuple[int, list[str], Callable[[], int]]]:
    """Line number, values, and what tells how many bytes were read."""
    try:
        with path.open("rb") as data, io.TextIOWrapper(data, "utf-8-sig", newline="") as file:
            for line, values in _read(file):
                yield line, values, data.tell
    except OSError as error:
        raise ServiceError("no-file", f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ServiceError("not-utf-8", f"the file is not UTF-8 (byte {error.start}): save it as CSV UTF-8") from error


def _read(file: TextIO) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(file, strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        if sorted(header) != sorted(COLUMNS):
            sentence = (
                f"line 1: the columns are {','.join(COLUMNS)}, not {','.join(header)}; the first line names all of "
                "them, and below it holder_key and proof may be empty"
            )
            raise ServiceError("bad-header", sentence)
        places = [header.index(name) for name in COLUMNS]
        ordered = places == list(range(len(COLUMNS)))
        for values in reader:
            if not values:
                continue
            whole = len(values) == len(COLUMNS)
            yield reader.line_num, values if ordered or not whole else [values[place] for place in places]
    except csv.Error as error:
        raise ServiceError("bad-rows", f"line {reader.line_num}: {error}; nothing was kept") from error


def _row(values: list[str]) -> NewTicket | str:
    if len(values) != len(COLUMNS):
        return f"{len(values)} columns instead of {len(COLUMNS)}"
    numbers = [_number(*column) for column in zip(COLUMNS, values, _MOST, strict=False)]
    keys = [_bytes(*column) for column in zip(COLUMNS[-2:], values[-2:], _HEX, strict=True)]
    faults = [value for value in (*numbers, *keys) if isinstance(value, str)]
    if faults:
        return ", ".join(faults)
    if bool(keys[0]) != bool(keys[1]):
        return "holder_key and proof go together: give both or neither"
    return NewTicket(*numbers, *keys)  # type: ignore[arg-type]


def _number(name: str, value: str, most: int) -> int | str:
    text = value.strip()
    if text.isascii() and text.isdecimal() and len(text) <= 20 and int(text) <= most:
        return int(text)
    unit = " (in cents)" if name == "face_value" else ""
    return f"{name}{unit} is {value!r}, not an integer from 0 to {most}"


def _bytes(name: str, value: str, length: int) -> bytes | str:
    text = value.strip()
    try:
        data = bytes.fromhex(text) if text.isalnum() or not text else None
    except ValueError:
        data = None
    if data is None or len(data) not in {0, length}:
        return f"{name} is not {length} bytes in hex ({len(text)} characters)"
    return data


def _with_line(error: ServiceError, path: Path) -> ServiceError:
    """The contract names a ticket; whoever made the file wants its line."""
    _, found, rest = error.sentence.partition("(ticket ")
    digits = rest.split(":")[0].rstrip(")")
    if not found or not digits.isdecimal():
        return error
    for line, values, _ in _records(path):
        row = _row(values)
        if isinstance(row, NewTicket) and row.index == int(digits):
            return ServiceError(
                error.code, f"nothing of the file was kept. line {line}: {error.sentence}", error.status
            )
    return error


def _next_index(node: Node, event: str) -> int:
    with node.view() as view:
        last = 0
        for ticket in view.tickets(event):
            last = ticket.row.ticket
        return last + 1


def _group(lot: Lot, groups: list[int], index: int) -> int:
    if lot.gate_group is not None:
        return lot.gate_group
    return groups[index % len(groups)] if groups else 0
