"""A gate's card under a real systemd: its first start, an update that does not become ready, and the lamps' own unit.

The system is this machine's own, booted as a container (tests/fakes/booted.py); the scripts and units are the shipped
ones. The program of the gate is a stand-in that does nothing but say that it is ready, or ends at once.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.booted import PATIENCE, gate_as_installed, run_inside, why_not
from tests.fakes.gate_card import INSTALL, UNITS, Card

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

FIRST_START = """\
mount --make-rprivate / && mount --bind / "$1" && root=$1 && shift &&
exec systemd-nspawn --quiet --register=no --keep-unit --directory="$root" --volatile=overlay --private-network "$@"
"""
READY = """\
#!/usr/bin/python3
import os, socket, time
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
    door.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"].replace("@", chr(0), 1))
while True:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.sendto(b"WATCHDOG=1", os.environ["NOTIFY_SOCKET"].replace("@", chr(0), 1))
    time.sleep(1)
"""
# What install.sh does in so far as it counts here, with a program that becomes ready or not.
RELEASE = """
program=$base/current/bin/gate-scanner
[ "$what" != gate ] || { cp "$(dirname "$0")/program" "$program"; chmod 755 "$program"; }
"""
UPDATE = """
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
cp -r /opt/gate/. /opt/ticketme-gate/ && chmod -R a+rX /opt/ticketme-gate
mkdir -p /boot/firmware && cp -r /opt/card /boot/firmware/gate
systemd-sysusers; systemctl daemon-reload
systemctl start gate-scanner && echo "== first $(systemctl is-active gate-scanner)"
sh /usr/local/lib/ticketme-gate/provision.sh; echo "== status $?"
echo "== then $(systemctl is-active gate-scanner) $(basename "$(readlink /opt/ticketme-gate/current)")"
cat /boot/firmware/gate/report.txt
"""
LAMPS = """
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
systemd-sysusers; systemctl daemon-reload
mkdir -p /opt/ticketme-gate/setup && cp -r /opt/source/scanner /opt/ticketme-gate/setup/
systemctl start gate-lamps@installing; echo "== started $?"
until [ "$(systemctl is-active gate-lamps@installing)" != active ]; do sleep 0.1; done
/usr/local/lib/ticketme-gate/lamps.sh off; echo "== off $?"
journalctl --unit gate-lamps@installing --output cat
"""


def release(folder: Path, version: str, program: str) -> None:
    (folder / "systemd").mkdir(parents=True)
    (folder / "setup.cfg").write_text(f"[metadata]\nversion = {version}\n")
    installer = "#!/bin/sh\nGATE_ROOT=\n" + INSTALL.replace('"$GATE_ROOT/python"', "/bin/sh") + RELEASE
    (folder / "systemd/install.sh").write_text(installer)
    (folder / "systemd/program").write_text(program)


def test_systemd_runs_the_first_start_of_a_card(tmp_path: Path) -> None:
    boot, root = tmp_path / "boot", tmp_path / "root"
    boot.mkdir()
    root.mkdir()
    (boot / "cmdline.txt").write_text("console=tty1 root=PARTUUID=1-02 rootwait\n")
    subprocess.run(["/bin/sh", str(UNITS / "bundle.sh"), str(boot)], check=True, capture_output=True, timeout=PATIENCE)
    # As a vfat partition is mounted: everything may be executed.
    (boot / "gate/first-boot.sh").chmod(0o755)
    words = (boot / "cmdline.txt").read_text().split()
    words = [word for word in words if word.startswith("systemd.")]
    words = [word.replace("success_action=reboot", "success_action=poweroff") for word in words]
    options = [f"--bind={boot}:/boot/firmware", "--boot", *words]
    subprocess.run(
        ["unshare", "--mount", "/bin/sh", "-c", FIRST_START, "boot", str(root), *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert "unpacked; installing after the next start" in (boot / "gate/report.txt").read_text()
    assert (boot / "cmdline.txt").read_text() == "console=tty1 root=PARTUUID=1-02 rootwait\n"


def test_an_update_that_ends_before_it_is_ready_is_turned_back(tmp_path: Path) -> None:
    """What `systemctl restart` says of a unit that is restarted for ever is systemd's word, not a stand-in's."""
    card, gate = Card(tmp_path / "card"), tmp_path / "gate"
    release(gate / "setup", "1", READY)
    bin_ = gate / "releases/1/bin"
    bin_.mkdir(parents=True)
    (bin_ / "gate-scanner").write_text(READY)
    (bin_ / "gate-scanner").chmod(0o755)
    (gate / "current").symlink_to("/opt/ticketme-gate/releases/1")
    release(tmp_path / "release", "2", "#!/bin/sh\necho gate-scanner: no such tune >&2\nexit 1\n")
    tar = card.gate / "ticketme-gate.tar"
    subprocess.run(["tar", "-cf", tar, "-C", tmp_path / "release", "."], check=True)
    said = subprocess.run(["sha256sum", tar.name], cwd=card.gate, check=True, capture_output=True).stdout
    (card.gate / "ticketme-gate.tar.sha256").write_bytes(said)
    files = [
        (gate, "/opt/gate"),
        (card.gate, "/opt/card"),
        (UNITS / "provision.sh", "/usr/local/lib/ticketme-gate/provision.sh"),
        (UNITS / "lamps.sh", "/usr/local/lib/ticketme-gate/lamps.sh"),
        (UNITS / "gate-scanner.service", "/etc/systemd/system/gate-scanner.service"),
        (UNITS / "gate-scanner.sysusers", "/etc/sysusers.d/gate-scanner.conf"),
    ]
    output = run_inside(tmp_path, UPDATE, files)
    assert "== first active" in output, output
    assert "the release 2 did not become ready: gate-scanner: no such tune" in output, output
    assert "back to the release before, which is ready" in output
    assert "== status 0" in output
    assert "== then active 1" in output


def test_the_lamps_unit_starts_before_anything_is_installed(tmp_path: Path) -> None:
    """With the system's own Python and what first-boot.sh unpacked; this machine has no pins, and it says so."""
    python = tmp_path / "python3"
    packages = next(path for path in map(Path, sys.path) if path.name == "site-packages")
    python.write_text(
        "#!/bin/sh\nexport PYTHONHOME=/opt/ticketme-gate/python LD_LIBRARY_PATH=/opt/ticketme-gate/python/lib\n"
        "export PYTHONPATH=/opt/ticketme-gate/packages\n"
        'exec $PYTHONHOME/bin/python3 "$@"\n'
    )
    python.chmod(0o755)
    home = next(source for source, place in gate_as_installed(tmp_path) if place == "/opt/ticketme-gate/python")
    files = [
        (home, "/opt/ticketme-gate/python"),
        (packages, "/opt/ticketme-gate/packages"),
        (python, "/usr/local/bin/python3"),
        (UNITS.parent, "/opt/source"),
        (UNITS / "lamps.sh", "/usr/local/lib/ticketme-gate/lamps.sh"),
        (UNITS / "gate-lamps@.service", "/etc/systemd/system/gate-lamps@.service"),
        (UNITS / "gate-scanner.sysusers", "/etc/sysusers.d/gate-scanner.conf"),
    ]
    output = run_inside(tmp_path, LAMPS, files)
    assert "== started 0" in output, output
    assert "no lamps: cannot open the GPIO chip" in output, output
    assert "== off 0" in output
