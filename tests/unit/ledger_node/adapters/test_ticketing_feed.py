"""Order feeds as ticketing systems and spreadsheets write them: nothing good is lost, nothing bad gets through."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_node.adapters import ticketing
from ledger_node.adapters.orders import FIELDS, BadRow, Contact, Order, read_json_order, read_order
from ledger_node.adapters.ticketing import Double, FeedError, Row, read_feed

HEADER = "number,event,tickets,eticket,price_cents,fee_cents,phone,email"
ROW = "U1,coliseum-1122,12 13,yes,176000,2000,91234567,chan@example.com"
ORDER = Order("U1", "coliseum-1122", (12, 13), (), True, 176_000, 2_000, Contact("+85291234567", "chan@example.com"))
VALUES = dict(zip(HEADER.split(","), ROW.split(","), strict=True))


def rows(tmp_path: Path, data: str | bytes) -> list[Row]:
    path = tmp_path / "feed"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return list(read_feed(path))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "big5hkscs"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_spreadsheets_file_is_read_however_it_was_saved(
    tmp_path: Path, encoding: str, ending: str, delimiter: str
) -> None:
    text = ending.join(
        [
            "訂單編號,活動,座位,電子門票,票價,手續費,電話,電郵",
            "U1,紅館演唱會,12 13,是,176000,2000,9123 4567,",
            '"U2",紅館演唱會,7,否,88000,,,',
            "",
            "",
        ]
    ).replace(",", delimiter)
    found = rows(tmp_path, text.encode(encoding))
    assert found == [
        Order("U1", "紅館演唱會", (), (12, 13), True, 176_000, 2_000, Contact("+85291234567")),
        Order("U2", "紅館演唱會", (), (7,), False, 88_000, 0, Contact()),
    ]
    assert [row.line for row in found] == [2, 3]


def test_characters_that_only_hong_kong_has_survive_big5(tmp_path: Path) -> None:
    data = "number,event,tickets,eticket,price_cents\nU1,啲嘢,1,no,5\n".encode("big5hkscs")
    (order,) = rows(tmp_path, data)
    assert isinstance(order, Order)
    assert order.event == "啲嘢"


def test_json_lines_say_the_same_as_csv(tmp_path: Path) -> None:
    one = {**VALUES, "tickets": [12, 13], "eticket": True, "price_cents": 176_000, "fee_cents": 2_000}
    assert rows(tmp_path, json.dumps(one) + "\r\n") == [ORDER] == rows(tmp_path, f"{HEADER}\n{ROW}")


def test_a_bad_row_is_named_and_the_good_ones_are_kept(tmp_path: Path) -> None:
    text = f'{HEADER}\n{ROW}\nU2,coliseum-1122,"12,yes,1,0,,\nU3,x\n{ROW.replace("U1", "U4")}\n'
    found = rows(tmp_path, text)
    assert [type(row) for row in found] == [Order, BadRow, BadRow, Order]
    assert found[1:3] == [BadRow(3, "the quotes do not match"), BadRow(4, "2 columns instead of 8")]


def test_a_row_twice_is_a_double_and_another_order_under_its_number_is_bad(tmp_path: Path) -> None:
    first, _, same, other = rows(
        tmp_path, "\n".join([HEADER, ROW, ROW.replace("U1", "U2"), ROW, ROW.replace("chan", "wong")])
    )
    assert first == ORDER
    assert same == Double(4, 2)
    assert other == BadRow(5, "number: another order stands under it in line 2", "U1")


def test_the_first_line_of_json_counts_for_doubles_too(tmp_path: Path) -> None:
    line = json.dumps({**VALUES})
    assert rows(tmp_path, f"{line}\n{line}\n") == [ORDER, Double(2, 1)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"number": ""}, "number: missing"),
        ({"number": "U 1"}, "number: "),
        ({"number": "U" * 65}, "number: "),
        ({"number": 7}, "number: "),
        ({"number": [[]]}, "number: "),
        ({"eticket": {}}, "eticket: "),
        ({"price_cents": [1]}, "price_cents: "),
        ({"event": "a\nb"}, "event: "),
        ({"tickets": ""}, "tickets, seats"),
        ({"seats": "9"}, "tickets, seats"),
        ({"tickets": "12 12"}, "tickets: the same number twice"),
        ({"tickets": "12.0"}, "tickets: "),
        ({"tickets": [True]}, "tickets: "),
        ({"tickets": [1.0]}, "tickets: "),
        ({"tickets": {"a": 1}}, "tickets: "),
        ({"tickets": [-1]}, "tickets: "),
        ({"tickets": [2**32]}, "tickets: "),
        ({"tickets": list(range(501))}, "tickets: "),
        ({"tickets": "，"}, "tickets: "),
        ({"eticket": "maybe"}, "eticket: "),
        ({"eticket": 2}, "eticket: "),
        ({"price_cents": "880.00"}, "price_cents: "),
        ({"price_cents": "-1"}, "price_cents: "),
        ({"price_cents": "١٢"}, "price_cents: "),
        ({"price_cents": 1e3}, "price_cents: "),
        ({"price_cents": 2**53}, "price_cents: "),
        ({"price_cents": "9" * 5000}, "price_cents: "),
        ({"price_cents": None}, "price_cents: missing"),
        ({"fee_cents": "x"}, "fee_cents: "),
        ({"eticket": "no"}, "fee_cents: "),
        ({"phone": "9.12E+07"}, "phone: "),
        ({"phone": 91234567}, "phone: "),
        ({"email": "a@b"}, "email: "),
        ({"email": "a@example.com\nBcc: b@example.com"}, "email: "),
        ({"email": "x" * 400}, "email: "),
        ({"phone": "", "email": None}, "phone, email: "),
        ({"name": "CHAN Tai Man"}, "unknown field name"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_by_field(change: dict[str, Any], reason: str) -> None:
    found = read_order(VALUES | change, 3)
    assert isinstance(found, BadRow)
    assert found.reason.startswith(reason)
    assert found.line == 3


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "7",
        '{"number": "U1", "number": "U2"}',
        '{"number": NaN}',
        "[" * 5000,
        '{"a":' * 3000,
        '{"number": 1' + "0" * 5000 + "}",
        "\ud800",
    ],
)
def test_what_is_not_an_order_in_json_is_a_bad_row(text: str) -> None:
    assert isinstance(read_json_order(text, 1), BadRow)


def test_no_personal_data_in_what_may_be_logged() -> None:
    """Whatever is said about an order, its contact is not in it."""
    assert "91234567" not in repr(ORDER)
    assert "chan" not in repr(ORDER)
    wrong = read_order(VALUES | {"phone": "canary-4711", "email": "canary@@"}, 1)
    assert isinstance(wrong, BadRow)
    assert "canary" not in wrong.reason
    assert isinstance(twice := read_json_order('{"canary": "1", "canary": "2"}', 1), BadRow)
    assert "canary" not in twice.reason


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\r\n\r\n", "empty"),
        ("a,b\n".encode("utf-16"), "UTF-16"),
        (b"\xff\xff\xff\n", "neither UTF-8 nor Big5"),
        (b"%PDF-1.7\n\x80\xff", "neither UTF-8 nor Big5"),
        (b"<html><body>503</body></html>\n", "the columns are"),
        (b"number,number\n", "the columns are"),
        (b'"number,event\n', "the quotes do not match"),
        (b"x" * 20_000, "longer than"),
    ],
)
def test_a_file_that_is_no_feed_gets_one_clear_sentence(tmp_path: Path, data: bytes, what: str) -> None:
    with pytest.raises(FeedError, match=what):
        rows(tmp_path, data)


def test_a_missing_file_gets_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="No such file"):
        list(read_feed(tmp_path / "none.csv"))


@pytest.mark.parametrize("length", [ticketing.MOST_LINE - 1, ticketing.MOST_LINE, ticketing.MOST_LINE * 3 + 5, 3 << 20])
def test_an_endless_line_costs_itself_only(tmp_path: Path, length: int) -> None:
    found = rows(tmp_path, f"{HEADER}\n{'x' * length}\n{ROW}\n")
    assert [type(row) for row in found] == [BadRow, Order]
    assert [row.line for row in found] == [2, 3]


def test_a_long_feed_is_streamed_and_its_progress_told(tmp_path: Path) -> None:
    path = tmp_path / "feed.csv"
    count = 20_000
    with path.open("w") as file:
        file.write(HEADER + "\n")
        file.writelines(ROW.replace("U1,", f"U{number},") + "\n" for number in range(count))
        file.write(ROW + "\n")
    told: list[int] = []
    found = read_feed(path, told.append)
    assert isinstance(next(found), Order)
    assert told == [], "the first row is there before the file has been read"
    kinds = [type(row) for row in found]
    assert (kinds.count(Order), kinds.count(Double)) == (count - 1, 1)
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size


@given(st.binary(max_size=400))
def test_noise_never_ends_in_anything_but_rows_or_one_sentence(tmp_path_factory: Any, noise: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "noise"
    for data in (noise, HEADER.encode() + b"\n" + noise, b"{" + noise):
        path.write_bytes(data)
        try:
            found = list(read_feed(path))
        except FeedError:
            continue
        assert all(isinstance(row, BadRow) for row in found)


def test_each_field_has_a_chinese_name() -> None:
    assert len(ticketing.NAMES) == 2 * len(FIELDS)
