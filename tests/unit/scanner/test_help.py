"""What `--help` shows is whole: no sentence ends in dots, and no line is wider than a terminal of 80 columns."""

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from scanner.cli.commands import cli

WIDTH = 80


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, inner in group.commands.items():
        here = (*path, name)
        yield from commands(inner, here) if isinstance(inner, click.Group) else [here]


@pytest.mark.parametrize("path", list(commands(cli)), ids=lambda path: " ".join(path) or "gate-scanner")
def test_help_is_whole_on_a_terminal_of_80_columns(path: tuple[str, ...]) -> None:
    done = CliRunner().invoke(cli, [*path, "--help"], prog_name="gate-scanner", terminal_width=WIDTH)
    assert done.exit_code == 0
    assert [line for line in done.output.splitlines() if len(line) > WIDTH] == []
    _, _, listed = done.output.partition("\nCommands:\n")
    listed = listed.partition("\n\n")[0]
    assert "..." not in listed
    assert all(line.startswith("  ") and line[2] != " " and line.endswith(".") for line in listed.splitlines()), (
        "one line each, and a whole sentence"
    )
    assert bool(listed) == (path in {(), ("clock",), ("journal",)})


def test_the_words_of_the_first_page_can_be_told_from_what_they_do() -> None:
    """A command and what it does stand two blanks apart: a reader copies the one without the other."""
    page = CliRunner().invoke(cli, ["--help"], prog_name="gate-scanner", terminal_width=WIDTH).output
    steps = page.partition("three steps:\n")[2].partition("\n\n")[0].splitlines()
    assert len(steps) == 3
    for step in steps:
        words, blanks, meaning = step.strip().partition("  ")
        assert words.startswith("gate-scanner "), step
        assert blanks
        assert meaning.strip()
