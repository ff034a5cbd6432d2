"""Scripts can tell a refusal (1) from a command line that is wrong (2), at every command of both programs."""

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from ledger_node.cli.main import cli as node_cli
from ledger_node.cli.main import main as node_main
from scanner.cli import main as gate_main
from scanner.cli.commands import cli as gate_cli

Words = tuple[str, ...]
NOBODY = "00" * 16
GONE = "gone"
"""An event, file, link or device that is not there."""

NEVER_REFUSED = {
    ("keys", "show"), ("keys", "rotate"), ("keys", "rotate-log"), ("event", "list"), ("accounts", "list"),
    ("accounts", "trail"), ("alerts", "list"), ("vault", "rotate-key"), ("settings",),
    ("restore", "status"), ("restore", "finish"),
}  # fmt: skip
"""They ask for nothing that may be missing."""

REFUSED: dict[Words, Words] = {
    ("serve",): ("--host", "192.0.2.1"),
    ("snapshot",): (GONE, "--out", GONE),
    ("export",): ("/dev/null/folder",),
    ("restore", "seen"): (__file__,),
    ("restore", "fetch"): (GONE,),
    ("restore", "declare-lost"): ("--yes",),
    ("keys", "end-overlap"): (),
    ("event", "create"): (
        "bad event", "--name", "E", "--doors", "2036-01-01", "--starts", "2036-01-01", "--capacity", "1",
    ),
    ("event", "show"): (GONE,),
    ("event", "assurance"): (GONE,),
    ("event", "cancel"): (GONE, "--yes"),
    ("tickets", "issue"): (GONE, "--count", "1"),
    ("tickets", "import"): (GONE, GONE),
    ("tickets", "show"): (GONE, "1"),
    ("tickets", "history"): (GONE, "1"),
    ("tickets", "register"): (GONE, "1", "--owner-seq", "0", "--holder-key", "00" * 32, "--proof", "00" * 64),
    ("tickets", "cancel"): (GONE, "1"),
    ("tickets", "refund"): (GONE, "1"),
    ("tickets", "block"): (GONE, "1"),
    ("tickets", "reinstate"): (GONE, "1"),
    ("devices", "code"): (GONE, "R1"),
    ("devices", "list"): (GONE,),
    ("devices", "revoke"): (GONE, "gate-r1"),
    ("devices", "out-of-service"): (GONE, "R1", "--reason", "does not start"),
    ("leases", "move"): (GONE, "R2", "--from", "R1", "--reason", "crowded"),
    ("leases", "show"): (GONE,),
    ("audit",): (GONE,),
    ("witness",): ("http://127.0.0.1:9",),
    ("evidence",): (__file__,),
    ("provider-sandbox",): ("--home", "/dev/null/folder"),
    ("accounts", "invite"): ("sponsor", "Desk"),
    ("accounts", "recover"): (GONE,),
    ("accounts", "revoke"): (GONE,),
    ("vault", "find"): ("phone", "no number"),
    ("vault", "export"): (NOBODY,),
    ("vault", "forget"): (NOBODY,),
    ("vault", "expire"): ("--before", "2136-01-01"),
    ("activations", "list"): (GONE,),
    ("activations", "unlock"): (GONE,),
    ("activations", "renew"): (GONE,),
    ("activations", "replace"): (GONE, "--question", "q"),
    ("activations", "revoke"): (GONE,),
    ("alerts", "ack"): ("1",),
    ("alerts", "close"): ("1",),
    ("policy", "set"): (GONE, "transfer_cap=100"),
    ("policy", "show"): (GONE,),
    ("actors", "add"): (GONE, "wallet", "provider", "00" * 32),
    ("actors", "revoke"): (GONE, "wallet"),
    ("actors", "list"): (GONE,),
    ("orders", "import"): (GONE, GONE),
    ("orders", "find"): (GONE, "U-1"),
    ("sale", "open"): (GONE,),
    ("sale", "close"): (GONE,),
    ("transfers", "list"): (GONE,),
    ("transfers", "cancel"): (GONE, "00" * 32),
    ("resale", "list"): (GONE,),
    ("resale", "unlist"): (GONE, "00" * 32),
    ("refunds", "make"): (GONE, "1"),
    ("refunds", "event"): (GONE, "--report", GONE),
    ("refunds", "list"): (GONE,),
    ("sponsors", "add"): (GONE, "bank"),
    ("sponsors", "revoke"): (GONE, "bank"),
    ("sponsors", "allot"): (GONE, "bank", "1"),
    ("sponsors", "invite"): (GONE, "bank", "--email", "guest@example.com"),
    ("sponsors", "recall"): (GONE, "bank"),
    ("sponsors", "reclaim"): (GONE, "1"),
    ("sponsors", "show"): (GONE, "bank"),
}  # fmt: skip

REFUSED_AT_A_GATE: dict[Words, Words] = {
    ("run",): ("--config", GONE),
    ("decode",): (GONE,),
    ("decide",): ("--snapshot", GONE, "--at", "1", "T1"),
    ("enrol",): ("http://127.0.0.1:9",),
    ("forget",): ("--config", GONE),
    ("status",): ("--config", GONE),
    ("doctor",): ("--config", GONE),
    ("clock", "show"): ("--config", GONE),
    ("clock", "reset"): ("--config", GONE),
    ("journal", "show"): ("--config", GONE),
    ("journal", "verify"): ("--config", GONE),
    ("journal", "export"): ("--config", GONE),
    ("release-relay",): ("--config", GONE),
}

