"""A witness signs what it has replayed and nothing that contradicts it, whatever is shown to it and whatever dies."""

import json
import shutil

import pytest

from ledger_node.services.errors import ServiceError
from ledger_node.services.evidence import Evidence, check_evidence
from ledger_node.services.watch import Cosigned, Refused, WatchedLog
from ledger_node.services.witness import Witness
from scanner.verify.checkpoint import VerifierKey, cosigned_at, open_checkpoint, parse_checkpoint
from scanner.verify.entry import seal
from scanner.verify.statement import open_statement
from tests.fakes.box_office import EVENT, NODE, NOW, OPERATOR, code, gates, key, opening, rekey
from tests.fakes.merkle_log import MerkleLog
from tests.fakes.tile_logs import LOG, ORIGIN, TileLog

NAME = "witness.example/w1"


def story(count=40):
    a1, a2, _ = gates()
    return [*opening(), a1.admit(code(1)), a2.admit(code(1)), a2.void(), *(a1.refuse(code(1)) for _ in range(count))]


class Clock:
    def __init__(self):
        self.now = NOW + 100

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make(tmp_path, clock):
    """Starts a witness in the one home, after the one before has ended."""
    running = []

    def start(read, home=tmp_path / "w", name="witness"):
        while running:
            running.pop().close()
        running.append(Witness(home, NAME, key(name), [WatchedLog(LOG, read)], clock))
        return running[0]

    yield start
    while running:
        running.pop().close()


@pytest.fixture
def log():
    return TileLog(story())


def signs(witness, log, answer, size=None):
    """Whether this is the witness's good cosignature of the log's checkpoint."""
    assert isinstance(answer, Cosigned), answer
    checkpoint = parse_checkpoint(log.checkpoint(size) + answer.line)
    return cosigned_at(checkpoint, witness.key) is not None


def refuses_for_good(witness, log, said):
    """Whether nothing of the log is signed any more, for this reason, and the evidence stands without the witness."""
    found = witness.evidence(ORIGIN)
    assert found
    assert said in found[0].reason
    proven = check_evidence(Evidence.from_json(found[0].to_json()))
    assert isinstance(proven, str), proven
    answer = witness.add_checkpoint(log.checkpoint(), 0, [])
    return isinstance(answer, Refused) and answer.status == 422 and said in answer.reason


def test_a_good_log_is_signed_again_and_again_as_it_grows(make, log):
    witness = make(log.read)
    assert signs(witness, log, witness.follow(ORIGIN))
    before = log.size
    log.show(rekey(3, 1))
    answer = witness.add_checkpoint(log.checkpoint(), before, log.proof(before))
    assert signs(witness, log, answer)
    assert answer.size == log.size
    assert signs(witness, log, witness.add_checkpoint(log.checkpoint(), log.size, []))
    assert witness.standing(ORIGIN).problem == ""


def test_only_what_is_new_is_read(make, log):
    witness = make(log.read)
    witness.follow(ORIGIN)
    log.asked.clear()
    witness.follow(ORIGIN)
    assert log.asked == ["log-keys", "state", "checkpoint"]


def test_a_big_log_is_taken_in_slices_that_are_each_proven(make, monkeypatch):
    monkeypatch.setattr("ledger_node.services.replica.SLICE", 100)
    log, seen = TileLog(story(600)), []
    witness = make(log.read)
    answer = witness.follow(ORIGIN, lambda done, _all: seen.append(done))
    assert signs(witness, log, answer)
    assert seen == [*range(0, log.size, 100), log.size]


def test_a_stale_old_size_is_told_the_right_one(make, log):
    witness = make(log.read)
    first = witness.add_checkpoint(log.checkpoint(), 3, log.proof(3))
    assert (first.status, first.size) == (409, 0)
    witness.follow(ORIGIN)
    assert witness.add_checkpoint(log.checkpoint(), 3, log.proof(3)) == Refused(
        409, f"the newest signed size is {log.size}, not 3", log.size
    )
    assert witness.standing(ORIGIN).problem == ""


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda _text: "", 400),
        (lambda text: text.replace(ORIGIN, "other.example/log"), 404),
        (lambda text: text.replace("\n25\n", "\n26\n"), 403),
    ],
)
def test_what_is_not_this_logs_checkpoint_is_refused(make, change, status):
    log = TileLog(story(17)[:25])
    witness = make(log.read)
    assert witness.add_checkpoint(change(log.checkpoint()), 0, []).status == status
    assert witness.evidence(ORIGIN) == []


