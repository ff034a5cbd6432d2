"""Every reader of bytes from others is fed 64 KB of anything by the benchmark, and refuses it in its own way.

How long that takes is measured by `python -m benchmarks hostile`. Here: that none is left out, and that no shape makes
one raise what its callers do not know.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.hostile.readers import OTHERS, READERS
from benchmarks.hostile.shapes import SIZE

ROOT = Path(__file__).parents[2]
REFUSALS = {"Malformed", "Unreadable", "Refused", "BadRow", "Self", "Alarm", "Suspicious"}
BYTES = {"bytes", "str", "BinaryIO", "Lines"}
PARSERS = {"loads", "model_validate_json", "CBORDecoder"}


def names(node: ast.AST | None) -> set[str]:
    """What an annotation names, quoted or not."""
    found: set[str] = set()
    for part in ast.walk(node) if node else ():
        if isinstance(part, ast.Name):
            found.add(part.id)
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            found |= names(ast.parse(part.value, mode="eval"))
    return found


def functions(node: ast.AST, within: str = "") -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield from functions(child, f"{within}{child.name}.")
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield within + child.name, child


def reads(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it gives a value that says what is wrong with bytes or a text, or calls what takes such apart."""
    calls = {
        one.func.attr for one in ast.walk(function) if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute)
    }
    given = [one.annotation for one in [*function.args.args, *function.args.kwonlyargs]]
    takes = set().union(*map(names, given)) & BYTES
    return bool(calls & PARSERS) or bool(takes and names(function.returns) & REFUSALS and function.name[0] != "_")


def looked_up() -> set[str]:
    found = set()
    for place, root in (("scanner", ROOT), ("ledger_node", ROOT / "ledger-node")):
        for path in (root / place).rglob("*.py"):
            module = ".".join(path.relative_to(root).with_suffix("").parts)
            found |= {f"{module}:{name}" for name, one in functions(ast.parse(path.read_text())) if reads(one)}
    return found


def test_every_reader_of_bytes_from_others_is_in_the_benchmarks_table() -> None:
    fed = {name.partition(" ")[0] for name in READERS}
    assert looked_up() - fed - OTHERS.keys() == set(), "feed it, or say whose bytes it reads"
    assert OTHERS.keys() - looked_up() == set(), "it is gone, or reads no more"
    assert not fed & OTHERS.keys()


@pytest.mark.parametrize("name", READERS)
def test_no_shape_of_64_kb_makes_a_reader_raise_what_its_callers_do_not_know(name: str) -> None:
    reader = READERS[name]
    for shape, data in reader.made().items():
        assert len(data) <= SIZE + 200, shape
        reader.feed(data)
