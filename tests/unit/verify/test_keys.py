"""The verdict that counts is libsodium's: keys and signatures that other libraries take and it refuses stay out."""

import pytest

from scanner.verify.keys import NO_KEY, SALT_BYTES, SigningKey, stretch, valid_public_key, verify
from tests.fakes.vectors import load

EDGE = load("ed25519-edge.json")
VERDICTS = load("ed25519-verdicts.json")
ORDER = 2**252 + 27742317777372353535851937790883648493
PRIME = 2**255 - 19


@pytest.mark.parametrize("case", EDGE, ids=lambda case: case["name"])
def test_edge_case_is_judged_as_it_was_frozen(case: dict[str, str]) -> None:
    key, message, signature = (bytes.fromhex(case[name]) for name in ("public_key", "message", "signature"))
    frozen = VERDICTS[case["name"]]
    assert verify(key, message, signature) is frozen["signature_accepted"]
    assert valid_public_key(key) is frozen["key_registrable"]


def test_every_edge_case_has_a_frozen_verdict() -> None:
    assert VERDICTS.keys() == {case["name"] for case in EDGE}
    assert [name for name, frozen in VERDICTS.items() if frozen["signature_accepted"]] == ["3", "honest"]


def points_of_small_order() -> dict[str, bytes]:
    order_8 = 2707385501144840649318225287225658788936804267575313519463743609750303021386
    other_8 = PRIME - order_8 if order_8 < PRIME else order_8
    plain = {"order 1": 1, "order 2": PRIME - 1, "order 4": 0, "order 8": order_8, "order 8, other": other_8}
    sign = 1 << 255
    return {
        f"{name}{' with sign bit' if high else ''}": (value + high).to_bytes(32, "little")
        for name, value in plain.items()
        for high in (0, sign)
    }


@pytest.mark.parametrize("key", points_of_small_order().values(), ids=points_of_small_order().keys())
def test_key_of_small_order_is_never_registered_and_verifies_nothing(key: bytes) -> None:
    assert not valid_public_key(key)
    for first in (key, (1).to_bytes(32, "little")):
        assert not verify(key, b"step 1", first + bytes(32))


@pytest.mark.parametrize("y", [PRIME, PRIME + 1, PRIME + 3, PRIME + 18, 2, 7])
@pytest.mark.parametrize("sign", [0, 1 << 255])
def test_key_outside_the_prime_order_group_is_never_registered(y: int, sign: int) -> None:
    assert not valid_public_key((y + sign).to_bytes(32, "little"))


@pytest.mark.parametrize("key", [b"", b"\1", bytes(31), bytes(33), NO_KEY])
def test_key_of_another_length_or_none_is_refused_without_an_exception(key: bytes) -> None:
    signature = SigningKey(bytes(32)).sign(b"m")
    assert not valid_public_key(key)
    assert not verify(key, b"m", signature)


@pytest.mark.parametrize("length", [0, 1, 63, 65, 128])
def test_signature_of_another_length_is_refused_without_an_exception(length: int) -> None:
    key = SigningKey(bytes(32))
    assert not verify(key.public, b"m", (key.sign(b"m") * 2)[:length])


def test_signature_has_one_spelling() -> None:
    key = SigningKey(b"k" * 32)
    signature = key.sign(b"m")
    scalar = int.from_bytes(signature[32:], "little")
    assert verify(key.public, b"m", signature)
    for times in range(1, 15):
        assert not verify(key.public, b"m", signature[:32] + (scalar + times * ORDER).to_bytes(32, "little"))


def test_every_bit_of_a_signature_counts() -> None:
    key = SigningKey(b"k" * 32)
    signature = key.sign(b"m")
    for bit in range(512):
        damaged = (int.from_bytes(signature, "big") ^ 1 << bit).to_bytes(64, "big")
        assert not verify(key.public, b"m", damaged)


def test_rfc_8032_first_test_vector() -> None:
    key = SigningKey(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    assert key.public.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert key.sign(b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )


def test_private_key_shows_in_no_log_line() -> None:
    key = SigningKey(b"k" * 32)
    assert key.seed.hex() not in repr(key)
    assert str(key.seed) not in f"{key} {key!r}"


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_seed_of_another_length_is_a_fault(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SigningKey(bytes(length))


def test_a_stretched_secret_depends_on_every_bit_of_secret_and_salt() -> None:
    salt = bytes(SALT_BYTES)
    made = {stretch(secret, one) for secret in (b"", b"1234", b"1235") for one in (salt, salt[:-1] + b"\1")}
    assert len(made) == 6
    assert stretch(b"1234", salt) in made


def test_stretching_is_argon2id_as_another_library_makes_it() -> None:
    # Made with OpenSSL: 2 passes, 19,456 KiB, 1 lane (RFC 9106).
    made = "2b5dc4054886ec957ef59c73b661c54dd6fb274590b278f657c6d96aac8fa6d1"
    assert stretch(b"password", b"somesaltsomesalt").hex() == made
