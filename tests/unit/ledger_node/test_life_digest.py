"""The state is what the log says, wherever it is kept: in memory, in SQLite, rebuilt, or moved from an older ledger."""

import sqlite3

import pytest

from ledger_node.contract.apply import apply
from ledger_node.contract.facts import KINDS, Books, Title
from ledger_node.contract.memory import MemoryState
from ledger_node.log.readers import Readers
from ledger_node.log.sqlite import SqliteStore
from ledger_node.log.tables import Tables
from ledger_node.log.writer import Sequencer
from scanner.verify.entry import open_entry, seal
from scanner.verify.snapshot import StateDigest
from tests.fakes.box_office import DOORS, EVENT, NODE, NOW, OPERATOR, code, full_code, gates, manifest, opening, rekey
from tests.fakes.box_office import ticket as new_ticket
from tests.fakes.contract_log import Log
from tests.fakes.market import stage
from tests.property.life_walk import Walk

BEFORE_THERE_WAS_A_MARKET = "170459f07f799a2477add8d6f8aa5f47409316e22616a5d7a72476cbe2dda0fb"
"""The rows' digest of `earlier_log`, as the ledger reckoned it before it had types for a ticket's whole life."""


@pytest.fixture(scope="module")
def walked():
    walk = Walk(7)
    for _ in range(1_500):
        walk.step()
    return walk


@pytest.fixture
def store(tmp_path):
    made = SqliteStore(tmp_path / "ledger.sqlite3", NODE.public, "ledger.example")
    yield made
    made.close()


def as_before(*entries):
    """The same entries as they were before events carried a version of their rules."""
    for raw in entries:
        entry = open_entry(raw)
        body = {name: value for name, value in entry.body.items() if name != "rules"}
        yield seal(entry.type, entry.event, entry.at, body, NODE)


def earlier_log():
    a1, a2, _ = gates()
    shown = code(6)
    return [
        *as_before(*opening(20)),
        *OPERATOR.issue(EVENT, (new_ticket(index, held=False) for index in range(40, 60)), NOW),
        rekey(5, 1),
        rekey(5, 2, NOW + 1),
        rekey(41, 0, NOW + 2),
        OPERATOR.set_state(EVENT, [1, 2, 3], "cancelled", "x", NOW + 3),
        OPERATOR.set_state(EVENT, [2], "active", "y", NOW + 4),
        OPERATOR.set_state(EVENT, [3], "refunded", "z", NOW + 5),
        *as_before(OPERATOR.update_event(manifest(version=2, capacity=900), NOW + 6)),
        a1.admit(shown),
        a2.admit(shown),
        a1.admit(full_code(7, 3)),
        a1.admit(code(8)),
        a1.release(),
        a2.admit(code(8, step=DOORS // 10 + 2)),
        a2.refuse(code(1)),
        a1.incident(),
        a1.admit(code(5, 1)),
        a2.admit(code(5, 2)),
        a2.void(),
        OPERATOR.revoke_device(EVENT, "gate-b1", "lost", NOW + 7),
    ]


def fill(store, entries, slice_=7):
    sequencer = Sequencer(store, lambda: 2 * DOORS)
    for at in range(0, len(entries), slice_):
        answers = sequencer.step(entries[at : at + slice_], whole=False)
        assert all(getattr(answer, "new", False) for answer in answers), answers


def test_a_log_from_before_means_what_it_meant():
    log = Log(earlier_log())
    digest = StateDigest(EVENT, len(log.entries), log.state.event(EVENT).issued)
    for one in log.state.tickets(EVENT):
        digest.update(one.row.pack())
    assert digest.digest().hex() == BEFORE_THERE_WAS_A_MARKET
    assert not list(log.state.each(Title, EVENT))
    assert log.state.find(Books, EVENT, "books") is None


def test_two_nodes_with_one_log_have_one_digest(walked, store, tmp_path):
    # Anybody's entry must be fresh when it comes in, and these are not: they are replayed.
    replay(store, walked.entries)
    size = len(walked.entries)
    readers = Readers(tmp_path / "ledger.sqlite3")
    with readers.view() as view:
        assert view.contract_digest() == walked.state.contract_digest(size)
        assert [view.state_digest(event) for event in view.events()] == [rows_digest(walked, size)]
        for kind in KINDS.values():
            assert list(view.each(kind, EVENT)) == list(walked.state.each(kind, EVENT))
    readers.close()


def rows_digest(walked, size):
    digest = StateDigest(EVENT, size, walked.state.event(EVENT).issued)
    for one in walked.state.tickets(EVENT):
        digest.update(one.row.pack())
    return digest.digest()


def replay(store, entries, slice_=64):
    """As the writer does it, but for entries that are long past."""
    for at in range(0, len(entries), slice_):
        position = store.begin()
        for raw in entries[at : at + slice_]:
            assert apply(store.state, position, raw).new
            store.append(raw)
            position += 1
        store.commit()


def test_the_tally_kept_entry_by_entry_is_the_one_over_all_tables(walked, store, tmp_path):
    replay(store, walked.entries, 5)
    conn = sqlite3.connect(tmp_path / "ledger.sqlite3")
    tables = Tables(conn)
    assert tables.tally().pack() == tables.tally_anew().pack()
    conn.close()


def test_what_was_not_committed_leaves_no_trace_in_the_tally(walked, store):
    half = len(walked.entries) // 2
    replay(store, walked.entries[:half])
    before = store.state.tally().pack()
    position = store.begin()
    for raw in walked.entries[half : half + 40]:
        apply(store.state, position, raw)
        store.append(raw)
        position += 1
    store.state.flush()
    store.recover()
    assert store.state.tally().pack() == before
    replay(store, walked.entries[half:])
    assert store.state.tally().digest(len(walked.entries), store.state.clock) == walked.state.contract_digest(
        len(walked.entries)
    )


def test_a_ledger_from_before_is_moved_and_agrees_with_a_new_one(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    before = SqliteStore(path, NODE.public, "ledger.example")
    fill(before, earlier_log())
    before.close()
    conn = sqlite3.connect(path)
    conn.executescript("DROP TABLE fact; DROP TABLE tally; DELETE FROM _sqlite_migrations WHERE name = 'whole_life'")
    conn.close()
    after = SqliteStore(path, NODE.public, "ledger.example")
    log = Log(earlier_log())
    size = len(log.entries)
    assert after.state.tally().digest(size, after.state.clock) == log.state.contract_digest(size)
    after.close()


def test_every_change_changes_the_digest_and_the_way_back_leads_to_it_again():
    log = stage(4)
    seen = {log.state.contract_digest(9)}
    state = MemoryState(NODE.public)
    assert state.contract_digest(0) != state.contract_digest(1)
    title = Title(EVENT, 1, "held", b"h" * 32, NOW)
    log.state.put(title)
    seen.add(log.state.contract_digest(9))
    log.state.drop(Title, EVENT, 1)
    assert log.state.contract_digest(9) in seen
    assert len(seen) == 2
