"""The vault key is changed, and the process dies before, after or in any write of it: nobody is lost, the node goes on,
and asking again ends it; then the old key is nowhere.
"""

import os
import random
import shutil
import subprocess
import sys
import time
from contextlib import closing

import pyotp
import pytest

from ledger_node import vault_key
from ledger_node.config import load_keys
from ledger_node.home_folder import HomeError
from ledger_node.services import vault_rotation
from ledger_node.services.accounts import staff
from ledger_node.services.accounts.roles import Role
from ledger_node.services.errors import ServiceError
from ledger_node.services.trail import CONSOLE, Actor
from ledger_node.services.vault import Vault
from tests.fakes.crashes import Crashed, Fate, Fated
from tests.fakes.running_node import open_home
from tests.fakes.staffed_node import open_office

BY = Actor(CONSOLE)
PHONE = "+8529{:07d}"


def rotated(node) -> vault_rotation.Step:
    made = vault_rotation.step(node, "", BY)
    while made.after:
        made = vault_rotation.step(node, made.after, BY)
    return made


def person(number):
    return {"name": f"Canary {number}", "phone": PHONE.format(number)}


def everybody_is_there(node, people):
    for number, one in enumerate(people):
        assert node.vault.read(one) == person(number)
        assert node.vault.find("phone", PHONE.format(number)) == [one]


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    """Three people, a member of staff with a second way; the folder, the people, and what to sign in with."""
    home = tmp_path_factory.mktemp("rotation") / "home"
    with open_office(home) as office:
        people = [office.node.vault.add(person(number), 1) for number in range(3)]
        _, session = office.join("Canary Wong")
        way = office.second_way(session)
        return home, people, way.key, way.secret, office.clock.now


def test_everything_is_under_the_new_key_and_the_old_one_is_nowhere(staged, tmp_path):
    original, people, key, secret, at = staged
    home = shutil.copytree(original, tmp_path / "home")
    old = load_keys(home, None, os.urandom).vault.key
    with open_office(home) as office:
        office.clock.now = at + 60
        assert rotated(office.node) == vault_rotation.Step("", 3, destroyed=True)
        everybody_is_there(office.node, people)
        assert office.login_by_code("Canary Wong", key, pyotp.TOTP(secret).at(int(office.clock.now)))
        assert [act.what for act in office.node.trail.acts()][-3:-1] == ["vault.rotate", "vault.rotated"]
    new = load_keys(home, None, os.urandom).vault
    assert (new.key != old, new.before) == (True, None)
    for path in home.rglob("*"):
        assert path.is_dir() or old.hex().encode() not in path.read_bytes(), path
    with closing(Vault(home / "vault.sqlite3", old, os.urandom)) as vault:
        assert vault.find("phone", PHONE.format(0)) == []
        with pytest.raises(ServiceError):
            vault.read(people[0])


def test_process_that_dies_at_any_write_loses_nobody_and_is_gone_on_with(staged, tmp_path):
    original, people, key, secret, at = staged
    number, writes = 0, 1
    while number <= writes:
        for before in (True, False):
            home = shutil.copytree(original, tmp_path / f"{number}-{before}")
            fate = Fate(number, before=before)
            with open_home(home) as node:
                for file in (node.vault, node.accounts):
                    name = "_database" if file is node.vault else "database"
                    setattr(file, name, Fated(getattr(file, name), fate, "write", "scrub"))
                try:
                    rotated(node)
                except Crashed:
                    assert fate.dead
            writes = fate.writes if number == 0 else writes
            with open_office(home) as office:
                office.clock.now = at + 60
                everybody_is_there(office.node, people)
                late = office.node.vault.add(person(3), 1)
                assert rotated(office.node).people == 4
                everybody_is_there(office.node, [*people, late])
                assert office.login_by_code("Canary Wong", key, pyotp.TOTP(secret).at(int(office.clock.now)))
            assert not (home / "keys" / "vault.key.old").exists()
            shutil.rmtree(home)
            if number == 0:
                break
        number += 1
    assert writes >= 10


def test_kill_in_the_middle_and_again_until_it_is_done(tmp_path):
    home, many = tmp_path / "home", 400
    with open_home(home) as node:
        people = [node.vault.add(person(number), 1) for number in range(many)]
    command = [sys.executable, "-m", "ledger_node.cli", "--home", str(home), "vault", "rotate-key"]
    rng, code = random.Random(3), 1
    for _ in range(3):
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while not (home / "keys" / "vault.key.old").exists() and running.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(rng.random() * 0.05)
        running.kill()
        running.wait()
        with open_home(home) as node:
            everybody_is_there(node, people)
    code = subprocess.run(command, capture_output=True, check=False).returncode
    assert code == 0
    assert sorted(path.name for path in (home / "keys").glob("vault.key*")) == ["vault.key"]
    with open_home(home) as node:
        everybody_is_there(node, people)


def test_dies_between_putting_the_old_key_aside_and_making_the_new_one(staged, tmp_path):
    home = shutil.copytree(staged[0], tmp_path / "home")
    (home / "keys" / "vault.key").replace(home / "keys" / "vault.key.old")
    with open_home(home) as node:
        everybody_is_there(node, staged[1])
        assert node.vault.locker.changing
        assert rotated(node).destroyed


def test_key_of_systemd_is_changed_by_giving_both(staged, tmp_path):
    home, given = shutil.copytree(staged[0], tmp_path / "home"), tmp_path / "given"
    given.mkdir()
    (home / "keys" / "vault.key").replace(given / "vault.key")
    with pytest.raises(HomeError, match=r"vault\.key\.old"):
        vault_key.begin(home / "keys", os.urandom)
    (given / "vault.key").replace(given / "vault.key.old")
    vault_key.make_key(given / "vault.key", os.urandom)
    keys = load_keys(home, given, os.urandom).vault
    with closing(Vault(home / "vault.sqlite3", keys.key, os.urandom, keys.before)) as vault:
        assert vault.read(staged[1][0]) == person(0)
        assert vault.rewrap("", 10) == ""
        assert vault.rewrapped()
    assert not (home / "keys" / "vault.key").exists()


def test_step_that_nobody_began_is_refused(tmp_path):
    with open_home(tmp_path) as node, pytest.raises(ServiceError) as refused:
        vault_rotation.step(node, "ab", BY)
    assert refused.value.code == "no-rotation"


def test_names_of_staff_are_not_on_the_disk_and_old_files_are_locked_when_they_are_opened(tmp_path):
    with open_home(tmp_path) as node:
        staff.invite(node, Role.OPS, "Canary Wong", "", BY)
        database = node.accounts.database
        database.write(
            "CREATE TABLE accounts (account TEXT PRIMARY KEY, role TEXT NOT NULL, name TEXT NOT NULL UNIQUE,"
            " organisation TEXT NOT NULL, state TEXT NOT NULL, since INTEGER NOT NULL) WITHOUT ROWID"
        )
        database.write("INSERT INTO accounts VALUES ('aa', 'ops', 'Canary Lee', '', 'active', 5)")
    with open_home(tmp_path) as node:
        assert [one.name for one in node.accounts.accounts()] == ["Canary Lee", "Canary Wong"]
        assert node.accounts.named("Canary Lee").account == "aa"
        with pytest.raises(ServiceError) as taken:
            staff.invite(node, Role.OPS, "Canary Lee", "", BY)
        assert taken.value.code == "account-exists"
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or b"Canary" not in path.read_bytes(), path
