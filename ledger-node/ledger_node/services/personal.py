"""What is done with personal data as a whole: show a person what is kept of them, forget them, forget by date.

Each is written into the audit trail, with the person's id and never with the data. The vault does the work.
"""

from ledger_node import spelling
from ledger_node.services.buyers import asked_field, number_field
from ledger_node.services.errors import ServiceError
from ledger_node.services.events import list_events
from ledger_node.services.node import Node
from ledger_node.services.personal_record import record_of
from ledger_node.services.trail import Actor
from ledger_node.services.vault import UNKNOWN_PERSON


def find(node: Node, name: str, value: str) -> list[str]:
    """The persons with this phone, e-mail, document or order, by id. Raises ServiceError for what is no such value."""
    read = {"phone": spelling.phone, "email": spelling.mail}.get(name)
    if read is not None and read(value) is None:
        like = "91234567 or +852 9123 4567" if name == "phone" else "name@example.com"
        raise ServiceError("bad-contact", f"this is no {name}: write it like {like}")
    return node.vault.find(name, value)


def export(node: Node, person: str, by: Actor) -> dict[str, object]:
    """Everything that is kept of the person, as it may be handed to them."""
    found = record_of(node, person)
    node.trail.add(node.seconds, by, "person.export", person)
    return found


def forget(node: Node, person: str, by: Actor) -> None:
    """Destroy the person's key. Written into the trail first: what may have been done must be on record."""
    node.trail.add(node.seconds, by, "person.forget", person)
    if not node.vault.forget(person):
        raise ServiceError("unknown-person", UNKNOWN_PERSON, 404)


def expire(node: Node, before: int, by: Actor) -> int:
    """Forget everybody whose events all started before that unix second, and who was added before it; how many.

    A postponed event counts with its new date, an event that the ledger does not know as not over. Whoever is tied to
    no event is kept for as long as anybody added then. Of a person who stays, what is of events that are over goes.
    Repeat it after a crash: it goes on where it stopped.
    """
    ended = frozenset(state.manifest.event for state in list_events(node) if state.manifest.starts < before)
    persons = node.vault.outlived(before, ended)
    if persons:
        node.trail.add(node.seconds, by, "person.expire", "", {"before": before, "persons": len(persons)})
        node.vault.forget(*persons)
    _shed(node, before, ended)
    return len(persons)


def _shed(node: Node, before: int, ended: frozenset[str]) -> None:
    """Whoever stays for a later event keeps nothing of those that are over: order numbers and ties of these go."""
    changed = False
    for person in node.vault.persons():
        over = ended.intersection(node.vault.events(person))
        if over and node.vault.since(person) < before:
            links = node.activations.of_person(person)
            for link in links:
                if link.event in over:
                    node.vault.drop(person, f"question:{link.link}", f"answer:{link.link}")
            if all(link.event in over for link in links):
                node.vault.drop(person, asked_field("email"), asked_field("phone"))
            node.vault.drop(
                person, *(number_field(row.number) for row in node.market.orders_of(person) if row.event in over)
            )
            node.vault.untie(person, over)
            changed = True
    if changed:
        node.vault.scrub()
