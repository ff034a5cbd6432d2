"""The vault against a model: whatever is added, changed and forgotten, in whatever order, also across reopening."""

import os
import tempfile
from contextlib import closing
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from ledger_node.services.vault import FIELDS, FINDABLE, Vault

KEY = bytes(range(32))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
VALUES = st.dictionaries(st.sampled_from(sorted(FIELDS)), TEXTS)
EVENTS = st.sets(st.sampled_from(["past", "today", "future"]))


class VaultMachine(RuleBasedStateMachine):
    """`people` is what must be kept; `traces` what of the forgotten stood on the disk."""

    persons = Bundle("persons")

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "vault.sqlite3"
        self.vault = Vault(self.path, KEY, os.urandom)
        self.people: dict[str, tuple[dict[str, str], set[str], int]] = {}
        self.traces: list[bytes] = []

    @rule(target=persons, values=VALUES, events=EVENTS, now=st.integers(1, 100))
    def add(self, values: dict[str, str], events: set[str], now: int) -> str:
        person = self.vault.add(values, now, events)
        self.people[person] = (dict(values), set(events), now)
        return person

    @rule(person=persons, values=VALUES, events=EVENTS)
    def change(self, person: str, values: dict[str, str], events: set[str]) -> None:
        self.vault.change(person, values, events)
        self.people[person][0].update(values)
        self.people[person][1].update(events)

    @rule(person=persons, name=st.sampled_from(sorted(FIELDS)))
    def drop(self, person: str, name: str) -> None:
        self.vault.drop(person, name)
        self.people[person][0].pop(name, None)

    @rule(person=consumes(persons))
    def forget(self, person: str) -> None:
        rows = self.vault._database.read("SELECT key FROM persons WHERE person = ?", person)
        boxes = self.vault._database.read("SELECT box FROM fields WHERE person = ?", person)
        self.traces += [person.encode(), *(row[0][-24:] for row in rows + boxes)]
        assert self.vault.forget(person) == 1
        del self.people[person]

    @rule(target=persons)
    def reopen(self):
        self.vault.close()
        self.vault = Vault(self.path, KEY, os.urandom)
        return multiple()

    @rule(before=st.integers(1, 101), ended=EVENTS)
    def ask_who_is_due(self, before: int, ended: set[str]) -> None:
        due = {who for who, (_, events, since) in self.people.items() if since < before and events <= ended}
        assert set(self.vault.outlived(before, frozenset(ended))) == due

    @invariant()
    def people_are_as_they_were_left_and_nobody_else_is_there(self) -> None:
        assert self.vault.persons() == sorted(self.people)
        for person, (values, events, _) in self.people.items():
            assert self.vault.read(person) == values
            assert self.vault.events(person) == sorted(events)
            for name in FINDABLE & values.keys():
                assert person in self.vault.find(name, values[name])

    @invariant()
    def nothing_of_the_forgotten_is_on_the_disk(self) -> None:
        written = b"".join(path.read_bytes() for path in self.path.parent.iterdir())
        assert not [trace for trace in self.traces if trace in written]

    def teardown(self) -> None:
        self.vault.close()
        self.folder.cleanup()


VaultMachine.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestVault = VaultMachine.TestCase


@settings(max_examples=60, deadline=None)
@given(value=st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_any_text_comes_back_as_it_was(value: str) -> None:
    with tempfile.TemporaryDirectory() as folder, closing(Vault(Path(folder) / "v", KEY, os.urandom)) as vault:
        assert vault.read(vault.add({"name": value}, 1)) == {"name": value}
