"""The disk fails, or the power goes, before or after each write of an admission's life: it has at most one signed end.

What the gate was told of as failed it did not act on: that admission is released as soon as the disk takes it, by this
process or the next, and the ticket may be shown again.
"""

import itertools
import shutil
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from scanner.admission_life import ImpossibleMove
from scanner.errors import JournalError
from scanner.journal import Journal
from scanner.journal_recovery import verify_chain
from scanner.ports import CONFLICT, Receipt
from scanner.verify.admit import Use
from tests.fakes.disk import Disk, Moment
from tests.fakes.event import DEVICE, NOON, stamp_at
from tests.fakes.journals import admit_alone, admit_pending, entries, open_journal, query, spoil

TICKET = 5
MOMENTS: tuple[Moment, ...] = get_args(Moment)
Write = Callable[[Journal], object]


def claimed(journal: Journal) -> None:
    journal.decided(admit_pending(journal, TICKET).counter, "claimed")


def opened(journal: Journal) -> None:
    claimed(journal)
    journal.pulsed(1, 1)


WRITES: dict[str, tuple[Write, Write, bool]] = {
    "asks": (lambda _: None, lambda j: admit_pending(j, TICKET), False),
    "goes alone at once": (lambda _: None, lambda j: admit_alone(j, TICKET), False),
    "claimed": (lambda j: admit_pending(j, TICKET), lambda j: j.decided(1, "claimed"), False),
    "alone": (lambda j: admit_pending(j, TICKET), lambda j: j.decided(1, "alone"), False),
    "void": (
        lambda j: admit_pending(j, TICKET),
        lambda j: j.void(1, "used", stamp_at(), Use("B1", NOON, until=9)),
        False,
    ),
    "release unasked": (lambda j: admit_pending(j, TICKET), lambda j: j.release(1, "other-lease", stamp_at()), False),
    "release before the pulse": (claimed, lambda j: j.release(1, "fire-release", stamp_at()), False),
    "pulse": (claimed, lambda j: j.pulsed(1, 1), True),
    "passage": (opened, lambda j: j.passed(1), True),
    "release": (opened, lambda j: j.release(1, "not-turned", stamp_at()), False),
}
"""What comes before, the write that fails, and whether the holder may be inside after it."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def ends(journal: Journal) -> Counter[int]:
    """How many voids and releases are signed of each admission."""
    return Counter(entry.body["of"] for entry in entries(journal) if entry.type in {"void", "release"})


def assert_one_end(journal: Journal, path: Path, *, inside: bool) -> None:
    assert verify_chain(journal.records(), DEVICE.public) == ""
    signed, admitted = ends(journal), [e.body["counter"] for e in entries(journal) if e.type == "admission"]
    assert set(signed.values()) <= {1}
    states = dict(query(path, "SELECT counter, outcome FROM admission"))
    assert {counter for counter, state in states.items() if state in {"voided", "released"}} == set(signed)
    assert set(states) == set(admitted)
    assert journal.unsettled() == []
    for counter in admitted:
        assert (counter in signed) != inside
        with pytest.raises(ImpossibleMove, match=f"void of admission {counter}"):
            journal.void(counter, "used-elsewhere", stamp_at())
    for counter in signed:
        with pytest.raises(ImpossibleMove, match=f"release of admission {counter}"):
            journal.release(counter, "not-turned", stamp_at())
    assert ends(journal) == signed


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("write", WRITES)
def test_a_write_that_fails_leaves_one_end_when_the_disk_works_again(path: Path, write: str, moment: Moment) -> None:
    before, act, inside = WRITES[write]
    disk = Disk()
    with open_journal(path, disk) as journal:
        before(journal)
        disk.last.fail(moment)
        with pytest.raises(JournalError, match="disk I/O error"):
            act(journal)
        journal.probe()
        if write == "pulse" and moment == "before":
            journal.passed(1)
        elif write == "pulse":
            assert query(path, "SELECT outcome FROM admission") == [("pulsed",)]
        assert_one_end(journal, path, inside=inside)
        use = journal.use_of(TICKET)
        assert use is None or use.released != inside or use.until, "the holder may try again"
    with open_journal(path) as journal:
        assert journal.settle_restart(stamp_at()) == []
        assert_one_end(journal, path, inside=inside)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("write", WRITES)
def test_a_disk_that_stays_broken_for_a_while_signs_no_second_end(path: Path, write: str, moment: Moment) -> None:
    before, act, inside = WRITES[write]
    disk = Disk()
    with open_journal(path, disk) as journal:
        before(journal)
        disk.last.fail(moment, "after", "before", "after")
        with pytest.raises(JournalError):
            act(journal)
        for _ in range(4):
            try:
                journal.probe()
            except JournalError:
                continue
        if write == "pulse" and query(path, "SELECT outcome FROM admission") == [("claimed",)]:
            journal.passed(1)
        assert_one_end(journal, path, inside=inside)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("write", WRITES)
def test_a_crash_at_a_write_leaves_one_end_after_the_next_start(
    path: Path, tmp_path: Path, write: str, moment: Moment
) -> None:
    """Decided is decided: what may have moved the turnstile counts as entered, and is shown as in doubt."""
    before, act, _ = WRITES[write]
    disk, place = Disk(), tmp_path / "next"
    with open_journal(path, disk) as journal:
        before(journal)
        disk.last.fail(moment)
        with pytest.raises(JournalError):
            act(journal)
        place.mkdir()
        for suffix in ("", "-wal", ".head"):
            shutil.copy(path.with_name(path.name + suffix), place)
    with open_journal(place / path.name) as journal:
        assert "journal-damaged" not in {entry.body.get("kind") for entry in entries(journal)}
        was = [found.outcome for found in journal.settle_restart(stamp_at())]
        outcomes = [state for (state,) in query(place / path.name, "SELECT outcome FROM admission")]
        inside = bool(outcomes) and outcomes[0] not in {"voided", "released"}
        assert inside == (outcomes != [] and was != ["pending"] and not ends(journal))
        assert_one_end(journal, place / path.name, inside=inside)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("state", ["pending", "claimed"])
def test_a_restart_that_fails_while_it_settles_signs_one_end(path: Path, state: str, moment: Moment) -> None:
    with open_journal(path) as journal:
        admit_pending(journal, TICKET)
        if state == "claimed":
            journal.decided(1, "claimed")
    disk = Disk()
    with open_journal(path, disk) as journal:
        disk.last.fail(moment)
        with pytest.raises(JournalError):
            journal.settle_restart(stamp_at())
        journal.settle_restart(stamp_at())
        assert_one_end(journal, path, inside=state == "claimed")
    with open_journal(path) as journal:
        assert journal.settle_restart(stamp_at()) == []
        assert len(entries(journal)) == 2


@pytest.mark.parametrize("seed", range(12))
def test_of_a_void_a_release_and_an_outcome_in_the_same_moment_one_is_signed(path: Path, seed: int) -> None:
    """A late answer, a restart's release and the outcome, each from a thread of its own, with a recall in between."""
    with open_journal(path) as journal:
        counter = admit_pending(journal, TICKET).counter
        acts: list[Callable[[], object]] = [
            lambda: journal.void(counter, "used-elsewhere", stamp_at()),
            lambda: journal.release(counter, "other-lease", stamp_at()),
            lambda: journal.release(counter, "restart", stamp_at()),
            lambda: journal.decided(counter, "claimed"),
            lambda: journal.give_up([TICKET]),
            lambda: journal.settle([Receipt(counter, CONFLICT, None)], 9),
        ]
        order = list(itertools.permutations(range(len(acts))))[seed * 57]
        gun, raised = threading.Barrier(len(acts)), []

        def run(act: Callable[[], object]) -> None:
            gun.wait()
            try:
                act()
            except ImpossibleMove as error:
                raised.append(str(error))

        threads = [threading.Thread(target=run, args=(acts[at],)) for at in order]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (state,) = query(path, "SELECT outcome FROM admission")[0]
        won = ends(journal)[counter]
        assert (won, state) in {(1, "voided"), (1, "released"), (0, "claimed")}
        # A release may follow the outcome; nothing follows an end.
        assert len(raised) in {2, 3}
        assert all(f"admission {counter}, which is" in sentence for sentence in raised)


@pytest.mark.parametrize("outcome", ["pending", "claimed", "passed", "voided"])
def test_an_outcome_that_a_bad_disk_changed_releases_nothing_twice(path: Path, outcome: str) -> None:
    with open_journal(path) as journal:
        claimed(journal)
        journal.release(1, "not-turned", stamp_at())
    spoil(path, f"UPDATE admission SET outcome = '{outcome}'")
    with open_journal(path) as journal:
        damage = entries(journal)[0].body["detail"]["damage"]
        assert damage == f"admission 1 is {outcome}, and the records say otherwise"
        assert journal.settle_restart(stamp_at()) == []
        assert ends(journal) == {}


@pytest.mark.parametrize("outcome", ["released", "voided"])
def test_an_end_that_no_record_states_is_damage(path: Path, outcome: str) -> None:
    with open_journal(path) as journal:
        claimed(journal)
    spoil(path, f"UPDATE admission SET outcome = '{outcome}'")
    with open_journal(path) as journal:
        assert "the records say otherwise" in entries(journal)[0].body["detail"]["damage"]
        use = journal.use_of(TICKET)
        assert use
        assert not use.released
