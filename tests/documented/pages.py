"""The commands that README.md and docs/*.md print, found in the pages themselves.

A command is a line of a fenced `sh` block (lines joined at a backslash), a line of an indented block that begins with a
program of ours, or an inline code span that begins with one and gives it something to do. `ledger-node audit` alone is
a name.
"""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAMS = (
    "ledger-node",
    "gate-scanner",
    "make",
    "curl",
    "at",
    "systemctl",
    "journalctl",
    "systemd/install.sh",
    "sh systemd/bundle.sh",
)
_OURS = re.compile(r"(?:sudo )?(?:" + "|".join(re.escape(program) for program in PROGRAMS) + r")\s+\S")
_NAME_ONLY = re.compile(r"(?:sudo )?(?:gate-scanner|ledger-node)(?: [a-z][a-z-]*){0,2}|make [a-z]+|make")
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"`([^`\n]+)`")


def pages() -> list[str]:
    """README.md and every manual, as paths from the root."""
    return ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]


def commands(page: str) -> list[str]:
    """Every command of `page`, in the order of the text, each once, without what stands behind `  #`."""
    return list(dict.fromkeys(command for command in _found((ROOT / page).read_text()) if command))


def _found(text: str) -> Iterator[str]:
    at = 0
    for block in _BLOCK.finditer(text):
        yield from _prose(text[at : block.start()])
        if block[2] == "sh":
            yield from _lines(re.sub(rf"^{block[1]}", "", block[3], flags=re.MULTILINE))
        at = block.end()
    yield from _prose(text[at:])


def _lines(block: str) -> Iterator[str]:
    for line in block.replace("\\\n", " ").splitlines():
        yield re.sub(r"\s+", " ", re.sub(r"(^|\s\s+)#.*", "", line)).strip()


def _prose(text: str) -> Iterator[str]:
    for line in text.splitlines():
        indented = line.startswith("    ") and _OURS.match(line.strip())
        if indented:
            yield from _lines(line.strip())
            continue
        for span in _SPAN.findall(line):
            # In tables and prose, EVENT... or [--option] shows a form; it is a command once its words are filled in.
            if _OURS.match(span) and not _NAME_ONLY.fullmatch(span):
                yield span.strip()
