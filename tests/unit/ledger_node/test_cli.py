"""The program ledger-node: one clear line for what is wrong, the same commands whether or not the node is served."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ledger_node.cli.main import cli
from ledger_node.home_folder import hold
from scanner.verify.gatecode import Certificate, event_hash
from scanner.verify.snapshot import SnapshotHeader, read_header
from tests.fakes.running_node import DOORS, EVENT, open_home, serving
from tests.fakes.wallet import Wallet

CREATE = ("event", "create", EVENT, "--name", "海港之夜", "--doors", "2026-11-22T18:30", "--starts",
          "2026-11-22T12:00Z", "--capacity", "50")  # fmt: skip


class Terminal:
    """Gives commands for one home folder."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, *words: str | Path) -> Result:
        return CliRunner().invoke(cli, ["--home", str(self.home), *map(str, words)])

    def json(self, *words: str | Path) -> Any:
        done = self.run(*words)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    def refused(self, *words: str | Path) -> str:
        done = self.run(*words)
        assert (done.exit_code, done.stdout) == (1, ""), done.output
        assert done.stderr.count("\n") == 1
        return done.stderr


@pytest.fixture(params=["stopped", "served"])
def terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    if request.param == "stopped":
        yield Terminal(tmp_path)
        return
    with open_home(tmp_path) as node, serving(node):
        yield Terminal(tmp_path)


def test_a_show_from_nothing_to_a_holders_certificate(terminal: Terminal, tmp_path: Path) -> None:
    created = terminal.json(*CREATE)
    assert (created["doors"], created["starts"]) == (DOORS, DOORS + 5400), "without a zone it is Hong Kong time"
    assert terminal.json("tickets", "issue", EVENT, "--count", "5")["last"] == 5
    wallet = Wallet.new(Random(3))
    file = tmp_path / "more.csv"
    file.write_text(
        "index,seat,category,gate_group,face_value,holder_key,proof\n"
        f"7,7,0,1,100,{wallet.public.hex()},{wallet.proof(EVENT, 7).hex()}\n"
    )
    assert terminal.json("tickets", "import", EVENT, file)["imported"] == 1
    shown = terminal.json("tickets", "show", EVENT, "7", "--certificate")
    assert (shown["holder_key"], shown["event_hash"]) == (wallet.public.hex(), event_hash(EVENT).hex())
    certificate = Certificate.unpack(bytes.fromhex(shown["certificate"]))
    code = wallet.full(EVENT, 7, 0, DOORS, certificate, bytes.fromhex(shown["ledger_signature"]))
    trusted = terminal.json("keys")["certificate_keys"]["1"]
    assert code.ledger_signature_good(event_hash(EVENT), bytes.fromhex(trusted))


def test_times_without_a_zone_are_those_of_the_event(terminal: Terminal) -> None:
    created = terminal.json(*CREATE, "--zone", "America/New_York", "--starts", "2026-11-22T20:15")
    assert created["doors"] == DOORS + 13 * 3600, "13 hours behind Hong Kong in winter"
    assert created["zone"] == "America/New_York"
    assert "18:30:00-05:00" in terminal.run("event", "list").stdout


def test_a_ticket_is_sold_and_another_cancelled(terminal: Terminal) -> None:
    terminal.json(*CREATE)
    terminal.json("tickets", "issue", EVENT, "--count", "5")
    first, second = Wallet.new(Random(3)), Wallet.new(Random(4))
    for seq, wallet in enumerate((first, second)):
        proof = wallet.proof(EVENT, 2, seq).hex()
        words = ("--owner-seq", str(seq), "--holder-key", wallet.public.hex(), "--proof", proof)
        shown = terminal.json("tickets", "register", EVENT, "2", *words)
        assert (shown["owner_seq"], shown["holder_key"]) == (seq, wallet.public.hex())
    terminal.json("tickets", "cancel", EVENT, "3", "4")
    assert terminal.json("tickets", "show", EVENT, "4")["state"] == "cancelled"
    terminal.json("tickets", "reinstate", EVENT, "4")
    assert "nobody has bought it" in terminal.refused("tickets", "refund", EVENT, "3")
    terminal.json("tickets", "refund", EVENT, "2")
    assert "a refund is final" in terminal.refused("tickets", "block", EVENT, "2")


