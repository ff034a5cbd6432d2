"""The house rules that a test can hold: packages, doors to vendor libraries, locks, what must not be written down."""

import ast
import configparser
import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = {"scanner": ROOT / "scanner", "ledger_node": ROOT / "ledger-node" / "ledger_node"}
DOORS = (
    "cbor2",
    "cv2",
    "zxingcpp",
    "pyzbar",
    "gpiozero",
    "lgpio",
    "nacl",
    "requests",
    "webauthn",
    "pyotp",
    "cel_expr_python",
)


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]


def modules(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.py") if "__pycache__" not in path.parts]


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def test_a_package_that_setup_forgets_is_noticed() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    on_disk = {
        ".".join([name, *path.parent.relative_to(folder).parts])
        for name, folder in SOURCES.items()
        for path in folder.rglob("__init__.py")
    }
    assert listed == on_disk


@pytest.mark.parametrize("library", DOORS)
def test_each_vendor_library_has_one_door(library: str) -> None:
    doors = defaultdict(list)
    for folder in SOURCES.values():
        for path in modules(folder):
            if library in imported(path):
                doors[library].append(path.relative_to(ROOT))
    assert len(doors[library]) == 1, doors


def test_locks_pin_everything_by_hash_and_name_no_host() -> None:
    for lock in (ROOT / "requirements").glob("*.lock"):
        text = lock.read_text()
        assert "://" not in text
        pinned = re.findall(r"^[a-z0-9_.-]+==\S+", text, re.MULTILINE)
        assert pinned
        assert len(re.findall(r"^\S.*\\\n +--hash=sha256:", text, re.MULTILINE)) == len(pinned)


def test_randomness_that_can_be_foretold_is_for_pauses_only() -> None:
    """What must not be guessed comes from os.urandom or secrets; `random` spreads retries."""
    users = {
        path.relative_to(ROOT).as_posix(): set(re.findall(r"\brandom\.\w+", path.read_text()))
        for folder in SOURCES.values()
        for path in modules(folder)
        if imported(path) & {"random", "uuid", "numpy.random"}
    }
    assert users == {
        "scanner/cli/neighbours.py": {"random.random"},
        "scanner/cli/node.py": {"random.random"},
        "ledger-node/ledger_node/cli/outside.py": {"random.random"},
    }


def test_everything_a_gate_installs_is_in_the_developers_lock_at_the_same_version() -> None:
    runtime, dev = (
        set(re.findall(r"^[a-z0-9_.-]+==[^\s;]+", (ROOT / "requirements" / name).read_text(), re.MULTILINE))
        for name in ("runtime.lock", "dev.lock")
    )
    assert runtime <= dev


def test_nothing_written_down_depends_on_one_machine() -> None:
    # Built from pieces, so that this file does not find itself.
    forbidden = [f"/{name}/" for name in ("work", "farm")] + [
        "pypi" + ".org",
        "registry.npmjs" + ".org",
        "shared" + "/design",
    ]
    for path in tracked():
        if path.suffix in {".png", ".zst", ".db"}:
            continue
        text = path.read_text(errors="replace")
        assert not [word for word in forbidden if word in text], path
