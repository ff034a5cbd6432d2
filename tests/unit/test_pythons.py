"""What another Python than this one would do otherwise, as far as this one can tell; `make matrix` runs them all."""

import ast
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.test_packaging import ROOT, SOURCES, modules

_BECOME_METHODS = {"partial"}
"""What a class holds as an attribute and calls by itself until 3.13, and as a method with `self` from 3.14 on."""


def called(node: ast.expr | None) -> str:
    """The name of what this expression calls, "" if it is no call of a name."""
    if not isinstance(node, ast.Call):
        return ""
    return getattr(node.func, "id", None) or getattr(node.func, "attr", "")


def methods_to_be(tree: ast.AST) -> list[int]:
    """Lines where the body of a class gives a partial to an attribute."""
    bodies = [item for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for item in node.body]
    given = [item for item in bodies if isinstance(item, ast.Assign | ast.AnnAssign)]
    return [item.lineno for item in given if called(item.value) in _BECOME_METHODS]


def test_a_partial_that_is_an_attribute_of_a_class_is_seen() -> None:
    bad = "class A:\n    f = functools.partial(g, 1)\n    h: F = partial(g)\n    def __init__(self): self.f = partial()"
    assert methods_to_be(ast.parse(bad)) == [2, 3]


@pytest.mark.parametrize("folder", [*SOURCES.values(), ROOT / "tests", ROOT / "benchmarks"], ids=lambda path: path.name)
def test_no_class_holds_what_a_later_python_makes_a_method(folder: Path) -> None:
    found = {path: methods_to_be(ast.parse(path.read_text())) for path in modules(folder)}
    assert {str(path): lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize("package", SOURCES)
def test_every_module_is_imported_without_a_warning(package: str) -> None:
    names = [module.name for module in pkgutil.walk_packages([str(SOURCES[package])], f"{package}.")]
    wanted = [name for name in names if not name.endswith("__main__")]
    assert len(wanted) > 50
    program = f"import importlib\nfor name in {wanted!r}: importlib.import_module(name)"
    command = [sys.executable, "-W", "error", "-c", program]
    imported = subprocess.run(command, capture_output=True, text=True, check=False)
    assert imported.returncode == 0, imported.stderr
