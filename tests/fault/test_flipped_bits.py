"""One bit flipped anywhere: in any byte of a log's copy, or of a node's database. The audit names the entry, also when
the node does not start with it any more; or SQLite says that it cannot read it; or the bit was in nothing that counts.
"""

import json
import random
import re
import shutil
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

from ledger_node.cli.main import cli
from ledger_node.log.ledger import DATABASE, Ledger, LedgerFault
from ledger_node.log.stated import state_of
from ledger_node.log.tiles import WIDTH, unbundle
from ledger_node.services.audit import audit
from ledger_node.services.errors import ServiceError
from ledger_node.services.export import export
from ledger_node.services.lying_there import audit_home
from scanner.verify.checkpoint import VerifierKey
from tests.fakes.box_office import EVENT, NODE, NOW, code, gates, opening
from tests.fakes.running_node import open_home, stage

ORIGIN = "ticketme.example/log"
VKEY = VerifierKey(ORIGIN, NODE.public).encode()
REFUSALS = 275


def story() -> list[bytes]:
    gate = gates()[0]
    return [*opening(), gate.admit(code(1)), *(gate.refuse(code(1)) for _ in range(REFUSALS))]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that was closed in order, so that all of it is in one file."""
    made = tmp_path_factory.mktemp("ledger")
    ledger = Ledger.open(made, NODE, ORIGIN, lambda: NOW)
    ledger.submit(story()).result()
    ledger.close()
    assert not (made / f"{DATABASE}-wal").exists()
    return made


@pytest.fixture(scope="module")
def copy(home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("copy")
    ledger = Ledger.open(home, NODE, ORIGIN, lambda: NOW)
    export(ledger, folder)
    ledger.close()
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def flipped(data: bytes, bit: int) -> bytes:
    made = bytearray(data)
    made[bit // 8] ^= 1 << bit % 8
    return bytes(made)


def entry_at(path: str, data: bytes, byte: int) -> int | None:
    """The entry whose bytes have this one, in a bundle; None for its length."""
    offset, position = 0, int(path.split("/")[2].partition(".")[0]) * WIDTH
    for raw in unbundle(data):
        if byte < offset + 2:
            return None
        offset, position = offset + 2 + len(raw), position + 1
        if byte < offset:
            return position - 1
    raise AssertionError("not in the bundle")


def test_any_bit_of_a_logs_copy_is_found_and_the_entry_named(copy: dict[str, bytes]) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance, named = random.Random(seed), 0
    assert audit(copy.get, VKEY).good
    for path in sorted(copy) * 12:
        bit = chance.randrange(len(copy[path]) * 8)
        report = audit({**copy, path: flipped(copy[path], bit)}.get, VKEY)
        assert not report.good, (path, bit)
        first = str(report.findings[0])
        if path == "checkpoint":
            assert first.startswith("checkpoint: "), (bit, first)
            continue
        assert first.startswith("entry "), (path, bit, first)
        position = entry_at(path, copy[path], bit // 8) if path.startswith("tile/entries/") else None
        if position is not None:
            assert first == f"entry {position}: is not what was signed: its hash is another", (path, bit)
            named += 1
    assert named >= 12, "no bundle was hit"


def look(home: Path, out: Path, entries: list[bytes]) -> str:
    """What becomes of a database that may be damaged: where the damage shows."""
    try:
        ledger = Ledger.open(home, NODE, ORIGIN, lambda: NOW)
    except LedgerFault as fault:
        return f"start: {fault}\n       {as_it_lies(home, str(fault))}"
    try:
        export(ledger, out)
        with ledger.view() as view:
            logged, state, tally = list(view.entries(0, view.size)), state_of(view, ORIGIN), view.contract_digest()
    except (LedgerFault, sqlite3.DatabaseError) as fault:
        return f"read: {fault}"
    finally:
        ledger.close()
    report = audit(out, VKEY)
    if not report.good:
        return f"audit: {report.findings[0]}"
    assert logged == entries, "a log that is not the one that was written passed the audit"
    try:
        found = [str(finding) for finding in audit_home(home, ORIGIN, NODE).findings]
    except ServiceError as error:
        return f"audit: {error.code}"
    if state.events[EVENT].rows != report.digests[EVENT]:
        assert found[0] == f"{EVENT}: the state in the database is not that of its entries"
        return found[0]
    assert len(tally) == 32
    assert all(one.startswith("the database's file: ") for one in found), found
    return f"file: {found[0]}" if found else "nothing that counts"


def as_it_lies(home: Path, fault: str) -> str:
    """The node does not start; what the audit says, which agrees with what the node has said."""
    try:
        report = audit_home(home, ORIGIN, NODE)
    except ServiceError as error:
        assert any(why in fault for why in ("damaged", "cannot be", "is missing")), fault
        return f"audit: {error.code}"
    assert not report.good, fault
    named = re.search(r"entry \d+", fault)
    said = " ".join(map(str, report.findings))
    assert named is None or named[0] in said or "the database's file: " in said, (fault, said)
    return f"audit: {report.findings[0]}"


def test_any_bit_of_the_database_shows_or_was_in_nothing_that_counts(home: Path, tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance, entries, clean = random.Random(seed), story(), (home / DATABASE).read_bytes()
    seen = []
    for turn in range(60):
        damaged = tmp_path / str(turn)
        damaged.mkdir()
        (damaged / DATABASE).write_bytes(flipped(clean, chance.randrange(len(clean) * 8)))
        seen.append(look(damaged, damaged / "out", entries))
        shutil.rmtree(damaged)
    print(*sorted(seen), sep="\n")
    assert any("audit: entry " in one for one in seen)


@pytest.mark.parametrize(("table", "column"), [("entry", "raw"), ("hash", "hash")])
def test_any_bit_of_an_entry_or_a_hash_in_the_database_is_named_by_the_audit(
    home: Path, tmp_path: Path, table: str, column: str
) -> None:
    chance = random.Random(f"{table} {random.randrange(2**32)}")
    where = "position" if table == "entry" else "level, place"
    for turn in range(12):
        damaged = tmp_path / str(turn)
        shutil.copytree(home, damaged)
        with sqlite3.connect(damaged / DATABASE) as db:
            rows = db.execute(f"SELECT {where}, {column} FROM {table}").fetchall()
            *key, value = rows[chance.randrange(len(rows))]
            names = " AND ".join(f"{name.strip()} = ?" for name in where.split(","))
            bit = chance.randrange(len(value) * 8)
            db.execute(f"UPDATE {table} SET {column} = ? WHERE {names}", (flipped(value, bit), *key))
        db.close()
        shown = look(damaged, damaged / "out", story())
        if table == "entry":
            assert f"audit: entry {key[0]}: is not what was signed" in shown, shown
        elif key[0] == 0:
            assert f"audit: entry {key[1]}: " in shown, (key, shown)
        else:
            assert "audit: " in shown or shown == "nothing that counts", (key, shown)


def test_a_cell_that_lost_its_type_is_damage_and_no_fault_of_the_program(home: Path, tmp_path: Path) -> None:
    """A bit in a record's header makes a BLOB a NULL, which SQLite hands out without a word."""
    damaged = tmp_path / "damaged"
    shutil.copytree(home, damaged)
    with sqlite3.connect(damaged / DATABASE) as db:
        db.execute("CREATE TABLE loose (position INTEGER PRIMARY KEY, raw BLOB)")
        db.execute("INSERT INTO loose SELECT position, iif(position = 5, NULL, raw) FROM entry")
        db.execute("DROP TABLE entry")
        db.execute("ALTER TABLE loose RENAME TO entry")
    db.close()
    assert look(damaged, damaged / "out", story()).startswith("audit: entry 5: ")


