"""The tests that a page names as `tests/.../file.py::name`, and whether they are there. Nothing is imported or run."""

import ast
import functools
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def named_tests(text: str) -> list[str]:
    """Every test, or file of tests, that the text names."""
    return [f"{file}::{name}" if name else file for file, name in _TEST.findall(text)]


def missing(named: list[str]) -> list[str]:
    """Those of `named` that are not there."""
    return [test for test in named if not _is_there(*test.partition("::")[::2])]


def _is_there(file: str, name: str) -> bool:
    found = _tests_of(file)
    return bool(found) if not name else name in found


@functools.cache
def _tests_of(file: str) -> frozenset[str]:
    path = ROOT / file
    if not path.name.startswith("test_") or not path.is_file():
        return frozenset()
    nodes = ast.walk(ast.parse(path.read_text()))
    functions = (node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in functions if node.name.startswith("test_"))
