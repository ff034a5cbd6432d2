"""A bare Debian machine for a test: a folder that root.sh made, whose programs enter.sh runs.

It has processes, users and files of its own; kernel, network and clock are this machine's.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CANNOT = 77
BARE = ("python3", "make", "git")


@dataclass(slots=True)
class Running:
    """A script that runs on a machine, and all that it said so far."""

    process: subprocess.Popen[str]
    said: str = ""

    def wait_for(self, pattern: str) -> None:
        """Until it says so. Raises AssertionError with all that it said if it ends before."""
        for line in self.process.stdout or ():
            self.said += line
            if re.search(pattern, line):
                return
        raise AssertionError(f"it ended without {pattern!r}:\n{self.said}")

    def interrupt(self) -> None:
        """Ctrl-C, and what it says until its end."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.said += self.process.communicate(timeout=120)[0]


@dataclass(frozen=True, slots=True)
class Machine:
    """Its root is `folder`."""

    folder: Path

    def command(self, script: str, user: str = "root") -> list[str]:
        """The command line that runs a shell script inside, as `user`, with the variables that a login gives."""
        entered = [str(HERE / "enter.sh"), str(self.folder)]
        if user == "root":
            return [*entered, "sh", "-euc", script]
        # A login clears all variables; pip's settings are how this machine reaches its package index.
        kept = ",".join(sorted({"PIP_CERT", *(name for name in os.environ if name.startswith("PIP_"))}))
        return [*entered, "su", "--login", "--shell", "/bin/sh", "--whitelist-environment", kept, user, "-c", script]

    def clone(self, place: str, owner: str = "root") -> None:
        """What a new clone of the project holds, at `place` inside."""
        folder = self.folder / place.lstrip("/")
        folder.mkdir(parents=True)
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
        for name in filter(None, listed.decode().split("\0")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        self.run(f"chown -R {owner}: {place}").check_returncode()

    @contextmanager
    def running(self, script: str, user: str = "root") -> Iterator["Running"]:
        """The script while it runs; what is left of it at the block's end is killed."""
        with subprocess.Popen(
            self.command(script, user),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                yield Running(process)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    def run(self, script: str, user: str = "root", timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run the script to its end; stderr is among stdout."""
        return subprocess.run(
            self.command(script, user),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )


@contextmanager
def bare_machine(suite: str, *packages: str, arch: str = "") -> Iterator[Machine]:
    """A new machine with these packages (BARE unless told), of this machine's kind unless told. Skips the test where
    there can be none, with the reason; under CI that is a failure.
    """
    kind = arch or _output("dpkg", "--print-architecture")
    command = [HERE / "root.sh", suite, kind, *(packages or BARE)]
    made = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        text=True,
        timeout=1800,
        check=False,
    )
    if made.returncode == CANNOT and not os.environ.get("CI"):
        pytest.skip(f"root.sh {suite} {kind}: not here (its reason is on stderr)")
    made.check_returncode()
    # Not below /tmp, which may be memory: a root with a browser in it is a gigabyte.
    folder = Path(tempfile.mkdtemp(prefix="machine-", dir=Path(made.stdout.strip()).parent))
    try:
        # Devices are this machine's; enter.sh mounts them.
        subprocess.run(["tar", "-xf", made.stdout.strip(), "-C", folder, "--exclude=./dev/*"], check=True, timeout=300)
        folder.chmod(0o755)
        yield Machine(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _output(*command: str) -> str:
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]}: this machine is no Debian")
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60, check=True).stdout.strip()
