"""The device's key: made once, never readable from a stolen card, and gone after a revocation."""

from pathlib import Path

import pytest

from scanner.identity import Enrolled, Identities, IdentityError

TOLD = Enrolled("http://127.0.0.1:8440", "d1", "show", "R1", "aa" * 32, "vkey", "origin")


def board(folder: Path, secret: bytes) -> dict[str, str]:
    credentials = folder / "credentials"
    credentials.mkdir(exist_ok=True)
    (credentials / "board-secret").write_bytes(secret)
    return {"CREDENTIALS_DIRECTORY": str(credentials)}


def test_the_key_is_made_once(tmp_path: Path) -> None:
    first = Identities(tmp_path, environ={}).key()
    assert Identities(tmp_path, environ={}).key().public == first.public
    assert not Identities(tmp_path, environ={}).key_is_locked
    assert (tmp_path / "device.key").stat().st_mode & 0o077 == 0


def test_a_stolen_card_does_not_carry_the_key(tmp_path: Path) -> None:
    here = Identities(tmp_path, environ=board(tmp_path, b"otp of this board"))
    seed = here.key().seed
    assert here.key_is_locked
    assert not [path for path in tmp_path.glob("*") if path.is_file() and seed in path.read_bytes()]
    for environ in ({}, board(tmp_path, b"otp of the thief's board")):
        with pytest.raises(IdentityError, match="locked to another board"):
            Identities(tmp_path, environ=environ).key()


def test_a_key_that_was_cut_short_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "device.key").write_bytes(b"short")
    with pytest.raises(IdentityError, match="enrol this device again"):
        Identities(tmp_path, environ={}).key()


def test_enrolment_is_kept_and_forgotten_after_a_revocation(tmp_path: Path) -> None:
    identities = Identities(tmp_path, environ={})
    with pytest.raises(IdentityError, match="gate-scanner enrol"):
        identities.enrolled()
    identities.key()
    identities.enrol(TOLD)
    assert Identities(tmp_path, environ={}).enrolled() == TOLD
    identities.forget()
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_enrolment_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "enrolment.json").write_text('{"url": 1')
    with pytest.raises(IdentityError, match="enrol this device again"):
        Identities(tmp_path, environ={}).enrolled()
