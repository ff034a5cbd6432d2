"""The node's home folder: keys are made once, kept from others' eyes, never replaced by chance; one process writes."""

import os
from pathlib import Path

import pytest

from ledger_node.config import add_certificate_key, load_keys
from ledger_node.home_folder import HomeError, HomeInUseError, credentials_folder, default_home, hold


def test_keys_are_made_on_first_use_for_the_owner_alone_and_are_the_same_after(tmp_path: Path) -> None:
    keys = load_keys(tmp_path, None, os.urandom)
    again = load_keys(tmp_path, None, os.urandom)
    assert (again.node.public, again.certificates[1].public) == (keys.node.public, keys.certificates[1].public)
    assert again.vault == keys.vault
    assert keys.vault.key.hex() not in repr(keys)
    assert [path.stat().st_mode & 0o777 for path in sorted((tmp_path / "keys").iterdir())] == [0o600] * 3


def test_a_lost_vault_key_is_not_replaced_while_there_is_a_vault(tmp_path: Path) -> None:
    load_keys(tmp_path, None, os.urandom)
    (tmp_path / "vault.sqlite3").touch()
    (tmp_path / "keys" / "vault.key").unlink()
    with pytest.raises(HomeError, match=r"vault\.key is missing"):
        load_keys(tmp_path, None, os.urandom)


def test_a_lost_key_is_not_replaced_by_a_new_one_under_an_old_ledger(tmp_path: Path) -> None:
    load_keys(tmp_path, None, os.urandom)
    (tmp_path / "ledger.sqlite3").touch()
    (tmp_path / "keys" / "node.key").unlink()
    with pytest.raises(HomeError, match="restore the key"):
        load_keys(tmp_path, None, os.urandom)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    load_keys(tmp_path, None, os.urandom)
    (tmp_path / "keys" / "node.key").chmod(0o644)
    with pytest.raises(HomeError, match="chmod 600"):
        load_keys(tmp_path, None, os.urandom)


def test_a_damaged_key_is_named(tmp_path: Path) -> None:
    load_keys(tmp_path, None, os.urandom)
    (tmp_path / "keys" / "ledger-1.key").write_text("not hex")
    with pytest.raises(HomeError, match=r"ledger-1\.key is not a key"):
        load_keys(tmp_path, None, os.urandom)


def test_keys_from_the_credentials_folder_come_first_and_are_not_copied_home(tmp_path: Path) -> None:
    made = load_keys(tmp_path / "first", None, os.urandom)
    credentials = tmp_path / "first" / "keys"
    found = load_keys(tmp_path / "second", credentials, os.urandom)
    assert found.node.public == made.node.public
    assert list((tmp_path / "second" / "keys").iterdir()) == []


def test_a_new_certificate_key_is_the_one_in_use_and_the_old_one_stays(tmp_path: Path) -> None:
    keys = add_certificate_key(tmp_path, load_keys(tmp_path, None, os.urandom), os.urandom)
    assert (keys.kid, sorted(keys.certificates)) == (2, [1, 2])
    assert sorted(load_keys(tmp_path, None, os.urandom).certificates) == [1, 2]


def test_two_processes_cannot_have_one_home(tmp_path: Path) -> None:
    with hold(tmp_path), pytest.raises(HomeInUseError, match="stop it"), hold(tmp_path):
        pass
    with hold(tmp_path):
        pass


def test_a_home_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HomeError, match="--home"), hold(tmp_path / "file" / "home"):
        pass


def test_systemd_says_where_home_and_credentials_are() -> None:
    assert default_home({"STATE_DIRECTORY": "/var/lib/ledger-node"}) == Path("/var/lib/ledger-node")
    assert credentials_folder({"CREDENTIALS_DIRECTORY": "/run/credentials/x"}) == Path("/run/credentials/x")
    assert credentials_folder({}) is None
