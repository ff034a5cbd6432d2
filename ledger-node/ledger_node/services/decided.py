"""In what way a gate decided an admission, by its own signed word: for those who look into a double entry.

The admission says it where its gate had no one to ask; else a later record of the gate does, within a minute or so.
"""

from collections.abc import Iterable

from ledger_node.contract.state import Record
from ledger_node.log.ledger import View
from ledger_node.services.logged import read_logged
from scanner.verify.entry import Entry
from scanner.verify.record import ADMISSION, INCIDENT, Way, ways_stated

_LOOK = 500
"""Records of the device after the admission among which its way is looked for."""


def way_of(view: View, admission: Record) -> Way | None:
    """In what way it was decided; None where no record that is in the log says so."""
    newest = min(view.last_counter(admission.device), admission.counter + _LOOK)
    for counter in range(admission.counter, newest + 1):
        record = view.record(admission.device, counter)
        if record is not None and (record.type == INCIDENT or counter == admission.counter):
            (raw,) = view.entries(record.position, record.position + 1)
            if way := ways_stated(read_logged(raw)).get(admission.counter):
                return way
    return None


def in_words(view: View, admission: Record, way: Way | None) -> str:
    """For people, with the gate: "alone under supervisor at R2". The policy is that of the event now."""
    event = view.event(admission.event)
    under = f" under {event.manifest.policy.offline}" if event else ""
    said = {"claimed": "claimed", "peers": f"by its peers{under}", "alone": f"alone{under}", None: "way not told"}
    return f"{said[way]} at {admission.gate}"


def both_ways(view: View, second: Record) -> str:
    """Those of a double entry, the first use first; empty if none of them is told."""
    first = view.record(*second.first) if second.first else None
    known = [(one, way_of(view, one)) for one in (first, second) if one is not None]
    return "; ".join(in_words(view, one, way) for one, way in known) if any(way for _, way in known) else ""


def stated_of(view: View, entry: Entry, ticket: int | None) -> str:
    """What this record says of the ticket's admissions, "" if nothing; an admission speaks of itself."""
    if entry.type != ADMISSION and ticket is None:
        return ""
    said = ((view.record(entry.body["device"], counter), way) for counter, way in ways_stated(entry).items())
    of_it: Iterable[str] = (
        in_words(view, record, way)
        for record, way in said
        if record is not None and record.type == ADMISSION and ticket in {None, record.ticket}
    )
    return "; ".join(of_it)
