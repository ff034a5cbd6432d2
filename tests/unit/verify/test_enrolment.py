"""The code that a person reads out to a gate."""

import pytest

from scanner.verify.enrolment import EnrolmentCode, fingerprint
from scanner.verify.entry import Malformed

NODE = b"n" * 32
CODE = EnrolmentCode(b"\x00\x44\x32\x14\xc7", fingerprint(NODE))


def test_a_code_survives_being_read_out_and_typed_in() -> None:
    text = CODE.text()
    assert [len(group) for group in text.split("-")] == [4, 4, 4, 4]
    for typed in (text, text.lower(), text.replace("-", " "), f" {text.replace('-', '')}\n"):
        assert EnrolmentCode.parse(typed) == CODE


def test_zero_one_and_eight_are_taken_for_the_letters_they_look_like() -> None:
    assert EnrolmentCode.parse("O000-I111-B888-AAAA") == EnrolmentCode.parse("OOOO-IIII-BBBB-AAAA")


@pytest.mark.parametrize(
    "text", ["", "ABCD", "ABCD-EFGH-IJKL-MNO", "ABCD-EFGH-IJKL-MNOPQ", "ABCD-EFGH-IJKL-MNO9", "ABCD-EFGH-IJKL-MN閘"]
)
def test_what_is_no_code_is_told_apart(text: str) -> None:
    assert isinstance(EnrolmentCode.parse(text), Malformed)


def test_an_impostor_does_not_bear_the_nodes_name() -> None:
    assert CODE.names(NODE)
    assert not CODE.names(b"m" * 32)
