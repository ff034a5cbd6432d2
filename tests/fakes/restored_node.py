"""A node from an old copy of its folder, beside the one that went on."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger_node.services.events import EventOrder, create_event
from ledger_node.services.node import Node
from tests.fakes.running_node import DOORS, open_home, stage

SINCE = ("one", "two", "three")


def grow(node: Node, *names: str) -> None:
    """An entry for each: an event of that name."""
    for name in names:
        create_event(node, EventOrder(name, "Another Night", DOORS, DOORS + 5400, 100))


@contextmanager
def restored(home: Path, before: Callable[[Node], None] = lambda _: None) -> Iterator[tuple[Node, list[str]]]:
    """The node of an old copy, in the folder `old` beside `home`, and the checkpoints that its log showed after each of
    the entries that are in `home` and not in the copy.
    """
    notes = []
    with open_home(home) as node:
        stage(node, 3)
        before(node)
    shutil.copytree(home, home.with_name("old"))
    with open_home(home) as node:
        for name in SINCE:
            grow(node, name)
            notes.append(node.ledger.checkpoint())
    with open_home(home.with_name("old")) as node:
        yield node, notes
