"""The program as people and scripts call it: what it prints, where, and with which exit status."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import segno

from scanner.journal import Journal
from tests.fakes.event import NOON, compact_code, full_code, row, scan_of, stamp_at, write_snapshot_file
from tests.fakes.whole_gate import IDENTITY

PROGRAM = [sys.executable, "-c", "from scanner.cli import main; main()"]


def run(*arguments: str | Path, stdin: str | bytes = "") -> subprocess.CompletedProcess[bytes]:
    given = stdin.encode() if isinstance(stdin, str) else stdin
    return subprocess.run([*PROGRAM, *map(str, arguments)], input=given, capture_output=True, timeout=60, check=False)


def verdicts(done: subprocess.CompletedProcess[bytes]) -> list[tuple[str, str, int | None]]:
    assert done.returncode == 0, done.stderr.decode()
    found = [json.loads(line) for line in done.stdout.decode().splitlines()]
    return [(one["verdict"], one["reason"], one["ticket"]) for one in found]


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    return write_snapshot_file(tmp_path / "show.snapshot", [row(number) for number in range(1, 9)], 100)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "gate.toml"
    path.write_text(f'state = "{tmp_path / "state"}"\npins = "mock"\n[kiosk]\nenabled = false\n')
    return path


def test_decide_prints_one_verdict_a_code_and_does_not_remember(snapshot: Path) -> None:
    good = compact_code(7).text()
    done = run(
        "decide", "--snapshot", snapshot, "--at", NOON, good, good, "https://example.com", full_code(9, 0, 101).text()
    )
    assert verdicts(done) == [
        ("admit", "ok", 7),
        ("admit", "ok", 7),
        ("refuse", "not-a-code", None),
        ("admit", "ok", 9),
    ]


def test_decide_at_a_gate_and_at_a_gate_group(snapshot: Path) -> None:
    good = compact_code(7).text()
    for gate, verdict in (("A1", "admit"), ("B1", "amber"), ("1", "admit"), ("2", "amber")):
        (found,) = verdicts(run("decide", "--snapshot", snapshot, "--at", NOON, "--gate", gate, good))
        assert found[0] == verdict, gate


def test_decide_reads_codes_from_stdin_exactly_as_they_are(snapshot: Path) -> None:
    good = compact_code(7).text()
    lines = f"{good}\n{good} \n{good}\r\n\n{good}".encode() + b"\n\xff\xfe\n"
    found = verdicts(run("decide", "--snapshot", snapshot, "--at", NOON, "-", stdin=lines))
    assert [reason for _, reason, _ in found] == ["ok", "malformed", "malformed", "not-a-code", "ok", "not-a-code"]


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["--at", "x", "T1"], 2, "is not a valid integer"),
        (["--at", "5"], 2, "Missing argument"),
        (["--at", "5", "--gate", "Z9", "T1"], 1, "has no gate Z9; its gates are: A1, A2, B1"),
    ],
)
def test_decide_says_what_it_cannot_use(snapshot: Path, arguments: list[str], status: int, complaint: str) -> None:
    done = run("decide", "--snapshot", snapshot, *arguments)
    assert (done.returncode, done.stdout) == (status, b"")
    assert complaint in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_decide_refuses_a_damaged_snapshot(tmp_path: Path, snapshot: Path) -> None:
    whole = snapshot.read_bytes()
    for name, content in (("cut", whole[:-9]), ("empty", b""), ("html", b"<html>"), ("flip", whole[:-20] + b"\0" * 20)):
        path = tmp_path / name
        path.write_bytes(content)
        done = run("decide", "--snapshot", path, "--at", NOON, "T1")
        assert done.returncode == 1, name
        assert done.stderr.decode().startswith(f"gate-scanner: {name}: ")
    assert run("decide", "--snapshot", tmp_path / "gone", "--at", NOON, "T1").returncode == 1


def test_decode_prints_one_text_a_line_and_names_what_is_no_picture(tmp_path: Path) -> None:
    good = compact_code(7).text()
    segno.make(good, error="m").save(str(tmp_path / "code.png"), scale=6, border=4)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG nothing")
    assert run("decode", tmp_path / "code.png").stdout.decode() == f"{good}\n"
    done = run("decode", tmp_path / "broken.png", tmp_path / "code.png", tmp_path / "gone.png")
    assert (done.returncode, done.stdout.decode()) == (1, f"{good}\n")
    complaints = done.stderr.decode().splitlines()
    assert ["broken.png" in complaints[0], "gone.png" in complaints[1]] == [True, True]


def test_commands_without_a_gate_say_what_to_do(config: Path) -> None:
    for command, advice, given in (
        (["run"], "gate-scanner enrol", ""),
        (["status"], "gate-scanner enrol", ""),
        (["journal", "show"], "has this gate run?", ""),
        (["enrol", "http://127.0.0.1:9"], "four groups of four", "nonsense\n"),
        (["enrol", "http://127.0.0.1:9"], "the code is missing", ""),
        (["enrol", "http://127.0.0.1:9"], "127.0.0.1:9", "AAAA-BBBB-CCCC-DDDD\n"),
    ):
        done = run(*command, "--config", config, stdin=given)
        assert done.returncode == 1, command
        assert advice in done.stderr.decode(), command
        assert b"Traceback" not in done.stderr


def test_a_missing_or_wrong_configuration_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[pins]\nrelay = 40\npulse_ms = 1\ncolour = 3\n")
    done = run("run", "--config", wrong)
    assert done.returncode == 1
    assert f"{wrong}:4: pins.colour" in done.stderr.decode()
    assert "no such file" in run("run", "--config", tmp_path / "gone.toml").stderr.decode()


def test_the_journal_is_shown_verified_and_exported(tmp_path: Path, config: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "device.key").write_bytes(IDENTITY.key.seed)
    with Journal.open(state / "journal.db", IDENTITY, stamp_at) as journal:
        journal.refuse(scan_of(compact_code(7), "refuse", "expired"), stamp_at())
    shown = run("journal", "show", "--config", config).stdout.decode()
    assert "refuse: expired" in shown
    assert "2026-09-21 22:13:20 HKT" in shown
    assert run("journal", "verify", "--config", config).stdout.decode().startswith("whole: 1 records")
    (line,) = run("journal", "export", "--config", config).stdout.decode().splitlines()
    assert json.loads(line)["body"]["code"] == compact_code(7).raw.hex()


def test_a_forged_record_is_found_in_the_journal(tmp_path: Path, config: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "device.key").write_bytes(bytes(32))
    with Journal.open(state / "journal.db", IDENTITY, stamp_at) as journal:
        journal.refuse(scan_of(compact_code(7), "refuse", "expired"), stamp_at())
    done = run("journal", "verify", "--config", config)
    assert (done.returncode, done.stdout.decode()) == (1, "damaged: record in place 1: it is another device's\n")


def test_doctor_names_everything_that_is_missing(config: Path) -> None:
    config.write_text(config.read_text() + '[camera]\nsource = "replay:gone"\n')
    done = run("doctor", "--config", config)
    report = done.stdout.decode()
    assert done.returncode == 1
    assert "BAD  keys     this machine is no gate" in report
    assert "gate-scanner enrol URL" in report
    assert "BAD  camera" in report
    assert "ok   disk" in report
    assert "ok   pins     mock" in report


@pytest.mark.parametrize("command", [["doctor"], ["journal", "verify"], ["journal", "show"], ["status"], ["run"]])
def test_a_look_at_a_machine_that_is_no_gate_makes_no_key_of_a_gate(tmp_path: Path, command: list[str]) -> None:
    config = tmp_path / "gate.toml"
    config.write_text(f'state = "{tmp_path / "some" / "state"}"\npins = "mock"\n[camera]\nsource = "replay:gone"\n')
    before = sorted(tmp_path.rglob("*"))
    done = run(*command, "--config", config)
    assert done.returncode
    assert b"Traceback" not in done.stderr
    after = sorted(tmp_path.rglob("*"))
    if command == ["run"]:  # it takes the lock of the folder that its user named, before it finds no enrolment there
        after = [path for path in after if "some" not in path.parts or path.suffix == ".key"]
    assert after == before


def test_doctor_names_a_state_folder_that_is_a_file(tmp_path: Path, config: Path) -> None:
    (tmp_path / "state").write_text("not a folder")
    report = run("doctor", "--config", config).stdout.decode()
    assert f"BAD  disk     {tmp_path / 'state'}" in report
