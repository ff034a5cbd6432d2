"""Each way to change a log that was signed, shown to all who look: the auditor, a witness that had signed before, and a
verifier that we did not write. Each refuses, and ours say where.
"""

import pytest
from tlog_scales import backend, reader, signing, tlog

from ledger_node.log.tiles import WIDTH, TilePath, bundle, unbundle
from ledger_node.services.audit import Quorum, audit
from ledger_node.services.watch import Cosigned, WatchedLog
from ledger_node.services.witness import Witness
from scanner.verify.checkpoint import COSIGNATURE, VerifierKey
from scanner.verify.merkle import leaf_hash
from tests.fakes.box_office import NOW, code, gates, key, opening, rekey
from tests.fakes.tile_logs import LOG, ORIGIN, Shown, TileLog

REFUTED = (AssertionError, IndexError, tlog.InclusionProofInvalid)
BEFORE, AFTER, PLACE = 280, 300, 270
"""The witness has signed the first size; the attack is at an entry before it, in the second bundle."""


def story(count):
    gate = gates()[0]
    return [*opening(), *(gate.refuse(code(1)) for _ in range(count - len(opening())))]


@pytest.fixture(scope="module")
def honest():
    return story(AFTER)


def in_bundle(log, change):
    """Another content of the bundle that PLACE is in."""
    path = str(TilePath(None, PLACE // WIDTH, log.size - WIDTH))
    raws = unbundle(log.read(path))
    change(raws)
    log.replaced[path] = bundle(raws)


def flipped_bit(log):
    def flip(raws):
        raw = bytearray(raws[PLACE - WIDTH])
        raw[40] ^= 1
        raws[PLACE - WIDTH] = bytes(raw)

    in_bundle(log, flip)
    return log, f"entry {PLACE}"


def dropped_entry(log):
    in_bundle(log, lambda raws: raws.pop(PLACE - WIDTH))
    return log, "holds 43 entries, not 44"


def rewritten_entry(log):
    """With all hashes made anew, under the checkpoint that was signed before."""
    other = log.fork(PLACE, rekey(3, 1), *log.entries[PLACE + 1 :])
    other.replaced["checkpoint"] = log.checkpoint().encode()
    return other, "do not lead to the signed root"


def flipped_tile(log):
    path = str(TilePath(0, PLACE // WIDTH, log.size - WIDTH))
    tile = bytearray(log.read(path))
    tile[(PLACE - WIDTH) * 32] ^= 1
    log.replaced[path] = bytes(tile)
    return log, f"entry {PLACE}"


@pytest.mark.parametrize("attack", [flipped_bit, dropped_entry, rewritten_entry])
def test_damage_under_a_signed_checkpoint(honest, attack, tmp_path):
    log, where = attack(TileLog(honest))
    assert where in " ".join(map(str, audit(log.read, LOG.encode()).findings))
    with watching(tmp_path, honest) as witness:
        replay = witness(log)
        assert (replay.status, where in replay.reason) == (503, True)
    with pytest.raises(REFUTED):
        independently(log, tmp_path)


def test_one_flipped_bit_in_a_hash_is_named_by_the_auditor(honest, tmp_path):
    log, where = flipped_tile(TileLog(honest))
    assert where in str(audit(log.read, LOG.encode()).findings[0])
    with pytest.raises(REFUTED):
        independently(log, tmp_path)


def test_log_that_shows_two_histories(honest, tmp_path):
    """The operator signs everything anew: only who saw the log before, or asks who did, can tell."""
    first = TileLog(honest)
    note = first.checkpoint(BEFORE)
    other = first.fork(PLACE, rekey(3, 1), *honest[PLACE + 1 :])
    assert audit(other.read, LOG.encode(), seen=[other.checkpoint(BEFORE)]).good
    found = audit(other.read, LOG.encode(), seen=[note]).findings
    assert [str(one).partition(" elsewhere")[0] for one in found] == [
        f"fork: the log signed another root of size {BEFORE}"
    ]
    witnesses = (VerifierKey("w.example", key("w").public, COSIGNATURE),)
    assert not audit(other.read, LOG.encode(), quorum=Quorum(witnesses, 1)).good
    with watching(tmp_path, honest[:BEFORE]) as witness:
        refused = witness(other)
        assert (refused.status, f"does not begin with the log of size {BEFORE}" in refused.reason) == (422, True)
    theirs = copied(other, tmp_path / "fork")
    old = tlog.Checkpoint.from_text(note)
    old.verify(signing.Vkey.from_string(LOG.encode()))
    newest = theirs.get_checkpoint()
    with pytest.raises(tlog.ConsistencyProofInvalid):
        theirs.get_consistency_proof(BEFORE, newest.size).check(old.root_hash, newest.root_hash)


def test_log_that_went_back_is_found_by_the_auditor(honest):
    (found,) = audit(TileLog(honest[:BEFORE]).read, LOG.encode(), seen=[TileLog(honest).checkpoint()]).findings
    assert str(found) == f"rollback: elsewhere the log was {AFTER} entries long, here it has {BEFORE}"


def test_a_checkpoint_of_another_log_is_no_comparison(honest):
    log = TileLog(honest)
    stranger = TileLog(honest, signer=key("other")).checkpoint()
    (found,) = audit(log.read, LOG.encode(), seen=[stranger]).findings
    assert "a checkpoint seen elsewhere: not signed with the log's key" in str(found)


def test_the_honest_log_satisfies_all(honest, tmp_path):
    log = TileLog(honest)
    assert audit(log.read, LOG.encode(), seen=[log.checkpoint(BEFORE), log.checkpoint()]).good
    with watching(tmp_path, honest[:BEFORE]) as witness:
        assert isinstance(witness(log), Cosigned)
    independently(log, tmp_path)


class watching:  # noqa: N801 - used as a function
    """A witness that has signed the log of `entries`; calling it shows it another one."""

    def __init__(self, folder, entries):
        self._shown = Shown(TileLog(entries))
        watched = WatchedLog(LOG, self._shown.read)
        self._witness = Witness(folder / "witness", "w.example", key("w"), [watched], lambda: NOW)

    def __enter__(self):
        if self._shown.log.size == BEFORE:
            assert isinstance(self._witness.follow(ORIGIN), Cosigned)
        return self

    def __exit__(self, *_):
        self._witness.close()

    def __call__(self, log):
        self._shown.log = log
        return self._witness.follow(ORIGIN)


def copied(log, folder):
    for path, data in log.files().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    theirs = reader.TilesReader(backend.LocalBackend(folder))
    theirs.get_checkpoint()
    return theirs


def independently(log, tmp_path):
    """All that the other verifier can check of a copy; it raises."""
    theirs = copied(log, tmp_path / "copy")
    checkpoint = theirs.get_checkpoint()
    checkpoint.verify(signing.Vkey.from_string(LOG.encode()))
    assert theirs.calculate_root_hash() == checkpoint.root_hash
    for position in range(checkpoint.size):
        leaf = leaf_hash(theirs.get_entry(position))
        theirs.get_inclusion_proof(position, checkpoint.size).check(leaf, checkpoint.root_hash)
