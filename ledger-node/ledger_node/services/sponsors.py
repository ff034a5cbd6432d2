"""Sponsors: an allotment of unsold tickets, an audience that is invited to them, and the recall of what nobody claimed.

A sponsor acts through this node, which has a key for each that nobody else has; the ledger knows them by it. From the
activation link on, a guest goes the same way as a buyer.
"""

import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ledger_node.adapters.ticketing import FeedError, read_text
from ledger_node.contract.bodies_house import RegisterActor, RevokeActor
from ledger_node.contract.bodies_market import AllotTickets, GrantTickets, RecallTickets
from ledger_node.contract.facts import Actor, ActorKey, Title
from ledger_node.contract.outcome import Outcome
from ledger_node.names import name_fault
from ledger_node.services import activation, actors
from ledger_node.services.activation import Ask
from ledger_node.services.activation_links import CLAIMED, OPEN, REVOKED
from ledger_node.services.buyers import asked_field
from ledger_node.services.errors import ServiceError
from ledger_node.services.events import read_event
from ledger_node.services.given import require_actor_id
from ledger_node.services.letters import contact_of
from ledger_node.services.links import SPONSORED, link_letter
from ledger_node.services.node import Node
from ledger_node.services.pricing import free_seats
from ledger_node.services.still_on import require_on
from ledger_node.spelling import found_by
from scanner.verify.keys import NO_KEY, SigningKey

QUESTIONS = {
    "phone": "您給主辦機構的電話號碼？ Which phone number of yours does the host know?",
    "email": "您給主辦機構的電郵地址？ Which e-mail address of yours does the host know?",
}
"""What a guest is asked who has no question of their own: the address that the invitation does not go to."""
COLUMNS = ("phone", "email", "question", "answer")
MOST_GUESTS = 10_000
_CHUNK = 200
_MOST_BYTES = 1 << 24
_PERSON = b"ticketme/v1/spns"
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Guest:
    """Whom to invite, and what to ask them. Personal data."""

    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    question: str = field(default="", repr=False)
    answer: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class _Written:
    """A `messenger.Reachable`."""

    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Standing:
    """A sponsor's tickets: not given yet, given but not claimed, and in somebody's hands."""

    sponsor: str
    free: tuple[int, ...]
    unclaimed: tuple[int, ...]
    claimed: tuple[int, ...]


def add(node: Node, event: str, sponsor: str) -> Outcome:
    """Make the sponsor known to the ledger. Raises ServiceError."""
    require_actor_id(sponsor)
    key = _key(node, event, sponsor, _generation(node, event, sponsor))
    body = RegisterActor(sponsor, "sponsor", key.public)
    return node.commit_new(body.seal(event, node.seconds, node.keys.node, node.nonce()))


def end(node: Node, event: str, sponsor: str, reason: str) -> Outcome:
    """The sponsor may do nothing more; what they gave stays given. Raises ServiceError."""
    actors.require(node, event, sponsor, "sponsor")
    return node.commit_new(RevokeActor(sponsor, reason).seal(event, node.seconds, node.keys.node, node.nonce()))


def allot(node: Node, event: str, sponsor: str, tickets: Sequence[int]) -> Outcome:
    """Put unsold tickets at a sponsor's disposal, all or none. Raises ServiceError."""
    require_on(node, event)
    _actor(node, event, sponsor)
    return node.commit_new(AllotTickets(sponsor, tickets).seal(event, node.seconds, node.keys.node, node.nonce()))


def free_tickets(node: Node, event: str, count: int, category: int | None = None) -> list[int]:
    """The first `count` unsold tickets, of one category or any. Raises ServiceError if there are fewer."""
    with node.view() as view:
        node.event(view, event)
        tickets = [one for one in view.tickets(event) if category in {None, one.row.category}]
        free = free_seats(view, event, tickets, node.seconds)
    found = [one.row.ticket for one, good in zip(tickets, free, strict=True) if good][:count]
    if len(found) < count:
        raise ServiceError("not-enough", f"{len(found)} unsold tickets are left, not {count}")
    return found


def standing(node: Node, event: str, sponsor: str) -> Standing:
    """Where the sponsor's tickets are. Raises ServiceError "unknown-actor"."""
    _actor(node, event, sponsor)
    free: list[int] = []
    unclaimed: list[int] = []
    claimed: list[int] = []
    with node.view() as view:
        for title in view.each(Title, event):
            if title.sponsor == sponsor:
                ticket = view.ticket(event, title.ticket)
                held = ticket is not None and ticket.row.holder_key != NO_KEY
                (free if title.place == "sponsor" else claimed if held else unclaimed).append(title.ticket)
    return Standing(sponsor, tuple(free), tuple(unclaimed), tuple(claimed))


