"""A witness that dies, loses its disk or its answer never signs what contradicts anything that it may have signed."""

import errno
import http.client
import json
import threading

import pytest

from ledger_node.log.witness_protocol import AddCheckpoint
from ledger_node.services.evidence import Evidence, check_evidence
from ledger_node.services.watch import Cosigned, Refused, WatchedLog
from ledger_node.services.witness import Witness
from tests.fakes.box_office import NOW, key, opening, rekey
from tests.fakes.running_witness import get, post, wait_until, watching
from tests.fakes.static_server import static_server
from tests.fakes.tile_logs import LOG, ORIGIN, Shown, TileLog


class PowerCut(BaseException):
    """The end of the process."""


class DyingKey:
    """A key in a process that is killed when it is about to sign."""

    def __init__(self, real):
        self.public, self.seed = real.public, real.seed

    def sign(self, _message):
        raise PowerCut


def witness(home, read, signer=None):
    return Witness(home, "w.example", signer or key("w"), [WatchedLog(LOG, read)], lambda: NOW)


def test_what_was_made_durable_before_the_answer_was_lost_binds_the_witness(tmp_path):
    log = TileLog(opening())
    dying = witness(tmp_path, log.read, DyingKey(key("w")))
    with pytest.raises(PowerCut):
        dying.add_checkpoint(log.checkpoint(), 0, [])
    dying.close()
    fork = log.fork(4, rekey(3, 1))
    again = witness(tmp_path, fork.read)
    assert again.standing(ORIGIN).seen.size == log.size
    assert again.add_checkpoint(fork.checkpoint(), 0, []).status == 409
    assert again.add_checkpoint(fork.checkpoint(), log.size, []).status == 422
    again.close()


def test_nothing_is_signed_that_could_not_be_made_durable(tmp_path, monkeypatch):
    log = TileLog(opening())
    running = witness(tmp_path, log.read)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("ledger_node.services.witness_memory.os.fsync", full)
        answer = running.add_checkpoint(log.checkpoint(), 0, [])
    assert (answer.status, "see to the disk" in answer.reason) == (503, True)
    assert isinstance(running.follow(ORIGIN), Cosigned)
    running.close()


def test_a_log_that_is_away_or_answers_nonsense_is_waited_for(tmp_path):
    log = TileLog(opening())
    running = witness(tmp_path, log.read)
    for path, data in [("checkpoint", None), ("checkpoint", b"\xff"), ("tile/entries/000.p/5", b"\xff\xff")]:
        log.replaced[path] = data
        assert isinstance(answer := running.follow(ORIGIN), Refused)
        assert answer.status == 503
        log.replaced.clear()
    assert isinstance(running.follow(ORIGIN), Cosigned)
    assert running.evidence(ORIGIN) == []
    running.close()


def test_a_witness_killed_at_any_moment_never_signs_two_histories(tmp_path):
    """Each time it is killed while it is asked; what it signed before must always be part of what it signs after."""
    log = TileLog(opening())
    signed, shown = [0], Shown(log)
    with static_server(shown.read) as log_url:
        for attempt in range(6):
            with watching(tmp_path, log_url, LOG.encode(), every="3600") as (running, url, _):
                log.show(rekey(3, attempt + 1))
                ask_until_killed(running, url, log, signed, 0.02 * attempt)
        assert log.size >= signed[-1]
        shown.log = log.fork(3, rekey(9, 1), *log.entries[4:])
        with watching(tmp_path, log_url, LOG.encode(), every="0.1") as (_, url, _):
            wait_until(lambda: standing(url)["evidence"])
            assert standing(url)["size"] >= signed[-1]
    (path,) = (tmp_path / "witness" / "evidence").iterdir()
    assert isinstance(check_evidence(Evidence.from_json(path.read_text())), str)


def standing(url):
    return json.loads(get(url))["logs"][0]


def ask_until_killed(running, url, log, signed, delay):
    wait_until(lambda: standing(url)["size"])
    assert standing(url)["size"] >= signed[-1]
    timer = threading.Timer(delay, running.kill)
    timer.start()
    try:
        while True:
            known = standing(url)["size"]
            body = AddCheckpoint(known, tuple(log.proof(known)), log.checkpoint()).encode()
            if post(url, body)[0] == 200:
                signed.append(log.size)
    except (OSError, http.client.HTTPException, ValueError):  # dead before, in, or after its answer
        timer.join()
