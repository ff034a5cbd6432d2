"""A phone is lost, and its tickets' keys with it: a new link for the person of a link that has done its work.

Only for tickets that still have the very keys which that link put on them: what was passed on is somebody else's. The
keys of the new phone get the next owner_seq, so whatever the lost one shows is refused from then on. That the person
is who they say, the help desk has made sure of in another way; it sets what the new link asks.
"""

from ledger_node.services import activation
from ledger_node.services.activation import LIFE, Ask, Made
from ledger_node.services.activation_links import USED, Link, Place
from ledger_node.services.errors import ServiceError
from ledger_node.services.events import read_event
from ledger_node.services.node import Node
from ledger_node.services.still_on import require_on
from ledger_node.services.tickets import read_ticket
from ledger_node.services.trail import Actor
from scanner.verify.row import ACTIVE


def replace_phone(node: Node, link: str, question: str, answer: str, by: Actor, life: int = LIFE) -> Made:
    """A new link for the tickets of a used one. Raises ServiceError "link-not-used" or "passed-on"."""
    old = activation.find(node, link)
    require_on(node, old.event)
    if old.state != USED:
        raise ServiceError("link-not-used", f"this link is {old.state}, so no phone has its tickets: renew it", 409)
    tickets = tuple(place.ticket for place in old.places if _theirs(node, old, place))
    if not tickets:
        raise ServiceError("passed-on", "its tickets were passed on, used, or ended: there is nothing to move", 409)
    ask = Ask(old.event, tickets, old.purchase, old.person, question, answer)
    contact = node.vault.contact(old.person)
    activation.require_secret(answer, read_event(node, old.event).manifest.name, contact.phone, contact.email)
    node.trail.add(node.seconds, by, "activation.replace", link)
    return activation.prepare(node, ask, life)


def _theirs(node: Node, link: Link, place: Place) -> bool:
    row = read_ticket(node, link.event, place.ticket).row
    return (row.holder_key, row.owner_seq, row.state, row.uses) == (place.holder_key, place.owner_seq, ACTIVE, 0)