def read_guests(path: Path, question: str = "", answer: str = "") -> list[Guest]:
    """The audience of a CSV file, as spreadsheets write it (UTF-8 or Big5; commas, semicolons or tabs), with some of
    the columns COLUMNS; `question` and `answer` are for who has none of their own. Raises ServiceError for a bad line.
    """
    try:
        text = read_text(path, _MOST_BYTES)
        delimiter = max(",;\t", key=text.partition("\n")[0].count)
        rows = csv.DictReader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
        return list(_guests(rows, Guest(question=question, answer=answer)))
    except FeedError as error:
        raise ServiceError("no-file", f"{error}; nobody was invited") from error
    except csv.Error as error:
        raise ServiceError("bad-rows", f"{path.name} is no CSV: {error}; nobody was invited") from error


def invite(
    node: Node, event: str, sponsor: str, guests: Sequence[Guest], progress: Progress = lambda _: None
) -> list[int]:
    """Give each guest a ticket and write to them; their tickets. Who was invited before is passed over, so the same
    audience can be given again after a crash. ServiceError, before anything is done, if the tickets do not suffice.
    """
    require_on(node, event)
    name = read_event(node, event).manifest.name
    for place, guest in enumerate(guests, 1):
        _check_question(guest, f"guest {place}")
        _, answer, contact, _ = _question(node, guest)
        activation.require_secret(answer, name, sponsor, *contact.values())
    invited = _invited(node, event, sponsor)
    new = [guest for guest in guests if not invited & _sought(contact_of(guest.phone, guest.email))]
    free = standing(node, event, sponsor).free
    if len(free) < len(new):
        raise ServiceError("not-enough", f"{sponsor} has {len(free)} tickets to give, and {len(new)} guests")
    key = _key(node, event, sponsor, _generation(node, event, sponsor) - 1)
    pairs = list(zip(free, new, strict=False))
    for start in range(0, len(pairs), _CHUNK):
        _invite(node, event, sponsor, key, pairs[start : start + _CHUNK])
        progress(min(start + _CHUNK, len(pairs)))
    return [ticket for ticket, _ in pairs]


def recall(node: Node, event: str, sponsor: str, tickets: Sequence[int] = ()) -> list[int]:
    """Take unclaimed tickets back into the allotment (all, if none are named); their links die. Raises ServiceError."""
    back = list(tickets or standing(node, event, sponsor).unclaimed)
    if back:
        key = _key(node, event, sponsor, _generation(node, event, sponsor) - 1)
        node.commit_new(RecallTickets(back).seal(event, node.seconds, key, node.nonce()))
        _end_links(node, event, set(back))
    return back


def reclaim(node: Node, event: str, tickets: Sequence[int]) -> Outcome:
    """The house takes tickets that nobody has claimed out of an allotment; their links die. Raises ServiceError."""
    outcome = node.commit_new(RecallTickets(tickets).seal(event, node.seconds, node.keys.node, node.nonce()))
    _end_links(node, event, set(tickets))
    return outcome


def _invite(node: Node, event: str, sponsor: str, key: SigningKey, pairs: Sequence[tuple[int, Guest]]) -> None:
    """Links first, then the grant, then the letters: a guest whom a crash leaves out was not given a ticket."""
    made = []
    for ticket, guest in pairs:
        question, answer, contact, use = _question(node, guest)
        person = node.vault.keep(contact, use, node.seconds, [event])
        ask = Ask(event, (ticket,), _purchase(sponsor), person, question, answer)
        made.append((person, activation.prepare(node, ask)))
    items = [list(pair) for _, one in made for pair in one.commitments]
    node.commit([GrantTickets(items).seal(event, node.seconds, key)])
    letters = [link_letter(node, one, event, person, sponsor) for person, one in made]
    node.market.invited(letters)


def _question(node: Node, guest: Guest) -> tuple[str, str, dict[str, str], dict[str, str]]:
    """What the guest is asked, the answer, where the letter goes, and what else is kept. Without a question of their
    own it is the address that the letter does not go to; so nothing is sent there, and it is kept apart.
    """
    contact = contact_of(guest.phone, guest.email)
    if guest.question:
        return guest.question, guest.answer, contact, {}
    way = _way(node, contact)
    (other,) = contact.keys() - {way}
    return QUESTIONS[other], contact[other], {way: contact[way]}, {asked_field(other): contact[other]}


