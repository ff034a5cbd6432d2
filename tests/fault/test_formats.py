"""Turning back to an older release, and on to a newer one: each database of both programs, and what happens to it.

A release that does not know a file's format leaves it, byte for byte, and says which release does. Files that release
0.1.0 made (tests/fixtures, by its own code) still open, with all that is in them.
"""

import hashlib
import sqlite3
import struct
import subprocess
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ledger_node import formats as node_formats
from ledger_node.home_folder import HomeError
from ledger_node.log.port import LedgerFault
from ledger_node.log.schema import open_writer
from ledger_node.sandbox.schema import open_database
from ledger_node.services.database import Database
from ledger_node.services.errors import ServiceError
from ledger_node.services.store import Store
from ledger_node.services.witness_memory import Memory
from scanner import store
from scanner.errors import GateError
from scanner.identity import Enrolled, Identities
from scanner.sync.peer_store import PeerStore
from scanner.verify.file_format import HEADER_BYTES, RELEASE, Format, Release, format_in
from scanner.view import GateView, Trust
from tests.fakes.event import EVENT, NODE, NOON
from tests.fakes.journals import open_journal
from tests.fakes.running_node import DOORS, open_home
from tests.show.stage import BIN

FIXTURE = Path(__file__).parent.parent / "fixtures" / "release-0.1.0.tar.xz"
TOP = Path(__file__).parent.parent.parent
REFUSED = r"has format 99, which this release \(0\.1\.0\) does not know: install release 7\.8\.9 or newer"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Homes of a gate, a node, a witness and a sandbox provider, as release 0.1.0 left them."""
    with tarfile.open(FIXTURE) as archive:
        # As tarfile's manual has it: Debian 12's Python knows no filters yet.
        archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, _path: member)
        archive.extractall(tmp_path / "old")
    return tmp_path / "old"


def open_node_home(home: Path) -> None:
    with open_home(home, lambda: DOORS - 80_000.0):
        pass


OPENERS: dict[str, Callable[[Path], object]] = {
    "gate/journal.db": lambda path: open_journal(path).close(),
    "gate/view/view.db": lambda path: GateView(path.parent, Trust(NODE.public, EVENT), "test").close(),
    "gate/peers.db": lambda path: PeerStore(path, EVENT, "gate-1", "test").close(),
    "node/ledger.sqlite3": lambda path: open_writer(path).close(),
    "node/node.sqlite3": lambda path: Store(path).close(),
    "node/vault.sqlite3": lambda path: Database(path, "").close(),
    "node/accounts.sqlite3": lambda path: Database(path, "").close(),
    "node/activations.sqlite3": lambda path: Database(path, "").close(),
    "node/market.sqlite3": lambda path: Database(path, "").close(),
    "node/chronicle.sqlite3": lambda path: Database(path, "").close(),
    "node/alerts.sqlite3": lambda path: Database(path, "").close(),
    "witness/witness.sqlite3": lambda path: Memory(path.parent).close(),
    "provider/provider.sqlite3": lambda path: open_database(path).close(),
}


def from_a_later_release(path: Path) -> None:
    """What a release to come writes into the header: format 99, for 7.8.9 and newer."""
    with path.open("r+b") as file:
        file.seek(60)
        file.write(struct.pack(">I", 99))
        file.seek(68)
        file.write(b"T\x07\x08\x09")


def everything(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in {"lock", "ledger.lock"}
    }


def test_every_database_there_is_is_tried_here(old: Path) -> None:
    found = {str(path.relative_to(old)) for path in old.rglob("*") if path.suffix in {".db", ".sqlite3"}}
    assert found == set(OPENERS)
    named = {Path(name).stem for name in OPENERS}
    assert named == set(node_formats.FORMATS) | set(store.FORMATS)


@pytest.mark.parametrize("name", OPENERS)
def test_a_file_of_release_0_1_0_opens_and_is_marked(old: Path, name: str) -> None:
    path = old / name
    assert format_in(path.read_bytes()[:HEADER_BYTES]) is None
    OPENERS[name](path)
    known = {**node_formats.FORMATS, **store.FORMATS}[path.stem]
    assert format_in(path.read_bytes()[:HEADER_BYTES]) == known
    before = path.read_bytes()
    OPENERS[name](path)
    assert format_in(path.read_bytes()[:HEADER_BYTES]) == known
    assert before[:HEADER_BYTES] == path.read_bytes()[:HEADER_BYTES], "it is marked once"


def test_what_release_0_1_0_wrote_is_all_there(old: Path) -> None:
    with open_journal(old / "gate" / "journal.db") as journal:
        assert journal.counts().admitted == 5
        use = journal.use_of(1)
        assert use
        assert not use.released
        assert len(list(journal.records())) == 8
    with closing(GateView(old / "gate" / "view", Trust(NODE.public, EVENT), "test")) as view:
        assert (view.damage, view.size, view.tickets, view.kept_time().floor) == ("", 101, 8, NOON + 5)
        row = view.of(3).row
        assert row
        assert row.uses == 1
    with closing(PeerStore(old / "gate" / "peers.db", EVENT, "gate-1", "test")) as peers:
        assert (peers.damage, [told.gate for told in peers.book().of(5)]) == ("", ["A2"])
    with open_home(old / "node", lambda: DOORS - 80_000.0) as node, node.view() as view:
        assert view.head.size == 2
        (person,) = node.vault.persons()
        assert node.vault.read(person)["phone"] == "+85291234567"


@pytest.mark.parametrize("name", OPENERS)
def test_a_file_of_a_later_release_is_refused_and_left_as_it_is(old: Path, name: str) -> None:
    path = old / name
    OPENERS[name](path)
    from_a_later_release(path)
    before = everything(old)
    with pytest.raises((GateError, LedgerFault, ServiceError, HomeError), match=REFUSED):
        OPENERS[name](path)
    assert everything(old) == before


@pytest.mark.parametrize("suffix", ["-wal", "-journal", ".new-20261130T000000Z", ".building"])
def test_not_even_what_lies_beside_it_is_touched(old: Path, suffix: str) -> None:
    path = old / "gate" / "journal.db"
    from_a_later_release(path)
    path.with_name(path.name + suffix).write_bytes(b"of a later release")
    before = everything(old)
    with pytest.raises(GateError, match=REFUSED):
        open_journal(path)
    assert everything(old) == before


def said(*command: str | Path) -> tuple[int, str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("word", [("journal", "show"), ("journal", "verify"), ("forget",)])
def test_the_gate_says_it_in_one_line(old: Path, word: tuple[str, ...]) -> None:
    from_a_later_release(old / "gate" / "journal.db")
    config = old / "gate.toml"
    config.write_text(f'state = "{old / "gate"}"\npins = "mock"\n')
    before = everything(old)
    status, text = said(BIN / "gate-scanner", *word, "--config", config)
    assert (status, text.count("\n"), "Traceback" in text) == (1, 1, False)
    assert "install release 7.8.9 or newer; nothing was changed" in text
    assert everything(old) == before


def test_doctor_does_not_call_it_whole(old: Path) -> None:
    from_a_later_release(old / "gate" / "journal.db")
    identities = Identities(old / "gate")
    identities.made_key()
    identities.enrol(Enrolled("http://127.0.0.1:9", "d1", "show", "R1", "aa" * 32, "vkey", "origin"))
    config = old / "gate.toml"
    config.write_text(f'state = "{old / "gate"}"\npins = "mock"\n[camera]\nsource = "replay:{old}"\n')
    status, text = said(BIN / "gate-scanner", "doctor", "--config", config)
    assert (status, "Traceback" in text) == (1, False)
    assert "install release 7.8.9 or newer; nothing was changed" in " ".join(text.split())
    assert "records, whole" not in text


@pytest.mark.parametrize("name", ["ledger", "vault"])
def test_the_node_says_it_in_one_line(old: Path, name: str) -> None:
    from_a_later_release(old / "node" / f"{name}.sqlite3")
    status, text = said(BIN / "ledger-node", "--home", old / "node", "serve", "--port", "0")
    assert (status, "Traceback" in text) == (1, False), text
    assert "install release 7.8.9 or newer; nothing was changed" in text
    assert "see to the disk" not in text


@pytest.mark.parametrize(("oldest", "goes_back"), [((0, 1, 0), True), ((0, 1, 9), True), ((0, 10, 0), False)])
def test_a_rollback_looks_at_every_database_first(tmp_path: Path, *, oldest: Release, goes_back: bool) -> None:
    """Before it swaps: a release that cannot open what is there would leave the gate closed, or an older one worse."""
    releases = tmp_path / "opt" / "ticketme-gate" / "releases"
    for name in ("0.2.0-20261101T000000Z", "0.11.0-20261130T000000Z"):
        (releases / name).mkdir(parents=True)
    current = releases.parent / "current"
    current.symlink_to(releases / "0.11.0-20261130T000000Z")
    for name in (
        "gate-scanner/journal.db",
        "ledger-node/vault.sqlite3",
        "gate-scanner/before-20261101T000000Z/peers.db",
    ):
        path = tmp_path / "var" / "lib" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as connection:
            for pragma in Format(3, (9, 0, 0) if "before" in name else oldest).pragmas():
                connection.execute(pragma)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "systemctl").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "systemctl").chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", TOP / "systemd" / "install.sh", "rollback"],
        env={"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "GATE_ROOT": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    now = current.readlink().name.split("-")[0]
    assert (done.returncode, now) == ((0, "0.2.0") if goes_back else (1, "0.11.0")), done.stderr
    assert ("can be opened by release 0.10.0 or newer, not by 0.2.0: nothing was changed" in done.stderr) != goes_back


def test_a_crash_in_the_middle_of_a_migration_is_still_known_by_its_format(tmp_path: Path) -> None:
    """The header of the file itself has the new number before any table is of the new format."""
    path = tmp_path / "ledger.sqlite3"
    open_writer(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("PRAGMA application_id = 0; PRAGMA user_version = 0;")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        node_formats.mark(connection, path)
        assert format_in(path.read_bytes()[:HEADER_BYTES]) == node_formats.FORMATS["ledger"]


def test_this_release_is_the_one_that_is_packed() -> None:
    version = next(line for line in (TOP / "setup.cfg").read_text().splitlines() if line.startswith("version = "))
    assert version == "version = " + ".".join(map(str, RELEASE))
    for known in (*node_formats.FORMATS.values(), *store.FORMATS.values()):
        assert known.oldest <= RELEASE


def tables(path: Path) -> str:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name NOT LIKE 'sqlite%' ORDER BY name"
        ).fetchall()
    return hashlib.sha256("\n".join(str(sql) for (sql,) in rows).encode()).hexdigest()[:12]


def test_tables_that_changed_have_a_new_number(old: Path, tmp_path: Path) -> None:
    """As long as each format is 1, its tables are those of release 0.1.0: add a column, and add a format."""
    open_node_home(old / "node")
    open_node_home(tmp_path / "node")
    Memory(tmp_path / "witness").close()
    (tmp_path / "gate").mkdir()
    for name in ("gate/journal.db", "gate/view/view.db", "gate/peers.db", "provider/provider.sqlite3"):
        OPENERS[name](tmp_path / name)
    for name in OPENERS:
        if {**node_formats.FORMATS, **store.FORMATS}[Path(name).stem] == Format():
            assert tables(tmp_path / name) == tables(old / name), f"{name}: its tables changed"


def test_a_flipped_bit_in_the_oldest_release_keeps_no_gate_shut(old: Path) -> None:
    path = old / "gate" / "journal.db"
    open_journal(path).close()
    content = bytearray(path.read_bytes())
    assert content[68:69] == b"T"
    content[69] ^= 0x40
    path.write_bytes(content)
    open_journal(path).close()
