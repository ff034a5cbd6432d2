"""Whether an event is still on: what is asked of one that was cancelled, closed or is long over gets an answer that
says so, instead of something that is done in silence and helps nobody.

The contract rules on standing (cancelled, closed). On dates it does not: it knows only the times that entries say. Here
the date counts, for what people and other systems ask of this node now. Reads only.
"""

from ledger_node.contract.facts import Books
from ledger_node.log.ledger import View
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.services.told_times import when

OVER_AFTER = 86_400
"""Seconds after the start from which an event is over: later than any show ends, and door sales are in."""
_STANDINGS = {"cancelled": "was cancelled", "closed": "is closed"}


def why_not_on(node: Node, view: View, event: str) -> ServiceError | None:
    """Why nothing of the event is to be sold, given or sent any more; None if it still is. Raises ServiceError
    "unknown-event".
    """
    manifest = node.event(view, event).manifest
    starts, zone = manifest.starts, manifest.zone
    books = view.find(Books, event, "books")
    if books is not None and books.standing in _STANDINGS:
        sentence = f"{event} {_STANDINGS[books.standing]}: nothing of it is sold, given or activated any more"
        return ServiceError("event-not-open", sentence, 409)
    if node.seconds >= starts + OVER_AFTER:
        sentence = f"{event} began on {when(starts, zone)} ({zone}) and is over: is this the event, and its date?"
        return ServiceError("event-over", sentence, 409)
    return None


def require_on(node: Node, event: str) -> None:
    """Raises ServiceError "unknown-event", "event-not-open" or "event-over"."""
    with node.view() as view:
        why = why_not_on(node, view, event)
    if why is not None:
        raise why


def note_of(node: Node, event: str) -> dict[str, str]:
    """For answers to what may still be asked of such an event: {"note": why it may be of no use}, or nothing."""
    with node.view() as view:
        why = why_not_on(node, view, event)
    return {"note": why.sentence} if why else {}


def standing_of(node: Node, event: str) -> str:
    """In a word: "on", "over", "cancelled" or "closed". Raises ServiceError "unknown-event"."""
    with node.view() as view:
        books = view.find(Books, event, "books")
        starts = node.event(view, event).manifest.starts
    if books is not None and books.standing in _STANDINGS:
        return books.standing
    return "over" if node.seconds >= starts + OVER_AFTER else "on"