def _way(node: Node, contact: Mapping[str, str]) -> str:
    found = node.outside.messenger and node.outside.messenger.way(_Written(**contact), "invitation")
    return found or "email"


def _check_question(guest: Guest, named: str) -> None:
    """Raises ServiceError for a guest who could be asked nothing that their letter does not say."""
    if bool(guest.question) != bool(guest.answer):
        raise ServiceError("no-question", f"{named}: give question and answer both; nobody was invited")
    if guest.question and (fault := name_fault(guest.question)):
        raise ServiceError("bad-name", f"question: {fault}; nobody was invited")
    if not guest.question and not (guest.phone and guest.email):
        why = "the letter goes to the only address that is known, so there is nothing to ask that it does not say"
        what = "give a question and its answer, or both phone and e-mail"
        raise ServiceError("no-question", f"{named}: {why}: {what}; nobody was invited")


def _invited(node: Node, event: str, sponsor: str) -> set[str]:
    """The contacts of everybody who has a ticket by this sponsor's invitation, or can still claim it."""
    given = {*(held := standing(node, event, sponsor)).unclaimed, *held.claimed}
    links = [link for link in node.activations.of_event(event) if link.purchase == _purchase(sponsor)]
    persons = {link.person for link in links if link.keys.keys() & given and link.state != REVOKED}
    known: set[str] = set()
    for person in persons:
        try:
            kept = node.vault.read(person)
        except ServiceError:
            continue
        for name in QUESTIONS:
            known |= _sought({name: kept.get(name)}) | _sought({name: kept.get(asked_field(name))})
    return known


def _sought(contact: Mapping[str, str | None]) -> set[str]:
    """By which a guest is known again."""
    return {found_by(name, value) for name, value in contact.items() if value}


def _guests(rows: "csv.DictReader[str]", usual: Guest) -> Iterator[Guest]:
    unknown = set(rows.fieldnames or ()) - set(COLUMNS)
    if unknown or not rows.fieldnames:
        raise ServiceError("bad-header", f"line 1: the columns are some of {','.join(COLUMNS)}")
    seen: set[str] = set()
    for count, row in enumerate(rows, 1):
        if None in row or count > MOST_GUESTS:
            raise ServiceError("bad-rows", f"line {rows.line_num}: too many columns or rows; nobody was invited")
        guest = Guest(**{name: (value or "").strip() for name, value in row.items()})
        if not guest.question and not guest.answer:
            guest = replace(guest, question=usual.question, answer=usual.answer)
        try:
            contact = _sought(contact_of(guest.phone, guest.email))
            _check_question(guest, "this guest")
        except ServiceError as error:
            raise ServiceError("bad-rows", f"line {rows.line_num}: {error}; nobody was invited") from error
        if not contact & seen:
            seen |= contact
            yield guest


def _end_links(node: Node, event: str, tickets: set[int]) -> None:
    for link in node.activations.of_event(event):
        if link.keys.keys() & tickets and link.state in {OPEN, CLAIMED}:
            node.activations.set_state(link.link, REVOKED)


def _actor(node: Node, event: str, sponsor: str) -> Actor:
    with node.view() as view:
        node.event(view, event)
        found = view.find(Actor, event, sponsor)
    if found is None or found.role != "sponsor":
        raise ServiceError("unknown-actor", f"{event} has no sponsor {sponsor!r}: see `sponsors add`", 404)
    return found


def _generation(node: Node, event: str, sponsor: str) -> int:
    """How many keys the sponsor has had here: the first that the ledger does not know."""
    number = 0
    with node.view() as view:
        node.event(view, event)
        while view.find(ActorKey, event, _key(node, event, sponsor, number).public) is not None:
            number += 1
    return number


def _key(node: Node, event: str, sponsor: str, generation: int) -> SigningKey:
    """Made from the node's own key, so that there is no other file to lose."""
    said = f"{event}\0{sponsor}\0{generation}".encode()
    return SigningKey(hashlib.blake2b(said, key=node.keys.node.seed, person=_PERSON, digest_size=32).digest())


def _purchase(sponsor: str) -> str:
    return f"{SPONSORED}{sponsor}"
