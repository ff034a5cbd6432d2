"""A database of an older program is taken over with all that it knows."""

import sqlite3
from contextlib import closing
from pathlib import Path

from ledger_node.contract.entries import NewTicket
from ledger_node.contract.outcome import Outcome
from ledger_node.log.ledger import DATABASE
from tests.fakes.box_office import EVENT, NOW, OPERATOR
from tests.fakes.life_story import open_ruled, put, refused, tell

OLDER = """
CREATE INDEX ticket_seat ON ticket (event, substr(row, 11, 4));
DROP TABLE seat;
UPDATE act SET digest = substr(digest, 9);
DELETE FROM _sqlite_migrations WHERE name = 'near_each_other';
"""


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
