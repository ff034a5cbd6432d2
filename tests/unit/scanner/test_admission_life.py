"""An admission's life is a table: what is not in it raises with the admission named, and writes nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from scanner.admission_life import LATE, TABLE, Act, AdmissionOutcome, ImpossibleMove
from scanner.journal import Journal
from tests.fakes.event import stamp_at
from tests.fakes.journals import admit_alone, admit_pending, open_journal, query, refuse

TOP = Path(__file__).parents[3]
STATES: tuple[AdmissionOutcome, ...] = get_args(AdmissionOutcome)
COLUMNS = ("claimed", "alone", "pulse", "passage", "void", "release", "restart")

ACTS: dict[Act, Callable[[Journal, int], object]] = {
    "claimed": lambda journal, counter: journal.decided(counter, "claimed"),
    "alone": lambda journal, counter: journal.decided(counter, "alone"),
    "pulse": lambda journal, counter: journal.pulsed(counter, 1234),
    "passage": lambda journal, counter: journal.passed(counter),
    "void": lambda journal, counter: journal.void(counter, "used-elsewhere", stamp_at()),
    "release": lambda journal, counter: journal.release(counter, "not-turned", stamp_at()),
}
WAYS: dict[AdmissionOutcome, tuple[Act, ...]] = {
    "pending": (),
    "claimed": ("claimed",),
    "alone": ("alone",),
    "pulsed": ("claimed", "pulse"),
    "passed": ("claimed", "pulse", "passage"),
    "released": ("release",),
    "voided": ("void",),
    "in-doubt": ("claimed",),
}
"""How each state is reached from pending; in-doubt needs a restart besides."""


def brought_to(path: Path, state: AdmissionOutcome) -> tuple[Journal, int]:
    """An open journal with one admission in this state."""
    journal = open_journal(path)
    counter = admit_pending(journal, 5).counter
    for act in WAYS[state]:
        ACTS[act](journal, counter)
    if state == "in-doubt":
        journal.settle_restart(stamp_at())
    assert state_of(path, counter) == state
    return journal, counter


def state_of(path: Path, counter: int) -> str:
    return str(query(path, f"SELECT outcome FROM admission WHERE counter = {counter}")[0][0])


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("state", STATES)
def test_every_move_from_every_state_is_as_the_table_has_it(tmp_path: Path, state: AdmissionOutcome, act: Act) -> None:
    path = tmp_path / "journal.db"
    journal, counter = brought_to(path, state)
    with journal:
        before = list(journal.records())
        if (state, act) in LATE:
            ACTS[act](journal, counter)
            assert state_of(path, counter) == state
        elif (state, act) in TABLE:
            ACTS[act](journal, counter)
            assert state_of(path, counter) == TABLE[state, act]
        else:
            with pytest.raises(ImpossibleMove, match=f"{act} of admission {counter}, which is {state}"):
                ACTS[act](journal, counter)
            assert state_of(path, counter) == state
            assert list(journal.records()) == before
            assert [admit_alone(journal, 6), state_of(path, counter)] == [len(before) + 1, state], "the chain goes on"


@pytest.mark.parametrize("state", [state for state in STATES if state not in {"pending", "alone"}])
def test_an_admission_begins_as_pending_or_alone(tmp_path: Path, state: AdmissionOutcome) -> None:
    with open_journal(tmp_path / "journal.db") as journal:
        with pytest.raises(ImpossibleMove, match=f"admission 1 cannot begin as {state}"):
            admit_alone(journal, 5, state)
        assert (journal.use_of(5), list(journal.records())) == (None, [])


@pytest.mark.parametrize("act", ACTS)
def test_what_is_no_admission_has_no_life(tmp_path: Path, act: Act) -> None:
    with open_journal(tmp_path / "journal.db") as journal:
        refused, last = refuse(journal, 5).counter, refuse(journal, 6).counter
        with pytest.raises(ImpossibleMove, match=f"{act} of admission {refused}: this journal holds no such admission"):
            ACTS[act](journal, refused)
        assert len(list(journal.records())) == last


def test_no_void_where_a_pulse_is_possible_and_nothing_follows_an_end() -> None:
    for (state, act), after in TABLE.items():
        assert state not in {"released", "voided", "passed", "in-doubt"}
        assert act != "void" or (state, "pulse") not in TABLE
        assert after in STATES


def test_the_documented_table_is_this_one() -> None:
    text = (TOP / "docs" / "offline.md").read_text(encoding="utf-8")
    lines = text.partition("### An admission's life")[2].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    head, table = rows[0], {row[0]: row[1:] for row in rows[2 : 2 + len(STATES)]}
    assert head == ["it is", "claim won", *COLUMNS[1:]]
    assert tuple(table) == ("pending", "claimed", "alone", "pulsed", "passed", "released", "voided", "in-doubt")
    # A restart releases what is pending, and leaves alone what has an end, or a pulse.
    restart = {"pending": "released", **{state: TABLE.get((state, "restart"), state) for state in STATES[1:]}}
    for state in STATES:
        said = [restart[state] if act == "restart" else moved(state, act) for act in COLUMNS]
        assert table[state] == said, state


def moved(state: AdmissionOutcome, act: str) -> str:
    pair: tuple[AdmissionOutcome, Act] = (state, act)  # type: ignore[assignment]
    return state if pair in LATE else TABLE.get(pair, "—")
