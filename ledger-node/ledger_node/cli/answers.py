"""The answer to a knowledge question, as commands take it: asked for, or a line of stdin, and no word of theirs."""

import sys

import click


def _refuse(_context: click.Context, _option: click.Parameter, value: str | None) -> None:
    if value is not None:
        raise click.UsageError(
            "a command line is read by everybody on this machine: leave --answer out, and the answer is asked for,"
            " or read from standard input"
        )


NO_ANSWER_HERE = click.option("--answer", hidden=True, expose_value=False, callback=_refuse)
"""For a command that took it as an option once: says where it goes now."""


def ask_for_answer() -> str:
    """The answer, not empty. Raises click.ClickException."""
    answer = click.prompt("Answer", err=True) if sys.stdin.isatty() else sys.stdin.readline().strip()
    if not answer:
        raise click.ClickException("no answer on standard input: give one line with it")
    return str(answer)
