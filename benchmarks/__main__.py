"""`python -m benchmarks [SECTION...]`: run sections one after the other and show their figures."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import structlog
from rich.console import Console

from benchmarks import machine, table
from benchmarks.figures import Bench
from benchmarks.sections import SECTIONS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures -->\n", "<!-- /figures -->\n"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("sections", nargs=-1, type=click.Choice(list(SECTIONS)))
@click.option("--quick", is_flag=True, help="Small sizes and one round, under a minute: to see that it works.")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
@click.option("--write", is_flag=True, help=f"Put the figures of all sections into {PAGE.relative_to(ROOT)}.")
def main(sections: tuple[str, ...], quick: bool, as_json: bool, write: bool) -> None:  # noqa: FBT001 - click
    """Measure SECTIONS (default: all), each figure beside the physical limit that was measured in the same run.

    \b
      python -m benchmarks                 everything, about a quarter of an hour
      python -m benchmarks pulse claims    two sections
      python -m benchmarks --write         everything, into docs/benchmarks.md

    Every figure is the best of several short rounds, and so is every limit, in turn with it. Nothing else should run on
    the machine; the load average says whether something did.
    """
    if write and (quick or sections):
        raise click.UsageError("--write takes all sections at full size: leave out --quick and the names")
    with _bench(quick=quick) as bench:
        done = [_run(name, bench) for name in sections or SECTIONS]
    about = machine.describe()
    if as_json:
        click.echo(table.as_json(about, done, quick=quick))
    else:
        table.show(Console(), about, done)
    if write:
        _write(table.as_markdown(about, done))
    if late := table.missed(done):
        click.echo(f"targets missed{' (at small sizes)' if quick else ''}: {', '.join(late)}", err=True)


@contextmanager
def _bench(*, quick: bool) -> Iterator[Bench]:
    """A folder on the project's disk, and a file there for what the gate logs."""
    (ROOT / "build").mkdir(exist_ok=True)
    with TemporaryDirectory(dir=ROOT / "build", prefix="bench-") as folder, (Path(folder) / "log").open("w") as log:
        structlog.configure(
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(),
            ],
            logger_factory=structlog.PrintLoggerFactory(log),
            cache_logger_on_first_use=True,
        )
        yield Bench(Path(folder), quick, lambda words: click.echo(f"{time.strftime('%H:%M:%S')} {words}", err=True))


def _run(name: str, bench: Bench) -> table.Done:
    before, began = machine.load(), time.monotonic()
    figures = SECTIONS[name](bench)
    return table.Done(name, tuple(figures), time.monotonic() - began, (before, machine.load()))


def _write(figures: str) -> None:
    """Between the page's two marks; what stands around them is written by people."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{figures}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
