"""The scripts that are installed or run from a checkout end as the programs do: 0 done, 1 refused, 2 a wrong line."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "systemd"
SHELL = sorted(UNITS.glob("*.sh"))
WRAPPERS = {"gate-scanner.sh": "gate-scanner", "ledger-node.sh": "ledger-node"}


def run(script: Path, *words: str, root: Path, programs: Path = Path("/nowhere")) -> subprocess.CompletedProcess[str]:
    shell = [sys.executable, "-P"] if script.suffix == ".py" else ["sh"]
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "GATE_ROOT": str(root), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*shell, str(script), *words],
        capture_output=True, text=True, timeout=30, check=False, cwd=root, env=environment,
    )  # fmt: skip


def stand_in(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("word", ["--help", "-h"])
@pytest.mark.parametrize("script", [*SHELL, UNITS / "check_settings.py"], ids=lambda path: path.name)
def test_help_says_what_a_script_does_and_does_nothing(tmp_path: Path, script: Path, word: str) -> None:
    done = run(script, word, root=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    second_line = script.read_text().splitlines()[1].removeprefix("# ")
    assert second_line in done.stdout or "usage: check_settings.py" in done.stdout
    assert not any(line.startswith(("#", "set ", "program=")) for line in done.stdout.splitlines())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "words", "said"),
    [
        ("bundle.sh", (), "name the folder of the card; usage: systemd/bundle.sh FOLDER"),
        ("bundle.sh", ("card", "--wheel"), "unknown option --wheel"),
        ("bundle.sh", ("card", "other"), "one folder, not card and other"),
        ("install.sh", (), "usage: sudo systemd/install.sh gate"),
        ("install.sh", ("gaet",), "gaet is not known here"),
        ("install.sh", ("gate", "--kisok"), "unknown option --kisok"),
        ("install.sh", ("add",), "add what?"),
        ("install.sh", ("node", "now"), "node takes no more words"),
        ("install.sh", ("rollback", "a", "b"), "one release, not a b"),
        ("lamps.sh", (), "usage: lamps.sh installing"),
        ("provision.sh", ("now",), "takes no words"),
        ("first-boot.sh", ("now",), "takes no words"),
        ("board-secret.sh", ("now",), "takes no words"),
        ("check_settings.py", (), "the following arguments are required: file"),
    ],
)
def test_a_wrong_command_line_is_2_and_changes_nothing(
    tmp_path: Path, script: str, words: tuple[str, ...], said: str
) -> None:
    done = run(UNITS / script, *words, root=tmp_path)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "words", "said"),
    [
        ("bundle.sh", ("card",), "card is not the boot partition"),
        ("bundle.sh", ("--wheels", "card"), "card is not the boot partition"),
        ("install.sh", ("add", "--kiosk"), "there is no gate to add to"),
        ("install.sh", ("rollback",), "nothing is installed"),
        ("gate-scanner.sh", ("status",), "is not installed: sudo systemd/install.sh gate"),
        ("ledger-node.sh", ("event", "list"), "is not installed: sudo systemd/install.sh node"),
        ("check_settings.py", ("gone.toml",), ""),
    ],
)
def test_what_cannot_be_done_here_is_1(tmp_path: Path, script: str, words: tuple[str, ...], said: str) -> None:
    done = run(UNITS / script, *words, root=tmp_path)
    assert done.returncode == 1, done
    assert said in done.stderr


def test_with_one_release_there_is_none_to_go_back_to(tmp_path: Path) -> None:
    only = tmp_path / "opt/ticketme-gate/releases/only"
    only.mkdir(parents=True)
    (tmp_path / "opt/ticketme-gate/current").symlink_to(only)
    done = run(UNITS / "install.sh", "rollback", root=tmp_path)
    assert (done.returncode, done.stderr) == (1, "install: there is no release to go back to\n")


@pytest.mark.parametrize(
    ("script", "user", "service", "words", "said"),
    [
        ("gate-scanner.sh", 1000, "stopped", ("status",), "sudo gate-scanner status"),
        ("gate-scanner.sh", 0, "running", ("doctor",), "the gate has camera and pins"),
        ("gate-scanner.sh", 0, "stopped", ("run",), "on a gate, systemd runs it"),
        ("ledger-node.sh", 1000, "running", ("event", "list"), "sudo ledger-node event list"),
        ("ledger-node.sh", 0, "stopped", ("event", "list"), "first systemctl start ledger-node"),
        ("ledger-node.sh", 0, "running", ("serve",), "here systemd runs it"),
        ("ledger-node.sh", 0, "running", ("witness", "http://127.0.0.1:9"), "here systemd runs it"),
    ],
)
def test_an_installed_command_refuses_with_1_and_passes_on_the_program_s_own_end(
    tmp_path: Path, script: str, user: int, service: str, words: tuple[str, ...], said: str
) -> None:
    programs = tmp_path / "bin"
    stand_in(programs / "id", f"echo {user}")
    stand_in(programs / "systemctl", f"[ {service} = running ]")
    stand_in(programs / "systemd-run", 'for word; do case $word in /*) break ;; esac; shift; done; exec "$@"')
    stand_in(tmp_path / "opt/ticketme-gate/current/bin" / WRAPPERS[script], 'echo "program $*"; exit 2')
    done = run(UNITS / script, *words, root=tmp_path, programs=programs)
    assert (done.returncode, done.stdout) == (1, ""), done
    assert said in done.stderr
    asked = run(UNITS / script, *words, "--help", root=tmp_path, programs=programs)
    assert asked.stdout == f"program {' '.join(words)} --help\n"
    stand_in(programs / "id", "echo 0")
    stand_in(programs / "systemctl", "true")
    passed_on = run(UNITS / script, "journal" if "gate" in script else "keys", root=tmp_path, programs=programs)
    assert passed_on.returncode == 2
    assert passed_on.stdout.startswith("program ")
