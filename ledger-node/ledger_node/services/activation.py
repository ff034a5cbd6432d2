"""Activation: whoever has the link and knows the answer puts keys on the tickets of an order, once.

A link is 128 random bits, good for some days and for its tickets as they are now (owner_seq); an unknown one cannot be
told from an expired, used or revoked one. The answer is kept stretched (Argon2id) in the person's vault. A try is
counted before it is looked at; after five the link is locked until an operator opens it again. What is asked, and when
the link is sent, is the caller's; limits for each network address are the web's.

Order of writes: try counted -> link bound to the keys -> keys on the ledger, all or none -> link used. Whatever dies in
between, the same keys can go on and no others.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ledger_node import spelling
from ledger_node.contract.state import Ticket
from ledger_node.services.accounts.sessions import new_token
from ledger_node.services.accounts.tables import token_digest
from ledger_node.services.activation_links import CLAIMED, OPEN, REVOKED, USED, Link, Place
from ledger_node.services.buyers import number_of
from ledger_node.services.errors import ServiceError
from ledger_node.services.events import read_event
from ledger_node.services.messenger import Messenger
from ledger_node.services.node import Node
from ledger_node.services.still_on import require_on, why_not_on
from ledger_node.services.tickets import read_ticket
from ledger_node.services.told_times import when
from ledger_node.services.trail import Actor
from scanner.verify.gatecode import event_hash, possession_message
from scanner.verify.keys import NO_KEY, SALT_BYTES, stretch, valid_public_key, verify

TRIES = 5
LIFE = 14 * 86_400
"""How long a link is good unless somebody says otherwise, in seconds."""
TEMPLATE = "activation"
_TOKEN_BYTES = 16
_LINK_BYTES = 8
_COMMITMENT = b"ticketme/v1/activation\0"
_ORDER = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Ask:
    """Who is to activate what: a person of the vault, the order's number and tickets, the question and its answer."""

    event: str
    tickets: tuple[int, ...]
    purchase: str
    person: str
    question: str
    answer: str

    def __repr__(self) -> str:
        return f"Ask(event={self.event!r}, tickets={self.tickets}, person={self.person!r})"


@dataclass(frozen=True, slots=True)
class Made:
    """A new link; the token is nowhere else. `commitments` are [ticket, hash] for the ledger's activation entry."""

    link: str
    token: str
    commitments: tuple[tuple[int, bytes], ...]
    expires: int

    def __repr__(self) -> str:
        return f"Made(link={self.link!r})"

    @property
    def path(self) -> str:
        """The page for the holder. The token is behind #, so that it reaches no server's log."""
        return f"/activate#{self.token}"


@dataclass(frozen=True, slots=True)
class Opened:
    """What somebody with a link is shown. A key's proof of possession is made for its ticket's owner_seq."""

    event: str
    places: tuple[Place, ...]
    question: str
    expires: int
    tries_left: int


@dataclass(frozen=True, slots=True)
class Key:
    """A holder's key for one ticket, with proof of possession (`gatecode.possession_message`)."""

    ticket: int
    holder_key: bytes
    proof: bytes


def prepare(node: Node, ask: Ask, life: int = LIFE) -> Made:
    """A new link, durable; earlier ones of these tickets are good for nothing. Raises ServiceError."""
    salt = node.draw(SALT_BYTES)
    return _make(node, ask, salt + stretch(spelling.answer(ask.answer), salt), life)


def require_secret(answer: str, *shown: str | None) -> None:
    """Raises ServiceError "answer-in-letter" if one of the texts that the link's letter shows says the answer."""
    texts = [spelling.answer(text) for text in shown if text]
    if any(one in text for one in spelling.answers(answer) for text in texts):
        sentence = "the letter with the link says this answer: ask for something that only its person knows"
        raise ServiceError("answer-in-letter", sentence, 422)


def letter(node: Node, made: Made, site: str) -> dict[str, str]:
    """What the letter to the link's person is filled with; `site` is the origin that people reach."""
    link = find(node, made.link)
    manifest = read_event(node, link.event).manifest
    return {
        "event": manifest.name,
        "tickets": str(len(link.places)),
        "link": f"{site}{made.path}",
        "until": when(made.expires, manifest.zone),
    }


def send(node: Node, messenger: Messenger, made: Made, site: str) -> None:
    """Send the link to its person. Raises what a Messenger raises; it may be sent again."""
    contact = node.vault.contact(find(node, made.link).person)
    messenger.send(contact, TEMPLATE, letter(node, made, site), made.link)


