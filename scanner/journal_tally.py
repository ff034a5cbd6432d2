"""Totals of a journal, kept as it is written, so that asking for them costs the same after one record and after many.

SQLite keeps them itself: triggers on the connection that writes, into a table in that connection's memory. So a total
changes with the rows that it counts, in one transaction, and is undone with them; nothing of it is on disk. They are
counted once, when the journal is opened.
"""

import sqlite3

from scanner.ports import Counts

_KEEP = """
CREATE TEMP TABLE tally (admitted INTEGER, refused INTEGER, waiting INTEGER, set_aside INTEGER, position INTEGER);
INSERT INTO tally SELECT
    (SELECT count(*) FROM main.admission WHERE outcome NOT IN ('pending', 'voided', 'released')),
    (SELECT count(*) FROM main.record WHERE type = 'refusal'),
    (SELECT count(*) FROM main.outbox WHERE aside IS NULL),
    (SELECT count(*) FROM main.outbox WHERE aside IS NOT NULL),
    (SELECT coalesce(max(position), 0) FROM main.receipt);
CREATE TEMP TRIGGER admission_began AFTER INSERT ON main.admission BEGIN
    UPDATE tally SET admitted = admitted + (NEW.outcome NOT IN ('pending', 'voided', 'released'));
END;
CREATE TEMP TRIGGER admission_went_on AFTER UPDATE OF outcome ON main.admission BEGIN
    UPDATE tally SET admitted = admitted + (NEW.outcome NOT IN ('pending', 'voided', 'released'))
        - (OLD.outcome NOT IN ('pending', 'voided', 'released'));
END;
CREATE TEMP TRIGGER refused AFTER INSERT ON main.record WHEN NEW.type = 'refusal' BEGIN
    UPDATE tally SET refused = refused + 1;
END;
CREATE TEMP TRIGGER waits AFTER INSERT ON main.outbox BEGIN
    UPDATE tally SET waiting = waiting + (NEW.aside IS NULL), set_aside = set_aside + (NEW.aside IS NOT NULL);
END;
CREATE TEMP TRIGGER waits_apart AFTER UPDATE OF aside ON main.outbox BEGIN
    UPDATE tally SET waiting = waiting + (NEW.aside IS NULL) - (OLD.aside IS NULL),
        set_aside = set_aside + (NEW.aside IS NOT NULL) - (OLD.aside IS NOT NULL);
END;
CREATE TEMP TRIGGER waits_no_more AFTER DELETE ON main.outbox BEGIN
    UPDATE tally SET waiting = waiting - (OLD.aside IS NULL), set_aside = set_aside - (OLD.aside IS NOT NULL);
END;
CREATE TEMP TRIGGER settled AFTER INSERT ON main.receipt BEGIN
    UPDATE tally SET position = max(position, NEW.position);
END;
"""


def keep(connection: sqlite3.Connection) -> None:
    """Count what is there, and keep the totals from now on. Raises sqlite3.Error."""
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.executescript(_KEEP)


def counts(connection: sqlite3.Connection) -> Counts:
    """The totals as they are now. Raises sqlite3.Error."""
    return Counts(*connection.execute("SELECT admitted, refused, waiting, set_aside FROM temp.tally").fetchone())


def forget_position(connection: sqlite3.Connection) -> None:
    """No receipt is left. Raises sqlite3.Error."""
    connection.execute("UPDATE temp.tally SET position = 0")


def position(connection: sqlite3.Connection) -> int:
    """The highest place in the ledger's log at which it is known to have a record of ours; 0 before the first."""
    found: int = connection.execute("SELECT position FROM temp.tally").fetchone()[0]
    return found
