"""The code that a person reads out to a gate."""

import pytest

from scanner.verify.enrolment import EnrolmentCode, fingerprint, open_code, seal_code
from scanner.verify.entry import Malformed
from scanner.verify.keys import SigningKey

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


def test_a_sealed_code_is_read_by_its_node_for_its_device_alone() -> None:
    node, device = SigningKey(b"n" * 32), SigningKey(b"d" * 32)
    sealed = seal_code(CODE, device.public, node.public)
    assert open_code(sealed, device.public, node) == CODE
    assert sealed != seal_code(CODE, device.public, node.public), "the same code twice shows nothing"
    for wrong in (
        open_code(sealed, SigningKey(b"e" * 32).public, node),
        open_code(sealed, device.public, SigningKey(b"m" * 32)),
    ):
        assert isinstance(wrong, Malformed)


def test_a_sealed_code_with_anything_changed_is_none() -> None:
    node, device = SigningKey(b"n" * 32), SigningKey(b"d" * 32)
    sealed = seal_code(CODE, device.public, node.public)
    changed = [sealed[:at] + f"{int(sealed[at], 16) ^ 1:x}" + sealed[at + 1 :] for at in range(len(sealed))]
    for other in (*changed, sealed[2:], sealed + "00", sealed.upper(), CODE.text(), ""):
        assert isinstance(open_code(other, device.public, node), Malformed)