def test_snapshot_export_and_audit(terminal: Terminal, tmp_path: Path) -> None:
    terminal.json(*CREATE)
    terminal.json("tickets", "issue", EVENT, "--count", "5")
    made = terminal.json("snapshot", EVENT, "--out", tmp_path / "show.snapshot")
    with (tmp_path / "show.snapshot").open("rb") as file:
        header = read_header(file)
    assert isinstance(header, SnapshotHeader)
    assert (header.size, header.count) == (made["size"], 5)
    terminal.json("export", tmp_path / "copy")
    key = terminal.json("keys", "show")["log"]
    audited = terminal.json("audit", tmp_path / "copy", "--key", key)
    assert (audited["good"], audited["size"]) == (True, 2)
    assert terminal.json("audit", tmp_path / "copy")["good"], "one's own log needs no key"
    other = Terminal(tmp_path / "other").json("keys")["log"]
    assert terminal.run("audit", tmp_path / "copy", "--key", other).exit_code == 1


def test_codes_lists_and_keys(terminal: Terminal) -> None:
    terminal.json(*CREATE)
    code = terminal.run("devices", "code", EVENT, "R1")
    assert len(code.stdout.strip()) == 19, "the code alone, for scripts"
    assert "gate-scanner enrol" in code.stderr
    assert terminal.json("devices", "list", EVENT, "--json") == []
    assert "devices code" in terminal.run("devices", "list", EVENT).stdout
    assert terminal.json("event", "list", "--json")[0]["event"] == EVENT
    assert "海港之夜" in terminal.run("event", "list").stdout
    assert terminal.json("keys", "rotate") == {"kid": 2}
    root = terminal.json("keys")["log"]
    assert terminal.json("keys")["log_keys"] == {"version": 0, "since": None, "keys": [root]}
    first = terminal.json("keys", "rotate-log", "--overlap")
    assert (first["version"], first["keys"][1]) == (1, root)
    assert terminal.json("keys", "end-overlap")["keys"] == first["keys"][:1]
    assert terminal.json("keys", "rotate-log")["version"] == 3
    shown = terminal.json("keys")
    assert (shown["log"], shown["log_keys"]["version"], len(shown["log_keys"]["keys"])) == (root, 3, 1)
    assert "no overlap to end" in terminal.refused("keys", "end-overlap")
    assert len(terminal.json("event", "show", EVENT)["keys"]) == 2


def test_what_is_wrong_is_one_line_that_says_what_to_do(terminal: Terminal, tmp_path: Path) -> None:
    terminal.json(*CREATE)
    assert "event list" in terminal.refused("event", "show", "nothing")
    assert "use another id" in terminal.refused(*CREATE, "--step", "20")
    assert "R1, R2" in terminal.refused("devices", "code", EVENT, "Z1")
    assert f"`ledger-node devices list {EVENT}`" in terminal.refused("devices", "revoke", EVENT, "R1", "--reason", "x")
    later = ("--doors", "2099-11-22T18:30", "--starts", "2099-11-22T20:15", "--capacity", "9")
    terminal.json("event", "create", "later", "--name", "Later", *later)
    assert "`sponsors add`" in terminal.refused("sponsors", "allot", "later", "bank", "1")
    (tmp_path / "short.csv").write_text("index,seat,category,gate_group,face_value\n1,1,0,1,88000\n")
    assert "proof may be empty" in terminal.refused("tickets", "import", EVENT, tmp_path / "short.csv")
    assert "the running node makes them" in terminal.run("activations", "list", EVENT).stdout
    assert "cannot read" in terminal.refused("tickets", "import", EVENT, tmp_path / "missing.csv")
    assert "no ticket 9" in terminal.refused("tickets", "show", EVENT, "9")
    assert "room for 50" in terminal.refused("tickets", "issue", EVENT, "--count", "51")
    assert "neither a URL nor a folder" in terminal.refused("audit", tmp_path / "missing")
    assert "name another" in terminal.refused("snapshot", EVENT, "--out", tmp_path / "no" / "file")


