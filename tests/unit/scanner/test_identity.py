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


def test_the_key_is_made_once_and_by_enrolment_alone(tmp_path: Path) -> None:
    with pytest.raises(IdentityError, match="gate-scanner enrol"):
        Identities(tmp_path, environ={}).key()
    assert not list(tmp_path.iterdir())
    first = Identities(tmp_path, environ={}).made_key()
    assert Identities(tmp_path, environ={}).made_key().public == first.public
    assert Identities(tmp_path, environ={}).key().public == first.public
    assert not Identities(tmp_path, environ={}).key_is_locked
    assert (tmp_path / "device.key").stat().st_mode & 0o077 == 0


def test_a_stolen_card_does_not_carry_the_key(tmp_path: Path) -> None:
    here = Identities(tmp_path, environ=board(tmp_path, b"otp of this board"))
    seed = here.made_key().seed
    assert here.key_is_locked
    assert not [path for path in tmp_path.glob("*") if path.is_file() and seed in path.read_bytes()]
    for environ in ({}, board(tmp_path, b"otp of the thief's board")):
        with pytest.raises(IdentityError, match="locked to another board"):
            Identities(tmp_path, environ=environ).key()


def test_a_key_that_was_cut_short_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "device.key").write_bytes(b"short")
    with pytest.raises(IdentityError, match="`gate-scanner forget`, then enrol this device anew"):
        Identities(tmp_path, environ={}).key()


def test_enrolment_is_kept_and_forgotten_after_a_revocation(tmp_path: Path) -> None:
    identities = Identities(tmp_path, environ={})
    with pytest.raises(IdentityError, match="gate-scanner enrol"):
        identities.enrolled()
    identities.made_key()
    identities.enrol(TOLD)
    assert Identities(tmp_path, environ={}).enrolled() == TOLD
    identities.forget()
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_enrolment_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "enrolment.json").write_text('{"url": 1')
    with pytest.raises(IdentityError, match="`gate-scanner forget`, then enrol this device anew"):
        Identities(tmp_path, environ={}).enrolled()


def test_a_card_that_wakes_on_another_board_has_no_key(tmp_path: Path) -> None:
    serial, state = tmp_path / "serial-number", tmp_path / "state"
    serial.write_bytes(b"100000003d1d8f2a\0")
    identities = Identities(state, environ={}, serial=serial)
    public = identities.made_key().public
    identities.enrol(TOLD)
    assert identities.key().public == public
    serial.write_bytes(b"1000000011111111\0")
    for use in (identities.key, identities.made_key):
        with pytest.raises(IdentityError, match="enrolled on another board"):
            use()
    serial.unlink()
    assert identities.key().public == public, "a board without a serial number cannot tell"
    identities.forget()
    assert list(state.iterdir()) == []
