"""The journal's tables. Queries are in journal.py."""

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

MIGRATIONS = Migrations("journal")
EVERY_TICKET = -1
"""In given_up: which uses were given up is not known any more, so each of them may have been."""


@MIGRATIONS()
def first(db: Database) -> None:
    """record: the chain. older: records saved from journals that were damaged. admission: each one's outcome.
    use: the mark that stops a second entry. elsewhere: a use at another gate, as the ledger told it when a claim was
    lost, good until the view reaches that log position. outbox and receipt: what the ledger has still to confirm, and
    what it said. probe: what is written to find out whether the disk takes anything.
    """
    db.table("record").create({"counter": int, "type": str, "raw": bytes}, pk="counter", not_null={"type", "raw"})
    db.table("older").create({"counter": int, "raw": bytes}, pk="counter", not_null={"raw"})
    db.table("admission").create(
        {"counter": int, "ticket": int, "outcome": str, "pulse_ms": int}, pk="counter", not_null={"ticket", "outcome"}
    )
    db.table("admission").create_index(["outcome"])
    db.table("use").create(
        {
            "event": str,
            "ticket": int,
            "counter": int,
            "owner_seq": int,
            "holder_key": bytes,
            "gate": str,
            "at": int,
            "released": int,
        },
        pk=("event", "ticket"),
    )
    db.table("use").create_index(["counter"])
    db.table("outbox").create({"counter": int, "aside": str}, pk="counter")
    db.table("receipt").create(
        {"counter": int, "verdict": str, "position": int, "log_size": int, "first_gate": str, "first_at": int},
        pk="counter",
    )
    db.table("elsewhere").create(
        {"event": str, "ticket": int, "gate": str, "at": int, "until": int}, pk=("event", "ticket")
    )
    db.table("probe").create({"id": int, "nonce": bytes}, pk="id")


@MIGRATIONS()
def second(db: Database) -> None:
    """given_up: uses that were leased to this gate and that the ledger node called back for another gate's claim."""
    db.table("given_up").create({"event": str, "ticket": int}, pk=("event", "ticket"))


@MIGRATIONS()
def third(db: Database) -> None:
    """admission.way: in what way it was decided, until and after a signed record says so; NULL before it is, and in
    what an earlier release wrote.
    """
    db.table("admission").add_column("way", str)
