"""Telephone numbers and e-mail addresses: many spellings in, one form out, nothing that smuggles a second address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_node.adapters.address import mailbox
from ledger_node.adapters.phone import e164


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
