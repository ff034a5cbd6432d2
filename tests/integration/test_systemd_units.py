"""The units: hardened as promised, accepted by systemd without a word, and naming nothing that does not exist.

Where no systemd is installed these tests are skipped. What only a running systemd can show (that the gate works inside
its sandbox) is not tested here.
"""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from ledger_node.cli.main import cli as node_cli
from scanner.cli.commands import cli as gate_cli

UNITS = Path(__file__).parents[2] / "systemd"
PROGRAMS = {
    "/opt/ticketme-gate/current/bin/gate-scanner": gate_cli,
    "/opt/ticketme-gate/current/bin/ledger-node": node_cli,
}
LIBRARY = "/usr/local/lib/ticketme-gate/"
EXPOSURE = {
    "gate-scanner.service": 2.0,
    "ledger-node.service": 2.0,
    "ledger-witness.service": 2.0,
    "gate-lamps@.service": 2.0,
    "gate-kiosk.service": 3.5,
    "gate-provision.service": 7.2,
}

NO_WRITABLE_CODE = """
import ctypes, sys
PR_SET_MDWE, REFUSE_EXEC_GAIN = 65, 1
if ctypes.CDLL(None).prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0):
    sys.exit(77)
import numpy
import scanner.camera.child, scanner.cli.enrol, scanner.cli.run, ledger_node.web.server
import httptools, uvloop
from scanner.camera.decode import read_all_ways
from scanner.verify.keys import SigningKey, verify
key = SigningKey(bytes(32))
assert verify(key.public, b"x", key.sign(b"x"))
assert read_all_ways(numpy.zeros((240, 320), numpy.uint8)) == ()
"""

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def directives(unit: Path) -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", " ", unit.read_text())
    lines = [line for line in text.splitlines() if "=" in line and not line.startswith(("#", ";"))]
    return [(name, value) for name, _, value in (line.partition("=") for line in lines)]


def commands(unit: Path) -> list[list[str]]:
    return [value.lstrip("-+!@:").split() for name, value in directives(unit) if name.startswith("Exec")]


def all_units() -> list[Path]:
    return sorted(UNITS.glob("*.service"))


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False)


@needs_systemd
@pytest.mark.parametrize("unit", EXPOSURE)
def test_exposure_stays_below_the_limit(unit: str) -> None:
    limit = EXPOSURE[unit]
    done = analyze("security", "--offline=true", f"--threshold={int(limit * 10)}", "--no-pager", str(UNITS / unit))
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert level, done.stdout + done.stderr
    assert done.returncode == 0, f"{unit}: {level[0]}"
    assert float(level[1]) <= limit


@needs_systemd
def test_verify_says_nothing(tmp_path: Path) -> None:
    """On copies whose programs are there: verify asks whether each can be executed."""
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    copies = []
    for unit in all_units():
        text = unit.read_text()
        for command in commands(unit):
            text = text.replace(command[0], str(program))
        copies.append(tmp_path / unit.name)
        copies[-1].write_text(text)
    done = analyze("verify", "--man=no", *map(str, copies))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("unit", all_units(), ids=lambda path: path.name)
def test_units_start_programs_that_exist(unit: Path) -> None:
    """Ours by their entry points and subcommands, our scripts by their files."""
    for program, *arguments in commands(unit):
        if program in PROGRAMS:
            asked = CliRunner().invoke(PROGRAMS[program], [arguments[0], "--help"])
            assert asked.exit_code == 0, asked.output
            options = [argument for argument in arguments if argument.startswith("--")]
            assert all(option in asked.output for option in options)
        elif program.startswith(LIBRARY):
            assert os.access(UNITS / Path(program).name, os.X_OK), program
        else:
            assert program.startswith(("/bin/", "/usr/bin/")), program


@pytest.mark.parametrize("unit", all_units(), ids=lambda path: path.name)
def test_units_name_units_that_exist(unit: Path) -> None:
    ours = {path.name for path in all_units()}
    for name, value in directives(unit):
        if name in {"After", "Before", "Wants", "Requires"}:
            assert {other for other in value.split() if other.startswith(("gate-", "ledger-"))} <= ours


def test_the_installer_names_files_that_exist() -> None:
    named = set(re.findall(r"\$here/([\w.-]+\w)", (UNITS / "install.sh").read_text()))
    named |= set(re.findall(r"[\w-]+\.service", (UNITS / "install.sh").read_text()))
    assert named
    assert {name for name in named if not (UNITS / name).exists()} == set()


@pytest.mark.parametrize("script", sorted(UNITS.glob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_posix_shell(script: Path) -> None:
    done = subprocess.run(["/bin/sh", "-n", str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_wrappers_know_every_command() -> None:
    """A command that the wrapper does not know would run as root and leave files that the service cannot read."""
    elsewhere = {
        "gate-scanner.sh": {"decode", "decide", "settings"},
        "ledger-node.sh": {"audit", "evidence", "provider-sandbox"},
    }
    for wrapper, cli in (("gate-scanner.sh", gate_cli), ("ledger-node.sh", node_cli)):
        cases = re.findall(r"^\s+([\w| -]+)\)", (UNITS / wrapper).read_text(), re.MULTILINE)
        known = {name.strip() for case in cases for name in case.split("|")}
        assert set(cli.commands) == known | elsewhere[wrapper]


def test_gate_and_node_may_ask_whether_ntp_holds_the_clock() -> None:
    """ProtectClock= would refuse adjtimex(2), and every gate would distrust its clock; ProcSubset= hides the board."""
    scanner = directives(UNITS / "gate-scanner.service")
    assert "ProcSubset" not in {name for name, _ in scanner}
    for unit in (scanner, directives(UNITS / "ledger-node.service")):
        assert "ProtectClock" not in {name for name, _ in unit}
        filters = [value for name, value in unit if name == "SystemCallFilter"]
        assert {"adjtimex", "clock_adjtime"} <= set(filters[-1].split())
    assert "@privileged" in filters[-2]


def test_a_gate_never_gives_up() -> None:
    said = Counter(directives(UNITS / "gate-scanner.service"))
    for wanted in (("Restart", "always"), ("StartLimitIntervalSec", "0"), ("NotifyAccess", "main"), ("LimitCORE", "0")):
        assert said[wanted] == 1, wanted


def test_a_board_secret_is_kept_only_where_the_board_has_one(tmp_path: Path) -> None:
    key = "a7" * 32
    tool = tmp_path / "tool"
    for has_key, expected in ((False, set()), (True, {"board-secret"})):
        tool.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exit {0 if has_key else 1}\necho {key}\n')
        tool.chmod(0o755)
        store = tmp_path / f"store-{has_key}"
        environment = os.environ | {"BOARD_KEY_TOOL": str(tool), "CREDSTORE": str(store)}
        done = subprocess.run(
            ["/bin/sh", str(UNITS / "board-secret.sh")], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert {path.name for path in store.glob("*")} == expected
    secret = store / "board-secret"
    assert secret.stat().st_mode & 0o077 == 0
    assert re.fullmatch(r"[0-9a-f]{64}\n", secret.read_text())
    assert key not in secret.read_text()


def test_the_programs_need_no_writable_code() -> None:
    """MemoryDenyWriteExecute=, as prctl(2) PR_SET_MDWE enforces it: no library may make code at run time."""
    done = subprocess.run(
        [sys.executable, "-c", NO_WRITABLE_CODE], capture_output=True, text=True, timeout=100, check=False
    )
    if done.returncode == 77:
        pytest.skip("this kernel is older than 6.3 and has no PR_SET_MDWE")
    assert (done.returncode, done.stderr) == (0, "")
