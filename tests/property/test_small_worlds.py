"""Two gates, a node and one ticket: every order of what can happen to them, up to so many events. Never two let in.

One gate holds the ticket's use, by itself or with its group; the other does not. What happens is that a code is held
up, a request, an answer or a recall arrives, or not before the deadline; a cable is cut or mended, a connection breaks,
a gate or the node is restarted, a visitor turns away, records are uploaded, operators move the use to the other gate
and gates hear of it. `make soak` looks further than `make test`.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ledger_node.contract.state import Device
from ledger_node.web.recalls import Answered, Recalls
from tests.fakes.small_world import World, hall

Story = tuple[str, ...]
TICKETS = 400
QUIET = {"cut": 0, "crash": 0, "restart": 0, "break": 0, "turned away": 0, "move": 0}
GIVEN_UP: Story = ("node recall", "R1 recall", "R1 poll")
"""Operators move the use, and R1 has given it up: it goes to the other gate next."""


@dataclass
class Found:
    """What a search came across: how many different states, every verdict, and how two were let in, if they were."""

    states: dict[Any, int] = field(default_factory=dict)
    verdicts: Counter[str] = field(default_factory=Counter)
    double: Story = ()


def worlds(lease: str, other: str, most: dict[str, int]) -> Iterator[World]:
    """New worlds, without end; each has a ticket of its own."""
    while True:
        with tempfile.TemporaryDirectory() as folder, hall(Path(folder), lease, other, TICKETS) as made:
            for ticket in made.tickets:
                world = World(made, ticket, most)
                try:
                    yield world
                finally:
                    world.close()


def search(lease: str, other: str, most: dict[str, int], depth: int, first: Story = ()) -> Found:
    """Depth first, each story from the beginning. A state that was seen with as many events to go ends it. All stories
    begin with `first`, which is not counted.
    """
    found = Found()
    todo: list[Story] = [first]
    depth += len(first)
    made = worlds(lease, other, most)
    while todo and not found.double:
        world, path = next(made), todo.pop()
        for event in path:
            world.happen(event)
        while new(found, world, path, depth):
            event, *others = world.enabled()
            todo += [(*path, other) for other in others]
            path = (*path, event)
            world.happen(event)
    made.close()  # type: ignore[attr-defined]
    return found


def new(found: Found, world: World, path: Story, depth: int) -> bool:
    """Whether to go on from here."""
    if world.inside > 1:
        found.double = path
        return False
    state, left = world.fingerprint(), depth - len(path)
    if found.states.get(state, -1) >= left:
        return False
    found.states[state] = left
    found.verdicts.update(f"{gate.name} {said}" for gate in world.gates.values() for said in gate.said)
    return left > 0


WORLDS = pytest.mark.parametrize(
    ("lease", "other"), [("gate", "R2"), ("group", "B1")], ids=["one gate holds it", "a group holds it"]
)


@WORLDS
@pytest.mark.parametrize("trouble", QUIET)
def test_no_order_of_a_few_events_lets_two_in(lease: str, other: str, trouble: str) -> None:
    found = search(lease, other, {**QUIET, "scan R1": 1, f"scan {other}": 1, trouble: 1}, depth=5)
    assert found.double == ()
    assert found.verdicts["R1 admit ok"]


@WORLDS
@pytest.mark.parametrize(
    ("heard", "trouble", "depth"), [(False, "crash", 4), (True, "cut", 5)], ids=["moving", "moved"]
)
def test_no_order_of_events_around_a_use_that_moves_lets_two_in(
    lease: str, other: str, heard: bool, trouble: str, depth: int
) -> None:
    first = (*GIVEN_UP, "node move", f"{other} hear") if heard else GIVEN_UP
    found = search(lease, other, {**QUIET, "scan R1": 1, f"scan {other}": 1, "move": 1, trouble: 1}, depth, first)
    assert found.double == ()
    assert found.verdicts[f"{other} admit ok"]
    if heard:
        assert found.verdicts["R1 amber ask-supervisor"]


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
@WORLDS
def test_no_order_of_many_events_around_a_use_that_moves_lets_two_in(lease: str, other: str) -> None:
    most = {**QUIET, "scan R1": 1, f"scan {other}": 1, "move": 1, "cut": 1, "crash": 1}
    assert search(lease, other, most, depth=7, first=GIVEN_UP).double == ()


@WORLDS
def test_the_search_finds_how_a_use_that_nobody_gave_up_lets_two_in(
    monkeypatch: pytest.MonkeyPatch, lease: str, other: str
) -> None:
    async def nothing_asked(_: Recalls, devices: list[Device], tickets: list[int], _seconds: float) -> object:
        return {one.device: frozenset(tickets) for one in devices}

    monkeypatch.setattr(Recalls, "recall", nothing_asked)
    most = {**QUIET, "scan R1": 1, f"scan {other}": 1, "move": 1}
    found = search(lease, other, most, depth=6, first=("node recall", "node move"))
    assert found.double, "R1 does not know that the other gate holds the use, too"


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
@WORLDS
def test_no_order_of_a_dozen_events_lets_two_in(lease: str, other: str) -> None:
    all_once = {**dict.fromkeys(QUIET, 1), "move": 0}
    found = search(lease, other, {**all_once, "scan R1": 2, f"scan {other}": 2}, depth=12)
    assert found.double == ()
    assert {"R1 admit ok", f"{other} admit ok", f"{other} amber other-lease"} <= found.verdicts.keys()


@WORLDS
def test_the_search_finds_how_a_node_that_calls_nothing_back_lets_two_in(
    monkeypatch: pytest.MonkeyPatch, lease: str, other: str
) -> None:
    async def nothing(*_: object) -> None:
        return None

    async def no_more(*_: object) -> Answered:
        return Answered(())

    monkeypatch.setattr(Recalls, "call_back", nothing)
    monkeypatch.setattr(Recalls, "call_back_more", no_more)
    found = search(lease, other, {**QUIET, "scan R1": 1, f"scan {other}": 1, "cut": 1}, depth=6)
    assert found.double, "R1, cut off, spends what it holds, and the node grants it to the other gate"