SERVING = {"serve", "witness", "provider-sandbox", "run"}
"""They set up the log and the signals of the process that they run in."""

MISUSED: list[Words] = [
    ("tickets", "register", GONE, "1", "--owner-seq", "0", "--holder-key", "xy", "--proof", "00"),
    ("actors", "add", GONE, "wallet", "provider", "xy"),
    ("transfers", "cancel", GONE, "xy"),
    ("resale", "unlist", GONE, "xy"),
    ("sponsors", "allot", GONE, "bank", "1", "--count", "1"),
    ("sponsors", "allot", GONE, "bank"),
    ("orders", "find", GONE),
    ("orders", "find", GONE, "U-1", "--ticket", "1"),
    ("orders", "find", GONE, "--ticket", "row five"),
    ("sponsors", "invite", GONE, "bank"),
    ("sponsors", "invite", GONE, "bank", "guests.csv", "--phone", "91234567"),
    ("sponsors", "reclaim", GONE),
    ("serve", "--witness", "nonsense"),
    ("serve", "--proxy", "nonsense"),
    ("serve", "--public-url", "nonsense"),
    ("audit", ".", "--key", "k", "--quorum", "1"),
    ("audit", ".", "--key", "k", "--witness", "nonsense"),
    ("witness", "http://127.0.0.1:9", "--log", "nonsense"),
]
"""Words that no state of the node could make right."""


def leaves(command: click.Command, path: Words = ()) -> Iterator[tuple[Words, click.Command]]:
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from leaves(inner, (*path, name))
    else:
        yield path, command


@dataclass
class Ended:
    status: int
    out: str
    err: str


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    """Runs a program's own entry in an empty folder with an empty home; in this process, unless it sets its own up."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEDGER_NODE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "stdin", io.StringIO("nonsense\n"))
    umask = os.umask(0o022)

    def ended(main: Callable[[], None], program: str, *words: str) -> Ended:
        if words[0] in SERVING:
            code = f"from {main.__module__} import main; main()"
            done = subprocess.run(
                [sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=60, check=False
            )
            return Ended(done.returncode, done.stdout, done.stderr)
        monkeypatch.setattr(sys, "argv", [program, *words])
        with pytest.raises(SystemExit) as caught:
            main()
        return Ended(int(caught.value.code or 0), *capfd.readouterr())

    yield ended
    os.umask(umask)


NODE = [pytest.param(node_main, "ledger-node", *leaf, id="node " + " ".join(leaf[0])) for leaf in leaves(node_cli)]
GATE = [pytest.param(gate_main, "gate-scanner", *leaf, id="gate " + " ".join(leaf[0])) for leaf in leaves(gate_cli)]


@pytest.mark.parametrize(
    ("main", "program", "words"),
    [
        (gate_main, "gate-scanner", ("enrol", "http://127.0.0.1:9", "AAAA-BBBB-CCCC-DDDD")),
        (node_main, "ledger-node", ("activations", "replace", GONE, "--question", "q", "--answer", "a")),
        (node_main, "ledger-node", ("sponsors", "invite", "e", "s", "--phone", "91234567", "--answer", "a")),
    ],
)
def test_a_secret_on_the_command_line_is_misuse_and_what_to_do_is_said(run, main, program, words) -> None:
    done = run(main, program, *words)
    assert done.status == 2
    assert "read from standard input" in " ".join(done.err.split())


def test_no_option_or_argument_takes_a_secret() -> None:
    """Those that did are left as what says so; a public key, and a signature that goes into the log, are none."""
    secret = {"answer", "code", "password", "passphrase", "secret", "token", "pin", "private_key", "seed"}
    commands = [*leaves(node_cli), *leaves(gate_cli)]
    assert len(commands) > 40
    taken = [(path, one.name) for path, command in commands for one in command.params if one.expose_value]
    assert [(path, name) for path, name in taken if name in secret] == []


@pytest.mark.parametrize(("main", "program", "path", "command"), [*NODE, *GATE])
def test_a_wrong_command_line_is_2_and_a_refusal_is_1(run, main, program, path, command) -> None:
    misused = [run(main, program, *path, "--no-such-option")]
    if any(one.required for one in command.params):
        misused.append(run(main, program, *path))
    for one in misused:
        assert (one.status, one.out) == (2, ""), one
        assert "Usage:" in one.err
    table = REFUSED if program == "ledger-node" else REFUSED_AT_A_GATE
    if path in NEVER_REFUSED:
        return
    if program == "ledger-node":
        assert run(node_main, "ledger-node", "keys").status == 0, "a node, so that it is not missing as a whole"
    refused = run(main, program, *path, *table[path])
    assert refused.status == 1, refused
    assert "Traceback" not in refused.err
    assert (refused.err + refused.out).strip(), "a refusal says why"


@pytest.mark.parametrize("words", MISUSED, ids=" ".join)
def test_words_that_can_never_be_right_are_2(run, words: Words) -> None:
    assert run(node_main, "ledger-node", "keys").status == 0
    ended = run(node_main, "ledger-node", *words)
    assert (ended.status, ended.out) == (2, ""), ended
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(("main", "program"), [(node_main, "ledger-node"), (gate_main, "gate-scanner")])
def test_help_says_what_the_exit_status_means(run, main, program: str) -> None:
    assert "Exit status: 0 done; 1 refused" in run(main, program, "--help").out
