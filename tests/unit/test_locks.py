"""The locks: complete for every machine, as new as setup.cfg, and installed in one way by all that use them."""

import configparser
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from requirements.environment import FROM_LOCK
from tests.unit.test_packaging import ROOT, tracked

EXTRAS = {"runtime": ("scanner", "ledger"), "demo": ("scanner", "ledger", "demo")}
EXTRAS["dev"] = (*EXTRAS["demo"], "dev")
TARGETS = [
    {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{python}.2",
        "python_version": python,
        "sys_platform": "linux",
    }
    for machine in ("x86_64", "aarch64")
    for python in ("3.11", "3.12", "3.13", "3.14")
]
Pins = dict[str, Version]
targets = pytest.mark.parametrize(
    "target", TARGETS, ids=lambda target: f"{target['platform_machine']}-{target['python_version']}"
)
locks = pytest.mark.parametrize("lock", EXTRAS)


def holds(requirement: Requirement, target: dict[str, str], extras: set[str]) -> bool:
    """Whether it counts on a machine, for one of `extras` or without any."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**target, "extra": extra}) for extra in (extras or {""}))


def pins(lock: str, target: dict[str, str]) -> Pins:
    """What a lock installs on a machine, as names and versions."""
    text = (ROOT / "requirements" / f"{lock}.lock").read_text()
    lines = (Requirement(line.rstrip(" \\")) for line in text.splitlines() if line[:1].isalnum())
    here = [line for line in lines if holds(line, target, set())]
    assert len({line.name for line in here}) == len(here)
    return {canonicalize_name(line.name): Version(str(line.specifier).removeprefix("==")) for line in here}


def asked(extras: tuple[str, ...]) -> list[Requirement]:
    """What setup.cfg asks for, with these extras."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    texts = [config["options"]["install_requires"], *(config["options.extras_require"][extra] for extra in extras)]
    return [Requirement(line) for text in texts for line in text.splitlines() if line and not line.startswith("#")]


def unmet(lock: str, target: dict[str, str]) -> Iterator[str]:
    """What is asked for on that machine and is not in the lock, or in a version that will not do; over all that the
    packages ask for, with the extras by which they are asked for.
    """
    pinned = pins(lock, target)
    todo = [(requirement, "setup.cfg") for requirement in asked(EXTRAS[lock]) if holds(requirement, target, set())]
    seen: set[tuple[str, frozenset[str]]] = set()
    while todo:
        requirement, by = todo.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if name not in pinned or not requirement.specifier.contains(pinned[name], prereleases=True):
            yield f"{by} needs {requirement}, the lock has {pinned.get(name, 'none')}"
        elif (name, extras) not in seen:
            seen.add((name, extras))
            texts = metadata.requires(name) if _installed(name, pinned[name]) else None
            needs = [Requirement(text) for text in texts or ()]
            todo += [(need, name) for need in needs if holds(need, target, {"", *extras})]


def _installed(name: str, version: Version) -> bool:
    """Whether this environment has that very release, so that what it asks for can be read here."""
    try:
        return Version(metadata.version(name)) == version
    except metadata.PackageNotFoundError:
        return False


@locks
@targets
def test_a_lock_holds_all_that_its_packages_and_setup_cfg_ask_for(lock: str, target: dict[str, str]) -> None:
    assert list(unmet(lock, target)) == []


def test_all_packages_of_the_lock_for_this_python_are_here_to_be_asked() -> None:
    """The test above reads what is installed; it would be empty if that were another environment than the lock's."""
    here = {name: str(value) for name, value in default_environment().items()}
    pinned = pins("dev", here)
    assert len(pinned) > 90
    assert [name for name, version in pinned.items() if not _installed(name, version)] == []


@targets
def test_each_lock_holds_the_one_before_it(target: dict[str, str]) -> None:
    runtime, demo, dev = (pins(lock, target) for lock in EXTRAS)
    assert runtime.items() <= demo.items() <= dev.items()


def test_the_demo_does_not_install_what_only_tests_need() -> None:
    only_tests = {"pytest", "selenium", "hypothesis", "mypy", "ruff", "schemathesis"}
    for target in TARGETS:
        assert not only_tests & set(pins("demo", target))
        assert only_tests <= set(pins("dev", target))


def test_everything_that_installs_from_a_lock_takes_it_as_it_stands() -> None:
    """pip 23.0 to 23.2 would take the newest release for an extra, whatever the lock says, but for --no-deps."""
    lines = [
        (path.relative_to(ROOT), line)
        for path in tracked()
        if path.suffix in {".sh", ".py", ".md", ".yml", ".cfg", ""} and "tests" not in path.relative_to(ROOT).parts
        for line in re.sub(r"\\\n\s*", " ", path.read_text(errors="replace")).splitlines()
        if re.search(r"-r \S*\.lock", line)
    ]
    assert {str(path) for path, _ in lines} >= {"systemd/install.sh", "systemd/bundle.sh"}
    for path, line in lines:
        assert all(option in line.split() for option in FROM_LOCK), (path, line)


def test_the_demo_imports_only_what_its_lock_installs() -> None:
    """Read from the sources of the show and of what it takes from tests/fakes."""
    installed = {canonicalize_name(name) for name in pins("demo", TARGETS[0])}
    providers = metadata.packages_distributions()
    for path in _reached("tests/show/__main__.py"):
        for top in _imports(path):
            wanted = {canonicalize_name(name) for name in providers.get(top, [])} - {"ticketme-gate"}
            assert not wanted or wanted & installed, (path, top)


def _imports(path: Path) -> set[str]:
    found = re.findall(r"^ *(?:from|import) ([a-z_0-9]+)", path.read_text(), re.MULTILINE)
    return set(found)


def _reached(start: str) -> set[Path]:
    todo, found = [ROOT / start], set()
    while todo:
        path = todo.pop()
        if path in found or not path.exists():
            continue
        found.add(path)
        names = re.findall(r"^ *from (tests\.[a-z_.0-9]+) import", path.read_text(), re.MULTILINE)
        todo += [ROOT / f"{name.replace('.', '/')}.py" for name in names]
    return found
