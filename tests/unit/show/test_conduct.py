import io
import queue
from collections.abc import Callable
from typing import Any, cast

import pytest
from rich.console import Console

from tests.show.audience import Lane, Visit
from tests.show.conduct import Conductor, Lines
from tests.show.house import House
from tests.show.script import ADMIT, USED, Beat, Scene
from tests.show.stage import Line, ShowError
from tests.show.table import Stage

RED: Any = ("refuse", "forged")


def scan(gate: str, said: tuple[str, str] = ADMIT, ticket: int | None = 7) -> Line:
    facts = {"event": "scan", "gate": gate, "verdict": said[0], "reason": said[1], "ticket": ticket, "online": True}
    return Line(gate, "", {**facts, "ms": 4.2, "pulse": said == ADMIT, "detail": {}, "marks": [], "level": "info"})


def scene(gate: str = "R1", *expect: tuple[str, str]) -> Scene:
    return Scene(gate, "a ticket", frozenset(expect or {ADMIT}), lambda _at: ("T1",), 7)


class _House:
    """A house whose gates are up until `ended`."""

    ended = ""

    def check(self) -> None:
        if self.ended:
            raise ShowError(self.ended)


class _Lane:
    """A gate that answers each visit with what `says` gives for it, the first time, the second time..."""

    clear = True
    fault: BaseException | None = None

    def __init__(self, gate: str, lines: Lines, *says: list[Line]) -> None:
        self.gate, self._lines, self._says = gate, lines, list(says)
        self.visits: list[Visit] = []

    def hold_up(self, visit: Visit) -> None:
        self.visits.append(visit)
        for line in self._says.pop(0) if self._says else []:
            self._lines.put(line)


class _Evening:
    def __init__(self, says: Callable[[str], tuple[list[Line], ...]]) -> None:
        self.out = io.StringIO()
        self.lines: Lines = queue.SimpleQueue()
        self.house = _House()
        self.lanes = {gate: _Lane(gate, self.lines, *says(gate)) for gate in ("R1", "B1")}
        stage = Stage(Console(file=self.out, width=120))
        lanes = {gate: cast("Lane", lane) for gate, lane in self.lanes.items()}
        self.conductor = Conductor(cast("House", self.house), self.lines, lanes, stage, lambda: 0.0, late=0.05)

    def play(self, beat: Beat) -> list[str]:
        self.conductor.play([beat])
        return self.conductor.faults


def test_an_expected_verdict_is_no_fault_and_is_shown() -> None:
    evening = _Evening(lambda gate: ([scan(gate)],))
    assert evening.play(Beat((scene("R1"), scene("B1")))) == []
    assert evening.conductor.second_tries() == 0
    assert evening.out.getvalue().count("● GREEN") == 2


def test_another_verdict_names_the_scene() -> None:
    evening = _Evening(lambda gate: ([scan(gate)],))
    (fault,) = evening.play(Beat((scene("R1", RED),)))
    assert fault == "R1, a ticket: was admit ok (ticket 7), expected refuse forged"
    assert "NOT EXPECTED" in evening.out.getvalue()


def test_the_right_verdict_on_another_ticket_is_a_fault() -> None:
    evening = _Evening(lambda gate: ([scan(gate, ticket=8)],))
    assert len(evening.play(Beat((scene(),)))) == 1


def test_what_was_not_read_is_held_up_once_more_and_counted() -> None:
    evening = _Evening(lambda gate: ([], [scan(gate)]))
    assert evening.play(Beat((scene(),))) == []
    assert [visit.calm for visit in evening.lanes["R1"].visits] == [False, True]
    assert evening.conductor.second_tries() == 1


def test_what_is_never_read_is_a_fault() -> None:
    evening = _Evening(lambda _gate: ())
    assert evening.play(Beat((scene(),))) == ["R1, a ticket: was not read in 2 tries"]


def test_one_scene_scanned_twice_is_a_fault() -> None:
    evening = _Evening(lambda gate: ([scan(gate), scan(gate)],))
    evening.lanes["B1"]._says = [[]]
    (fault,) = evening.play(Beat((scene(),)))
    assert "scanned 2 times" in fault


def test_a_scan_while_nobody_is_there_is_a_fault() -> None:
    evening = _Evening(lambda gate: ([scan(gate)],))
    evening.lines.put(scan("B1"))
    (fault,) = evening.play(Beat((scene("R1"),)))
    assert "while nobody was there" in fault


@pytest.mark.parametrize(("second", "faults"), [(("refuse", "used-elsewhere"), 0), (ADMIT, 1)])
def test_one_ticket_at_two_gates_enters_once(second: tuple[str, str], faults: int) -> None:
    evening = _Evening(lambda gate: ([scan(gate, ADMIT if gate == "R1" else second)],))
    both = Beat((scene("R1", ADMIT, *USED), scene("B1", ADMIT, *USED)), one_enters=True)
    assert len(evening.play(both)) == faults


def test_an_error_that_a_gate_logs_is_a_fault() -> None:
    error = Line("R1", "the text", {"event": "sync-fault", "level": "error"})
    evening = _Evening(lambda gate: ([error, scan(gate)],))
    (fault,) = evening.play(Beat((scene(),)))
    assert fault.startswith("R1 logged an error: sync-fault")


def test_a_gate_that_ends_by_itself_ends_the_show() -> None:
    evening = _Evening(lambda _gate: ())
    evening.house.ended = "gate R1 ended by itself"
    with pytest.raises(ShowError, match="ended by itself"):
        evening.play(Beat((scene(),)))


def test_pictures_that_end_end_the_show() -> None:
    evening = _Evening(lambda _gate: ())
    evening.lanes["B1"].fault = OSError("no space")
    with pytest.raises(ShowError, match="no space"):
        evening.play(Beat((scene(),)))
