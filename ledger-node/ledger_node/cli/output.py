"""What commands print: JSON and tables to stdout, progress and one-line errors to stderr."""

import contextlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any, Protocol

import click

from ledger_node.home_folder import HomeError
from ledger_node.services.errors import ServiceError

EXIT_STATUS = (
    "Exit status: 0 done; 1 refused or not to be had, and why is said; 2 the command line is wrong, see --help."
)
_MISUSE = frozenset({"bad-values", "bad-query"})
HONG_KONG = timezone(timedelta(hours=8), "HKT")


class Moment(click.ParamType[int]):
    """ISO 8601 as unix seconds; without a zone it is the time of the command's --zone, or else Hong Kong's."""

    name = "ISO8601"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """See click.ParamType."""
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a time like 2026-11-22T18:30 or 2026-11-22T10:30Z", param, ctx)
        if moment.tzinfo is None:
            named = ctx.params.get("zone") if ctx else None
            moment = moment.replace(tzinfo=zone(named) if named else HONG_KONG)
        return int(moment.timestamp())


class Zone(click.ParamType[str]):
    """The name of a time zone."""

    name = "ZONE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """See click.ParamType."""
        try:
            zone(str(value))
        except (LookupError, ValueError, OSError):
            self.fail(f"{value!r} is no time zone like Asia/Hong_Kong: see `timedatectl list-timezones`", param, ctx)
        return str(value)


def zone(name: str) -> tzinfo:
    """The time zone of this name. Raises LookupError, ValueError or OSError for what is none."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - `--help` tells no times

    return ZoneInfo(name)


def show(value: Any) -> None:
    """JSON to stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def table(rows: Sequence[dict[str, Any]], columns: Sequence[str], nothing: str) -> None:
    """Some of the fields of each row, or a sentence when there are none."""
    if not rows:
        click.echo(nothing)
        return
    from rich.console import Console  # noqa: PLC0415 - `--help` draws no table
    from rich.table import Table  # noqa: PLC0415

    made = Table(*(column.replace("_", " ") for column in columns))
    for row in rows:
        made.add_row(*("" if row[column] is None else str(row[column]) for column in columns))
    Console(width=None if sys.stdout.isatty() else 160).print(made)


def moment(seconds: int | None, zone: tzinfo = HONG_KONG) -> str | None:
    """Unix seconds as people read them: an event's in its own zone, the office's in Hong Kong's."""
    return None if seconds is None else datetime.fromtimestamp(seconds, zone).isoformat(" ")


class Update(Protocol):
    """Told how much is done; and of how much, if that was not known before."""

    def __call__(self, done: int, of: int | None = None, /) -> None:
        """See above."""


@contextlib.contextmanager
def progress(label: str, total: int | None, every: float = 10.0) -> Iterator[Update]:
    """Tells on stderr how much of `total` is done: a bar on a terminal, elsewhere a line every so many seconds, so that
    what is done at once says nothing.
    """
    from rich.console import Console  # noqa: PLC0415 - as above

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(label, total, every)
        return
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

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
def read_as_usage() -> Iterator[None]:
    """For reading what stands on the command line: what is wrong there is misuse, exit status 2."""
    try:
        yield
    except (ServiceError, ValueError) as error:
        raise click.UsageError(str(error)) from error


@contextlib.contextmanager
def errors_in_one_line() -> Iterator[None]:
    """What the node refuses or cannot do ends the command with one line and exit status 1; 2 where the command itself
    cannot be right, whatever the node has.
    """
    try:
        yield
    except (ServiceError, HomeError) as error:
        click.echo(f"ledger-node: {error}", err=True)
        sys.exit(2 if isinstance(error, ServiceError) and error.code in _MISUSE else 1)
    except OSError as error:
        named = f" {error.filename}" if error.filename else ""
        click.echo(f"ledger-node: cannot use{named}: {error.strerror or error}", err=True)
        sys.exit(1)