def test_an_old_size_beyond_the_checkpoint_is_malformed(make, log):
    assert make(log.read).add_checkpoint(log.checkpoint(), log.size + 1, []).status == 400


def test_a_bad_proof_is_refused_but_not_held_against_the_log(make, log):
    witness = make(log.read)
    witness.follow(ORIGIN)
    before = log.size
    log.show(rekey(3, 1))
    assert witness.add_checkpoint(log.checkpoint(), before, [bytes(32)]).status == 422
    assert witness.evidence(ORIGIN) == []
    assert signs(witness, log, witness.add_checkpoint(log.checkpoint(), before, log.proof(before)))


def test_log_that_shows_two_histories_of_one_size(make, log):
    witness = make(log.read)
    witness.follow(ORIGIN)
    other = log.fork(log.size - 1, rekey(3, 1))
    answer = witness.add_checkpoint(other.checkpoint(), log.size, [])
    assert (answer.status, "two different roots" in answer.reason) == (422, True)
    assert refuses_for_good(witness, log, f"two different roots of size {log.size}")


def test_log_that_shows_two_histories_one_longer(make, log):
    witness = make(log.read)
    witness.follow(ORIGIN)
    other = log.fork(10, rekey(3, 1), *story()[10:], rekey(4, 1))
    witness = make(other.read)
    assert witness.follow(ORIGIN).status == 422
    assert refuses_for_good(witness, other, f"does not begin with the log of size {log.size}")


def test_log_that_shows_an_old_size_with_another_past(make, log):
    witness = make(log.read)
    witness.follow(ORIGIN)
    other = log.fork(10, rekey(3, 1))
    assert witness.add_checkpoint(other.checkpoint(), 0, []).status == 409
    assert refuses_for_good(witness, log, "does not begin with the log of size 11")


def test_a_fork_whose_tiles_are_hidden_is_proven_when_the_log_grows_past_it(make, log):
    witness = make(log.read)
    witness.follow(ORIGIN)
    before = log.size
    hidden = log.fork(before, rekey(3, 1), rekey(4, 1))
    log.show(rekey(5, 1), rekey(6, 1), rekey(7, 1))
    assert witness.add_checkpoint(hidden.checkpoint(), before, hidden.proof(before)).status == 503
    assert witness.evidence(ORIGIN) == []
    assert witness.follow(ORIGIN).status == 422
    assert refuses_for_good(witness, log, f"does not begin with the log of size {hidden.size}")


def test_a_log_restored_from_backup_is_not_signed_and_not_accused(make, log):
    witness = make(log.read)
    witness.follow(ORIGIN)
    size = log.size
    backup = log.fork(size - 5)
    witness = make(backup.read)
    answer = witness.follow(ORIGIN)
    assert (answer.status, answer.reason) == (
        409,
        f"the log went back from {size} to {size - 5}: restored from a backup?",
    )
    assert witness.evidence(ORIGIN) == []


@pytest.mark.parametrize("position", [0, 7, 20])
def test_one_flipped_bit_in_an_entry_is_named_and_nothing_signed(make, log, position):
    raws = list(log.entries)
    raws[position] = bytes([raws[position][0] ^ 1]) + raws[position][1:]
    path = f"tile/entries/000.p/{log.size}"
    log.replaced[path] = TileLog(raws).read(path)
    witness = make(log.read)
    answer = witness.follow(ORIGIN)
    assert answer == Refused(503, f"not verified: entry {position} is not the one that was hashed", 0)
    log.replaced.clear()
    assert signs(witness, log, witness.follow(ORIGIN))


def test_a_dropped_entry_under_the_old_checkpoint_is_not_signed(make, log):
    note = log.checkpoint().encode()
    dropped = TileLog(log.entries[:5] + log.entries[6:])
    dropped.replaced["checkpoint"] = note
    answer = make(dropped.read).follow(ORIGIN)
    assert (answer.status, "is missing" in answer.reason) == (503, True)


def test_a_rewritten_entry_with_new_hashes_does_not_lead_to_the_signed_root(make, log):
    rewritten = log.fork(5, rekey(3, 1), *log.entries[6:])
    rewritten.replaced["checkpoint"] = log.checkpoint().encode()
    answer = make(rewritten.read).follow(ORIGIN)
    assert (answer.status, "do not lead to the signed root" in answer.reason) == (503, True)


