"""Two threads move on one log, or an alarm is raised."""

import pytest

from scanner.errors import SyncError
from scanner.sync.faults import AlarmError
from scanner.sync.reconcile import Known
from scanner.sync.trail import Trail
from scanner.verify.checkpoint import Checkpoint
from scanner.verify.merkle import empty_root
from tests.fakes.fake_ledger import FakeLedger
from tests.fakes.sync_bench import trust_of


class Notes:
    """The part of a view that keeps the checkpoint."""

    def __init__(self, note=""):
        self.notes = [(note, 0)]

    def checkpoint(self):
        return self.notes[-1][0]

    def note_checkpoint(self, note, size):
        self.notes.append((note, size))


@pytest.fixture
def ledger():
    return FakeLedger()


def at(ledger, size):
    return Checkpoint(ledger.origin, size, ledger.log.root(size))


def test_begins_with_the_empty_log_and_keeps_what_was_verified(ledger):
    notes = Notes()
    trail = Trail(trust_of(ledger), notes)
    assert trail.known() == Known(0, empty_root())
    assert trail.take(Known(), at(ledger, 5))
    assert trail.known() == Known(5, ledger.log.root(5))
    assert [size for _, size in notes.notes] == [0, 5]


def test_goes_on_from_the_stored_checkpoint(ledger):
    assert Trail(trust_of(ledger), Notes(ledger.checkpoint(7))).known() == Known(7, ledger.log.root(7))


def test_stored_checkpoint_of_another_log_is_said(ledger):
    with pytest.raises(SyncError, match="remove the view's folder"):
        Trail(trust_of(ledger), Notes(FakeLedger(name="other").checkpoint()))


def test_what_the_other_thread_did_not_see_must_be_asked_for_again(ledger):
    trail = Trail(trust_of(ledger), Notes(ledger.checkpoint(5)))
    base = trail.known()
    assert trail.take(base, at(ledger, 9))
    assert not trail.take(base, at(ledger, 12))
    assert not trail.take(base, at(ledger, 7))
    assert trail.known().size == 9


def test_the_same_news_twice_is_kept_once(ledger):
    notes = Notes(ledger.checkpoint(5))
    trail = Trail(trust_of(ledger), notes)
    base = trail.known()
    assert trail.take(base, at(ledger, 9))
    assert trail.take(base, at(ledger, 9))
    assert trail.take(base, at(ledger, 5))
    assert [size for _, size in notes.notes] == [0, 9]


def test_two_threads_that_are_shown_two_logs_raise_an_alarm(ledger):
    trail = Trail(trust_of(ledger), Notes(ledger.checkpoint(5)))
    base = trail.known()
    assert trail.take(base, at(ledger, 9))
    ledger.fork(6)
    with pytest.raises(AlarmError, match="fork"):
        trail.take(base, at(ledger, 9))
    assert trail.known().size == 9
