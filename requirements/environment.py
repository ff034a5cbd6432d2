"""Makes .venv from a lock, and installs from Debian what no wheel brings. Run by requirements/setup.sh.

Needs nothing but Python's own library. It ends with status 0, or 1 and a sentence that says what to do.
"""

import ctypes.util
import errno
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
READY = VENV / "ready.json"
# One way for every lock: it is complete, so nothing is resolved, and only ready-made wheels with its hashes are taken.
FROM_LOCK = ("--require-hashes", "--no-deps", "--only-binary", ":all:")
LOCKS = ("demo", "dev")
KEPT_LINES = 15
ROOM_MB = {"demo": 600, "dev": 900}
STOPPED = 130


class SetupError(Exception):
    """Set-up cannot go on; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Need:
    """Debian packages for something that no wheel brings, and what is lost without them: everything, if it is empty."""

    what: str
    packages: tuple[str, ...]
    there: Callable[[], bool]
    without: str


def _has_venv() -> bool:
    importlib.invalidate_caches()
    return importlib.util.find_spec("ensurepip") is not None


def _has_chinese_type() -> bool:
    if shutil.which("fc-list") is None:
        return False
    return bool(subprocess.run(["fc-list", ":lang=zh-hk"], capture_output=True, check=False).stdout)


_ALL = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
NEEDS = {
    "demo": (
        Need("Python's venv module", ("python3-venv",), _has_venv, ""),
        # find_library asks /sbin/ldconfig by its path: the PATH of a user does not name /sbin.
        Need(
            "the second QR decoder",
            ("libzbar0",),
            lambda: ctypes.util.find_library("zbar") is not None,
            "the second look at hard frames stays off",
        ),
    ),
    "dev": (
        Need(
            "a browser",
            ("chromium", "chromium-driver"),
            lambda: shutil.which("chromedriver") is not None,
            "the browser tests will fail",
        ),
        Need(
            "what the manuals' commands use",
            ("curl", "iproute2", "jq", "sqlite3"),
            lambda: all(shutil.which(program, path=_ALL) for program in ("curl", "ip", "jq", "sqlite3")),
            "the tests of the manuals will fail or be passed over",
        ),
        Need(
            "a container for the units",
            ("systemd-container",),
            lambda: shutil.which("systemd-nspawn") is not None,
            "the tests that start the units are passed over",
        ),
        Need(
            "what searches the protocols' model",
            ("maude",),
            lambda: shutil.which("maude") is not None,
            "its tests are passed over",
        ),
        Need("Chinese type", ("fontconfig", "fonts-noto-cjk"), _has_chinese_type, "screenshots will show empty boxes"),
    ),
}


class Step:
    """One line on the terminal: what is being done, how far it is, and in the end how long it took."""

    def __init__(self, what: str) -> None:
        self._what, self._began = what, time.monotonic()
        self._live = sys.stdout.isatty()

    def __enter__(self) -> "Step":
        print(f"setup: {self._what} ...", end="", flush=True)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        start = f"\r\033[Ksetup: {self._what} ..." if self._live else ""
        print(f"{start} {time.monotonic() - self._began:.0f} s" if kind is None else start, flush=True)

    def so_far(self, progress: str) -> None:
        """Shown until the next one, where there is a terminal."""
        if self._live:
            print(f"\r\033[Ksetup: {self._what} ... {progress[:50]}", end="", flush=True)


# Debian's packages


def from_debian(needs: Sequence[Need]) -> None:
    """Install what is missing. Raises SetupError if there is no going on without it."""
    missing = [need for need in needs if not need.there()]
    if not missing:
        return
    said = _apt([package for need in missing for package in need.packages])
    for need in missing:
        if need.there():
            continue
        packages = " ".join(need.packages)
        if not need.without:
            raise SetupError(
                f"{need.what} is missing, and {said}: as root, 'apt-get install {packages}', then this again"
            )
        print(f"setup: note: {need.what} is missing, and {said}; {need.without}, until 'apt-get install {packages}'")


def _apt(packages: list[str]) -> str:
    """Why it was not done, in words that go after "and"."""
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if shutil.which("apt-get") is None:
        return "this is no Debian"
    if root and (
        not shutil.which("sudo") or subprocess.run([*root, "true"], capture_output=True, check=False).returncode
    ):
        return "only root can install it"
    quiet = [*root, "env", "DEBIAN_FRONTEND=noninteractive"]
    apt = [*quiet, "apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=120"]
    install = [*apt, "install", "--no-install-recommends", *packages]
    # What a stopped installation left is put in order first. An index from another day names files that are gone, so a
    # first failure asks for a new one.
    attempts = (
        [*quiet, "dpkg", "--configure", "-a"],
        install,
        [*apt, "-o", "Acquire::Languages=none", "update"],
        install,
    )
    with Step(f"from Debian: {' '.join(packages)}"):
        for attempt in attempts:
            done = subprocess.run(
                attempt, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
            )
            if not done.returncode and attempt is install:
                return ""
    wrong = re.findall(r"^(?:E|W|dpkg): *(.+)", done.stdout.decode(errors="replace"), re.MULTILINE)
    return f"apt-get could not install it ({wrong[0] if wrong else 'it does not say why'})"


# The environment


def make_environment(what: str, lock: int) -> None:
    """A finished .venv for `what`, from its lock. `lock` is held by every program that works on it."""
    room = shutil.disk_usage(ROOT).free // 2**20
    if room < ROOM_MB[what]:
        raise SetupError(
            f"the disk of {ROOT} has {room} MB left, and {ROOM_MB[what]} MB are needed: make room, then this again"
        )
    done = finished()
    READY.unlink(missing_ok=True)
    if not done:
        with Step(f".venv, with Python {sys.version.split()[0]}"):
            _run([sys.executable, "-m", "venv", "--clear", str(VENV)], lock, lambda _line: None)
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    chosen = ROOT / "requirements" / f"{what}.lock"
    total = len(re.findall(r"^[a-z0-9_.-]+==", chosen.read_text(), re.MULTILINE))
    with Step(f"the packages of requirements/{what}.lock, each checked by its hash") as step:
        # Compiled at their first use: most modules have none in a show.
        install = [*pip, "--progress-bar", "off", "--no-compile", *FROM_LOCK, "-r", str(chosen)]
        _run(install, lock, _counted(step, total))
    with Step("gate-scanner and ledger-node"):
        _run(
            [*pip, "--no-deps", "--no-index", "--no-build-isolation", "--editable", str(ROOT)], lock, lambda _line: None
        )
    if what == "dev" or sys.dont_write_bytecode:
        with Step("compiling"):
            compiling = [str(VENV / "bin" / "python"), "-m", "compileall", "-qq", "-j", "0", str(VENV / "lib")]
            # Some packages bring templates that are no Python: what does not compile is not imported either.
            subprocess.run(compiling, pass_fds=(lock,), capture_output=True, check=False)
    made = {one: _key(one) for one in LOCKS[: LOCKS.index(what) + 1]}
    READY.write_text(json.dumps({**_kind(), **{one: key for one, key in done.items() if one in LOCKS}, **made}) + "\n")


def finished() -> dict[str, str]:
    """The locks that are in .venv, by their keys; empty if it was not finished, moved, or made by another Python."""
    try:
        found: dict[str, str] = json.loads(READY.read_text())
    except (OSError, ValueError):
        return {}
    return found if _kind().items() <= found.items() and (VENV / "bin" / "python").exists() else {}


def ready(what: str) -> bool:
    """Whether .venv holds all that `what` needs."""
    return finished().get(what) == _key(what)


def _kind() -> dict[str, str]:
    # Its programs name its place in their first lines.
    return {"place": str(VENV), "python": f"{sys.version.split()[0]} in {sys.base_prefix}"}


def _key(what: str) -> str:
    made_from = (f"requirements/{what}.lock", "setup.cfg", "pyproject.toml")
    return hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in made_from)).hexdigest()


def _counted(step: Step, total: int) -> Callable[[str], None]:
    seen: list[str] = []

    def hear(line: str) -> None:
        if name := re.match(r"(?:Collecting|Requirement already satisfied:) ([A-Za-z0-9_.-]+?)==", line):
            seen.append(name[1])
            step.so_far(f"{len(seen)} of {total}: {name[1]}")
        elif "Retrying (" in line:
            step.so_far("the package index does not answer, trying again")
        elif line.startswith("Installing collected"):
            step.so_far("unpacking")

    return hear


def _run(command: list[str], lock: int, hear: Callable[[str], None]) -> None:
    """Run it with its output kept back. Raises SetupError with what it said if it fails."""
    kept: deque[str] = deque(maxlen=KEPT_LINES)
    pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, text=True, errors="replace", pass_fds=(lock,), **pipes) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                hear(line)
                kept.append(line.rstrip())
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise SetupError(explained("\n".join(kept)))


# What pip says, and what to do
REMEDIES = (
    (
        r"No space left on device|Errno 28\b",
        "a disk is full (this folder's, or the one of TMPDIR): make room, then this again",
    ),
    (
        r"DO NOT MATCH THE HASHES",
        "a package is not the one that the lock names: so it was not taken: ask those who run your package index",
    ),
    (
        r"Retrying \(|NewConnectionError|NameResolution|ConnectTimeout|ReadTimeout|ProxyError|SSLError",
        "the package index could not be reached: look at the network and at pip's settings, then this again",
    ),
    (
        r"No matching distribution found for (\S+)",
        "the package index has no ready-made package of this release for this machine and its Python",
    ),
)


def explained(said: str) -> str:
    """What pip said, and what to do about it."""
    remedy = next((remedy for pattern, remedy in REMEDIES if re.search(pattern, said)), "the installation failed")
    errors = [line for line in said.splitlines() if line.strip() and not line.startswith("WARNING")]
    return "\n  ".join([f"{remedy}. It said:", *errors])


@contextmanager
def alone() -> Iterator[int]:
    """Until the block's end no other set-up works in this folder; the lock's descriptor."""
    folder = os.open(ROOT / "requirements", os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("setup: another set-up works in this folder: waiting for its end", flush=True)
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(folder)


def set_up(what: str) -> None:
    """Raises SetupError, or OSError."""
    if ready(what):
        return
    with alone() as lock:
        if ready(what):
            return
        if not os.access(ROOT, os.W_OK):
            raise SetupError(f"{ROOT} cannot be written to, and .venv goes there: copy it to a folder of your own")
        began = time.monotonic()
        from_debian([need for one in LOCKS[: LOCKS.index(what) + 1] for need in NEEDS[one]])
        make_environment(what, lock)
        print(
            f"setup: ready in {time.monotonic() - began:.0f} s: .venv/bin/gate-scanner and .venv/bin/ledger-node",
            flush=True,
        )


def main(arguments: list[str]) -> int:
    """The exit status."""
    if len(arguments) != 1 or arguments[0] not in LOCKS:
        print(f"usage: requirements/setup.sh {' | '.join(LOCKS)}", file=sys.stderr)
        return 2
    try:
        set_up(arguments[0])
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"setup: {refused(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nsetup: stopped; the same command begins again", file=sys.stderr)
        return STOPPED
    return 0


def refused(error: OSError) -> str:
    """What the system did not let us do, and what to do."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"the disk is full ({error.filename or ROOT}): make room, then this again"
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return f"{error.filename or ROOT} cannot be written to: remove it as the user it belongs to, then this again"
    return f"{error}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
