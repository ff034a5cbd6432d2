"""What node, witness and gate write is their owner's alone, under whatever umask they were started, and also where an
earlier release let others read it: the programs run with umask 000, and then the folders are walked.
"""

import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from ledger_node.cli.operator import operator
from scanner.verify.policy import Policy
from tests.fakes.clockwork import wait_until
from tests.fakes.lan import PATIENCE, LanGate, free_port, lan
from tests.fakes.running_node import EVENT, code_by_socket, open_home, process, stage
from tests.fakes.running_witness import wait_for_size, witness_process
from tests.fakes.wallet import Wallet


@pytest.fixture(autouse=True)
def _open_to_all() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> dict[str, str]:
    """Everything in the folder that its group or others may touch, and the folder itself."""
    found = [folder, *folder.rglob("*")]
    assert len(found) > 1
    modes = {str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode) for path in found}
    return {name: oct(mode) for name, mode in modes.items() if mode & 0o077}


def ledger_node(home: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "ledger_node.cli", "--home", str(home), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def an_event(home: Path) -> str:
    """Made by the program itself, in a folder that is not there; the log's key."""
    when = [time.strftime("%Y-%m-%dT%H:%M", time.localtime(time.time() + day * 86_400)) for day in (1, 2)]
    words = ("--name", "Harbour Nights", "--capacity", "100", "--doors", when[0], "--starts", when[1])
    ledger_node(home, "event", "create", "show", *words)
    ledger_node(home, "tickets", "issue", "show", "--count", "5")
    with open_home(home) as node:
        return node.ledger.vkey


def test_a_nodes_home_its_socket_its_exports_and_a_witnesss_home_are_their_owners_alone(tmp_path: Path) -> None:
    home, out, watching = tmp_path / "new" / "node", tmp_path / "out", tmp_path / "new" / "witness"
    vkey = an_event(home)
    out.mkdir(mode=0o700)
    with process(home) as (_, port):
        ledger_node(home, "snapshot", "show", "--out", str(out / "show.snapshot"))
        ledger_node(home, "export", str(out / "log"))
        with operator(home) as node:
            node.do("accounts-invite", role="ops", name="Duty manager", organisation="")
        url = f"http://127.0.0.1:{port}"
        with witness_process(watching, url, "--log", vkey, "--port", "0") as (_, said):
            wait_for_size(f"http://127.0.0.1:{said['port']}", 2)
            assert {"admin.sock", "keys", "ledger.sqlite3-wal"} <= {path.name for path in home.iterdir()}
            for folder in (tmp_path / "new", out):
                assert open_to_others(folder) == {}


def test_what_an_earlier_release_left_open_is_closed_at_the_next_start(tmp_path: Path) -> None:
    home = tmp_path / "node"
    an_event(home)
    home.joinpath("notes-of-the-operator").write_text("not the program's")
    for path in home.rglob("*"):
        path.chmod(0o777 if path.is_dir() else 0o666)
    ledger_node(home, "event", "show", "show")
    assert open_to_others(home) == {"notes-of-the-operator": "0o666"}


def test_an_empty_folder_that_somebody_made_for_the_node_is_closed(tmp_path: Path) -> None:
    home = tmp_path / "made"
    home.mkdir(mode=0o755)
    an_event(home)
    assert open_to_others(home) == {}


def test_a_gates_state_is_its_owners_alone(tmp_path: Path) -> None:
    home = tmp_path / "node"
    with open_home(home) as node:
        stage(node, 3, policy=Policy(claim_deadline_ms=1_500), doors=int(time.time()) - 3_600)
    gate = LanGate("R1", tmp_path / "gate", free_port())
    state = gate.folder / "state"
    wallets = [Wallet.new(rng) for rng in [Random(7)] for _ in range(3)]
    with lan(gate), process(home) as (_, port):
        gate.enrol(f"http://127.0.0.1:{port}", code_by_socket(home))
        gate.start()
        wait_until(lambda: gate.ready(online=True), "online", PATIENCE)
        code = wallets[0].compact(EVENT, 1, 0, time.time()).text()
        assert gate.hold_up(code, 1)["verdict"] == "admit"
        assert {"journal.db", "journal.db-wal", "view", "lock"} <= {path.name for path in state.iterdir()}
        assert open_to_others(state) == {}
        gate.kill()
        for path in state.rglob("*"):
            path.chmod(0o777 if path.is_dir() else 0o666)
        gate.start()
        wait_until(lambda: gate.ready(online=True), "online again", PATIENCE)
        assert open_to_others(state) == {}