def test_an_entry_that_breaks_the_contract_is_proven_against_the_log(make, log):
    broken = rekey(5, 2)
    log.show(broken, rekey(6, 1))
    witness = make(log.read)
    assert witness.follow(ORIGIN).status == 422
    assert refuses_for_good(witness, log, f"entry {log.size - 2} breaks the contract: wrong-owner-seq")
    assert witness.evidence(ORIGIN)[0].entry == broken


def test_an_entry_logged_twice_is_proven_against_the_log(make):
    raw = gates()[0].admit(code(1))
    log = TileLog([*opening(), raw, raw])
    witness = make(log.read)
    assert witness.follow(ORIGIN).status == 422
    assert refuses_for_good(witness, log, "it is entry 5 once more")


def test_an_entry_that_is_newer_than_this_program_is_no_accusation(make, log):
    log.show(seal("ticket.teleport", EVENT, NOW, {"index": 1}, NODE))
    witness = make(log.read)
    answer = witness.follow(ORIGIN)
    assert (answer.status, "update this witness" in answer.reason) == (503, True)
    assert witness.evidence(ORIGIN) == []


def test_a_log_that_lies_about_its_state_is_caught(make, log):
    log.replaced["state"] = log.state(**{EVENT: bytes(32)})
    witness = make(log.read)
    assert witness.follow(ORIGIN).status == 422
    assert refuses_for_good(witness, log, f"is not that of its entries: {EVENT}")


def test_a_true_statement_of_the_state_is_no_obstacle(make, log):
    log.replaced["state"] = log.state()
    witness = make(log.read)
    assert signs(witness, log, witness.follow(ORIGIN))


@pytest.mark.parametrize("data", [b"", b"{}", b'{"checkpoint": "x", "statement": "y"}', b"\xff"])
def test_a_statement_that_cannot_be_read_is_said(make, log, data):
    log.replaced["state"] = data
    answer = make(log.read).follow(ORIGIN)
    assert (answer.status, answer.reason.startswith("state: ")) == (503, True)


def test_the_state_is_stated_under_the_witnesss_key(make, log):
    witness = make(log.read)
    witness.follow(ORIGIN)
    theirs = open_statement(json.loads(log.state())["statement"], LOG)
    assert open_statement(witness.statement(ORIGIN), witness.key) == theirs


def test_witness_restored_from_backup_does_not_sign_twice(make, log, tmp_path):
    home = tmp_path / "w"
    make(log.read).follow(ORIGIN)
    make(log.read).close()
    for part in ("witness.sqlite3", "logs"):
        place = tmp_path / "backup" / part
        place.parent.mkdir(exist_ok=True)
        shutil.copytree(home / part, place) if (home / part).is_dir() else shutil.copy(home / part, place)
    base = log.size
    log.show(rekey(3, 1))
    witness = make(log.read)
    assert isinstance(witness.follow(ORIGIN), Cosigned)
    witness.close()
    for path in home.glob("witness.sqlite3*"):
        path.unlink()
    shutil.rmtree(home / "logs")
    shutil.copy(tmp_path / "backup" / "witness.sqlite3", home)
    shutil.copytree(tmp_path / "backup" / "logs", home / "logs")
    other = log.fork(base, rekey(4, 1), rekey(5, 1))
    witness = make(other.read)
    answer = witness.add_checkpoint(other.checkpoint(), base, other.proof(base))
    assert (answer.status, answer.size) == (409, log.size)
    assert witness.follow(ORIGIN).status == 422
    assert refuses_for_good(witness, other, f"does not begin with the log of size {log.size}")


def test_a_witness_whose_memory_was_mixed_up_signs_nothing(make, log, tmp_path):
    make(log.read).follow(ORIGIN)
    guard = tmp_path / "w" / "keys" / "signed.json"
    told = json.loads(guard.read_text())
    told[ORIGIN]["root"] = bytes(32).hex()
    guard.write_text(json.dumps(told))
    assert make(log.read).follow(ORIGIN).status == 503
    guard.write_text("{")
    with pytest.raises(ServiceError, match="damaged"):
        make(log.read)


