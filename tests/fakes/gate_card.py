"""A gate's root with its boot partition mounted, on which the scripts of systemd/ run for real.

The programs of the system are stand-ins: each writes down how it was called, and those whose answers the scripts go by
keep the rules of the real ones. systemctl knows which units are ready; nmcli knows which networks are in reach.
"""

import os
import subprocess
import sys
from pathlib import Path

UNITS = Path(__file__).parents[2] / "systemd"
CODE = "K4YT-7U3L-UE5D-6K7B"

# `start` and `restart` of a notify unit wait until it is ready, and fail if it ends before. A release whose folder
# holds the file `broken` never becomes ready.
SYSTEMCTL = """
case $1 in
    start | restart) [ "$2" != gate-scanner ] && exit 0
        [ ! -e "$GATE_ROOT/not-enrolled" ] && [ ! -e "$GATE_ROOT/opt/ticketme-gate/current/broken" ] ;;
esac
"""
# Connections are files with two lines, network and passphrase; `air` holds the networks in reach with the right ones.
NMCLI = """
saved=$GATE_ROOT/connections; mkdir -p "$saved"
[ "$1" != --wait ] || shift 2
case "$1 $2" in
    "connection delete") rm "$saved/$3" 2>/dev/null || { echo "Error: unknown connection '$3'." >&2; exit 10; } ;;
    "connection show") [ -e "$saved/$3" ] || { echo "Error: $3 - no such connection profile." >&2; exit 10; } ;;
    "connection load")
        of() { sed -n "s/^$1=//p" "$file"; }
        file=$3
        [ "$(stat -c %a "$file")" = 600 ] || { echo "Error: Could not load file '$file'" >&2; exit 1; }
        for byte in $(of ssid | tr ';' ' '); do printf "\\\\$(printf %o "$byte")"; done > "$saved/$(of id)"
        of psk | sed 's/\\\\\\\\/\\x01/g; s/\\\\s/ /g; s/\\x01/\\\\/g; 1s/^/\\n/' >> "$saved/$(of id)" ;;
    "connection modify") mv "$saved/$3" "$saved/$5" ;;
    "connection up")
        [ -e "$saved/$3" ] || { echo "Error: unknown connection '$3'." >&2; exit 10; }
        name=$(sed -n 1p "$saved/$3")
        [ -e "$GATE_ROOT/air/$name" ] ||
            { echo "Error: Connection activation failed: (53) The Wi-Fi network could not be found" >&2; exit 4; }
        [ "$(cat "$GATE_ROOT/air/$name")" = "$(sed -n 2p "$saved/$3")" ] ||
            { echo "Error: Connection activation failed: (7) Secrets were required, but not provided" >&2; exit 4; }
        cp "$saved/$3" "$GATE_ROOT/joined" ;;
esac
"""
# As install.sh leaves it: a release beside the one before, the link moved, the words kept.
INSTALL = """
[ ! -e "$GATE_ROOT/no-network" ] || { echo "no network" >&2; exit 1; }
base=$GATE_ROOT/opt/ticketme-gate; what=$1; shift
case $what in
    gate | add)
        if [ $what = gate ]; then
            release=$base/releases/$(sed -n 's/^version = //p' "$(dirname "$0")/../setup.cfg")
            mkdir -p "$release/bin"; cp "$GATE_ROOT/python" "$release/bin/python"
            [ ! -e "$(dirname "$0")/broken" ] || touch "$release/broken"
            ln -sfn "$release" "$base/current"
        fi
        for word in "$@"; do echo "$word" >> "$base/options"; done ;;
    rollback) ln -sfn "$1" "$base/current" ;;
esac
"""


class Card:
    """See the module."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.calls = root / "calls"
        self.base = root / "opt/ticketme-gate"
        self.boot = root / "boot/firmware"
        self.gate = self.boot / "gate"
        profiles, library = root / "etc/NetworkManager/system-connections", root / "usr/local/lib/ticketme-gate"
        for folder in (self.gate, profiles, root / "air", self.base, library):
            folder.mkdir(parents=True)
        for program in ("raspi-config", "sync", "journalctl"):
            self.stand_in(f"bin/{program}")
        self.stand_in("bin/systemctl", SYSTEMCTL)
        self.stand_in("bin/nmcli", NMCLI)
        self.stand_in("usr/local/bin/gate-scanner", "echo enrolled: device R1-00")
        python = root / "python"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
        checker = (UNITS / "check_settings.py").read_text()
        (root / "usr/local/lib/ticketme-gate/check_settings.py").write_text(checker)

    def stand_in(self, path: str, then: str = "") -> None:
        """A program that writes down its arguments, one call a line."""
        program = self.root / path
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f'#!/bin/sh\necho "{program.name}|$*" >> "{self.calls}"\n{then}\n')
        program.chmod(0o755)

    def unpacked(self, version: str = "1") -> None:
        """What first-boot.sh leaves."""
        self.release_of(self.base / "setup", version)

    def release_of(self, folder: Path, version: str, *, broken: bool = False) -> None:
        """A release as it is before it is installed, with a stand-in for its installer."""
        (folder / "systemd").mkdir(parents=True)
        (folder / "setup.cfg").write_text(f"[metadata]\nversion = {version}\n")
        self.stand_in(f"{(folder / 'systemd/install.sh').relative_to(self.root)}", INSTALL)
        if broken:
            (folder / "systemd/broken").touch()

    def bundle(self, version: str, *, broken: bool = False) -> None:
        """Put a bundle of that release on the card, as bundle.sh does."""
        folder = self.root / f"release-{version}"
        self.release_of(folder, version, broken=broken)
        tar = self.gate / "ticketme-gate.tar"
        subprocess.run(["tar", "-cf", tar, "-C", folder, "."], check=True)
        said = subprocess.run(["sha256sum", tar.name], cwd=self.gate, check=True, capture_output=True)
        (self.gate / "ticketme-gate.tar.sha256").write_bytes(said.stdout)

    def installed(self, version: str = "1") -> None:
        """A gate that runs, installed from a card."""
        self.unpacked(version)
        self.run(self.base / "setup/systemd/install.sh", "gate")
        self.calls.unlink()

    def put(self, name: str, text: str) -> None:
        """A file in the folder `gate`, byte for byte."""
        (self.gate / name).write_bytes(text.encode())

    def run(self, script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a script on this root."""
        environment = os.environ | {"GATE_ROOT": str(self.root), "PATH": f"{self.root}/bin:{os.environ['PATH']}"}
        return subprocess.run(
            ["/bin/sh", str(script), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def provision(self) -> subprocess.CompletedProcess[str]:
        """What the unit does at a start and, after a failure, each minute."""
        return self.run(UNITS / "provision.sh")

    def started_again(self) -> subprocess.CompletedProcess[str]:
        """The first run after a start of the machine: what is in memory is gone."""
        for path in (self.root / "run").rglob("*"):
            if path.is_file():
                path.unlink()
        return self.provision()

    def called(self, program: str = "") -> list[str]:
        """The calls so far, of one program or of all."""
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        return [line for line in lines if line.startswith(program)]

    def report(self) -> str:
        """What the gate wrote for people."""
        path = self.gate / "report.txt"
        return path.read_text() if path.exists() else ""

    def files(self) -> set[str]:
        """What lies in the folder."""
        return {path.name for path in self.gate.iterdir()}

    def release(self) -> str:
        """The version in use."""
        return (self.base / "current").resolve().name
