"""Attack: bytes that make the CBOR library work, long before anybody's signature is looked at.

220 anonymous bytes were two seconds of a compiled regular expression; 64 KB were a quarter of an hour, with the
interpreter held. No second is measured here: what is counted is the work that must not be begun.
"""

import re
from email.parser import Parser
from pathlib import Path

import cbor2
import pytest

from scanner.verify import cbor
from scanner.verify.cbor import MOST_LISTS, MOST_MAPS, MOST_VALUES, NotCborError, canonical, read, reread, skim
from scanner.verify.entry import Malformed, open_entry

FULL = 65_000
KEY = b"\xa1\x61a"
TOO_MUCH = f"holds more than {MOST_VALUES} values"


def tag(number: int, inner: bytes) -> bytes:
    if number < 24:
        return bytes([0xC0 | number]) + inner
    size = 1 if number < 2**8 else 2 if number < 2**16 else 4
    return bytes([0xD7 + {1: 1, 2: 2, 4: 3}[size]]) + number.to_bytes(size, "big") + inner


def text(said: str) -> bytes:
    data = said.encode()
    return b"\x79" + len(data).to_bytes(2, "big") + data


def listed(count: int, item: bytes) -> bytes:
    return KEY + b"\x9a" + count.to_bytes(4, "big") + item * count


REGEX = tag(35, text("(?i)" + "[\\0-\U0010ffff]" * 16))
MAIL = tag(36, text("Content-Type: multipart/mixed; boundary=a\n\n" + "--a\nContent-Type: multipart/mixed\n\n" * 1_300))
NUMBERS = (
    tag(4, b"\x82\x1b\x7f" + b"\xff" * 7 + b"\x01"),
    tag(5, b"\x82\x1a\x10\x00\x00\x00\x01"),
    tag(30, b"\x82\x01\x00"),
)


@pytest.fixture
def nothing_is_carried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def begun(*_: object, **__: object) -> None:
        raise AssertionError("a tag was carried out")

    monkeypatch.setattr(re, "compile", begun)
    monkeypatch.setattr(Parser, "parsestr", begun)


@pytest.mark.usefixtures("nothing_is_carried_out")
@pytest.mark.parametrize("bomb", [REGEX, MAIL, *NUMBERS, tag(258, b"\x80"), tag(28, b"\x80"), tag(29, b"\x00")])
@pytest.mark.parametrize("wrap", [KEY, KEY + b"\x81" * 10, b"", KEY + b"\x82\x00", b"\xa1"])
def test_a_bomb_in_a_tag_is_refused_and_not_carried_out(bomb: bytes, wrap: bytes) -> None:
    data = wrap + bomb + (b"\x00" if wrap == b"\xa1" else b"")
    assert isinstance(open_entry(bytes(64) + data), Malformed)
    for door in (read, reread, skim):
        with pytest.raises(NotCborError):
            door(data)


def test_no_tag_at_all_is_known() -> None:
    """Also those that a later version of the library may come to know."""
    for number in (*range(1_100), 43_000, 55_799, 65_535, 65_536, 2**32 - 1):
        for inner in (b"\x60", b"\x00", b"\x40", b"\x80", b"\x82\x01\x01"):
            with pytest.raises(NotCborError):
                reread(KEY + tag(number, inner))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (listed(FULL, b"\x00"), TOO_MUCH),
        (listed(FULL, b"\x80"), TOO_MUCH),
        (listed(FULL, b"\xa0"), TOO_MUCH),
        (listed(MOST_LISTS, b"\x80"), TOO_MUCH),
        (listed(MOST_MAPS, b"\xa0"), TOO_MUCH),
        (listed(1_000, b"\xa1\x61a" * 14 + b"\x00"), TOO_MUCH),
        (KEY + b"\x81" * 14 + b"\x9a" + (60_000).to_bytes(4, "big") + b"\x00" * 60_000, TOO_MUCH),
        (b"\x81" * FULL, "depth"),
        (KEY * 20_000, "depth"),
        (KEY + b"\x9f" + b"\x00" * 9 + b"\xff", "indefinite"),
        (KEY + b"\x7f\x61a\xff", "indefinite"),
        (KEY + b"\x9b" + b"\x7f" * 8, "not CBOR"),
        (KEY + b"\x7b" + b"\x7f" * 8, "not CBOR"),
        (b"\xbb\x00\x00\x00\xff" + b"\xff" * 4, "not CBOR"),
        (b"\xa2\x61a\x00\x61a\x00", "duplicate"),
        (b"\xa1\x80\x00", "not CBOR"),
    ],
)
def test_what_is_too_much_is_refused_before_it_is_written_again(
    data: bytes, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cbor, "canonical", lambda _: pytest.fail("written again, which costs most"))
    assert len(data) <= 65_535
    with pytest.raises(NotCborError, match=f"(?i){why}"):
        read(data)


def test_the_densest_ticket_issue_is_within_the_bounds() -> None:
    rows = [[256 + index, 0, 1, 1, 0] for index in range(7_500)]
    data = canonical({"rows": rows})
    assert 60_000 - 100 < len(data) < 65_535
    assert read(data) == {"rows": rows}
    assert len(rows) * 6 < MOST_VALUES


def test_a_passkeys_keys_may_be_numbers_and_several_items_follow_each_other() -> None:
    skim(cbor2.dumps({1: 2, 3: -7, -1: 1}) + cbor2.dumps({"credProtect": 2}) + cbor2.dumps([]))
    skim(b"")
    for bad in (b"\xa1", b"\x1c", cbor2.dumps({1: 2}) + REGEX, b"\x81" * 17 + b"\x00"):
        with pytest.raises(NotCborError):
            skim(bad)


def test_more_items_than_a_passkey_has_are_not_skimmed() -> None:
    skim(b"\x00" * cbor.MOST_ITEMS)
    for bad in (b"\x00" * (cbor.MOST_ITEMS + 1), b"\x58\xff" + bytes(255) + b"\x00" * FULL, b"\x81" * FULL):
        with pytest.raises(NotCborError, match="more than"):
            skim(bad)


def test_what_does_not_look_right_is_refused_before_it_is_walked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    for costly in ("fault", "canonical"):
        monkeypatch.setattr(cbor, costly, lambda *_: pytest.fail("walked through"))
    with pytest.raises(NotCborError, match="form"):
        read(listed(FULL, b"\x00"), lambda value: value.keys() == {"records"})
    with pytest.raises(NotCborError, match="depth"):
        read(KEY + b"\x81\x81\x00", deepest=2)


def test_the_library_alone_would_carry_them_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The canary of this file: should this fail, the library has changed, and the tests above show less."""
    compiled: list[object] = []
    real = re.compile
    monkeypatch.setattr(re, "compile", lambda *given: (compiled.append(given), real("x"))[1])
    cbor2.loads(KEY + tag(35, text("x")))
    assert compiled or isinstance(cbor2.loads(tag(35, text("x"))), re.Pattern)
    assert Path(cbor.__file__).name == "cbor.py"