def test_a_log_that_nobody_serves_is_one_line_too(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    terminal = Terminal(tmp_path)
    terminal.json("keys")
    assert "nothing listens there" in terminal.refused("audit", f"http://127.0.0.1:{port}")
    assert "--key" in Terminal(tmp_path / "none").refused("audit", f"http://127.0.0.1:{port}")


def test_a_command_line_that_cannot_be_read_is_exit_status_2(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    assert terminal.run("event", "create", EVENT).exit_code == 2
    bad_time = [word if word != "2026-11-22T18:30" else "half past six" for word in CREATE]
    assert "2026-11-22T18:30" in terminal.run(*bad_time).stderr
    assert terminal.run(*CREATE, "--group", "1:red").exit_code == 2
    assert not (tmp_path / "ledger.sqlite3").exists()


def test_groups_of_ones_own(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    shown = terminal.json(*CREATE, "--group", "1:main:正門:M1,M2", "--group", "2:side:側門:S1", "--offline-policy",
                          "supervisor")  # fmt: skip
    assert [group["gates"] for group in shown["gate_groups"]] == [["M1", "M2"], ["S1"]]
    assert shown["policy"]["offline"] == "supervisor"


def test_serving_a_home_that_is_in_use_or_an_address_that_is_taken(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    with hold(tmp_path):
        assert "stop it" in terminal.refused("serve", "--port", "0")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "try another --port" in terminal.refused("serve", "--port", str(taken.getsockname()[1]))


def test_a_lost_key_of_the_log_is_said_and_can_be_replaced(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    terminal.json(*CREATE)
    terminal.json("keys", "rotate-log")
    (tmp_path / "keys" / "log-1.key").unlink()
    assert "restore log-1.key, or, if it is lost for good" in terminal.refused("serve", "--port", "0")
    assert "restore it, or rotate it" in terminal.refused("snapshot", EVENT, "--out", tmp_path / "s")
    assert terminal.json("keys", "rotate-log")["version"] == 2
    terminal.json("snapshot", EVENT, "--out", tmp_path / "s")
    (tmp_path / "log-keys" / "2.note").write_text("x")
    assert "2.note is damaged" in terminal.refused("keys")


def test_every_command_explains_itself() -> None:
    words: list[tuple[str, ...]] = [
        (),
        ("serve",),
        ("audit",),
        ("export",),
        ("snapshot",),
        ("keys",),
        ("keys", "rotate"),
        ("keys", "rotate-log"),
        ("keys", "end-overlap"),
    ]
    words += [("event", one) for one in ("create", "list", "show")]
    words += [
        ("tickets", one) for one in ("issue", "import", "show", "register", "cancel", "refund", "block", "reinstate")
    ]
    words += [("devices", one) for one in ("code", "list", "revoke")]
    for command in words:
        done = CliRunner().invoke(cli, [*command, "--help"])
        assert done.exit_code == 0
        assert len(done.output) > 130


def test_an_operator_is_invited_recovered_and_revoked_and_the_trail_says_so(terminal: Terminal) -> None:
    invited = terminal.run("accounts", "invite", "ops", "Duty manager")
    assert "/account/join#" in invited.stdout
    assert "/account/join#" in terminal.run("accounts", "recover", "Duty manager").stdout
    terminal.json("accounts", "revoke", "Duty manager")
    assert [one["state"] for one in terminal.json("accounts", "list", "--json")] == ["revoked"]
    trail = terminal.json("accounts", "trail")
    assert [act["what"] for act in trail["acts"]] == ["account.invite", "account.recover", "account.revoke"]
    assert (trail["problem"], trail["head"]["n"]) == (None, 3)
    assert "organisation" in terminal.refused("accounts", "invite", "sponsor", "Desk")
    assert "no account" in terminal.refused("accounts", "revoke", "nobody")


def test_nobody_is_found_forgotten_or_expired_who_is_not_there(terminal: Terminal) -> None:
    terminal.json("keys")
    assert terminal.json("vault", "find", "phone", "+85291234567") == []
    for act in ("forget", "export"):
        assert "`ledger-node vault find`" in terminal.refused("vault", act, "0" * 32)
    assert terminal.json("vault", "expire", "--before", "2020-01-01") == {"forgotten": 0}
    assert "future" in terminal.refused("vault", "expire", "--before", "2999-01-01")
    for act in ("unlock", "renew", "revoke"):
        assert "`ledger-node activations list EVENT`" in terminal.refused("activations", act, "U-100234")
