"""What a lock asks for on another Python and another kind of machine, and its wheels, got from here."""

import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement

_GLIBC = ("2_17", "2_24", "2_26", "2_27", "2_28", "2_31", "2_34", "2_35", "2_36")
"""The manylinux names up to the glibc of Debian 12."""


def wanted(lock: str, python: str, machine: str) -> list[str]:
    """What a lock asks for with this Python on this kind of machine, each with its hashes and no more conditions."""
    place = {"python_version": python, "python_full_version": f"{python}.0", "platform_machine": machine}
    lines = [line for line in lock.replace("\\\n", " ").splitlines() if line.strip() and not line.startswith("#")]
    found = []
    for line in lines:
        asked, mark, hashes = line.partition(" --hash=")
        requirement = Requirement(asked.strip())
        if requirement.marker is None or requirement.marker.evaluate(place):
            # Without the condition, which pip would judge by the Python that it runs on.
            found.append(f"{requirement.name}{requirement.specifier}{mark}{hashes}")
    return found


def get(lines: list[str], python: str, machine: str, folder: Path, *, unpacked: bool) -> None:
    """Put the wheels of these lines into `folder`, as files or as the packages in them. Raises RuntimeError."""
    asked = folder.with_suffix(".lock")
    asked.write_text("\n".join(lines))
    act = ("install", "--target", folder) if unpacked else ("download", "--dest", folder)
    platforms = [f"--platform=manylinux_{glibc}_{machine}" for glibc in _GLIBC]
    options = ("--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes")
    target = (*platforms, f"--python-version={python}", "--implementation=cp")
    command = [sys.executable, "-m", "pip", *act, *options, *target, "-r", asked]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=3000)
    if done.returncode:
        raise RuntimeError(done.stderr)
