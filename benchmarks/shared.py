"""The two large ledgers that several sections look at, each made once in a run, by the first that asks.

`keyed_event`: an event whose every ticket was imported with its holder's key and proof, by the command that operators
have. `season_log`: a log of a million entries of a season's mix (`season`), taken in by a node as it takes in uploads,
with how long an entry took near its beginning and at its end.
"""

import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from benchmarks.figures import Bench
from benchmarks.house import DOORS, open_home, staged_lots
from benchmarks.house import EVENT as HALL
from benchmarks.memory import MB
from benchmarks.season import ENTRIES, EVENT, Season
from ledger_node.contract.outcome import Outcome, Rejected
from ledger_node.log.helper_process import helper
from ledger_node.log.looks import Looked, looked
from ledger_node.log.writer import Submitted
from ledger_node.services.events import EventOrder, create_event
from ledger_node.services.issue import COLUMNS
from ledger_node.services.node import Node

PROGRAM = Path(sys.executable).with_name("ledger-node")
_FEW = 5
"""Lots that are taken in with a clock beside them, after as many others and at the end."""
_CHUNK, _AHEAD, _LOTS_AHEAD = 2_048, 2, 4
_YEAR = 365 * 86_400


@dataclass(frozen=True, slots=True)
class KeyedEvent:
    """A node's home; seconds and megabytes that the import of its tickets took."""

    home: Path
    tickets: int
    seconds: float
    peak: float


@dataclass(frozen=True, slots=True)
class SeasonLog:
    """A node's home; seconds that it took to take in an entry that was looked at before, early and late."""

    home: Path
    size: int
    early_size: int
    early: float
    late: float


def keyed_event(bench: Bench) -> KeyedEvent:
    """Of as many tickets as the largest event has."""
    if KeyedEvent not in bench.kept:
        bench.kept[KeyedEvent] = _imported(bench)
    made: KeyedEvent = bench.kept[KeyedEvent]
    return made


def season_log(bench: Bench) -> SeasonLog:
    """Of a million entries."""
    if SeasonLog not in bench.kept:
        bench.kept[SeasonLog] = _taken_in(bench)
    made: SeasonLog = bench.kept[SeasonLog]
    return made


def command(home: Path, *words: str) -> tuple[float, float]:
    """Run `ledger-node` on a home; the seconds it took and the most megabytes it had."""
    began = time.perf_counter()
    running = subprocess.Popen([PROGRAM, "--home", home, *words], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    assert running.returncode == 0, words
    return time.perf_counter() - began, used.ru_maxrss * 1024 / MB


def open_event(home: Path, tickets: int) -> None:
    """A node with the hall's event and no ticket yet."""
    with open_home(home) as node:
        create_event(node, EventOrder(HALL, "Harbour Nights", DOORS, DOORS + 5_400, tickets))


def _imported(bench: Bench) -> KeyedEvent:
    tickets, home = bench.most_tickets, bench.folder / "keyed"
    open_event(home, tickets)
    bench.tell(f"making {tickets:,} keys and their proofs, for a file")
    file = bench.folder / "tickets.csv"
    with file.open("w") as lines:
        lines.write(",".join(COLUMNS) + "\n")
        for lot in staged_lots(tickets):
            for one in lot:
                plain = f"{one.index},{one.seat},{one.category},{one.gate_group},{one.face_value}"
                lines.write(f"{plain},{one.holder_key.hex()},{one.proof.hex()}\n")
    bench.tell("importing the file")
    seconds, peak = command(home, "tickets", "import", HALL, str(file))
    file.unlink()
    return KeyedEvent(home, tickets, seconds, peak)


def _taken_in(bench: Bench) -> SeasonLog:
    home, size = bench.folder / "season", bench.most_entries
    with open_home(home) as node, helper() as looks, _maker() as maker:
        season = Season.of(size, node.keys.node)
        doors = node.seconds + _YEAR
        create_event(node, EventOrder(EVENT, "A season", doors, doors + 5_400, season.tickets))
        node.commit(season.opening())
        intake, few = _Intake(node, bench), bench.pick(_FEW, 1)
        last = size // ENTRIES - few

        def lots(start: int, stop: int) -> Iterator[Looked]:
            return looked(_lots(maker, season, start, stop), looks)

        intake.take(lots(0, few))
        early_size = node.ledger.size
        early = intake.timed([list(looked(season.lot(n), looks)) for n in range(few, 2 * few)])
        intake.take(lots(2 * few, last))
        late = intake.timed([list(looked(season.lot(n), looks)) for n in range(last, last + few)])
        intake.take(islice(lots(last + few, season.lots), size - node.ledger.size))
        assert node.ledger.size == size, "a season has as many entries as were asked for"
    return SeasonLog(home, size, early_size, early, late)


def _maker() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, get_context("spawn"))


def _lots(maker: ProcessPoolExecutor, season: Season, start: int, stop: int) -> Iterator[bytes]:
    """Their entries, made a few lots ahead: a holder's signature must not be old when it comes."""
    waiting: deque[Future[list[bytes]]] = deque()
    numbers = iter(range(start, stop))
    while True:
        waiting += [maker.submit(season.lot, n) for n in islice(numbers, _LOTS_AHEAD - len(waiting))]
        if not waiting:
            return
        yield from waiting.popleft().result()


class _Intake:
    """Hands entries to the node's writer, and sees that it took all of them."""

    def __init__(self, node: Node, bench: Bench) -> None:
        self._ledger, self._bench, self._told = node.ledger, bench, 0

    def take(self, entries: Iterator[Looked]) -> None:
        """All, as fast as they come."""
        under_way: deque[Future[list[Outcome | Rejected]]] = deque()
        while chunk := list(islice(entries, _CHUNK)):
            under_way.append(self._ledger.submit(chunk))
            if len(under_way) > _AHEAD:
                _good(under_way.popleft().result())
            self._tell()
        for left in under_way:
            _good(left.result())

    def timed(self, lots: Sequence[Sequence[Submitted]]) -> float:
        """Seconds an entry, with nothing else going on: of the lot that was disturbed least."""
        taken = []
        for entries in lots:
            began = time.perf_counter()
            _good(self._ledger.submit(entries).result())
            taken.append((time.perf_counter() - began) / len(entries))
        return min(taken)

    def _tell(self) -> None:
        if self._ledger.size - self._told >= self._bench.most_entries // 10:
            self._told = self._ledger.size
            self._bench.tell(f"a season's log: {self._told:,} of {self._bench.most_entries:,} entries")


def _good(answers: Sequence[Outcome | Rejected]) -> None:
    wrong = [one for one in answers if not isinstance(one, Outcome) or one.verdict != "accepted"]
    assert not wrong, wrong[0]
