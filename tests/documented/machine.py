"""A scratch machine in namespaces of its own: the manuals' paths and addresses are real there, and gone afterwards.

Root's view of /etc, /opt, /var/lib and /root lies over the host's and is kept in memory; /run is empty. The network is
a loopback that carries the addresses and names of the manuals (10.8.0.10, NODE, ...). The installed wrappers
(systemd/*.sh), units (systemd/*.service) and programs of this checkout are in place. What needs systemd itself is
played by `stand_ins/`: they start what a unit's ExecStart= says, wait for READY=1, and keep what it prints.

Needs root or user namespaces. One machine a test; everything that it started ends with it.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
STAND_INS = Path(__file__).parent / "stand_ins"
NODE = "10.8.0.10"
NAMES = ("NODE", "WITNESS", "ledger-node.example")
COMMAND_S = 120
TOOLS = ("unshare", "ip", "curl", "jq", "sqlite3")
"""What the machine is made with, and what the pages use beside our own programs."""

_SET_UP = r"""
set -eu
scratch=$1 program=$2 root=$3 stand_ins=$4 node=$5; shift 5
mount -t tmpfs tmpfs "$scratch"
for place in etc opt var/lib root usr/local/bin usr/local/lib; do
    mkdir -p "$scratch/$place" "$scratch/below/$place"
    mount -t overlay overlay -o "lowerdir=/$place,upperdir=$scratch/$place,workdir=$scratch/below/$place" "/$place"
done
mount -t tmpfs tmpfs /run
mkdir -p /run/log /opt/ticketme-gate /var/lib/private "$scratch/home" /opt/stand-ins
ln -sfn "$program" /opt/ticketme-gate/current
for wrapper in gate-scanner ledger-node; do install -m 755 "$root/systemd/$wrapper.sh" "/usr/local/bin/$wrapper"; done
cp "$stand_ins"/* /opt/stand-ins/; chmod 755 /opt/stand-ins/*
ip link set lo up
ip address add "$node/32" dev lo
printf '127.0.0.1 localhost\n' > /etc/hosts
for name in "$@"; do printf '%s %s\n' "$node" "$name" >> /etc/hosts; done
echo ready
# Not exec: the first process must wait for the orphans of all others.
sleep infinity &
wait $!
"""


@dataclass(frozen=True)
class Done:
    """What a command gave: its exit status, and both its outputs as they came on the screen."""

    status: int
    text: str


@dataclass(frozen=True)
class Machine:
    """A running scratch machine; `home` is the folder in which commands are given."""

    pid: int
    home: Path

    def run(self, command: str, *, given: str = "", seconds: float = COMMAND_S) -> Done:
        """Run `command` in bash as root of this machine. It is stopped after `seconds`; what it had printed is kept."""
        with subprocess.Popen(
            [*_enter(self.pid), "bash", "-c", f"cd {self.home} && {command}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=_environment(),
            start_new_session=True,
        ) as process:
            try:
                text, _ = process.communicate(given, seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                text, _ = process.communicate()
            return Done(process.returncode, text)

    def sees(self, command: str, words: str, seconds: float = 30) -> bool:
        """Whether `command` prints `words` within `seconds`, tried again and again."""
        end = time.monotonic() + seconds
        while words not in self.run(command).text:
            if time.monotonic() > end:
                return False
            time.sleep(0.2)
        return True


def _enter(pid: int) -> list[str]:
    user = ["--user", "--preserve-credentials"] if os.geteuid() else []
    return ["nsenter", "--target", str(pid), *user, "--mount", "--net", "--pid", "--uts"]


def _environment() -> dict[str, str]:
    """What commands inherit: no setting of the tests' own, the stand-ins first."""
    kept = {name: value for name, value in os.environ.items() if name in {"LANG", "LC_ALL", "TZ"}}
    path = "/opt/stand-ins:/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin"
    return kept | {"PATH": path, "HOME": "/root", "USER": "root", "CHECKOUT": str(ROOT), "PYTHON": sys.executable}


def missing() -> str:
    """Why no scratch machine can be made here, or ""."""
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    if absent:
        return f"not installed: {', '.join(absent)}"
    user = ["--user", "--map-root-user"] if os.geteuid() else []
    tried = subprocess.run(["unshare", *user, "--mount", "--net", "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "this user may make no namespaces"


@contextmanager
def scratch_machine(folder: Path) -> Iterator[Machine]:
    """A machine whose files lie over `folder`, which stays empty on the host."""
    user = ["--user", "--map-root-user"] if os.geteuid() else []
    command = ["unshare", *user, "--mount", "--net", "--pid", "--uts", "--fork", "--mount-proc", "--kill-child"]
    inside = ["bash", "-c", _SET_UP, "machine", str(folder), sys.prefix, str(ROOT), str(STAND_INS), NODE, *NAMES]
    with subprocess.Popen([*command, *inside], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        try:
            said = holder.stdout.readline()
            assert said == "ready\n", said
            yield Machine(_child_of(holder.pid), folder / "home")
        finally:
            holder.kill()


def _child_of(pid: int) -> int:
    """The first process in the machine: unshare's only child."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