def renew(node: Node, link: str, by: Actor, life: int = LIFE) -> Made:
    """The same invitation with a new token and all tries, for a message that was lost or a link that expired."""
    old = find(node, link)
    require_on(node, old.event)
    if old.state == USED:
        raise ServiceError("link-used", "this link has done its work: its tickets have keys", 409)
    kept = node.vault.read(old.person)
    question, answer = kept.get(f"question:{link}"), kept.get(f"answer:{link}")
    if question is None or answer is None:
        raise ServiceError("link-replaced", "a newer link took its place: renew that one, or make a new one", 409)
    ask = Ask(old.event, tuple(place.ticket for place in old.places), old.purchase, old.person, question, "")
    node.trail.add(node.seconds, by, "activation.renew", link)
    return _make(node, ask, bytes.fromhex(answer), life)


def knock(node: Node, token: str) -> None:
    """Whether there is a link at all that could be good, without any work. Raises ServiceError "link-not-good"."""
    link = node.activations.by_digest(token_digest(token))
    if link is None or link.state == REVOKED or (link.state != USED and link.expires <= node.seconds):
        raise _not_good()


def look(node: Node, token: str) -> Opened:
    """What the link is for and what is asked. ServiceError "link-not-good", "link-locked" or "event-not-open"."""
    link = _usable(node, token)
    _on(node, link)
    return Opened(link.event, link.places, _asked(node, link)[0], link.expires, TRIES - link.tries)


def activate(node: Node, token: str, answer: str, keys: Sequence[Key]) -> list[Ticket]:
    """Put one key on each of the link's tickets; the tickets. The same keys may ask again. Raises ServiceError."""
    link = node.activations.by_digest(token_digest(token))
    given = {key.ticket: key.holder_key for key in keys}
    if link is not None and link.state == USED and link.keys == given:
        _check_proofs(link, keys)
        return [read_ticket(node, link.event, ticket) for ticket in given]
    link = _usable(node, token)
    _on(node, link)
    _check_proofs(link, keys)
    if not node.activations.count_try(link.link, TRIES):
        raise _locked()
    if not _right(_asked(node, link)[1], answer):
        raise _wrong(node, link)
    if not node.activations.claim(link.link, given):
        raise _not_good()
    _register(node, link, keys)
    node.activations.set_state(link.link, USED)
    _drop(node, link)
    return [read_ticket(node, link.event, ticket) for ticket in given]


def unlock(node: Node, link: str, by: Actor) -> None:
    """The help desk knows the person in another way: all tries are there again."""
    found = find(node, link)
    if found.state not in {OPEN, CLAIMED}:
        raise ServiceError("link-used", f"the link is {found.state}, so no try is left to give: see `orders find`", 409)
    node.trail.add(node.seconds, by, "activation.unlock", link, {"event": found.event, "tries": found.tries})
    node.activations.reset_tries(link)


def revoke(node: Node, link: str, by: Actor) -> None:
    """The link is good for nothing from now on. Tickets that have their keys keep them."""
    found = find(node, link)
    if found.state not in {OPEN, CLAIMED}:
        raise ServiceError("link-used", f"the link was {found.state} before", 409)
    node.trail.add(node.seconds, by, "activation.revoke", link, {"event": found.event})
    node.activations.set_state(link, REVOKED)
    _drop(node, found)


def find(node: Node, link: str) -> Link:
    """By id. Raises ServiceError "unknown-link"."""
    found = node.activations.by_id(link)
    if found is None:
        raise ServiceError(
            "unknown-link", f"there is no activation link {link!r}: see `ledger-node activations list EVENT`", 404
        )
    return found


def of_event(node: Node, event: str) -> list[Link]:
    """All links of an event. Raises ServiceError "unknown-event"."""
    read_event(node, event)
    return node.activations.of_event(event)


def link_map(node: Node, link: Link) -> dict[str, Any]:
    """A link as the help desk sees it; `number` is the order's, as its buyer knows it, where it is kept."""
    tickets = [place.ticket for place in link.places]
    said = {"purchase": link.purchase, "tickets": tickets, "expires": link.expires, "tries": link.tries}
    order = link.purchase if _ORDER.fullmatch(link.purchase) else ""
    number = number_of(node, link.event, bytes.fromhex(order)) if order else ""
    return {
        "link": link.link,
        "event": link.event,
        "state": link.state,
        "number": number,
        **said,
        "locked": link.tries >= TRIES,
    }


