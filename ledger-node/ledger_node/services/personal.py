"""What is done with personal data as a whole: show a person what is kept of them, forget them, forget by date.

Each is written into the audit trail, with the person's id and never with the data. The vault does the work.
"""

from ledger_node.services.errors import ServiceError
from ledger_node.services.events import list_events
from ledger_node.services.node import Node
from ledger_node.services.trail import Actor


def find(node: Node, name: str, value: str) -> list[str]:
    """The persons with this phone, e-mail or document, by id."""
    return node.vault.find(name, value)


def export(node: Node, person: str, by: Actor) -> dict[str, object]:
    """Everything that is kept of the person, as it may be handed to them."""
    found = node.vault.export(person)
    node.trail.add(node.seconds, by, "person.export", person)
    return found


def forget(node: Node, person: str, by: Actor) -> None:
    """Destroy the person's key. Written into the trail first: what may have been done must be on record."""
    node.trail.add(node.seconds, by, "person.forget", person)
    if not node.vault.forget(person):
        raise ServiceError("unknown-person", "there is nobody with this id: forgotten, or never here", 404)


def expire(node: Node, before: int, by: Actor) -> int:
    """Forget everybody whose events all started before that unix second, and who was added before it; how many.

    A postponed event counts with its new date, an event that the ledger does not know as not over. Whoever is tied to
    no event is kept for as long as anybody added then. Repeat it after a crash: it goes on where it stopped.
    """
    ended = frozenset(state.manifest.event for state in list_events(node) if state.manifest.starts < before)
    persons = node.vault.outlived(before, ended)
    if persons:
        node.trail.add(node.seconds, by, "person.expire", "", {"before": before, "persons": len(persons)})
        node.vault.forget(*persons)
    return len(persons)
