"""A gate without a keyboard: what is put on the boot partition is taken in once, and nothing secret is left there.

The scripts run for real, on a root of their own; the programs of the system are stand-ins that write down how they
were called. That the whole works under a running systemd is not shown here.
"""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "systemd"
CODE = "K4YT-7U3L-UE5D-6K7B"


class Card:
    """The root of a gate, with its boot partition mounted."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.calls = root / "calls"
        self.gate = root / "boot/firmware/gate"
        self.gate.mkdir(parents=True)
        for program in ("nmcli", "raspi-config", "systemctl", "sync"):
            self.stand_in(f"bin/{program}")
        self.stand_in("usr/local/bin/gate-scanner", "echo enrolled: device R1-00")
        self.stand_in("opt/ticketme-gate/setup/systemd/install.sh", "mkdir -p $GATE_ROOT/opt/ticketme-gate/current/bin")
        self.python("opt/ticketme-gate/python")
        (root / "etc").mkdir()
        (root / "usr/local/lib/ticketme-gate").mkdir(parents=True)
        (root / "usr/local/lib/ticketme-gate/check_settings.py").write_text((UNITS / "check_settings.py").read_text())

    def stand_in(self, path: str, then: str = "") -> None:
        """A program that writes down its arguments, one call a line."""
        program = self.root / path
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f'#!/bin/sh\necho "{program.name}|$*" >> "{self.calls}"\n{then}\n')
        program.chmod(0o755)

    def python(self, path: str) -> None:
        program = self.root / path
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        program.chmod(0o755)

    def installed(self) -> None:
        self.python("opt/ticketme-gate/current/bin/python")

    def put(self, name: str, text: str) -> None:
        (self.gate / name).write_bytes(text.encode())

    def provision(self) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"GATE_ROOT": str(self.root), "PATH": f"{self.root}/bin:{os.environ['PATH']}"}
        return subprocess.run(
            ["/bin/sh", str(UNITS / "provision.sh")],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def called(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def report(self) -> str:
        return (self.gate / "report.txt").read_text()

    def files(self) -> set[str]:
        return {path.name for path in self.gate.iterdir()}


@pytest.fixture
def card(tmp_path: Path) -> Card:
    return Card(tmp_path)


def test_a_bare_card_is_installed_and_restarted_once(card: Card) -> None:
    assert card.provision().returncode == 0
    assert [call.partition("|")[0] for call in card.called()] == ["install.sh", "systemctl"]
    assert card.called()[-1] == "systemctl|reboot"
    assert card.provision().returncode == 0
    assert len(card.called()) == 2


def test_an_enrolment_code_leaves_the_card_with_its_use(card: Card) -> None:
    card.installed()
    card.put("enrol", f"http://10.8.0.10:8440 {CODE}\r\n")
    assert card.provision().returncode == 0
    assert card.called()[0] == f"gate-scanner|enrol http://10.8.0.10:8440 {CODE}"
    assert card.files() == {"report.txt"}
    assert "enrolled: device R1-00" in card.report()
    assert CODE not in card.report()


def test_a_code_that_failed_is_tried_again(card: Card) -> None:
    card.installed()
    card.stand_in("usr/local/bin/gate-scanner", "echo the node cannot be reached; exit 2")
    card.put("enrol", f"http://10.8.0.10:8440 {CODE}\n")
    for _ in range(3):
        assert card.provision().returncode == 1
    assert card.files() == {"enrol", "report.txt"}
    assert card.report().count("not enrolled: the node cannot be reached") == 1


def test_wrong_settings_are_named_and_not_used(card: Card) -> None:
    card.installed()
    card.put("gate.toml", "[pins]\nrelay = 99\n[camera]\nsauce = 1\n")
    done = card.provision()
    assert done.returncode == 1
    assert "gate.toml:4: camera.sauce" in card.report()
    assert not (card.root / "etc/gate-scanner.toml").exists()
    assert "gate.toml" in card.files()


def test_good_settings_are_taken_in(card: Card) -> None:
    card.installed()
    card.put("gate.toml", 'pins = "mock"\r\n[camera]\r\nsource = "replay:/tmp"\r\n')
    assert card.provision().returncode == 0, card.report()
    assert "mock" in (card.root / "etc/gate-scanner.toml").read_text()
    assert card.called() == ["sync|" + str(card.gate), "systemctl|--no-block try-restart gate-scanner"]
    assert card.files() == {"report.txt"}


def test_a_wifi_passphrase_leaves_the_boot_partition(card: Card) -> None:
    card.installed()
    card.put("wifi", "Venue\r\nsecret pass\r\nHK\r\n")
    assert card.provision().returncode == 0
    assert any("ssid Venue" in call and "psk secret pass" in call for call in card.called())
    assert card.files() == {"report.txt"}
    assert "secret" not in card.report()


def test_nothing_happens_without_the_folder(card: Card) -> None:
    card.gate.rmdir()
    assert card.provision().returncode == 0
    assert card.called() == []


def test_a_bundle_starts_itself_and_holds_what_the_installer_needs(tmp_path: Path) -> None:
    boot = tmp_path / "bootfs"
    boot.mkdir()
    (boot / "cmdline.txt").write_text("console=tty1 root=PARTUUID=1-02 rootwait\n")
    for _ in range(2):
        subprocess.run(["/bin/sh", str(UNITS / "bundle.sh"), str(boot)], check=True, capture_output=True, timeout=60)
    line = (boot / "cmdline.txt").read_text()
    assert line.count("systemd.run=/boot/firmware/gate/first-boot.sh") == 1
    assert line.count("\n") == 1
    with tarfile.open(boot / "gate/ticketme-gate.tar") as bundle:
        names = {name.removeprefix("./") for name in bundle.getnames()}
    assert {"setup.cfg", "requirements/runtime.lock", "systemd/install.sh", "scanner/cli/run.py"} <= names
    assert not [name for name in names if "__pycache__" in name or "egg-info" in name]
    assert (boot / "gate/gate.toml").exists()
