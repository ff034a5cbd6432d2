"""What the guest starts from: a Debian kernel, and a disk on which `systemd/install.sh gate` installed this checkout.

All of it is made from Debian's packages and the lock's wheels, once for the same request, and kept in build/vm.
"""

import fcntl
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.fakes.booted import run_inside
from tests.machines.machine import Machine, bare_machine

SOURCE = Path(__file__).parents[2]
HERE = Path(__file__).parent
CACHE = SOURCE / "build" / "vm"
SUITE, KIND = "bookworm", "amd64"
BUILDING = ("linux-headers-amd64", "linux-source-6.1", "gcc", "make", "xz-utils", "kmod", "cpio", "busybox-static")
GUEST = (
    *("systemd", "systemd-sysv", "udev", "dbus", "kmod", "iproute2", "procps", "ca-certificates"),
    # What install.sh would fetch with apt, so that it installs without a network as it does at a venue.
    *("python3", "python3-venv", "libzbar0"),
)
SIZE = "3G"
INSTALLED = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "scanner", "ledger-node", "systemd", "requirements")

_WHEELS = """
python3 -m venv /pip
/pip/bin/pip --quiet --disable-pip-version-check download --require-hashes --no-deps --only-binary :all: \
    --requirement /runtime.lock --dest /wheels
"""
_INSTALL = """
set -e
cp -r /opt/checkout /root/ticketme-gate
sh /root/ticketme-gate/systemd/install.sh gate
systemctl is-enabled gate-scanner gate-provision gate-board-secret
echo ended well
"""


def made() -> tuple[Path, Path]:
    """The disk, and the folder of `kernel`, by one run at a time. Skips, with the reason, where root.sh cannot make a
    Debian.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return installed() / "disk.ext4", kernel()


def kernel() -> Path:
    """A folder with vmlinuz, initrd and modules.tar."""

    def make(out: Path) -> None:
        with bare_machine(SUITE, *BUILDING, arch=KIND) as machine:
            shutil.copy(HERE / "kernel.sh", machine.folder)
            _must(machine, "sh /kernel.sh")
            shutil.copytree(machine.folder / "out", out, dirs_exist_ok=True)

    return _kept("kernel", _digest([HERE / "kernel.sh"]), make)


def wheels() -> Path:
    """A folder with every package of the lock, as the guest's Python wants it."""
    lock = SOURCE / "requirements" / "runtime.lock"

    def make(out: Path) -> None:
        with bare_machine(SUITE, *GUEST, arch=KIND) as machine:
            shutil.copy(lock, machine.folder)
            _must(machine, _WHEELS)
            shutil.copytree(machine.folder / "wheels", out, dirs_exist_ok=True)

    return _kept("wheels", _digest([lock]), make)


def installed() -> Path:
    """A folder with disk.ext4: Debian, the release as install.sh put it there, and the bench's board."""
    made_of = [path for name in INSTALLED for path in _files(SOURCE / name)]
    parts = [kernel(), wheels()]

    def make(out: Path) -> None:
        with bare_machine(SUITE, *GUEST, arch=KIND) as machine, tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            root = machine.folder
            checkout = Path(scratch) / "checkout"
            for name in INSTALLED:
                target = checkout / name
                (shutil.copytree if (SOURCE / name).is_dir() else shutil.copy)(SOURCE / name, _parented(target))
            shutil.copytree(parts[1], checkout / "wheels")
            said = run_inside(Path(scratch), _INSTALL, [(checkout, "/opt/checkout")], system=root)
            assert "\nended well\n" in said, said
            (out / "install.log").write_text(said)
            shutil.rmtree(root / "root" / "ticketme-gate")
            _run("tar", "-xf", parts[0] / "modules.tar", "-C", root, "--keep-directory-symlink")
            _put_board(root)
            _run("mke2fs", "-q", "-t", "ext4", "-d", root, out / "disk.ext4", SIZE)

    return _kept("disk", _digest([*made_of, *_files(HERE / "guest"), *(part / "made-of" for part in parts)]), make)


def copied(disk: Path, path: Path) -> Path:
    """A disk of its own with the same content."""
    _run("cp", "--sparse=always", disk, path)
    return path


def _put_board(root: Path) -> None:
    bench, units = root / "opt" / "bench", root / "etc" / "systemd" / "system"
    shutil.copytree(HERE / "guest", bench, ignore=shutil.ignore_patterns("__pycache__"))
    (bench / "board.sh").chmod(0o755)
    for unit, wanted_by in (("bench-board.service", "basic"), ("bench-agent.service", "multi-user")):
        shutil.copy(bench / unit, units)
        _parented(units / f"{wanted_by}.target.wants" / unit).symlink_to(f"../{unit}")
    for unit in ("gate-scanner.service", "run-.service"):
        shutil.copy(bench / "board.conf", _parented(units / f"{unit}.d" / "board.conf"))


def _kept(name: str, digest: str, make: Callable[[Path], None]) -> Path:
    """The folder `name` if it was made of the same, else made anew."""
    folder = CACHE / name
    if (folder / "made-of").exists() and (folder / "made-of").read_text() == digest:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    print(f"making {name}", flush=True)
    make(folder)
    (folder / "made-of").write_text(digest)
    return folder


def _digest(files: Iterable[Path]) -> str:
    found = hashlib.sha256()
    for file in files:
        found.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()


def _files(path: Path) -> list[Path]:
    found = [path] if path.is_file() else sorted(path.rglob("*"))
    return [file for file in found if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".pyc"]


def _parented(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _must(machine: Machine, script: str) -> None:
    done = machine.run(script, timeout=900)
    assert done.returncode == 0, done.stdout


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True)
