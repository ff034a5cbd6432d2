"""The figures as a table: for a terminal, for a file, for a page, for a program. Measures nothing."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure, Unit

COLUMNS = ("figure", "measured", "limit in the same run", "ratio", "target", "")
_WORDS = {True: "met", False: "MISSED", None: ""}
_STYLES = {"met": "green", "MISSED": "bold red", "": ""}


@dataclass(frozen=True, slots=True)
class Done:
    """One section that ran: its figures, how long it took, and the load average when it began and ended."""

    section: str
    figures: tuple[Figure, ...]
    seconds: float
    load: tuple[str, str]

    @property
    def busy(self) -> str:
        """How busy the machine was meanwhile, this benchmark included."""
        return f"load average {self.load[0]} to {self.load[1]}"


def show(console: Console, machine: Mapping[str, str], done: Iterable[Done]) -> None:
    """A coloured table on a terminal; lines of plain text elsewhere."""
    for name, value in machine.items():
        console.print(f"{name:8} {value}", highlight=False, soft_wrap=True)
    for one in done:
        if console.is_terminal:
            console.print(_rich(one))
        else:
            console.out("\n".join(_plain(one)), highlight=False)


def as_json(machine: Mapping[str, str], done: Iterable[Done], *, quick: bool) -> str:
    """Everything, for a program."""
    sections = {
        one.section: {
            "seconds": round(one.seconds, 1),
            "load": [float(load) for load in one.load],
            "figures": [figure.as_map() for figure in one.figures],
        }
        for one in done
    }
    return json.dumps({"machine": dict(machine), "quick": quick, "sections": sections}, indent=1)


def as_markdown(machine: Mapping[str, str], done: Iterable[Done]) -> str:
    """For docs/benchmarks.md."""
    lines = [f"- {name}: {value}" for name, value in machine.items()]
    for one in done:
        lines += ["", f"### {one.section}", "", f"{one.seconds:.0f} s, {one.busy}", ""]
        lines += [_row(COLUMNS), _row(["---"] * len(COLUMNS))]
        lines += [_row(_cells(figure)) for figure in one.figures]
        lines += _notes(one.figures, "- ")
    return "\n".join(lines)


def missed(done: Iterable[Done]) -> list[str]:
    """The figures that are not as promised."""
    return [figure.what for one in done for figure in one.figures if figure.met is False]


def _rich(one: Done) -> Table:
    table = Table(title=f"{one.section} ({one.seconds:.0f} s, {one.busy})", title_justify="left")
    for column in COLUMNS:
        table.add_column(column, justify="right" if column in {"measured", "ratio"} else "left")
    for figure in one.figures:
        *cells, word = _cells(figure)
        table.add_row(*cells, f"[{_STYLES[word]}]{word}[/]" if word else "")
    notes = list(_notes(one.figures, ""))
    table.caption = "\n".join(notes) if notes else None
    table.caption_justify = "left"
    return table


def _plain(one: Done) -> Iterator[str]:
    yield f"\n{one.section} ({one.seconds:.0f} s, {one.busy})"
    rows = [_cells(figure) for figure in one.figures]
    widths = [max(len(row[place]) for row in rows) for place in range(len(COLUMNS))]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    yield from _notes(one.figures, "  * ")


def _cells(figure: Figure) -> tuple[str, ...]:
    limit = f"{_number(figure.limit.value, figure.unit)} {figure.limit.what}" if figure.limit else ""
    ratio = f"{figure.ratio:.1f} x" if figure.ratio else ""
    target = f"{figure.target.words}" if figure.target else ""
    return figure.what, _number(figure.value, figure.unit), limit, ratio, target, _WORDS[figure.met]


def _notes(figures: Iterable[Figure], mark: str) -> list[str]:
    noted = [f"{mark}{figure.what}: {figure.note}" for figure in figures if figure.note]
    return ["", *noted] if noted and mark == "- " else noted


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _number(value: float, unit: Unit) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 3
    return f"{value:,.{digits}f}{'' if unit in {'/s', '%'} else ' '}{unit}"
