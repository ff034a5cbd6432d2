"""install.sh itself, on a root of its own: what it puts where, keeps from before, and says of the ports.

Debian's packages and Python's environments are stand-ins; the files are the shipped ones.
"""

from pathlib import Path

import pytest

from tests.fakes.gate_card import UNITS, Card

VENV = """
[ "$1" = -m ] || exit 0
for release; do :; done
mkdir -p "$release/bin"
for name in pip gate-scanner; do printf '#!/bin/sh\\n' > "$release/bin/$name"; chmod +x "$release/bin/$name"; done
"""


@pytest.fixture
def machine(tmp_path: Path) -> Card:
    card = Card(tmp_path)
    card.stand_in("bin/python3", VENV)
    card.stand_in("bin/dpkg-query", "echo installed")
    for program in ("apt-get", "systemd-sysusers", "udevadm"):
        card.stand_in(f"bin/{program}")
    return card


def units(machine: Card) -> set[str]:
    return {path.name for path in (machine.root / "etc/systemd/system").iterdir()}


def installed(machine: Card, *arguments: str) -> str:
    done = machine.run(UNITS / "install.sh", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_gate_keeps_its_camera_and_screen_through_updates(machine: Card) -> None:
    installed(machine, "gate", "--kiosk")
    assert "gate-kiosk.service" in units(machine)
    assert {"gate-scanner.service", "gate-provision.service", "gate-lamps@.service"} <= units(machine)
    assert "python3-picamera2" not in "".join(machine.called("dpkg-query"))
    installed(machine, "add", "--pi-camera")
    installed(machine, "gate")
    asked = "".join(machine.called("dpkg-query"))
    assert all(package in asked for package in ("cage", "chromium", "python3-picamera2"))
    assert (machine.base / "options").read_text() == "--kiosk\n--pi-camera\n"


def test_a_word_that_is_not_known_installs_nothing(machine: Card) -> None:
    done = machine.run(UNITS / "install.sh", "gate", "--kiosk", "--kisok")
    assert done.returncode == 2
    assert "unknown option --kisok" in done.stderr
    assert not (machine.base / "options").exists()
    assert not (machine.base / "current").exists()


def test_an_update_from_the_card_keeps_the_release_to_turn_back_to(machine: Card) -> None:
    """Also when it is installed twice, because the power went in between."""
    for version in ("1", "2"):
        (machine.base / f"releases/{version}").mkdir(parents=True)
    (machine.base / "current").symlink_to(machine.base / "releases/2")
    (machine.base / "update-from").write_text(f"{machine.base / 'releases/1'} yes\n")
    installed(machine, "gate")
    assert (machine.base / "releases/1").exists()
    assert (machine.base / "releases/2").exists()
    assert (machine.base / "current" / "systemd/gate-scanner.service").exists()


def test_a_new_witness_has_a_port_of_its_own(machine: Card) -> None:
    installed(machine, "witness")
    conf = machine.root / "etc/ledger-witness.conf"
    conf.write_text("LEDGER_WITNESS=--name wallet.example/w1 --log VKEY http://10.0.0.1:8440\n")
    assert "serving on port 8443" in installed(machine, "witness")
    assert "8442" not in conf.read_text()


def test_a_witness_that_nodes_know_stays_where_it_is(machine: Card) -> None:
    unit = machine.root / "etc/systemd/system/ledger-witness.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("ExecStart=/opt/x/ledger-node witness --host 0.0.0.0 --port 8442 $LEDGER_WITNESS\n")
    conf = machine.root / "etc/ledger-witness.conf"
    conf.write_text("LEDGER_WITNESS=--name wallet.example/w1 http://10.0.0.1:8440\n")
    said = installed(machine, "witness")
    assert "this witness stays on port 8442" in said
    assert "serving on port 8442" in said
    expected = "LEDGER_WITNESS=--port 8442 --name wallet.example/w1 http://10.0.0.1:8440\n"
    assert conf.read_text() == expected
    assert "serving on port 8442" in installed(machine, "witness")
    assert conf.read_text() == expected


def test_where_no_library_of_the_pins_can_be_had_it_says_which_system_has_it(machine: Card) -> None:
    """Plain Debian 13: Python 3.13, for which lgpio has no wheel, and no package of it."""
    machine.stand_in("bin/python3", f'[ "$1" != -c ] || exit 1\n{VENV}')
    machine.stand_in("bin/dpkg-query", '[ "$4" = python3-lgpio ] || echo installed')
    machine.stand_in("bin/apt-get", 'case "$*" in *python3-lgpio*) exit 100 ;; esac')
    done = machine.run(UNITS / "install.sh", "gate")
    assert done.returncode == 1
    assert "Raspberry Pi OS 13 has it, plain Debian 13 has not" in done.stderr
    assert not (machine.base / "current").exists()
