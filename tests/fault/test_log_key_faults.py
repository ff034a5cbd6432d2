"""A rotation of the log's key that dies, or fails, before or after any of its writes: it can always be gone on from."""

import errno
import os
import shutil
from pathlib import Path

import pytest

from ledger_node import key_files, log_signers
from ledger_node.home_folder import HomeError
from scanner.verify.checkpoint import Checkpoint, sign_checkpoint
from scanner.verify.keys import SigningKey
from scanner.verify.log_keys import LogKeys
from tests.fakes.crashes import Crashed, Fate

ORIGIN = "ticketme.example/log"
ROOT = SigningKey(b"R" * 32)


class FailedDisk(Fate):
    """A disk that fails at one write, before or after it, and works again afterwards."""

    def _die(self):
        self.at = 0
        raise OSError(errno.EIO, os.strerror(errno.EIO), "disk")


@pytest.fixture
def home(tmp_path):
    (tmp_path / "keys").mkdir()
    return tmp_path


def faulty(monkeypatch, fate):
    """Every rename and every sync counts as a write."""
    sync, rename = os.fsync, Path.replace
    monkeypatch.setattr(key_files.os, "fsync", lambda handle: fate.write(lambda: sync(handle)))
    monkeypatch.setattr(Path, "replace", lambda path, target: fate.write(lambda: rename(path, target)))


def load(home):
    return log_signers.load_signers(home, None, ROOT, ORIGIN)


def publics(signers):
    return [key.public for key in signers.keys]


def sign(signers):
    signers.require()
    return sign_checkpoint(ORIGIN, 7, bytes(32), *signers.keys)


def rotated(home, signers, **how):
    return log_signers.rotate(home, signers, 1_795_000_000, os.urandom, **how)


POINTS = [(at, before) for at in range(1, 7) for before in (True, False)]


@pytest.mark.parametrize(("at", "before"), POINTS)
@pytest.mark.parametrize("overlap", [False, True])
def test_killed_at_any_write(home, monkeypatch, at, before, overlap):
    follower = LogKeys.unlisted(load(home).newest.root)
    signers = rotated(home, load(home))
    follower = follower.newer(signers.newest.note)
    with monkeypatch.context() as patch:
        faulty(patch, Fate(at, before=before))
        with pytest.raises(Crashed):
            rotated(home, signers, overlap=overlap)
    restarted = load(home)
    follower = follower.newer(restarted.newest.note)
    assert isinstance(follower, LogKeys)
    assert isinstance(follower.open_checkpoint(sign(restarted)), Checkpoint)
    finished = rotated(home, restarted)
    follower = follower.newer(finished.newest.note)
    assert isinstance(follower, LogKeys)
    assert follower.version == restarted.newest.version + 1
    assert isinstance(follower.open_checkpoint(sign(finished)), Checkpoint)
    assert not isinstance(follower.open_checkpoint(sign(signers)), Checkpoint)
    assert len({one.public for one in finished.keys} | {one.public for one in signers.keys}) == 2
    assert load(home).newest == finished.newest


@pytest.mark.parametrize(("at", "before"), POINTS)
def test_a_write_that_fails_and_a_node_that_goes_on(home, monkeypatch, at, before):
    """Nobody may ever see two lists of one version, so what was told to have failed counts if it is there."""
    signers = rotated(home, load(home))
    with monkeypatch.context() as patch:
        faulty(patch, FailedDisk(at, before=before))
        with pytest.raises(HomeError, match="rotate again"):
            rotated(home, signers)
    seen = load(home).newest
    again = rotated(home, signers, overlap=True)
    assert [one.version for one in again.lists] == list(range(len(again.lists)))
    follower = LogKeys.unlisted(signers.newest.root)
    for one in (signers.newest, seen, *again.lists):
        if one.version >= follower.version:
            follower = follower.newer(one.note)
            assert isinstance(follower, LogKeys)
    assert (load(home).lists, publics(load(home))) == (again.lists, publics(again))


def test_the_number_of_writes_that_are_tried(home, monkeypatch):
    fate = Fate()
    with monkeypatch.context() as patch:
        faulty(patch, fate)
        rotated(home, load(home))
    assert fate.writes == max(at for at, _ in POINTS)


def test_end_of_an_overlap_killed_or_failed_at_any_write(home, monkeypatch):
    signers = rotated(home, rotated(home, load(home)), overlap=True)
    for at in (1, 2, 3):
        for before in (True, False):
            copy = home.with_name(f"copy-{at}-{before}")
            shutil.copytree(home, copy)
            with monkeypatch.context() as patch:
                faulty(patch, Fate(at, before=before))
                with pytest.raises(Crashed):
                    log_signers.end_overlap(copy, signers, 1_795_000_001)
            restarted = load(copy)
            if len(restarted.keys) == 2:
                restarted = log_signers.end_overlap(copy, restarted, 1_795_000_002)
            assert publics(restarted) == publics(signers)[:1]
            with pytest.raises(HomeError, match="no overlap to end"):
                log_signers.end_overlap(copy, restarted, 1_795_000_003)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-9]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\xff" * 300),
        lambda path: path.rename(path.with_name("7.note")),
        lambda path: path.write_text(path.read_text().replace("log-keys/v1\nticketme", "log-keys/v1\nother")),
    ],
)
def test_a_damaged_list_is_said_and_not_guessed(home, damage):
    rotated(home, load(home))
    damage(home / "log-keys" / "1.note")
    with pytest.raises(HomeError, match=r"note is damaged .* restore it"):
        load(home)


def test_a_lost_key_is_said_and_a_new_one_can_be_made(home):
    rotated(home, load(home))
    (home / "keys" / "log-1.key").unlink()
    lost = load(home)
    with pytest.raises(HomeError, match=r"restore log-1\.key, or, if it is lost for good"):
        lost.require()
    assert load(home).keys == ()
    again = rotated(home, lost, overlap=True)
    assert again.newest.version == 2
    assert isinstance(again.newest.open_checkpoint(sign(again)), Checkpoint)


def test_a_key_file_that_others_can_read_is_refused(home):
    rotated(home, load(home))
    (home / "keys" / "log-1.key").chmod(0o644)
    with pytest.raises(HomeError, match="can be read by others"):
        load(home)


def test_keys_may_come_from_outside_the_disk(home, tmp_path):
    signers = rotated(home, load(home))
    outside = tmp_path / "credentials"
    outside.mkdir()
    (home / "keys" / "log-1.key").rename(outside / "log-1.key")
    assert log_signers.load_signers(home, outside, ROOT, ORIGIN).keys[0].public == signers.keys[0].public
