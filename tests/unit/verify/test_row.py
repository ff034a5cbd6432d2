"""A ticket's row is found, whole and its own, whatever indexes an event has."""

import struct

import pytest

from scanner.verify.row import ACTIVE, BLOCKED, ROW_BYTES, Row, Rows, indexes

KEY = bytes(range(32))
ROW = Row(12345, 2, ACTIVE, 3, 2, 1, 12648430, KEY, 4, 1, 258, 1_800_000_000)


def rows_of(tickets: list[int]) -> Rows:
    return Rows(memoryview(b"".join(ROW._replace(ticket=ticket, seat=ticket).pack() for ticket in tickets)))


def test_layout_is_the_documented_54_bytes() -> None:
    assert ROW.pack().hex() == "0000303900020003020100c0ffee" + KEY.hex() + "040101026b49d200"
    assert len(ROW.pack()) == ROW_BYTES == 54
    assert Row.unpack(ROW.pack()) == ROW


@pytest.mark.parametrize("length", [0, 53, 55, 108])
def test_row_of_another_length_is_a_fault(length: int) -> None:
    with pytest.raises(struct.error):
        Row.unpack(bytes(length))


@pytest.mark.parametrize(
    ("name", "value"),
    [("ticket", 2**32), ("ticket", -1), ("owner_seq", 2**16), ("state", 256), ("used_gate", 2**16), ("used_at", 2**32)],
)
def test_value_beyond_its_field_is_a_fault_not_a_wrapped_number(name: str, value: int) -> None:
    with pytest.raises(struct.error):
        ROW._replace(**{name: value}).pack()


@pytest.mark.parametrize(
    "tickets",
    [
        [], [0], [7], [2**32 - 1], [0, 2**32 - 1], [1, 2, 3], list(range(1000)), list(range(50_000, 50_999)),
        list(range(0, 4000, 7)), [*range(100), *range(10_000, 10_100)], [*range(100), 2**31, 2**32 - 2],
        [n * n for n in range(500)], [2**n for n in range(32)], [2**32 - 1 - 2**n for n in range(31, -1, -1)],
    ],
)  # fmt: skip
def test_every_ticket_is_found_and_no_other(tickets: list[int]) -> None:
    rows, present = rows_of(tickets), set(tickets)
    near = {t + d for t in tickets for d in (-1, 1)} | {0, 2**31, 2**32 - 1, -1, 2**40}
    for ticket in present | near:
        found = rows.find(ticket)
        assert (found.ticket if found else None) == (ticket if ticket in present else None)
        assert found is None or found.seat == ticket
    assert len(rows) == len(tickets)
    assert [row.ticket for row in rows] == tickets


def test_search_ends_even_in_rows_that_are_out_of_order() -> None:
    rows = rows_of([5, 3, 9, 1, 1, 8])
    for ticket in range(12):
        found = rows.find(ticket)
        assert found is None or found.ticket == ticket


def test_indexes_are_read_without_unpacking_the_rest() -> None:
    packed = b"".join(ROW._replace(ticket=ticket, state=BLOCKED).pack() for ticket in (3, 1, 2))
    assert list(indexes(packed)) == [3, 1, 2]
