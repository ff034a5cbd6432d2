"""A person's path is told from the log and nothing else; whatever does not fit the audited log is a fault."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from ledger_node.services.history import read_history
from ledger_node.services.logged import read_logged
from ledger_node.services.node import Node
from ledger_node.services.oversight import history_map
from ledger_node.services.public_facts import FINGERPRINT
from tests.fakes.box_office import EVENT, OPERATOR
from tests.fakes.life_story import Story, open_ruled, put, tell
from tests.fakes.market import LATER
from tests.fakes.wallet import Wallet
from tests.show.paths import Paths, Source, read, table
from tests.show.people import CHAN, CHOW, HO, LEE, Held
from tests.show.weeks import Told


class Evening:
    """A ticket that Chan bought, gave to Lee, and Ho bought from her; on a real ledger."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.story = tell(node)
        who = (self.story.ann, CHAN), (self.story.bob, LEE), (self.story.eve, HO)
        self.held = [Held(person, 0, seq, Wallet(one.key(0, seq))) for seq, (one, person) in enumerate(who)]
        self.told = Told()

    def source(self, change: Callable[[dict[str, object]], object] = lambda _: None) -> Source:
        """What the node answers, after `change`."""
        said = history_map(read_history(self.node, EVENT, 0, proofs=True))
        change(said)
        return lambda _path: json.dumps(said).encode()

    def read(self, source: Source | None = None) -> Paths:
        with self.node.view() as view:
            entries = [read_logged(raw) for raw in view.entries(0, view.size)]
        return read(source or self.source(), entries, self.held, self.told)


@pytest.fixture
def evening(tmp_path: Path) -> Iterator[Evening]:
    with open_ruled(tmp_path) as node:
        yield Evening(node)


def names(story: Story, found: Paths) -> dict[str, list[str]]:
    at = {position: name for name, position in story.at.items()}
    return {path.person.en: [at[step.position] for step in path.steps] for path in found.paths}


def test_each_step_is_of_whoever_had_the_ticket_then(evening: Evening) -> None:
    assert names(evening.story, evening.read()) == {
        CHAN.en: ["sold", "sent", "activated", "identified", "offered", "tried"],
        LEE.en: ["accepted", "listed"],
        HO.en: ["bought", "captured", "entered", "turned_back"],
    }


def test_an_offer_is_also_a_step_of_whoever_it_was_made_to(evening: Evening) -> None:
    said = history_map(read_history(evening.node, EVENT, 0))["entries"]
    (deal,) = [step["facts"]["deal"] for step in said if step["type"] == "transfer.offer"]
    assert len(deal) == FINGERPRINT
    evening.told.offered[deal.ljust(64, "0")] = CHOW
    assert names(evening.story, evening.read())[CHOW.en] == ["offered"]


def test_who_was_turned_back_has_not_entered(evening: Evening) -> None:
    assert evening.read().faults == (f"{HO.en} never entered",)


def test_another_entry_than_the_audited_one_is_a_fault(evening: Evening) -> None:
    def forge(said: dict[str, object]) -> None:
        said["entries"][3]["leaf_hash"] = "00" * 32  # type: ignore[index]

    (fault, _) = evening.read(evening.source(forge)).faults
    assert f"entry {evening.story.at['activated']} of its history is not the one in the audited log" in fault


def test_a_step_beyond_the_audited_log_is_a_fault(evening: Evening) -> None:
    def grow(said: dict[str, object]) -> None:
        said["entries"][-1]["position"] = 4_000  # type: ignore[index]

    assert any("entry 4000" in fault for fault in evening.read(evening.source(grow)).faults)


def test_a_ticket_that_somebody_else_has_is_a_fault(evening: Evening) -> None:
    evening.held[1] = replace(evening.held[1], wallet=evening.held[2].wallet)
    assert any(f"not {LEE.en}'s" in fault for fault in evening.read().faults)


def test_an_owner_who_is_nobody_here_is_a_fault(evening: Evening) -> None:
    del evening.held[2]
    faults = evening.read().faults
    assert any(f"entry {evening.story.at['bought']} speaks of an owner" in fault for fault in faults)


def test_what_the_node_told_must_stand_in_the_log(evening: Evening) -> None:
    evening.told.entries = {evening.story.at["sold"]: "sale", evening.story.at["sent"]: "sale", 4_000: "sale"}
    faults = evening.read().faults
    assert [f"entry {n} was said to be a sale" in faults for n in evening.told.entries] == [False, True, True]


def test_a_name_in_the_log_is_a_fault(evening: Evening) -> None:
    put(evening.node, OPERATOR.set_state(EVENT, [9], "blocked", f"asked for by {LEE.zh}", LATER))
    assert f"“{LEE.zh}” stands in the log" in evening.read().faults


def test_the_table_has_every_step_with_its_number(evening: Evening) -> None:
    out, found = io.StringIO(), evening.read()
    Console(file=out, width=100).print(table(found.paths))
    for path in found.paths:
        assert path.person.name in out.getvalue()
        for step in path.steps:
            assert f" #{step.position} " in out.getvalue()
    assert max(map(len, out.getvalue().splitlines())) <= 100
