"""What commands print: JSON and tables to stdout, progress and one-line errors to stderr."""

import contextlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ledger_node.config import HomeError
from ledger_node.services.errors import ServiceError

HONG_KONG = timezone(timedelta(hours=8), "HKT")


class Moment(click.ParamType[int]):
    """ISO 8601 as unix seconds; without a zone it is Hong Kong time."""

    name = "ISO8601"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """See click.ParamType."""
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a time like 2026-11-22T18:30 or 2026-11-22T10:30Z", param, ctx)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=HONG_KONG)).timestamp())


def show(value: Any) -> None:
    """JSON to stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def table(rows: Sequence[dict[str, Any]], columns: Sequence[str], nothing: str) -> None:
    """Some of the fields of each row, or a sentence when there are none."""
    if not rows:
        click.echo(nothing)
        return
    made = Table(*(column.replace("_", " ") for column in columns))
    for row in rows:
        made.add_row(*("" if row[column] is None else str(row[column]) for column in columns))
    Console(width=None if sys.stdout.isatty() else 160).print(made)


def moment(seconds: int | None) -> str | None:
    """Unix seconds as people read them in Hong Kong."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).astimezone(HONG_KONG).isoformat(" ")


class Update(Protocol):
    """Told how much is done; and of how much, if that was not known before."""

    def __call__(self, done: int, of: int | None = None, /) -> None:
        """See above."""


@contextlib.contextmanager
def progress(label: str, total: int | None, every: float = 10.0) -> Iterator[Update]:
    """Tells on stderr how much of `total` is done: a bar on a terminal, elsewhere a line every so many seconds, so that
    what is done at once says nothing.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(label, total, every)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=total)

        def update(done: int, of: int | None = None, /) -> None:
            whole = of or total
            bar.update(task, completed=done, total=max(done, whole) if whole else None)

        yield update


def _lines(label: str, total: int | None, every: float) -> Update:
    said = time.monotonic()

    def update(done: int, of: int | None = None, /) -> None:
        nonlocal said
        if time.monotonic() - said >= every:
            said, whole = time.monotonic(), of or total
            click.echo(f"{label}: {done:,}" + (f" of {whole:,} ({100 * done // whole} %)" if whole else ""), err=True)

    return update


@contextlib.contextmanager
def errors_in_one_line() -> Iterator[None]:
    """What the node refuses or cannot do ends the command with one line and exit status 1."""
    try:
        yield
    except (ServiceError, HomeError) as error:
        click.echo(f"ledger-node: {error}", err=True)
        sys.exit(1)
