"""This machine's own system, booted again as a container: a real systemd, on a copy of its disk that is thrown away.

`systemd-nspawn` starts the init of this machine over an overlay of its root, in a second or two. Nothing in it can
write to this machine, and it has no network but its own loopback. Only for root.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

SOURCE = Path(__file__).parents[2]
UNITS = SOURCE / "systemd"
THIS = Path("/")
PATIENCE = 300

_UNIT = """\
[Unit]
Requires=basic.target
After=basic.target
[Service]
Type=oneshot
ExecStart=/bin/sh /opt/inside/script
StandardOutput=append:/opt/inside/output
StandardError=inherit
ExecStopPost=/bin/systemctl poweroff --force --force
"""
# As root of a mount namespace of its own: a bind of / that does not carry along what is mounted below it.
_BOOT = """\
mount --make-rprivate / && mount --bind "$1" "$2" && root=$2 && shift 2 &&
exec systemd-nspawn --quiet --register=no --keep-unit --directory="$root" --private-network "$@"
"""
_PROGRAM = """\
#!/bin/sh
export PYTHONHOME=/opt/ticketme-gate/python LD_LIBRARY_PATH=/opt/ticketme-gate/python/lib
export PYTHONPATH=/opt/ticketme-gate/current/source:/opt/ticketme-gate/current/packages
exec $PYTHONHOME/bin/python3 -c 'from scanner.cli import main; main()' "$@"
"""


def why_not() -> str:
    """What this machine lacks for it, or nothing."""
    missing = [tool for tool in ("systemd-nspawn", "unshare", "systemctl") if shutil.which(tool) is None]
    if missing:
        return f"{', '.join(missing)} is not installed"
    if os.geteuid() != 0:
        return "only root may boot a container"
    if "overlay" not in Path("/proc/filesystems").read_text():
        return "this kernel has no overlay"
    return ""


def gate_as_installed(folder: Path) -> list[tuple[Path, str]]:
    """What a gate has after `systemd/install.sh gate`, from this checkout and its environment: file, and its place.

    Not installed for real, which takes a minute: the program is this checkout with the packages of this Python.
    """
    program = folder / "gate-scanner"
    program.write_text(_PROGRAM)
    program.chmod(0o755)
    packages = next(Path(path) for path in sys.path if path.endswith("site-packages"))
    return [
        (program, "/opt/ticketme-gate/current/bin/gate-scanner"),
        # A Python in somebody's home could not be seen by a unit with ProtectHome=.
        (Path(sys.base_prefix), "/opt/ticketme-gate/python"),
        (SOURCE / "scanner", "/opt/ticketme-gate/current/source/scanner"),
        (packages, "/opt/ticketme-gate/current/packages"),
        (UNITS / "gate-scanner.service", "/etc/systemd/system/gate-scanner.service"),
        (UNITS / "gate-scanner.sh", "/usr/local/bin/gate-scanner"),
        (UNITS / "gate-scanner.sysusers", "/etc/sysusers.d/gate-scanner.conf"),
    ]


def run_inside(folder: Path, script: str, files: Sequence[tuple[Path, str]], system: Path = THIS) -> str:
    """What `script` prints, run by a shell as root once the system is up; `files` are there to be read.

    `folder` is scratch. Another `system`, unpacked, is booted as it is and keeps what was written to it. Raises
    AssertionError with the console if the system did not come up.
    """
    inside, root = folder / "inside", folder / "root"
    inside.mkdir()
    root.mkdir()
    (inside / "script").write_text(script)
    unit = folder / "test-inside.service"
    unit.write_text(_UNIT)
    binds = [(unit, "/etc/systemd/system/test-inside.service"), *files]
    options = [f"--bind-ro={source}:{target}" for source, target in binds]
    options += [f"--bind={inside}:/opt/inside", *(["--volatile=overlay"] if system == THIS else [])]
    options += ["--boot", "systemd.unit=test-inside.service"]
    done = subprocess.run(
        ["unshare", "--mount", "/bin/sh", "-c", _BOOT, "boot", system, root, *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    output = inside / "output"
    assert output.exists(), done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
    return output.read_text()
