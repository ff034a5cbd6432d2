"""The wallet provider's signed word: what does not add up, or was signed for another purpose, is not believed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_node.contract.provider import (
    MAX_BYTES,
    Attestation,
    Money,
    Share,
    open_receipt,
    seal_receipt,
    signed_by,
)
from scanner.verify.entry import Malformed, canonical, seal
from scanner.verify.keys import SigningKey

KEY = SigningKey(bytes(range(32)))
OTHER = SigningKey(bytes(32))
BUYER, SELLER, ORGANISER = (bytes([number]) * 32 for number in (1, 2, 3))
COMMON = {"provider": "bay-wallet", "event": "coliseum-1122", "reference": "order:77", "at": 1_795_000_000}
MONEY = {**COMMON, "amount": 90_000, "currency": "HKD", "payer": BUYER}
SPLIT = [[SELLER, 85_500], [ORGANISER, 4_500]]
GOOD: dict[str, dict[str, Any]] = {
    "hold": {**MONEY, "kind": "hold", "until": 1_795_000_600},
    "capture": {**MONEY, "kind": "capture", "of": "hold:77", "shares": SPLIT},
    "release": {**MONEY, "kind": "release", "of": "hold:77"},
    "refund": {**MONEY, "kind": "refund", "of": "capture:77", "shares": SPLIT},
    "attest": {**COMMON, "kind": "attest", "subject": SELLER, "key": KEY.public, "level": 2, "until": 1_800_000_000},
}


@pytest.mark.parametrize("kind", GOOD)
def test_what_is_sealed_is_read_back_and_only_its_signer_signed_it(kind: str) -> None:
    receipt = open_receipt(seal_receipt(GOOD[kind], KEY))
    assert isinstance(receipt, Money | Attestation)
    assert signed_by(receipt, KEY.public)
    assert not signed_by(receipt, OTHER.public)


def test_a_capture_says_who_got_what() -> None:
    receipt = open_receipt(seal_receipt(GOOD["capture"], KEY))
    assert isinstance(receipt, Money)
    assert receipt.shares == (Share(SELLER, 85_500), Share(ORGANISER, 4_500))
    assert (receipt.of, receipt.amount, receipt.payer, receipt.until) == ("hold:77", 90_000, BUYER, 0)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("capture", {"shares": [[SELLER, 85_500], [ORGANISER, 4_499]]}),
        ("capture", {"shares": [[SELLER, 45_000], [SELLER, 45_000]]}),
        ("capture", {"shares": []}),
        ("capture", {"shares": [[SELLER, 90_001], [ORGANISER, -1]]}),
        ("capture", {"shares": [[SELLER, 90_000, 0]]}),
        ("refund", {"shares": [[bytes([n]) * 32, 1] for n in range(17)], "amount": 17}),
        ("hold", {"amount": 0}),
        ("hold", {"amount": -5}),
        ("hold", {"amount": True}),
        ("hold", {"amount": 2**53 + 1}),
        ("hold", {"currency": "hkd"}),
        ("hold", {"payer": BUYER[:31]}),
        ("hold", {"reference": ""}),
        ("hold", {"reference": "a b"}),
        ("hold", {"reference": "r" * 65}),
        ("hold", {"provider": "Bay Wallet"}),
        ("hold", {"event": "x" * 129}),
        ("hold", {"at": -1}),
        ("hold", {"more": 1}),
        ("attest", {"level": 256}),
        ("attest", {"kind": "hold"}),
        ("attest", {"kind": "gift"}),
        ("attest", {"kind": 7}),
    ],
)
def test_a_receipt_that_does_not_add_up_is_neither_made_nor_read(kind: str, change: dict[str, Any]) -> None:
    fields = GOOD[kind] | change
    with pytest.raises(ValueError, match=r"\w"):
        seal_receipt(fields, KEY)
    payload = canonical(fields)
    assert isinstance(open_receipt(KEY.sign(payload) + payload), Malformed)


def test_a_receipt_of_one_kind_is_no_receipt_of_another() -> None:
    """The kind is part of what is signed, and of the domain."""
    raw = seal_receipt(GOOD["release"], KEY)
    payload = canonical({**GOOD["refund"]})
    forged = open_receipt(raw[:64] + payload)
    assert isinstance(forged, Money)
    assert not signed_by(forged, KEY.public)


def test_a_signature_from_another_domain_counts_for_nothing() -> None:
    fields = GOOD["hold"]
    entry = seal("ticket.state", "coliseum-1122", 1_795_000_000, {"a": 1}, KEY)
    moved = open_receipt(entry[:64] + canonical(fields))
    assert isinstance(moved, Money)
    assert not signed_by(moved, KEY.public)


def test_a_receipt_is_short_and_canonical() -> None:
    raw = seal_receipt(GOOD["hold"], KEY)
    assert isinstance(open_receipt(raw + b"\0"), Malformed)
    assert isinstance(open_receipt(bytes(MAX_BYTES + 1)), Malformed)
    assert isinstance(open_receipt(raw[:64]), Malformed)


@given(st.data())
def test_no_flipped_byte_survives(data: st.DataObject) -> None:
    raw = bytearray(seal_receipt(GOOD["capture"], KEY))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    receipt = open_receipt(bytes(raw))
    assert isinstance(receipt, Malformed) or not signed_by(receipt, KEY.public)


@given(st.binary(max_size=300))
def test_noise_is_malformed_and_never_an_error(noise: bytes) -> None:
    assert isinstance(open_receipt(noise), Malformed)
