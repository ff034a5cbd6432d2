"""Telephone numbers and e-mail addresses: many spellings in, one form out, nothing that smuggles a second address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_node.spelling import answer, answers, found_by, order_number, ticket_number
from ledger_node.spelling import mail as mailbox
from ledger_node.spelling import phone as e164


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("91234567", "+85291234567"),
        ("9123 4567", "+85291234567"),
        (" 9123-4567 ", "+85291234567"),
        ("(852) 9123 4567", "+85291234567"),
        ("+852 9123 4567", "+85291234567"),
        ("00852 91234567", "+85291234567"),
        ("８５２９１２３４５６７", "+85291234567"),
        ("＋８５２ ９１２３ ４５６７", "+85291234567"),
        ("+86 138 0013 8000", "+8613800138000"),
        ("+44 20 7946 0018", "+442079460018"),
    ],
)
def test_a_number_has_one_form_however_it_is_written(written: str, number: str) -> None:
    assert e164(written) == number


@pytest.mark.parametrize(
    "written",
    [
        "", "12345678", "9123456", "912345678", "+852 1234 5678", "+852 912345678", "+0123456789", "9.1E+07",
        "+1234", "+" + "1" * 16, "911; DROP", "91234567\n91234568", "91234567,91234568", "١٢٣٤٥٦٧٨", "tel:91234567",
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused(written: str) -> None:
    assert e164(written) is None


@given(st.text(max_size=30))
def test_what_comes_out_is_always_e164(text: str) -> None:
    number = e164(text)
    assert number is None or (number[0] == "+" and number[1:].isascii() and number[1:].isdecimal())
    assert number is None or e164(number) == number


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("Chan@Example.COM", "Chan@example.com"),
        (" a.b+tickets@mail.example.com.hk ", "a.b+tickets@mail.example.com.hk"),
        ("info@例子.香港", "info@xn--fsqu00a.xn--j6w193g"),
    ],
)
def test_an_address_has_one_form(written: str, address: str) -> None:
    assert mailbox(written) == address


@pytest.mark.parametrize(
    "written",
    [
        "", "@", "a@", "@b.com", "a@b", "a b@example.com", "a@exam ple.com", "a@example.com,b@example.com",
        "a@example.com\r\nBcc: b@example.com", "a\n@example.com", "A <a@example.com>", "a@@example.com", "a..b@x.com",
        ".a@x.com", '"a b"@example.com', "陳@example.com", "a@-x.com", "a@x..com", "x" * 65 + "@example.com",
        "a@" + "x." * 140 + "com", "a@127.0.0.1", "a@x.com\0", "a@" + "例" * 300 + ".com",
    ],
)  # fmt: skip
def test_what_is_no_single_address_is_refused(written: str) -> None:
    assert mailbox(written) is None


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
def test_no_address_has_room_for_another_header(text: str) -> None:
    address = mailbox(f"{text}@example.com") or mailbox(text)
    assert address is None or (address.isascii() and address.isprintable() and " " not in address)


@pytest.mark.parametrize(
    ("field", "spellings"),
    [
        (
            "phone",
            [
                "91234567",
                "+852 9123 4567",
                "9123-4567",
                "００８５２　９１２３４５６７",
                "852-91234567",
                "(852) 91234567",
            ],
        ),
        ("email", ["Chan.TM@Example.com", "chan.tm@example.com", " CHAN.TM@EXAMPLE.COM", "ｃｈａｎ.tm@example.com"]),
        ("order", ["A-100/23", "a 100 23", "Ａ－１００／２３", "A10023", " #a-10023 "]),
        ("document", ["A123456(7)", "a123456 7", "Ａ１２３４５６（７）"]),
    ],
)
def test_a_person_is_found_however_it_is_spelt(field: str, spellings: list[str]) -> None:
    assert len({found_by(field, one) for one in spellings}) == 1


def test_what_is_different_is_not_found_as_the_same() -> None:
    assert found_by("phone", "91234567") != found_by("phone", "91234568")
    assert found_by("email", "a.b@example.com") != found_by("email", "ab@example.com")
    assert found_by("order", "A1001") != found_by("order", "A1002")


@pytest.mark.parametrize("kept", ["+85291234567", "91234567", "chan@example.com", "U-2026/1"])
def test_a_right_answer_stays_right_in_every_spelling(kept: str) -> None:
    """Answers were stretched in the form of `answer` before telephone numbers had one form, and still open."""
    assert answer(kept) in answers(kept)
    assert answer(kept) in answers(f" {kept.upper()} ")
    if kept.startswith("+852"):
        for spelt in ("91234567", "9123 4567", "+852-9123-4567", "８５２ ９１２３ ４５６７"):
            assert answer(kept) in answers(spelt)
    assert answer(kept) not in answers("91234568")


@pytest.mark.parametrize(
    ("written", "number"),
    [("U-1", "U-1"), (" Ｕ－１ ", "U-1"), ("u-1", "u-1"), ("U 1", None), ("", None), ("訂單", None), ("-1", None)],
)
def test_an_order_number_is_kept_in_plain_letters(written: str, number: str | None) -> None:
    assert order_number(written) == number


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("17", 17),
        ("#17", 17),
        ("１７", 17),
        (" 4,711 ", 4711),
        ("0", 0),
        ("", None),
        ("-1", None),
        ("4294967296", None),
    ],
)
def test_a_ticket_number_is_digits_in_any_width(written: str, number: int | None) -> None:
    assert ticket_number(written) == number