def _make(node: Node, ask: Ask, kept: bytes, life: int) -> Made:
    if not ask.tickets or len(set(ask.tickets)) < len(ask.tickets):
        raise ServiceError("bad-tickets", "a link is for one ticket or more, each once")
    rows = [read_ticket(node, ask.event, ticket).row for ticket in sorted(ask.tickets)]
    places = tuple(Place(row.ticket, row.owner_seq + (row.holder_key != NO_KEY)) for row in rows)
    link, token = node.draw(_LINK_BYTES).hex(), new_token(node, _TOKEN_BYTES)
    node.vault.change(ask.person, {f"question:{link}": ask.question, f"answer:{link}": kept.hex()}, [ask.event])
    expires = node.seconds + life
    made = Link(link, ask.person, ask.event, ask.purchase, expires, 0, OPEN, places)
    for old in node.activations.add(token_digest(token), made):
        _drop(node, old)
    hashed = [hashlib.sha256(_COMMITMENT + kept + token.encode() + ticket.to_bytes(4, "big")) for ticket in ask.tickets]
    pairs = zip(ask.tickets, (one.digest() for one in hashed), strict=True)
    return Made(link, token, tuple(pairs), expires)


def _drop(node: Node, link: Link) -> None:
    node.vault.drop(link.person, f"question:{link.link}", f"answer:{link.link}")


def _usable(node: Node, token: str) -> Link:
    """Before an answer is stretched: for a link that is not good nothing is worked out, and the refusal says as much as
    its time does. Tokens are 128 random bits.
    """
    link = node.activations.by_digest(token_digest(token))
    if link is None or link.state not in {OPEN, CLAIMED} or link.expires <= node.seconds:
        raise _not_good()
    if link.tries >= TRIES:
        raise _locked()
    return link


def _on(node: Node, link: Link) -> None:
    """A holder whose event was cancelled is told so, and not that their link is bad."""
    with node.view() as view:
        why = why_not_on(node, view, link.event)
    if why is not None and why.code == "event-not-open":
        raise why


def _asked(node: Node, link: Link) -> tuple[str, bytes]:
    try:
        kept = node.vault.read(link.person)
        return kept[f"question:{link.link}"], bytes.fromhex(kept[f"answer:{link.link}"])
    except KeyError:
        raise _not_good() from None
    except ServiceError as error:
        # A person who was forgotten has no links any more; a vault that does not open is another matter.
        raise (_not_good() if error.code == "unknown-person" else error) from None


def _right(kept: bytes, answer: str) -> bool:
    """Every spelling is tried, so how long it takes depends on what was given and not on what is kept."""
    salt, stretched = kept[:SALT_BYTES], kept[SALT_BYTES:]
    return sum(hmac.compare_digest(stretch(one, salt), stretched) for one in spelling.answers(answer)) > 0


def _check_proofs(link: Link, keys: Sequence[Key]) -> None:
    """Before a try is counted: a wallet's mistake is not a wrong answer."""
    wanted = {place.ticket: place.owner_seq for place in link.places}
    if sorted(key.ticket for key in keys) != sorted(wanted):
        raise ServiceError("bad-keys", f"send one key for each ticket of the link: {sorted(wanted)}")
    if len({key.holder_key for key in keys}) < len(keys):
        raise ServiceError("bad-keys", "make a key of its own for each ticket, so that they cannot be linked")
    for key in keys:
        message = possession_message(event_hash(link.event), key.ticket, wanted[key.ticket], key.holder_key)
        if not valid_public_key(key.holder_key) or not verify(key.holder_key, message, key.proof):
            raise ServiceError("bad-proof", f"ticket {key.ticket}: the proof does not fit key, ticket and owner_seq")


def _wrong(node: Node, link: Link) -> ServiceError:
    left = TRIES - find(node, link.link).tries
    if left > 0:
        return ServiceError("wrong-answer", f"that is not the answer; tries left: {left}", 403)
    node.trail.add(node.seconds, Actor("holder"), "activation.locked", link.link, {"event": link.event})
    return _locked()


def _register(node: Node, link: Link, keys: Sequence[Key]) -> None:
    """All keys in one batch; those that an earlier try has put on the ledger are there."""
    entries = []
    for key, place in zip(sorted(keys, key=lambda key: key.ticket), link.places, strict=True):
        row = read_ticket(node, link.event, key.ticket).row
        if (row.holder_key, row.owner_seq) != (key.holder_key, place.owner_seq):
            said = (key.ticket, place.owner_seq, key.holder_key, key.proof, node.seconds)
            entries.append(node.operator.register_key(link.event, *said))
    try:
        if entries:
            node.commit(entries, whole=True)
    except ServiceError as error:
        if error.status < 500:
            node.activations.unclaim(link.link)
        raise


def _not_good() -> ServiceError:
    sentence = "this link is not good (used, expired, revoked, or mistyped): ask the box office for a new one"
    return ServiceError("link-not-good", sentence, 404)


def _locked() -> ServiceError:
    return ServiceError("link-locked", "too many wrong answers: the box office can open the link again", 423)
