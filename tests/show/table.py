"""What the audience of the show sees in the terminal: each scan as it happens, what is going on, and the last table.

Plain lines where there is no terminal. Nothing is judged here.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from scanner.kiosk.texts import REASONS
from scanner.verify.reasons import Reason
from tests.show.books import Line as BookLine

LAMPS = {"admit": ("GREEN", "bold green"), "amber": ("AMBER", "bold yellow"), "refuse": ("RED", "bold red")}
GATES = {"R1": "bold white on red", "B1": "bold white on blue"}
WIDTH_WITHOUT_TERMINAL = 100


@dataclass
class _Now:
    """What the line at the bottom says."""

    title: str = ""
    node: str = "starting"
    online: dict[str, bool] = field(default_factory=dict)
    lamps: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LAMPS, 0))
    below: tuple[Text, ...] = ()


class Stage:
    """The terminal. Use as a context manager; every method may be called from the show's one thread only."""

    def __init__(self, console: Console | None = None) -> None:
        tty = sys.stdout.isatty()
        self.console = console or Console(width=None if tty else WIDTH_WITHOUT_TERMINAL, highlight=False)
        self._began = time.monotonic()
        self._now = _Now()
        self._live = Live(get_renderable=self._footer, console=self.console, refresh_per_second=4, transient=True)

    def __enter__(self) -> "Stage":
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
            self._live.stop()

    def headline(self, title: str, sentences: Sequence[str]) -> None:
        """What this is, for somebody who has never seen it."""
        self.console.print(Panel("\n".join(sentences), title=f"[bold]{title}", border_style="cyan", padding=(0, 2)))

    def legend(self) -> None:
        """How to read the lines that follow."""
        lamps = Text.assemble(
            ("● GREEN", "bold green"), " walk in  ", ("● AMBER", "bold yellow"), " staff help  ",
            ("● RED", "bold red"), " stay out  ", ("▶ opens", "bold green"), " pulse  ",
            ("ms", "bold"), " frame to verdict or pulse",
        )  # fmt: skip
        self.console.print(lamps, "")
        heading = ("time", "gate", "what was held up", "lamp", "what the gate says", "ms", "pulse", "gate is")
        self.console.print(_row(*(Text(word, style="dim") for word in heading)))

    def act(self, title: str, sentence: str) -> None:
        """A new act begins."""
        self._now.title = title
        self.console.print()
        self.console.print(Rule(f"[bold]{title}", align="left", style="cyan"))
        self.console.print(Text(sentence, style="italic"))

    def note(self, sentence: str, style: str = "cyan") -> None:
        """Something that happened and was no scan."""
        self.console.print(_row(Text(_clock(), style="dim"), Text(), Text(f"… {sentence}", style=style)))

    def tell(self, who: str, sentence: str, position: int | None = None) -> None:
        """What somebody did before the doors opened, and the number of the ledger's entry if the node said it."""
        number = Text("" if position is None else f"#{position}", style="bold")
        self.console.print(_line(Text(_clock(), style="dim"), Text(who, style="bold"), Text(sentence), number))

    def aside(self, sentence: str, style: str) -> None:
        """What came of it: a letter, a refusal, money."""
        self.console.print(_line(Text(), Text(), Text(sentence, style=style), Text()))

    def show(self, what: RenderableType) -> None:
        """Anything else, with a line before it."""
        self.console.print()
        self.console.print(what)

    def node(self, state: str) -> None:
        """How the ledger node is."""
        self._now.node = state

    def online(self, gate: str, online: bool) -> None:
        """Whether the gate hears the node."""
        self._now.online[gate] = online

    def below(self, title: str, lines: Sequence[Text]) -> None:
        """Show something at the bottom until something else is shown there; without a terminal only the first time."""
        if self.console.is_terminal:
            self._now.title, self._now.below = title, tuple(lines)
        elif not self._now.below:
            self._now.below = tuple(lines)
            self.console.print(title, *lines, sep="\n")

    def scan(self, held_up: str, fields: dict[str, Any], good: bool) -> None:
        """One verdict of a gate, as it logged it."""
        lamp, style = LAMPS[fields["verdict"]]
        self._now.lamps[fields["verdict"]] += 1
        online = Text("online", style="green") if fields["online"] else Text("offline", style="bold magenta")
        opens = Text("▶ opens", style="bold green") if fields["pulse"] else Text("■ shut", style="dim")
        self.console.print(
            _row(
                Text(_clock(), style="dim"),
                _badge(fields["gate"]),
                Text(held_up),
                Text(f"● {lamp}", style=style),
                Text(said(fields)) if good else Text(f"NOT EXPECTED: {fields['reason']}", style="bold white on red"),
                Text(f"{fields['ms']:.0f}", style="dim"),
                opens,
                online,
            )
        )

    def books(self, lines: Sequence[BookLine], held_up: Mapping[tuple[str, int], str]) -> None:
        """Every admission, and where it stands in the log; `held_up` says what it was, by gate and record."""
        table = Table(title="Every admission, as the auditor found it", title_style="bold", border_style="dim")
        for name in ("gate", "time", "ticket", "what was held up", "ledger", "entry", "proof"):
            table.add_column(name, justify="right" if name in {"ticket", "entry"} else "left")
        for line in lines:
            table.add_row(
                _badge(line.gate),
                time.strftime("%H:%M:%S", time.localtime(line.at)),
                str(line.ticket),
                held_up.get((line.gate, line.counter), "?"),
                Text(line.verdict, style="green" if line.verdict == "accepted" else "bold red"),
                f"#{line.position}",
                Text("✓ in the log", style="green") if line.proven else Text("✗ no proof", style="bold red"),
            )
        self.console.print()
        self.console.print(table)

    def verdict(self, sentence: str, faults: Sequence[str]) -> None:
        """The last word; `faults` in their own lines."""
        style = "bold red" if faults else "bold green"
        mark = "✗" if faults else "✓"
        self.console.print(Panel("\n".join((f"{mark} {sentence}", *faults)), style=style))

    def tail(self, program: str, lines: Sequence[str]) -> None:
        """The last lines of a program's log."""
        self.console.print(Rule(f"last words of {program}", style="red"))
        for line in lines:
            self.console.print(Text(line, style="dim"))

    @contextmanager
    def bar(self, label: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """A progress bar for something long; without a terminal one line when it is done."""
        began = time.monotonic()
        columns = (TextColumn(f"  {label:<60}"), BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal) as bar:
            task = bar.add_task(label, total=total)
            yield lambda done: bar.update(task, completed=done)
        spent = f"{time.monotonic() - began:.1f} s"
        self.console.print(Text.assemble(("  ✓ ", "green"), f"{label:<60}", (spent, "dim")))

    def _footer(self) -> Group:
        now = self._now
        style = {"online": "bold white on green", "DEAD": "bold white on magenta"}.get(now.node, "bold black on yellow")
        words = [Text.assemble((f" ledger node: {now.node} ", style))]
        for gate, online in sorted(now.online.items()):
            words.append(Text.assemble(_badge(gate), " hears it" if online else " alone"))
        words.append(Text("  ".join(f"{LAMPS[k][0].lower()} {n}" for k, n in now.lamps.items()), style="dim"))
        words.append(Text(f"{time.monotonic() - self._began:.0f} s", style="dim"))
        return Group(Rule(now.title, style="dim"), *now.below, Text("   ").join(words))


def said(fields: dict[str, Any]) -> str:
    """The verdict in words: the same as on the staff's page, with what the gate knows."""
    text, detail = REASONS[Reason(fields["reason"])].en_title, fields["detail"]
    if fields["pulse"] and "certificate" in fields["marks"]:
        return f"{text} (by the ledger's certificate)"
    if "seconds" in detail:
        return f"{text}, {abs(detail['seconds'])} s {'old' if detail['seconds'] < 0 else 'ahead'}"
    if "gates" in detail:
        return f"{text}: {detail['gates'][0]}-{detail['gates'][-1]}"
    if "gate" in detail:
        return f"{text} ({detail['gate']} {time.strftime('%H:%M:%S', time.localtime(detail['at']))})"
    return text


def _badge(gate: str) -> Text:
    return Text(f" {gate} ", style=GATES.get(gate, "bold"))


def _clock() -> str:
    return time.strftime("%H:%M:%S")


def _line(*cells: Text) -> Table:
    row = Table.grid(padding=(0, 2, 0, 0), expand=True)
    for width in (8, 21, None, 5):
        justify: JustifyMethod = "right" if width == 5 else "left"
        row.add_column(width=width, ratio=None if width else 1, justify=justify, overflow="fold")
    row.add_row(*cells)
    return row


def _row(*cells: Text) -> Table:
    """One line in columns that stand in the same place in every line."""
    row = Table.grid(padding=(0, 1, 0, 0), expand=True)
    if len(cells) == 3:
        row.add_column(width=8)
        row.add_column(width=4)
        row.add_column(ratio=1)
    else:
        for width, ratio in ((8, None), (4, None), (None, 6), (7, None), (None, 5), (4, None), (7, None), (7, None)):
            row.add_column(width=width, ratio=ratio, justify="right" if width == 4 and ratio is None else "left")
    row.add_row(*cells)
    return row
