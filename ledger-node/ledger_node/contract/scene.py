"""What most rules look up first: an event and its books, a ticket and its title, the policy in force. Puts nothing."""

from collections.abc import Iterable
from typing import NamedTuple

from ledger_node.contract.facts import Books, Deal, Place, PolicyVersion, Title
from ledger_node.contract.outcome import Rejected
from ledger_node.contract.policy import TicketPolicy
from ledger_node.contract.refusals import Refusal
from ledger_node.contract.state import EventState, State, Ticket
from scanner.verify.keys import NO_KEY
from scanner.verify.row import ACTIVE

NO_SEAT = 0
"""The number of a place without one (standing, free seating), which any number of tickets may have."""
_WIDEST = TicketPolicy()


class Scene(NamedTuple):
    """An event with its books."""

    event: EventState
    books: Books


class Seen(NamedTuple):
    """A ticket with its title."""

    ticket: Ticket
    title: Title

    @property
    def label(self) -> str:
        """What a refusal calls it."""
        return f"ticket {self.title.ticket}"


def scene_of(state: State, event: str) -> Scene | Rejected:
    """The event, whatever its standing."""
    known = state.event(event)
    if known is None:
        return Rejected(Refusal.UNKNOWN_EVENT, event)
    return Scene(known, state.find(Books, event, "books") or Books(event))


def open_scene(state: State, event: str) -> Scene | Rejected:
    """The event, if it is neither cancelled nor closed."""
    scene = scene_of(state, event)
    if isinstance(scene, Scene) and scene.books.standing != "open":
        return Rejected(Refusal.EVENT_NOT_OPEN, scene.books.standing)
    return scene


def look_up(state: State, event: str, index: int) -> Seen | Rejected:
    """The ticket and who has it."""
    ticket = state.ticket(event, index)
    if ticket is None:
        return Rejected(Refusal.UNKNOWN_TICKET, f"ticket {index}")
    title = state.find(Title, event, index)
    if title is None:
        title = Title(event, index, "house" if ticket.row.holder_key == NO_KEY else "person")
    return Seen(ticket, title)


def place_at(title: Title, at: int) -> Place:
    """Where the ticket is; a hold that has run out holds nothing."""
    return "house" if title.place == "held" and title.until <= at else title.place


def is_free(seen: Seen, at: int, hold: bytes = b"") -> bool:
    """Whether the house may still dispose of it; what is kept under `hold`, it may for that buyer."""
    row, title = seen.ticket.row, seen.title
    kept = bool(hold) and title.place == "held" and title.ref == hold
    place_good = kept or place_at(title, at) == "house"
    return place_good and row.holder_key == NO_KEY and row.state == ACTIVE and not row.uses


def seat_doubled(state: State, event: str, places: Iterable[tuple[int, int]]) -> Rejected | None:
    """Whether one of these tickets (index, seat number) would share its seat with another that is not refunded."""
    wanted: dict[int, int] = {}
    for index, seat in places:
        if seat != NO_SEAT and wanted.setdefault(seat, index) != index:
            return Rejected(Refusal.SEAT_DOUBLED, f"ticket {index}: seat {seat}")
    for other in state.sitting(event, wanted):
        index = wanted[other.row.seat]
        if index != other.row.ticket:
            return Rejected(Refusal.SEAT_DOUBLED, f"ticket {index}: seat {other.row.seat}")
    return None


def live_deal(state: State, seen: Seen, at: int) -> Deal | None:
    """The offer or listing that can still be accepted, or None."""
    deal = state.find(Deal, seen.title.event, seen.title.deal) if seen.title.deal else None
    good = deal is not None and deal.until > at and deal.owner_seq == seen.ticket.row.owner_seq
    return deal if good else None


def policy_version(state: State, event: str, version: int) -> TicketPolicy:
    """The policy of this version; version 0 is what counts before there is any."""
    found = state.find(PolicyVersion, event, version) if version else None
    return found.policy if found else _WIDEST


def version_at(state: State, scene: Scene, at: int) -> int:
    """The version of the policy in force; few versions wait for their time, so the newest are asked first."""
    version = scene.books.policy
    while version:
        found = state.find(PolicyVersion, scene.event.manifest.event, version)
        if found is None or found.effective <= at:
            break
        version -= 1
    return version


def policy_at(state: State, scene: Scene, at: int) -> TicketPolicy:
    """The policy in force."""
    return policy_version(state, scene.event.manifest.event, version_at(state, scene, at))


def licensed(state: State, scene: Scene, at: int) -> int:
    """How many tickets there may be: by the manifest, by the policy in force, and by those that wait for their time."""
    event, versions = scene.event.manifest.event, range(version_at(state, scene, at), scene.books.policy + 1)
    return min(scene.event.manifest.capacity, *(policy_version(state, event, n).capacity for n in versions))
