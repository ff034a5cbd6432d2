"""What a log's own entries give as the state at a view's size, in the form in which it is stated and compared."""

from ledger_node.log.view import View
from scanner.verify.snapshot import manifest_digest
from scanner.verify.statement import Stated, StateStatement


def state_of(view: View, origin: str) -> StateStatement:
    """Every event's digests. Reads every row: about a second for a million tickets."""
    events = {}
    for event in view.events():
        known = view.event(event)
        assert known is not None, "it was listed"
        events[event] = Stated(view.state_digest(event), manifest_digest(known.manifest))
    return StateStatement(origin, view.size, view.root, events)
