"""The audit finds what is wrong with a log, names the entry, and knows nothing but the log's public key."""

import base64

import pytest
from tlog_scales import backend, reader, signing

from ledger_node.log.ledger import Ledger
from ledger_node.log.tiles import bundle, grow, unbundle
from ledger_node.services.audit import audit
from ledger_node.services.export import export
from scanner.verify.checkpoint import VerifierKey, sign_checkpoint
from scanner.verify.merkle import Frontier, leaf_hash
from scanner.verify.record import Link, Scan, Stamp, sign_record
from tests.fakes.box_office import DOORS, EVENT, NODE, NOW, OPERATOR, code, gates, key, opening, rekey

ORIGIN = "ticketme.example/log"
VKEY = VerifierKey(ORIGIN, NODE.public).encode()
REFUSALS = 600


def entries():
    a1, a2, _ = gates()
    story = [a1.admit(code(1)), a2.admit(code(1)), a2.void(), rekey(3, 1), a1.admit(code(3, 1))]
    return [*opening(), *story, *(a1.refuse(code(1)) for _ in range(REFUSALS))]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("export")
    ledger = Ledger.open(home, NODE, ORIGIN, lambda: NOW)
    ledger.submit(entries()).result()
    export(ledger, folder)
    with ledger.view() as view:
        digest = view.state_digest(EVENT)
    ledger.close()
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}, digest


@pytest.fixture
def files(exported):
    return dict(exported[0])


def static_log(raws, signer=NODE):
    """A tile log of any entries at all, as a node that lies would serve it."""
    frontier, hashes = Frontier(), {}
    for raw in raws:
        for level, _, value in grow(frontier, leaf_hash(raw)):
            hashes[level] = hashes.get(level, b"") + value
    assert len(raws) < 256
    files = {f"tile/{level}/000.p/{len(data) // 32}": data for level, data in hashes.items()}
    files[f"tile/entries/000.p/{len(raws)}"] = bundle(raws)
    files["checkpoint"] = sign_checkpoint(ORIGIN, frontier.size, frontier.root(), signer).encode()
    return files


def findings(files, vkey=VKEY):
    return [str(finding) for finding in audit(files.get, vkey).findings]


