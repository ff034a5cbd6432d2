"""A witness follows a log's keys as the root key says, never back, and keeps proof of what it was shown."""

import json
import shutil

import pytest

from ledger_node.services.evidence import Evidence, check_evidence
from ledger_node.services.watch import Cosigned, Refused, WatchedLog
from ledger_node.services.witness import Witness
from scanner.verify.checkpoint import cosigned_at, open_checkpoint, parse_checkpoint
from scanner.verify.entry import Malformed
from tests.fakes.box_office import NOW, key, opening, rekey
from tests.fakes.tile_logs import LOG, ORIGIN, TileLog

FIRST, SECOND, THIEF = key("first"), key("second"), key("thief")


class Clock:
    def __init__(self):
        self.now = NOW + 100

    def __call__(self):
        self.now += 1
        return self.now


@pytest.fixture
def make(tmp_path):
    """Starts a witness in the one home, after the one before has ended."""
    running, clock = [], Clock()

    def start(read, home=tmp_path / "w"):
        while running:
            running.pop().close()
        running.append(Witness(home, "witness.example/w1", key("witness"), [WatchedLog(LOG, read)], clock))
        return running[0]

    yield start
    while running:
        running.pop().close()


@pytest.fixture
def log():
    return TileLog(opening())


def refused(answer, status, said):
    return isinstance(answer, Refused) and answer.status == status and said in answer.reason


def proven(witness, said):
    """What the first finding proves to somebody who has the root key and nothing else."""
    found = Evidence.from_json(witness.evidence(ORIGIN)[0].to_json())
    answer = check_evidence(found)
    return isinstance(answer, str) and said in answer and found.log == LOG.encode()


def test_rotation_while_it_runs(make, log):
    witness = make(log.read)
    witness.follow(ORIGIN)
    log.rotate(FIRST)
    before = log.size
    log.show(rekey(3, 1))
    answer = witness.add_checkpoint(log.checkpoint(), before, log.proof(before))
    assert isinstance(answer, Cosigned), answer
    assert cosigned_at(parse_checkpoint(log.checkpoint() + answer.line), witness.key) is not None
    log.rotate(SECOND)
    assert isinstance(witness.follow(ORIGIN), Cosigned)
    assert witness.standing(ORIGIN).problem == ""


def test_thiefs_fork_after_the_key_was_omitted(make, log):
    witness = make(log.read)
    log.rotate(FIRST)
    witness.follow(ORIGIN)
    stolen = log.fork(log.size - 1, rekey(3, 1), rekey(4, 1))
    log.rotate(SECOND)
    witness.follow(ORIGIN)
    size = log.size
    answer = witness.add_checkpoint(stolen.checkpoint(), size, [])
    assert refused(answer, 403, "version 2 of the log's keys does not list: it was revoked")
    answer = make(stolen.read).follow(ORIGIN)
    assert refused(answer, 503, "went back from version 2 to 1"), answer
    stolen.lists = log.lists
    answer = make(stolen.read).follow(ORIGIN)
    assert refused(answer, 503, "it was revoked")
    assert witness.evidence(ORIGIN) == []
    witness = make(log.read)
    assert isinstance(witness.follow(ORIGIN), Cosigned)


def test_fork_by_two_keys_is_proven_by_the_lists_that_the_evidence_carries(make, log):
    witness = make(log.read)
    log.rotate(FIRST)
    witness.follow(ORIGIN)
    other = log.fork(log.size - 1, rekey(3, 1))
    other.rotate(SECOND)
    answer = witness.add_checkpoint(other.checkpoint(), log.size, [])
    assert not isinstance(answer, Cosigned)
    answer = make(other.read).follow(ORIGIN)
    assert refused(answer, 422, "two different roots")
    witness = make(other.read)
    assert proven(witness, "two different roots of size")
    assert proven(witness, "a key that version 2 of its keys revokes")
    found = json.loads(witness.evidence(ORIGIN)[0].to_json())
    assert len(found["lists"]) == 2
    without = Evidence.from_json(json.dumps(found | {"lists": []}))
    assert check_evidence(without) == Malformed("the checkpoints are not both signed by the log")
    strange = Evidence.from_json(json.dumps(found | {"lists": [TileLog((), THIEF).rotate(THIEF)]}))
    assert isinstance(check_evidence(strange), Malformed)


def test_two_lists_of_one_version_are_evidence(make, log):
    witness = make(log.read)
    log.rotate(FIRST, version=1)
    witness.follow(ORIGIN)
    log.rotate(SECOND, version=2)
    witness.follow(ORIGIN)
    for version in (2, 1):
        home_log = log.fork(log.size)
        home_log.lists = {version: home_log.rotate(THIEF, version=version)}
        witness = make(home_log.read)
        answer = witness.follow(ORIGIN)
        assert refused(answer, 422, "nothing of this log is signed any more: the log's root key signed two different")
    assert len(witness.evidence(ORIGIN)) == 1
    assert proven(witness, "two different lists of its keys of version 2")
    found = witness.evidence(ORIGIN)[0]
    same = Evidence("keys", found.log, "", 0, found.earlier, found.earlier)
    assert isinstance(check_evidence(same), Malformed)


def test_another_list_of_an_old_version_is_evidence_too(make, log):
    witness = make(log.read)
    log.rotate(FIRST)
    witness.follow(ORIGIN)
    log.rotate(SECOND)
    witness.follow(ORIGIN)
    other = log.fork(log.size)
    other.lists = {1: other.rotate(THIEF, version=1)}
    witness = make(other.read)
    assert witness.follow(ORIGIN).status == 422
    assert proven(witness, "two different lists of its keys of version 1")


def test_list_by_another_key_changes_nothing(make, log):
    witness = make(log.read)
    witness.follow(ORIGIN)
    log.lists = {1: TileLog((), THIEF).rotate(THIEF)}
    assert refused(witness.follow(ORIGIN), 503, "not signed by the log's root key")
    log.lists = {}
    assert isinstance(witness.follow(ORIGIN), Cosigned)


@pytest.mark.parametrize("restored", ["witness.sqlite3", "nothing"])
def test_a_restart_and_a_restored_database_do_not_go_back(make, log, tmp_path, restored):
    home, copy = tmp_path / "w", tmp_path / "backup"
    log.rotate(FIRST)
    make(log.read).follow(ORIGIN)
    make(lambda _path: None)
    shutil.copytree(home, copy)
    stolen = log.fork(log.size, rekey(3, 1))
    log.rotate(SECOND)
    make(log.read).follow(ORIGIN)
    make(lambda _path: None)
    if restored != "nothing":
        for path in (*copy.glob(f"{restored}*"),):
            shutil.copy(path, home / path.name)
    answer = make(stolen.read).follow(ORIGIN)
    assert refused(answer, 503, "went back from version 2 to 1")


def test_strangers_cannot_make_it_ask_the_log_again_and_again(tmp_path, log):
    witness = Witness(tmp_path / "w", "w.example/1", key("witness"), [WatchedLog(LOG, log.read)], lambda: NOW + 100)
    log.signers = [THIEF]
    for _ in range(5):
        assert witness.add_checkpoint(log.checkpoint(), 0, []).status == 403
    witness.close()
    assert log.asked == ["log-keys"]
    assert isinstance(open_checkpoint(log.checkpoint(), LOG, ORIGIN), Malformed)


def test_evidence_of_before_there_were_lists_is_still_read():
    one = Evidence("fork", LOG.encode(), "x", 0)
    old = json.loads(one.to_json())
    del old["lists"]
    assert Evidence.from_json(json.dumps(old)) == one
