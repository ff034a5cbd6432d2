"""The real journal under all moves from all states, with a disk that fails and a gate that crashes in between."""

import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import get_args

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from scanner.admission_life import LATE, TABLE, Act, AdmissionOutcome, ImpossibleMove
from scanner.errors import JournalError
from scanner.journal import Journal
from scanner.journal_recovery import verify_chain
from tests.fakes.disk import Disk, Moment
from tests.fakes.event import DEVICE, stamp_at
from tests.fakes.journals import admit_alone, entries, open_journal, query, refuse
from tests.unit.scanner.test_admission_life import ACTS

TICKETS = 3
REFUSED = 1
"""The counter of a record that is no admission."""
DONE = {"released", "voided"}


class Evening(RuleBasedStateMachine):
    """The caller of the journal makes every mistake there is; what is signed stays right."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.starts = 0
        self.path = Path(self.folder.name) / "journal.db"
        self.pulsed: set[int] = set()
        self.open()
        refuse(self.journal, 1)

    def open(self) -> None:
        self.disk = Disk()
        self.journal: Journal = open_journal(self.path, self.disk)

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.journal.close()
            self.folder.cleanup()

    def states(self) -> dict[int, AdmissionOutcome]:
        return dict(query(self.path, "SELECT counter, outcome FROM admission ORDER BY counter"))

    @rule(ticket=st.integers(1, TICKETS), outcome=st.sampled_from(get_args(AdmissionOutcome)))
    def admit(self, ticket: int, outcome: AdmissionOutcome) -> None:
        try:
            admit_alone(self.journal, ticket, outcome)
            assert outcome in {"pending", "alone"}
        except ImpossibleMove:
            assert outcome not in {"pending", "alone"}
        except JournalError:
            self.mend()

    @rule(place=st.integers(0, 5), act=st.sampled_from(get_args(Act)[:-1]))
    def act(self, place: int, act: Act) -> None:
        states, signed = self.states(), len(list(self.journal.records()))
        counter = ([*reversed(states)] + [REFUSED] * 6)[place]
        before = states.get(counter)
        try:
            ACTS[act](self.journal, counter)
        except ImpossibleMove:
            assert before is None or (before, act) not in {**TABLE, **LATE}
            assert self.states() == states
            assert len(list(self.journal.records())) == signed
        except JournalError:
            self.mend()
            if act in {"claimed", "alone", "void", "release"} and before and (before, act) in TABLE:
                assert self.states()[counter] in DONE, "nobody acted on what was told of as failed"
        else:
            assert before is not None
            assert self.states()[counter] == (before if (before, act) in LATE else TABLE[before, act])
            if act == "pulse":
                self.pulsed.add(counter)

    @rule(moments=st.lists(st.sampled_from(get_args(Moment)), min_size=1, max_size=3))
    def break_the_disk(self, moments: list[Moment]) -> None:
        self.disk.last.fail(*moments)

    def mend(self) -> None:
        self.disk.last._failing.clear()
        self.journal.probe()

    @rule(ticket=st.integers(1, TICKETS))
    def recall(self, ticket: int) -> None:
        try:
            self.journal.give_up([ticket])
        except JournalError:
            self.mend()

    @rule()
    def restart(self) -> None:
        self.disk.last._failing.clear()
        self.journal.close()
        self.open()
        self.settle()

    @rule()
    def crash(self) -> None:
        self.starts += 1
        there = Path(self.folder.name) / str(self.starts)
        there.mkdir()
        for suffix in ("", "-wal", ".head"):
            if (file := self.path.with_name(self.path.name + suffix)).exists():
                shutil.copy(file, there)
        self.journal.close()
        self.path = there / self.path.name
        self.open()
        self.settle()

    def settle(self) -> None:
        self.journal.settle_restart(stamp_at())
        assert not {"pending", "claimed", "alone"} & set(self.states().values())

    @invariant()
    def each_admission_has_at_most_one_signed_end(self) -> None:
        if not hasattr(self, "folder"):
            return
        chain, states = entries(self.journal), self.states()
        assert verify_chain([entry.raw for entry in chain], DEVICE.public) == ""
        assert "journal-damaged" not in {entry.body.get("kind") for entry in chain}
        signed = Counter(entry.body["of"] for entry in chain if entry.type in {"void", "release"})
        assert set(signed.values()) <= {1}
        assert set(states) == {entry.body["counter"] for entry in chain if entry.type == "admission"}
        assert {counter for counter, state in states.items() if state in DONE} == set(signed)
        assert not {counter for counter, state in states.items() if state == "voided"} & self.pulsed
        uses = dict(query(self.path, "SELECT counter, released FROM use"))
        assert uses == {counter: int(states[counter] in DONE) for counter in uses}


TestEvening = Evening.TestCase
TestEvening.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