def test_a_row_of_the_state_that_was_changed_is_not_that_of_the_log(home: Path, tmp_path: Path) -> None:
    """The log is good, and the state that a snapshot would carry is not: who replays the log sees it."""
    for _ in range(8):
        damaged = tmp_path / "damaged"
        shutil.copytree(home, damaged)
        with sqlite3.connect(damaged / DATABASE) as db:
            ticket, row = db.execute("SELECT ticket, row FROM ticket ORDER BY random() LIMIT 1").fetchone()
            bit = random.randrange(len(row) * 8)
            db.execute("UPDATE ticket SET row = ? WHERE ticket = ?", (flipped(row, bit), ticket))
        db.close()
        assert "the state in the database is not that" in look(damaged, damaged / "out", story()), (ticket, bit)
        shutil.rmtree(damaged)


def test_the_command_audits_a_home_that_lies_still(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with open_home(home) as node:
        stage(node, 40)
    told = CliRunner().invoke(cli, ["audit", str(home)])
    assert (told.exit_code, json.loads(told.stdout)["good"]) == (0, True)
    with open_home(home):
        told = CliRunner().invoke(cli, ["audit", str(home)])
        assert (told.exit_code, told.stdout, len(told.stderr.splitlines())) == (1, "", 1)
    with sqlite3.connect(home / DATABASE) as db:
        (raw,) = db.execute("SELECT raw FROM entry WHERE position = 1").fetchone()
        db.execute("UPDATE entry SET raw = ? WHERE position = 1", (flipped(raw, 500),))
    db.close()
    told = CliRunner().invoke(cli, ["audit", str(home)])
    assert (told.exit_code, json.loads(told.stdout)["findings"][0][:8]) == (1, "entry 1:")
    told = CliRunner().invoke(cli, ["--home", str(home), "serve", "--port", "0"])
    assert (told.exit_code, "run `ledger-node audit` on it" in told.stderr) == (1, True)
    (home / DATABASE).write_bytes((home / DATABASE).read_bytes()[:5_000])
    told = CliRunner().invoke(cli, ["audit", str(home)])
    assert (told.exit_code, "restore the newest backup" in told.stderr) == (1, True)


@pytest.mark.parametrize("bit", range(8))
def test_a_damaged_name_of_the_log_is_damage_to_the_node_and_to_the_audit(home: Path, tmp_path: Path, bit: int) -> None:
    clean = (home / DATABASE).read_bytes()
    place = clean.rindex(ORIGIN.encode()) + 12
    (tmp_path / DATABASE).write_bytes(flipped(clean, place * 8 + bit))
    said = look(tmp_path, tmp_path / "out", story())
    assert said.startswith("start: "), said
    assert re.search("is damaged|is the log", said), said
    assert "audit: " in said
