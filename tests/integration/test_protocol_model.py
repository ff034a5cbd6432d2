"""The model of the protocols: every question has the expected answer, and its page names what is there."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.documented.named import missing, named_tests

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "docs" / "model"
PAGE = (MODEL / "README.md").read_text()
_FILE = re.compile(r"`((?:scanner|ledger-node|tests)/[\w./-]+)`(?: \((`[\w`, ]+)\))?")
needs_maude = pytest.mark.skipif(shutil.which("maude") is None, reason="needs Debian's package maude")


def check(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(MODEL / "check.py"), *arguments]
    environment = None if path is None else {"PATH": path}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)


def asked() -> dict[str, Any]:
    return tomllib.loads((MODEL / "queries.toml").read_text())


@needs_maude
def test_every_promise_holds_and_every_attack_is_found_without_its_mend() -> None:
    done = check()
    assert done.returncode == 0, done.stdout + done.stderr
    for finding in ("finding 1", "finding 4"):
        said = done.stdout[done.stdout.index(finding) :].partition("\n\n")[0]
        assert "with every mend: none" in said
        assert re.search(r"without .*: found", said)
    assert "gate-wipes-at-a-word: did(wipes(gateA))" in done.stdout, "the attack is shown step by step"


@needs_maude
@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("mends = [", 'mends = [ "a-mend-for-nothing",', "no attack is found without a-mend-for-nothing"),
        ('[["code-sealed"], ["code-bound"], ["code-names-node"]]', '[["code-once"]]', "WRONG without code-once: none"),
        ("found = true", "found = false", "WRONG with every mend: found"),
        ("wipes(gateA)", "wipes(gateC)", "gateC"),
        ('[["code-once"]]', '[["code-twice"]]', "no mend: code-twice"),
    ],
    ids=["a mend without an attack", "none where one must be", "one where none may be", "misspelt", "unknown mend"],
)
def test_a_model_that_says_something_else_is_noticed(tmp_path: Path, before: str, after: str, why: str) -> None:
    text = (MODEL / "queries.toml").read_text()
    changed = text.replace(before, after)
    # The first query that is another now is enough, and quick.
    pairs = zip(changed.split("[[query]]"), text.split("[[query]]"), strict=True)
    head, first = next(pairs)[0], next((new for new, old in pairs if new != old), "")
    other = tmp_path / "queries.toml"
    other.write_text(f"{head}[[query]]{first}" if first else f"{head}query = []")
    done = check("--queries", str(other))
    assert done.returncode == 1
    assert why in done.stdout + done.stderr


def test_without_maude_it_is_said_what_to_install(tmp_path: Path) -> None:
    done = check(path=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "make model: not checked, because Maude is not installed: apt-get install maude\n"


def test_the_page_has_a_row_for_every_mend_and_names_code_and_tests_that_are_there() -> None:
    table = PAGE[PAGE.index("## Which rule is which code") :]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    assert sorted(mend for row in rows for mend in re.findall(r"`([a-z-]+)`", row.split("|")[1])) == sorted(
        asked()["mends"]
    )
    for file, functions in _FILE.findall(PAGE):
        assert (ROOT / file).exists(), file
        for name in re.findall(r"`(\w+)`", functions):
            assert f"def {name}(" in (ROOT / file).read_text(), f"{file}: {name}"
    assert missing(named_tests(PAGE)) == []


def test_the_page_tells_what_each_promise_falls_without() -> None:
    table = PAGE[PAGE.index("## What is asked") : PAGE.index("## Which rule")]
    told = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", table))
    assert told == {mend for query in asked()["query"] for mends in query.get("broken_without", []) for mend in mends}
