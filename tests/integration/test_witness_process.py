"""A real node and a real witness, each a process of its own, on loopback: what they promise whatever dies."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
from click.testing import CliRunner
from tlog_scales import backend, reader, signing, tlog

from ledger_node.cli.main import cli
from ledger_node.cli.operator import operator
from ledger_node.log.witness_protocol import SIZE_TYPE, AddCheckpoint
from scanner.verify.checkpoint import COSIGNATURE, VerifierKey, parse_checkpoint
from scanner.verify.merkle import leaf_hash
from tests.fakes.box_office import key, opening, rekey
from tests.fakes.running_node import EVENT, open_home, process, stage
from tests.fakes.running_witness import get, post, wait_for_size, wait_until, watching, witness_process
from tests.fakes.static_server import static_server
from tests.fakes.tile_logs import LOG, Shown, TileLog


@pytest.fixture
def node_home(tmp_path):
    home = tmp_path / "node"
    with open_home(home) as node:
        stage(node, 300)
        vkey = node.ledger.vkey
    return home, vkey


def test_an_independent_verifier_checks_cosignature_inclusion_and_consistency(tmp_path, node_home):
    home, vkey = node_home
    with process(home) as (_, port), watching(tmp_path, f"http://127.0.0.1:{port}", vkey) as (_, url, wkey):
        standing = wait_for_size(url, 2)
        note = get(url, standing["checkpoint"]).decode()
        with operator(home) as running:
            running.do("log-export", folder=str(tmp_path / "copy"))
    theirs = reader.TilesReader(backend.LocalBackend(tmp_path / "copy"))
    assert theirs.get_checkpoint().size == 2
    checkpoint = tlog.Checkpoint.from_text(note)
    verified = signing.VkeySet(signing.Vkey.from_string(vkey), signing.Vkey.from_string(wkey))
    good = verified.verify(checkpoint.signatures, checkpoint)
    assert {key.serialize() for key, _ in good} == {vkey, wkey}
    assert checkpoint.root_hash == theirs.calculate_root_hash()
    for position in range(checkpoint.size):
        raw = theirs.get_entry(position)
        theirs.get_inclusion_proof(position, checkpoint.size).check(leaf_hash(raw), checkpoint.root_hash)
    first = leaf_hash(theirs.get_entry(0))
    theirs.get_consistency_proof(1, checkpoint.size).check(first, checkpoint.root_hash)


def test_a_node_that_is_told_of_a_witness_asks_it(tmp_path, node_home):
    home, vkey = node_home
    with process(home) as (_, port):
        log_url = f"http://127.0.0.1:{port}"
        with watching(tmp_path, log_url, vkey) as (_, url, wkey):
            wait_for_size(url, 2)
    with free_port() as at, process(home, "--witness", f"http://127.0.0.1:{at},{wkey}") as (_, port):
        arguments = (f"http://127.0.0.1:{port}", "--log", vkey, "--port", str(at))
        with witness_process(tmp_path / "witness", *arguments):
            node = f"http://127.0.0.1:{port}"
            wait_until(lambda: wkey.split("+")[0] in get(node, "/checkpoint").decode())
            assert json.loads(get(node, "/healthz")) == {"status": "ok", "size": 2}
        with operator(home) as running:
            running.do("log-export", folder=str(tmp_path / "copy"))
    audited = CliRunner().invoke(cli, ["audit", str(tmp_path / "copy"), "--key", vkey, "--witness", wkey])
    assert audited.exit_code == 0, audited.output
    other = VerifierKey("other.example", key("other").public, COSIGNATURE).encode()
    audited = CliRunner().invoke(cli, ["audit", str(tmp_path / "copy"), "--key", vkey, "--witness", other])
    assert (audited.exit_code, "0 of the 1 witnesses cosigned it, 1 must" in audited.output) == (1, True)
    audited = CliRunner().invoke(cli, ["audit", str(tmp_path / "copy"), "--key", vkey, "--witness", vkey])
    assert (audited.exit_code, "is no witness's key" in audited.output) == (2, True)
    wants = ["--witness", wkey, "--quorum", "2"]
    audited = CliRunner().invoke(cli, ["audit", str(tmp_path / "copy"), "--key", vkey, *wants])
    assert (audited.exit_code, "--quorum 2 of 1 different witnesses" in audited.output) == (2, True)


@contextmanager
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    yield port


def test_the_protocols_status_codes(tmp_path):
    log = TileLog(opening())
    with static_server(log.read) as log_url, watching(tmp_path, log_url, LOG.encode(), every="3600") as (_, url, _wkey):
        wait_for_size(url, log.size)
        old = log.size
        log.show(rekey(3, 1))
        good = AddCheckpoint(old, tuple(log.proof(old)), log.checkpoint())
        assert post(url, b"")[0] == 400
        assert post(url, b"x" * 100_000)[0] == 413
        assert post(url, good.encode().replace(LOG.name.encode(), b"other.example"))[0] == 404
        assert post(url, good.encode().replace(b"\n6\n", b"\n7\n"))[0] == 403
        assert post(url, AddCheckpoint(1, (), log.checkpoint()).encode()) == (409, SIZE_TYPE, f"{old}\n".encode())
        assert post(url, AddCheckpoint(old, (bytes(32),), log.checkpoint()).encode())[0] == 422
        status, _, line = post(url, good.encode())
        assert (status, line.decode().startswith("\u2014 wallet.example/w1 ")) == (200, True)
        fork = log.fork(old, rekey(4, 1))
        assert post(url, AddCheckpoint(log.size, (), fork.checkpoint()).encode())[0] == 422
        status, _, why = post(url, AddCheckpoint(log.size, (), log.checkpoint()).encode())
        assert (status, b"nothing of this log is signed any more: the log signed two different roots" in why) == (
            422,
            True,
        )
        assert json.loads(get(url, "/healthz"))["status"] == "problem"
        (found,) = json.loads(get(url, "/evidence"))
        assert found["later"] == fork.checkpoint()


def test_a_fork_is_kept_and_refused_across_a_kill_and_checked_without_the_witness(tmp_path):
    log = TileLog(opening())
    shown = Shown(log)
    with static_server(shown.read) as log_url:
        with watching(tmp_path, log_url, LOG.encode()) as (running, url, _):
            wait_for_size(url, log.size)
            shown.log = log.fork(2, rekey(3, 1), *opening()[2:], rekey(4, 1), rekey(5, 1))
            wait_until(lambda: json.loads(get(url))["logs"][0]["evidence"])
            os.kill(running.pid, signal.SIGKILL)
        shown.log = log
        with watching(tmp_path, log_url, LOG.encode()) as (_, url, _):
            wait_until(lambda: "does not begin with" in json.loads(get(url))["logs"][0]["problem"])
    (path,) = (tmp_path / "witness" / "evidence").iterdir()
    result = CliRunner().invoke(cli, ["evidence", str(path), "--key", LOG.encode()])
    assert result.exit_code == 0, result.output
    assert "does not begin with the log of size 5 that it signed before" in result.output
    other = VerifierKey("other.example", LOG.public_key).encode()
    assert CliRunner().invoke(cli, ["evidence", str(path), "--key", other]).exit_code == 1


def test_the_home_of_a_node_is_not_a_witnesss(node_home):
    home, vkey = node_home
    command = [sys.executable, "-m", "ledger_node.cli", "witness", "http://127.0.0.1:9", "--log", vkey, "--home"]
    refused = subprocess.run([*command, str(home)], capture_output=True, text=True, timeout=30, check=False)
    assert (refused.returncode, "give the witness a home of its own" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["http://127.0.0.1:9"], 1, "which key has the log"),
        (["http://127.0.0.1:9", "--log", "x"], 2, "the line `log`"),
        (["ftp://127.0.0.1:9", "--log", LOG.encode()], 2, "is not the address of a log"),
        (["http://127.0.0.1:9", "--log", LOG.encode(), "--log", LOG.encode()], 2, "2 keys for 1 logs"),
        (["http://127.0.0.1:9", "--log", LOG.encode(), "--name", "a b"], 1, "cannot name a witness"),
    ],
)
def test_a_slip_on_the_command_line_is_one_line(tmp_path, arguments, status, said):
    result = CliRunner().invoke(cli, ["witness", *arguments, "--home", str(tmp_path / "w")])
    assert (result.exit_code, said in result.output.splitlines()[-1]) == (status, True)


def test_the_witness_states_the_state_and_knows_its_paths(tmp_path, node_home):
    home, vkey = node_home
    with process(home) as (_, port), watching(tmp_path, f"http://127.0.0.1:{port}", vkey) as (_, url, _):
        standing = wait_for_size(url, 2)
        assert get(url, standing["state"]).decode().startswith("ticketme-gate/state/v1\n")
        assert f"\n{EVENT} " in get(url, standing["state"]).decode()
        assert parse_checkpoint(get(url, standing["checkpoint"]).decode()).size == standing["size"]
        for path in ("/logs/0/checkpoint", "/logs/0/state", "/nothing"):
            with pytest.raises(urllib.error.HTTPError) as raised:
                get(url, path)
            assert raised.value.code == 404
