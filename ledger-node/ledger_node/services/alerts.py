"""Alerts on disk: each raised once, counted while it lasts, acknowledged and closed; with the windows that rules count
in, how far the log was read, and what a webhook is still owed. One transaction keeps them together, so a crash neither
raises twice nor forgets. Subjects are tickets, gates, devices and fingerprints: never a person.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ledger_node.services.database import Database, Row
from ledger_node.services.errors import ServiceError
from ledger_node.services.monitoring import Mark, Name, Raised, Windows

SCHEMA = """
CREATE TABLE IF NOT EXISTS alerts (id INTEGER PRIMARY KEY AUTOINCREMENT, rule TEXT NOT NULL, event TEXT NOT NULL,
    subject TEXT NOT NULL, state TEXT NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
    count INTEGER NOT NULL, position INTEGER, detail TEXT NOT NULL, touched INTEGER NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS alerts_live ON alerts (rule, event, subject) WHERE state <> 'closed';
CREATE TABLE IF NOT EXISTS marks (rule TEXT, event TEXT, subject TEXT, at INTEGER, position INTEGER, ticket INTEGER,
    value INTEGER NOT NULL, PRIMARY KEY (rule, event, subject, position, ticket)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS marks_by_time ON marks (rule, at);
CREATE TABLE IF NOT EXISTS followed (only INTEGER PRIMARY KEY CHECK (only = 1), size INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, tries INTEGER NOT NULL,
    due INTEGER NOT NULL);
"""
State = Literal["open", "acknowledged", "closed"]
_ALERT = "SELECT id, rule, event, subject, state, first_seen, last_seen, count, position, detail FROM alerts"
_LIVE = "rule = ? AND event = ? AND subject = ? AND state <> 'closed'"
_COUNT = (
    "UPDATE alerts SET count = count + ?, first_seen = min(first_seen, ?), last_seen = max(last_seen, ?),"
    " position = coalesce(?, position), detail = ?, touched = ?"
)
_MOST_DELIVERIES = 10_000


@dataclass(frozen=True, slots=True)
class Alert:
    """`first_seen` and `last_seen` are unix seconds, `count` how often the rule has said so, `position` the newest
    entry behind it (None: it is about the node, not about an entry).
    """

    id: int
    rule: str
    event: str
    subject: str
    state: State
    first_seen: int
    last_seen: int
    count: int
    position: int | None
    detail: Mapping[str, int | str]

    def to_map(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a webhook is owed: the body to post, and how often that was tried."""

    id: int
    body: str
    tries: int


class Alerts:
    """The tables in `database`, whose schema has SCHEMA. Any thread. Methods raise ServiceError "disk"."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.owed = False
        """Whether changes are to be delivered; set by whoever has a webhook."""

    def followed(self) -> int:
        """How many entries of the log were handled."""
        rows = self.database.read("SELECT size FROM followed")
        return int(rows[0][0]) if rows else 0

    def follow(self, size: int) -> None:
        """Handled up to here."""
        self.database.write("INSERT OR REPLACE INTO followed VALUES (1, ?)", size)

    def windows(self) -> Windows:
        """The windows as they were kept."""
        rows = self.database.read(
            "SELECT rule, event, subject, at, position, ticket, value FROM marks ORDER BY position"
        )
        return Windows(((rule, event, subject), Mark(*rest)) for rule, event, subject, *rest in rows)

    def keep(self, fresh: Iterable[tuple[Name, Mark]], spent: Mapping[str, int]) -> None:
        """Keep new marks, and drop each rule's marks before a time."""
        rows = [(*name, mark.at, mark.position, mark.ticket, mark.value) for name, mark in fresh]
        self.database.write_many("INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        self.database.write_many("DELETE FROM marks WHERE rule = ? AND at < ?", spent.items())

    def raise_alert(self, raised: Raised, now: int, times: int = 1) -> Alert | None:
        """The alert if it is new; one that is open or acknowledged only counts on."""
        name = (raised.rule, raised.event, raised.subject)
        detail = json.dumps(dict(raised.detail), sort_keys=True)
        again = (times, raised.at, raised.at, raised.position, detail, now, *name)
        if self.database.write(f"{_COUNT} WHERE {_LIVE}", *again):
            return None
        values = (*name, raised.at, raised.at, times, raised.position, detail, now)
        self.database.write(
            "INSERT INTO alerts (rule, event, subject, state, first_seen, last_seen, count, position, detail, touched)"
            " VALUES (?, ?, ?, 'open', ?, ?, ?, ?, ?, ?)",
            *values,
        )
        (alert,) = self._read(f"WHERE {_LIVE}", *name)
        self._owe("opened", alert, now)
        return alert

    def acknowledge(self, number: int) -> Alert:
        """Somebody looks after it. Raises ServiceError "unknown-alert" or "alert-closed"."""
        self._change(number, "acknowledged", {"open", "acknowledged"})
        return self.get(number)

    def close_one(self, number: int, now: int) -> Alert:
        """Done with. The same again is a new alert."""
        self._change(number, "closed", {"open", "acknowledged"})
        closed = self.get(number)
        self._owe("closed", closed, now)
        return closed

    def close_conditions(self, rules: Iterable[str], but: Sequence[Name], now: int) -> list[Alert]:
        """Close the alerts of these rules, except those that still hold; which were closed."""
        over = [
            alert
            for alert in self.list_alerts()
            if alert.rule in rules and (alert.rule, alert.event, alert.subject) not in but
        ]
        return [self.close_one(alert.id, now) for alert in over]

    def close_quiet(self, before: int, now: int) -> list[Alert]:
        """Close what nothing was heard of since `before` (unix seconds of this node)."""
        quiet = self._read("WHERE state <> 'closed' AND touched < ?", before)
        return [self.close_one(alert.id, now) for alert in quiet]

    def get(self, number: int) -> Alert:
        """One alert. Raises ServiceError "unknown-alert"."""
        found = self._read("WHERE id = ?", number)
        if not found:
            raise ServiceError("unknown-alert", f"there is no alert {number}: see `ledger-node alerts list`", 404)
        return found[0]

    def list_alerts(self, *, closed: bool = False, most: int = 1_000) -> list[Alert]:
        """The newest alerts, newest first; closed ones only if asked for."""
        which = "" if closed else "WHERE state <> 'closed'"
        return self._read(f"{which} ORDER BY id DESC LIMIT ?", most)

    def counts(self) -> dict[tuple[str, str], int]:
        """How many alerts there are, by rule and state."""
        rows = self.database.read("SELECT rule, state, count(*) FROM alerts GROUP BY rule, state")
        return {(rule, state): count for rule, state, count in rows}

    def due(self, now: int) -> Delivery | None:
        """What is to be delivered next, if anything is due."""
        rows = self.database.read("SELECT id, body, tries FROM deliveries WHERE due <= ? ORDER BY id LIMIT 1", now)
        return Delivery(*rows[0]) if rows else None

    def delivered(self, number: int) -> None:
        """It arrived, or will never."""
        self.database.write("DELETE FROM deliveries WHERE id = ?", number)

    def postpone(self, number: int, due: int) -> None:
        """It did not arrive; try again then."""
        self.database.write("UPDATE deliveries SET tries = tries + 1, due = ? WHERE id = ?", due, number)

    def _change(self, number: int, state: State, allowed: set[str]) -> None:
        known = self.get(number)
        if known.state not in allowed:
            raise ServiceError("alert-closed", f"alert {number} is closed: if it happens again there is a new one", 409)
        self.database.write("UPDATE alerts SET state = ? WHERE id = ?", state, number)

    def _owe(self, what: str, alert: Alert, now: int) -> None:
        if not self.owed:
            return
        body = json.dumps({"type": f"alert.{what}", "alert": alert.to_map()}, sort_keys=True)
        self.database.write("INSERT INTO deliveries (body, tries, due) VALUES (?, 0, ?)", body, now)
        oldest = "SELECT id FROM deliveries ORDER BY id DESC LIMIT -1 OFFSET ?"
        self.database.write(f"DELETE FROM deliveries WHERE id IN ({oldest})", _MOST_DELIVERIES)  # noqa: S608

    def _read(self, rest: str, *values: object) -> list[Alert]:
        return [_alert(row) for row in self.database.read(f"{_ALERT} {rest}", *values)]


def _alert(row: Row) -> Alert:
    values = (*row[:-1], json.loads(row[-1]))
    return Alert(*values)
