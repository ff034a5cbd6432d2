"""One text for one byte string: a code that was read differently can't pass for another."""

import itertools

import pytest

from scanner.verify import base45

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0"), (b"", "")],
)
def test_examples_of_rfc_9285(data: bytes, text: str) -> None:
    assert base45.encode(data) == text
    assert base45.decode(text) == data


@pytest.mark.parametrize(
    "text",
    ["BB8\n", "\nBB8", "BB8\r\n", "bb8", "Bb8", "GGW", ":::", "::", "V5", "B", "BB8B", "BB8\0", "BB\u0668",
     "ＢＢ8", "BB,", "BB_", "BB8 ", "\ud800BB"],
)  # fmt: skip
def test_other_spellings_are_refused(text: str) -> None:
    assert base45.decode(text) is None


def test_every_pair_of_characters_is_one_byte_or_nothing() -> None:
    texts = ["".join(pair) for pair in itertools.product(ALPHABET, repeat=2)]
    read = {text: base45.decode(text) for text in texts}
    assert sorted(data for data in read.values() if data is not None) == [bytes([n]) for n in range(256)]
    assert all(base45.encode(data) == text for text, data in read.items() if data is not None)


def test_every_triple_at_the_edge_of_two_bytes() -> None:
    assert base45.decode("FGW") == b"\xff\xff"
    for text in ("GGW", "HGW", "FHW", "FGX", "FG:"):
        assert base45.decode(text) is None


def test_every_character_outside_the_alphabet_is_refused() -> None:
    outside = [chr(code) for code in range(0x250) if chr(code) not in ALPHABET]
    assert [character for character in outside if base45.decode("BB" + character) is not None] == []