def test_a_lost_replica_is_made_anew_and_checked_against_what_was_signed(make, log, tmp_path):
    make(log.read).follow(ORIGIN)
    make(log.read).close()
    shutil.rmtree(tmp_path / "w" / "logs")
    log.show(rekey(3, 1))
    witness = make(log.read)
    assert signs(witness, log, witness.follow(ORIGIN))


def test_a_lost_replica_does_not_hide_a_fork(make, log, tmp_path):
    make(log.read).follow(ORIGIN)
    make(log.read).close()
    shutil.rmtree(tmp_path / "w" / "logs")
    other = log.fork(10, rekey(3, 1), *log.entries[10:])
    witness = make(other.read)
    assert witness.follow(ORIGIN).status == 422
    assert refuses_for_good(witness, other, f"does not begin with the log of size {log.size}")


def test_a_clock_that_ran_back_signs_nothing_until_it_is_right(make, log, clock):
    witness = make(log.read)
    witness.follow(ORIGIN)
    clock.now -= 60
    answer = witness.follow(ORIGIN)
    assert (answer.status, "set the clock" in answer.reason) == (503, True)
    clock.now += 60
    assert isinstance(witness.follow(ORIGIN), Cosigned)


def test_evidence_is_written_once_and_survives_a_restart(make, log, tmp_path):
    witness = make(log.read)
    witness.follow(ORIGIN)
    other = log.fork(log.size - 1, rekey(3, 1))
    for _ in range(3):
        witness.add_checkpoint(other.checkpoint(), log.size, [])
    (path,) = (tmp_path / "w" / "evidence").iterdir()
    before = path.read_bytes()
    witness = make(log.read)
    assert refuses_for_good(witness, log, "two different roots")
    assert path.read_bytes() == before
    path.write_bytes(b"damaged")
    assert make(log.read).follow(ORIGIN).status == 422


def test_another_key_under_the_same_origin_is_refused(make, log):
    log.signers = [key("impostor")]
    assert make(log.read).follow(ORIGIN).status == 503


def test_two_witnesses_make_a_quorum_on_one_checkpoint(log, tmp_path, clock):
    note, keys = log.checkpoint(), []
    for name in ("one", "two"):
        witness = Witness(tmp_path / name, f"{name}.example/w", key(name), [WatchedLog(LOG, log.read)], clock)
        note += witness.add_checkpoint(log.checkpoint(), 0, []).line
        keys.append(witness.key)
        witness.close()
    checkpoint = open_checkpoint(note, LOG, ORIGIN)
    assert [cosigned_at(checkpoint, one) for one in keys] == [clock.now, clock.now]
    assert cosigned_at(checkpoint, VerifierKey(NAME, key("one").public, 4)) is None


@pytest.mark.parametrize("field", ["earlier", "later", "linked_root", "proof"])
def test_evidence_that_was_tampered_with_proves_nothing(make, log, field):
    witness = make(log.read)
    witness.follow(ORIGIN)
    other = log.fork(10, rekey(3, 1))
    witness.add_checkpoint(other.checkpoint(), 0, [])
    (found,) = witness.evidence(ORIGIN)
    fields = json.loads(found.to_json())
    fields[field] = {"proof": [], "linked_root": ""}.get(field, log.checkpoint(1))
    assert not isinstance(check_evidence(Evidence.from_json(json.dumps(fields))), str)


def test_what_is_not_evidence_is_said():
    assert not isinstance(Evidence.from_json("[]"), Evidence)
    assert not isinstance(Evidence.from_json("{"), Evidence)
    assert not isinstance(check_evidence(Evidence("fork", "no key", "", 0)), str)


def test_an_empty_log_can_be_signed(make):
    log = TileLog()
    witness = make(log.read)
    assert signs(witness, log, witness.add_checkpoint(log.checkpoint(), 0, []))
    log.show(*opening())
    assert signs(witness, log, witness.add_checkpoint(log.checkpoint(), 0, []))
    assert MerkleLog(log.entries).root() == witness.standing(ORIGIN).seen.root


def test_operators_entries_of_another_operator_are_proven_against_the_log(make):
    log = TileLog([*opening(), OPERATOR.set_state(EVENT, [99], "blocked", "x", NOW)])
    witness = make(log.read)
    witness.follow(ORIGIN)
    assert refuses_for_good(witness, log, "unknown-ticket")
