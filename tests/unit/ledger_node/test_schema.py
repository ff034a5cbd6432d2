"""A database of an older program is taken over with all that it knows."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ledger_node.contract.entries import NewTicket
from ledger_node.contract.outcome import Outcome
from ledger_node.log.ledger import DATABASE
from ledger_node.services.lying_there import audit_home
from tests.fakes.box_office import EVENT, NODE, NOW, OPERATOR
from tests.fakes.life_story import open_ruled, put, refused, tell

OLDER = """
CREATE INDEX ticket_seat ON ticket (event, substr(row, 11, 4));
DROP TABLE seat;
UPDATE act SET digest = substr(digest, 9);
DELETE FROM _sqlite_migrations WHERE name = 'near_each_other';
"""


@pytest.mark.parametrize("harm", ["DELETE FROM seat WHERE ticket = 1", "UPDATE seat SET seat = 5555 WHERE ticket = 2"])
def test_a_seat_that_is_noted_wrongly_is_found_by_the_audit(tmp_path: Path, harm: str) -> None:
    with open_ruled(tmp_path) as node:
        tell(node)
        origin = node.ledger.origin
    assert audit_home(tmp_path, origin, NODE).good
    with closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as harmed:
        harmed.execute(harm)
    (finding,) = audit_home(tmp_path, origin, NODE).findings
    assert "seats are not noted as the tickets say" in str(finding)


def in_seat(index: int, seat: int) -> bytes:
    return next(OPERATOR.issue(EVENT, [NewTicket(index, seat, 1, 1, 100)], NOW))


def test_seats_are_taken_and_entries_known_after_an_older_program(tmp_path: Path) -> None:
    with open_ruled(tmp_path) as node:
        tell(node)
        with node.view() as view:
            entries, taken = list(view.entries(0, view.size)), view.ticket(EVENT, 1)
    assert taken is not None
    with closing(sqlite3.connect(tmp_path / DATABASE)) as older:
        older.executescript(OLDER)
    with open_ruled(tmp_path) as node:
        again = node.ledger.submit(entries).result()
        assert [one.position for one in again if isinstance(one, Outcome) and not one.new] == list(range(len(entries)))
        assert refused(node, in_seat(900, taken.row.seat)) == "seat-doubled"
        put(node, in_seat(901, 7_777))
        assert refused(node, in_seat(902, 7_777)) == "seat-doubled"
