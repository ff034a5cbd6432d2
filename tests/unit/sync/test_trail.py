"""Two threads move on one log, or an alarm is raised."""

import pytest

from scanner.errors import SyncError
from scanner.ports import Change
from scanner.sync.faults import AlarmError
from scanner.sync.reconcile import advance
from scanner.sync.trail import Trail
from scanner.sync.trust import Alarm, Known
from scanner.verify.checkpoint import Checkpoint
from scanner.verify.entry import Malformed
from scanner.verify.merkle import empty_root
from tests.fakes.fake_ledger import FakeLedger, key
from tests.fakes.sync_bench import trust_of


class Notes:
    """The part of a view that keeps the checkpoint and the list of the log's keys."""

    def __init__(self, note="", log_keys=""):
        self.notes, self.lists = [(note, 0)], [log_keys]
        self.under = log_keys
        self.changes = []

    def checkpoint(self):
        return self.notes[-1][0]

    def checkpoint_keys(self):
        return self.under

    def note_checkpoint(self, note, size):
        self.notes.append((note, size))
        self.under = self.log_keys()

    def apply(self, change):
        self.changes.append(change)

    def log_keys(self):
        return self.lists[-1]

    def note_log_keys(self, note):
        self.lists.append(note)


@pytest.fixture
def ledger():
    return FakeLedger()


def at(ledger, size):
    return Checkpoint(ledger.origin, size, ledger.log.root(size))


def test_begins_with_the_empty_log_and_keeps_what_was_verified(ledger):
    notes = Notes()
    trail = Trail(trust_of(ledger), notes)
    assert trail.known() == Known(0, empty_root())
    assert trail.take(Known(), at(ledger, 5), trail.trust)
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
    assert trail.take(base, at(ledger, 9), trail.trust)
    assert not trail.take(base, at(ledger, 12), trail.trust)
    assert not trail.take(base, at(ledger, 7), trail.trust)
    assert trail.known().size == 9


def test_the_same_news_twice_is_kept_once(ledger):
    notes = Notes(ledger.checkpoint(5))
    trail = Trail(trust_of(ledger), notes)
    base = trail.known()
    assert trail.take(base, at(ledger, 9), trail.trust)
    assert trail.take(base, at(ledger, 9), trail.trust)
    assert trail.take(base, at(ledger, 5), trail.trust)
    assert [size for _, size in notes.notes] == [0, 9]


def test_a_change_brings_its_checkpoint_with_it_and_only_if_the_checkpoint_is_taken(ledger):
    notes = Notes(ledger.checkpoint(5))
    trail = Trail(trust_of(ledger), notes)
    base, change = trail.known(), Change(5, 9, (), None, ledger.checkpoint(9), 0, 9)
    assert trail.take(base, at(ledger, 9), trail.trust, change)
    assert (notes.changes, len(notes.notes), trail.known().size) == ([change], 1, 9)
    assert trail.take(base, at(ledger, 9), trail.trust, change), "the uploader was told of the checkpoint first"
    assert len(notes.changes) == 2
    assert not trail.take(base, at(ledger, 12), trail.trust, change)
    assert len(notes.changes) == 2


def test_two_threads_that_are_shown_two_logs_raise_an_alarm(ledger):
    trail = Trail(trust_of(ledger), Notes(ledger.checkpoint(5)))
    base = trail.known()
    assert trail.take(base, at(ledger, 9), trail.trust)
    ledger.fork(6)
    with pytest.raises(AlarmError, match="fork"):
        trail.take(base, at(ledger, 9), trail.trust)
    assert trail.known().size == 9


FIRST, SECOND, THIEF = key("first"), key("second"), key("thief")


def test_a_list_of_keys_is_on_disk_before_anything_is_judged_by_it(ledger):
    notes = Notes(ledger.checkpoint(5))
    trail = Trail(trust_of(ledger), notes)
    ledger.rotate(FIRST)
    judged = trail.learn(trail.trust, ledger.log_keys)
    assert notes.lists == ["", ledger.log_keys]
    assert judged.changing
    assert trail.trust.log_keys.version == 1
    assert not trail.learn(trail.trust, ledger.log_keys).changing
    assert len(notes.lists) == 2