def flip(files, path, bit):
    data = bytearray(files[path])
    data[bit // 8] ^= 1 << bit % 8
    files[path] = bytes(data)


def test_a_sound_log_passes_with_the_digest_of_its_snapshots(exported):
    files, digest = exported
    seen = []
    report = audit(files.get, VKEY, lambda done, total: seen.append((done, total)))
    assert report.good
    assert (report.size, report.checked) == (len(entries()), len(entries()))
    assert report.digests == {EVENT: digest}
    assert report.notes == ()
    assert seen[0] == (0, report.size)
    assert seen[-1] == (report.size, report.size)


def test_an_independent_verifier_reads_the_same_export(exported, tmp_path):
    for path, data in exported[0].items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    theirs = reader.TilesReader(backend.LocalBackend(tmp_path))
    checkpoint = theirs.get_checkpoint()
    checkpoint.verify(signing.Vkey.from_string(VKEY))
    assert theirs.calculate_root_hash() == checkpoint.root_hash
    for position in (0, 5, 255, 256, 511, checkpoint.size - 1):
        raw = entries()[position]
        assert theirs.get_entry(position) == raw
        theirs.get_inclusion_proof(position, checkpoint.size).check(leaf_hash(raw), checkpoint.root_hash)
    frontier = Frontier()
    for raw in entries()[:300]:
        frontier.append(leaf_hash(raw))
    theirs.get_consistency_proof(300, checkpoint.size).check(frontier.root(), checkpoint.root_hash)
    assert audit(tmp_path, VKEY).good


@pytest.mark.parametrize("position", [0, 7, 300, len(entries()) - 1])
def test_one_flipped_bit_in_an_entry_is_found_and_named(files, position):
    n, path = position // 256, f"tile/entries/{position // 256:03}"
    path = path if path in files else f"{path}.p/{len(entries()) % 256}"
    raws = unbundle(files[path])
    start = sum(2 + len(raw) for raw in raws[: position - n * 256])
    flip(files, path, (start + 2 + 40) * 8)
    report = audit(files.get, VKEY)
    assert not report.good
    assert str(report.findings[0]) == f"entry {position}: is not what was signed: its hash is another"


def test_one_flipped_bit_in_a_tile_is_found_and_named(files):
    flip(files, "tile/0/001", (300 - 256) * 256)
    (found,) = findings(files)
    assert found.startswith("entry 300: the hash of it in its tile is another")


def test_one_flipped_bit_in_an_upper_tile_is_found(files):
    flip(files, "tile/1/000.p/2", 32 * 8)
    (found,) = findings(files)
    assert found.startswith("entry 256: tile level 1 has another hash")


def test_a_rewritten_entry_with_new_hashes_does_not_lead_to_the_signed_root():
    forged = static_log(entries()[:50])
    honest = static_log([*entries()[:49], gates()[2].admit(code(9))])
    forged["checkpoint"] = honest["checkpoint"]
    assert "it was rewritten" in findings(forged)[0]


def test_a_dropped_entry_is_found(files):
    path = "tile/entries/001"
    raws = unbundle(files[path])
    files[path] = bundle(raws[:10] + raws[11:])
    assert "holds 255 entries, not 256" in findings(files)[0]


@pytest.mark.parametrize(
    ("path", "data", "said"),
    [
        ("checkpoint", None, "not a tile log"),
        ("checkpoint", b"\xff", "not UTF-8"),
        ("checkpoint", b"nonsense", "not a signed note"),
        ("tile/0/001", None, "tile/0/001: is missing"),
        ("tile/0/001", b"short", "is too short"),
        ("tile/entries/000", None, "tile/entries/000: is missing"),
        ("tile/entries/000", b"\xff\xff", "ends inside"),
        ("tile/1/000.p/2", None, "tile/1/000.p/2: is missing"),
    ],
)
def test_what_cannot_be_read_is_said(files, path, data, said):
    if data is None:
        del files[path]
    else:
        files[path] = data
    assert said in findings(files)[0]
    assert not audit(files.get, VKEY).good


def test_a_log_of_another_key_is_refused(files):
    assert "not signed with the log's key" in findings(files, VerifierKey(ORIGIN, key("other").public).encode())[0]
    assert "unusable" in findings(files, "no key")[0]


def test_a_tile_that_has_grown_since_the_checkpoint_is_good_enough(files):
    partial = f"tile/0/002.p/{len(entries()) % 256}"
    files["tile/0/002"] = files.pop(partial) + bytes(32)
    assert audit(files.get, VKEY).good


@pytest.mark.parametrize(
    ("raw", "refusal"),
    [
        (rekey(5, 2), "wrong-owner-seq"),
        (bytes(64) + rekey(5, 1)[64:], "bad-signature"),
        (OPERATOR.set_state(EVENT, [99], "blocked", "x", NOW), "unknown-ticket"),
    ],
)
def test_a_rule_broken_by_the_node_itself_is_found_though_every_hash_is_right(raw, refusal):
    (found,) = findings(static_log([*opening(), raw]))
    assert found.startswith(f"entry 5: breaks the contract: {refusal}")


def test_a_record_logged_twice_is_found():
    raw = gates()[0].admit(code(1))
    assert findings(static_log([*opening(), raw, raw])) == ["entry 6: is entry 5 once more"]


def test_a_device_that_rewrote_its_chain_is_found():
    gate = gates()[0]
    first = gate.admit(code(1))
    stamp = Stamp(DOORS * 1000, trusted=True, error_ms=0, view_size=1)
    what = Scan(2, 0, code(2).raw, "admit", "ok")
    branch = sign_record("admission", EVENT, Link("gate-a1", "A1", 2, b"?" * 32), stamp, what, gate.key)
    assert findings(static_log([*opening(), first, branch])) == [
        "entry 6: record 2 of device gate-a1 does not continue the one before it"
    ]


def test_records_that_a_gate_has_not_uploaded_yet_are_a_note_and_no_fault():
    gate = gates()[0]
    raws = [gate.admit(code(index)) for index in range(5)]
    report = audit(static_log([*opening(), raws[0], raws[4]]).get, VKEY)
    assert report.good
    assert report.notes == ("device gate-a1: 3 of 5 records are not in the log (yet)",)


def test_a_checkpoint_that_claims_a_huge_size_ends_soon():
    files = static_log(opening())
    files["checkpoint"] = sign_checkpoint(ORIGIN, 10**18, base64.b64decode("A" * 43 + "="), NODE).encode()
    report = audit(files.get, VKEY)
    assert (report.good, report.checked) == (False, 0)


def test_an_empty_log_is_sound(tmp_path):
    ledger = Ledger.open(tmp_path / "home", NODE, ORIGIN, lambda: NOW)
    export(ledger, tmp_path / "out")
    ledger.close()
    assert audit(tmp_path / "out", VKEY).good


def test_two_processes_find_in_a_damaged_log_what_one_finds():
    """Rules, signatures, repetitions, hashes, tiles, chains and forks, in the same order, with the same state."""
    gate, story = gates()[0], [*opening(), *entries()[5:240]]
    bad = [bytes(64) + rekey(5, 1)[64:], rekey(5, 2), story[7], b"rubbish", rekey(6, 1), gate.refuse(code(1))]
    raws = [*story[:100], *bad, *story[100:]]
    damaged, fork = static_log(raws), static_log(raws[:60] + raws[:1])["checkpoint"].decode()
    flip(damaged, f"tile/0/000.p/{len(raws)}", 30 * 256)
    reports = [audit(damaged.get, VKEY, seen=[fork], alone=alone) for alone in (len(raws), 0)]
    assert reports[0] == reports[1]
    said = " ".join(map(str, reports[0].findings))
    assert all(f"entry {position}: " in said for position in (30, 100, 101, 102, 103))
    assert "fork: " in said
    assert "entry 104" not in said


def test_two_processes_stop_at_the_same_bundle(files):
    del files["tile/entries/001"]
    seen = [[], []]
    reports = [
        audit(files.get, VKEY, lambda done, _all, seen=seen[n]: seen.append(done), alone=alone)
        for n, alone in enumerate((10_000, 0))
    ]
    assert reports[0] == reports[1]
    assert seen[0] == seen[1] == [0, 256]
    assert (reports[0].checked, str(reports[0].findings[0])) == (256, "entry 256: tile/entries/001: is missing")
