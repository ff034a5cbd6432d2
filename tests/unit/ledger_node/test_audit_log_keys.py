"""An auditor who knows the root key alone follows the log's keys, and is shown no checkpoint by an omitted one."""

import pytest
from tlog_scales import signing, tlog

from ledger_node.services import keys
from ledger_node.services.audit import audit
from ledger_node.services.export import export
from ledger_node.services.lying_there import audit_home
from scanner.verify.checkpoint import VerifierKey, sign_checkpoint
from scanner.verify.log_keys import LogKeys
from tests.fakes.box_office import key, opening, rekey
from tests.fakes.running_node import open_home, stage
from tests.fakes.tile_logs import LOG, ORIGIN, TileLog

FIRST, SECOND, THIEF = key("first"), key("second"), key("thief")


@pytest.fixture
def log():
    made = TileLog(opening())
    made.rotate(FIRST)
    return made


def findings(read, *seen):
    return [str(one) for one in audit(read, LOG.encode(), seen=seen).findings]


def test_export_of_a_rotated_log_by_a_real_node(tmp_path):
    with open_home(tmp_path / "node") as node:
        stage(node, 3)
        export(node.ledger, tmp_path / "before")
        keys.rotate_log(node, overlap=True)
        stage(node, 2, event="next")
        export(node.ledger, tmp_path / "overlap")
        keys.rotate_log(node)
        export(node.ledger, tmp_path / "after")
        root, listed = node.ledger.vkey, node.keys.signers.newest
    for folder, version in (("before", 0), ("overlap", 1), ("after", 2)):
        report = audit(tmp_path / folder, root, seen=[(tmp_path / "before" / "checkpoint").read_text()])
        assert (report.good, report.log_keys, report.findings) == (True, version, ())
    theirs = tlog.Checkpoint.from_text((tmp_path / "after" / "checkpoint").read_text())
    theirs.verify(signing.Vkey.from_string(listed.keys[0].encode()))
    with pytest.raises(RuntimeError, match="no signature matched"):
        theirs.verify(signing.Vkey.from_string(root))
    both = tlog.Checkpoint.from_text((tmp_path / "overlap" / "checkpoint").read_text())
    for vkey in (root, LogKeys.open((tmp_path / "overlap" / "log-keys").read_text(), listed.root).keys[0].encode()):
        both.verify(signing.Vkey.from_string(vkey))


def test_a_home_is_audited_by_the_keys_that_lie_in_it(tmp_path):
    with open_home(tmp_path / "node") as node:
        stage(node, 3)
        keys.rotate_log(node)
        seen = [node.ledger.checkpoint(), node.ledger.log_keys]
        keys.rotate_log(node)
        seen.append(node.ledger.log_keys)
        own = node.keys
    for signers, version in ((own.signers, 2), (None, 0)):
        report = audit_home(
            tmp_path / "node", own.origin, own.node, seen=seen[:0] if signers is None else seen, signers=signers
        )
        assert (report.findings, report.log_keys) == ((), version)


def test_thiefs_fork_after_the_key_was_omitted(log):
    stolen = log.fork(log.size - 1, rekey(3, 1))
    log.rotate(SECOND)
    newest = log.lists[2]
    (said,) = findings(lambda path: stolen.read(path) if path == "checkpoint" else log.read(path))
    assert "version 2 of the log's keys does not list: it was revoked" in said
    assert "ask the log's operator" in said
    assert any("went back from version 2 to 1" in said for said in findings(stolen.read, newest))
    assert any("it was revoked" in said for said in findings(stolen.read, newest))
    assert findings(stolen.read) == [], "whoever has seen nothing else cannot know"
    assert findings(log.read, newest) == []


def test_checkpoint_of_before_a_rotation_still_counts_as_seen(log):
    before = log.checkpoint()
    log.rotate(SECOND)
    log.show(rekey(3, 1))
    assert findings(log.read, before) == []
    other = log.fork(2, *log.entries[3:])
    assert any("fork: the log signed another root" in said for said in findings(other.read, before))


def test_two_lists_of_one_version(log):
    other = TileLog(opening())
    other.rotate(THIEF)
    for one, two in ((log, other), (other, log)):
        said = findings(one.read, two.lists[1])
        assert "the log's root key signed two different lists of its keys of version 1" in said


def test_list_by_another_key_and_a_damaged_one(log):
    strange = TileLog(opening(), THIEF).rotate(THIEF)
    good = log.read("log-keys")
    for bad in (strange.encode(), good[:-9], b"\xff" * 99, good.replace(b"log-keys/v1", b"log-keys/v2")):
        log.replaced["log-keys"] = bad
        said = findings(log.read)
        assert "the list of the log's keys, log-keys" in said[0]
        assert "checkpoint: not signed with the log's key" in said[1]
    assert "seen elsewhere" in findings(TileLog(opening()).read, strange)[0]


def test_checkpoint_by_a_key_that_was_never_listed(log):
    log.replaced["checkpoint"] = sign_checkpoint(ORIGIN, log.size, bytes(32), THIEF).encode()
    (said,) = findings(log.read)
    assert VerifierKey(ORIGIN, THIEF.public).key_id.hex() in said