def test_checkpoint_by_a_revoked_key(ledger):
    trail = Trail(trust_of(ledger), Notes())
    ledger.rotate(FIRST)
    trail.learn(trail.trust, ledger.log_keys)
    stolen = ledger.checkpoint(9)
    ledger.rotate(SECOND)
    asked = trail.trust
    late = trail.learn(asked, ledger.log_keys)
    assert isinstance(advance(late, Known(), stolen, ()), Malformed), "it may have been under way when the key changed"
    for trust in (trail.learn(trail.trust, ""), trail.learn(trail.trust, ledger.log_keys)):
        refused = advance(trust, Known(), stolen, ())
        assert isinstance(refused, Alarm)
        assert (refused.kind, "version 2" in refused.reason, "revoked" in refused.reason) == ("revoked", True, True)
        assert isinstance(advance(trust, Known(), ledger.checkpoint(9), ()), Checkpoint)


def test_answer_that_was_under_way_while_the_other_thread_learned_of_new_keys(ledger):
    trail = Trail(trust_of(ledger), Notes())
    ledger.rotate(FIRST)
    asked, before = trail.learn(trail.trust, ledger.log_keys), ledger.log_keys
    ledger.rotate(SECOND)
    trail.learn(trail.trust, ledger.log_keys)
    assert trail.learn(asked, before).changing
    assert not trail.take(Known(), at(ledger, 5), asked), "what was good by the old list must be asked for again"
    assert trail.known().size == 0


def test_list_that_goes_back(ledger):
    trail = Trail(trust_of(ledger), Notes())
    ledger.rotate(FIRST)
    before = ledger.log_keys
    ledger.rotate(SECOND)
    trail.learn(trail.trust, ledger.log_keys)
    with pytest.raises(AlarmError, match="went back from version 2 to 1"):
        trail.learn(trail.trust, before)
    assert trail.trust.log_keys.version == 2


def test_second_list_of_one_version(ledger):
    notes = Notes()
    trail = Trail(trust_of(ledger), notes)
    ledger.rotate(FIRST, version=3)
    trail.learn(trail.trust, ledger.log_keys)
    ledger.rotate(THIEF, version=3)
    with pytest.raises(AlarmError, match="two different lists of version 3"):
        trail.learn(trail.trust, ledger.log_keys)
    assert len(notes.lists) == 2
    assert [one.public_key for one in trail.trust.log_keys.keys] == [FIRST.public]


def test_list_by_another_key(ledger):
    trail = Trail(trust_of(ledger), Notes())
    other = FakeLedger(name="other")
    other.rotate(THIEF)
    with pytest.raises(SyncError, match="not signed by the log's root key"):
        trail.learn(trail.trust, other.log_keys)
    assert trail.trust.log_keys.version == 0


def test_restart_with_a_checkpoint_whose_key_was_revoked_since(ledger):
    notes = Notes()
    trail = Trail(trust_of(ledger), notes)
    ledger.rotate(FIRST)
    trust = trail.learn(trail.trust, ledger.log_keys)
    notes.note_checkpoint(ledger.checkpoint(7), 7)
    stolen = ledger.checkpoint(9)
    ledger.rotate(SECOND)
    trail.learn(trust, ledger.log_keys)
    again = Trail(trust_of(ledger), notes)
    assert again.known() == Known(7, ledger.log.root(7))
    assert again.trust.log_keys.version == 2
    proof = tuple(ledger.log.consistency(7, 9))
    assert isinstance(advance(again.trust, again.known(), stolen, proof), Alarm)
    assert isinstance(advance(again.trust, again.known(), ledger.checkpoint(9), proof), Checkpoint)


def test_list_that_came_with_the_stored_snapshot_counts_when_the_values_beside_it_are_lost(ledger):
    ledger.rotate(FIRST)
    notes = Notes(ledger.checkpoint(7), ledger.log_keys)
    notes.lists = [""]
    assert Trail(trust_of(ledger), notes).trust.log_keys.version == 1


def test_stored_list_of_another_log_is_said(ledger):
    other = FakeLedger(name="other")
    other.rotate(THIEF)
    with pytest.raises(SyncError, match="remove the view's folder"):
        Trail(trust_of(ledger), Notes("", other.log_keys))
