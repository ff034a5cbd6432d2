"""An event on a real node with everybody who takes part in selling and passing on its tickets: a provider with real
rules, people with real keys, a recorder of letters. Time stands still unless a test moves it.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ledger_node.adapters.delivery import DeliveryError
from ledger_node.contract.bodies_house import RegisterActor
from ledger_node.contract.bodies_market import CancelTransfer, ListResale, OfferTransfer, RejectTransfer, UnlistResale
from ledger_node.contract.commitments import identity_reference, invitation
from ledger_node.contract.entries import NewTicket
from ledger_node.contract.facts import Books, Title
from ledger_node.services import activation, dealing, identities, policies, sale, tickets
from ledger_node.services.accounts.site import set_site
from ledger_node.services.events import EventOrder, create_event
from ledger_node.services.messenger import NotSentError
from ledger_node.services.outside import Outside
from ledger_node.services.purchases import Payer
from scanner.verify.gatecode import event_hash, possession_message
from scanner.verify.keys import SigningKey
from scanner.verify.possession import identity_message
from tests.fakes.running_node import open_home
from tests.fakes.strict_provider import KEY, NAME, StrictProvider

EVENT = "harbour-nights"
FACE = 88_000
START = 1_800_000_000
DOORS = START + 30 * 86_400
ORGANISER, SERVICE = (hashlib.sha256(name).digest() for name in (b"organiser", b"service"))
POLICY = {
    "organiser_fee": 500,
    "service_fee": 125,
    "handling_fee": 1_000,
    "organiser_party": ORGANISER.hex(),
    "service_party": SERVICE.hex(),
    "freezes": 3_600,
}
RICH = 10_000_000


class Clock:
    """Seconds, moved by hand."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Letters:
    """A messenger that keeps what it was given. `faults`: "later" or "never" for the next ones."""

    def __init__(self) -> None:
        self.sent = []
        self.keys = []
        self.faults = []

    def way(self, contact, _template):
        return "email" if contact.email else "phone"

    def send(self, contact, template, values, key=None):
        fault = self.faults.pop(0) if self.faults else None
        if fault == "later":
            raise DeliveryError("the mail server is away")
        if fault == "never":
            raise NotSentError("no such mailbox")
        self.sent.append(((contact.phone, contact.email), template, dict(values)))
        self.keys.append(key)


def consent(event: str, key: SigningKey, authorisation: str) -> identities.Consent:
    """What the holder of the key gives the node beside the provider's authorisation."""
    reference = identity_reference(event, key.public, authorisation)
    return identities.Consent(authorisation, key.sign(identity_message(event_hash(event), key.public, reference)))


@dataclass
class Person:
    """Somebody with a wallet at the provider and a fresh key for each ticket."""

    market: "Marketplace"
    name: str
    authorisations: int = 0

    @property
    def party(self) -> bytes:
        return hashlib.sha256(f"person {self.name}".encode()).digest()

    def key(self, ticket: int, seq: int) -> SigningKey:
        return SigningKey(hashlib.sha256(f"{self.name} {ticket} {seq}".encode()).digest())

    def agree(self) -> str:
        """An authorisation of the provider's, good once."""
        self.authorisations += 1
        return self.market.provider.permit(self.party, f"{self.name}-{self.authorisations}-{os.urandom(4).hex()}")

    def consent(self, key: SigningKey) -> identities.Consent:
        """To be known as the holder of this key."""
        return consent(EVENT, key, self.agree())

    def payer(self) -> Payer:
        return Payer(self.party, self.agree())

    def balance(self) -> int:
        return self.market.provider.balance(self.party)

    def hold_ticket(self, ticket: int) -> None:
        """Buy it outside, activate it and be identified: everything that comes before a transfer."""
        key = self.key(ticket, 0)
        proof = key.sign(possession_message(event_hash(EVENT), ticket, 0, key.public))
        tickets.register_key(self.market.node, EVENT, ticket, 0, key.public, proof)
        identities.identify(self.market.node, EVENT, key.public, 0, self.consent(key), (ticket,))

    def offer(self, ticket: int, seq: int = 0, price: int = 0, secret: bytes = b"s" * 32, life: int = 3_000) -> bytes:
        now = self.market.node.seconds
        body = OfferTransfer(ticket, seq, price, invitation(secret), now + life)
        return body.seal(EVENT, now, self.key(ticket, seq))

    def listing(self, ticket: int, seq: int = 0, price: int = FACE, life: int = 3_000) -> bytes:
        now = self.market.node.seconds
        return ListResale(ticket, seq, price, now + life).seal(EVENT, now, self.key(ticket, seq))

    def cancel(self, ticket: int, seq: int, deal: bytes) -> bytes:
        return CancelTransfer(ticket, deal).seal(EVENT, self.market.node.seconds, self.key(ticket, seq))

    def unlist(self, ticket: int, seq: int, deal: bytes) -> bytes:
        return UnlistResale(ticket, deal).seal(EVENT, self.market.node.seconds, self.key(ticket, seq))

    def reject(self, ticket: int, deal: bytes, secret: bytes = b"s" * 32) -> bytes:
        return RejectTransfer(ticket, deal, secret).seal(EVENT, self.market.node.seconds, self.key(ticket, 999))

    def newcomer(self, ticket: int, seq: int, *, pays: bool = True) -> dealing.Newcomer:
        return dealing.Newcomer(self.key(ticket, seq).public, self.payer() if pays else None)

    def signs(self, ready: dealing.Ready) -> bytes:
        return ready.draft.sealed(self.key(ready.deal.ticket, ready.owner_seq).sign(ready.draft.message))


@dataclass
class Marketplace:
    """The node, its surroundings, and what to look at."""

    node: object
    clock: Clock
    provider: StrictProvider
    letters: Letters = field(default_factory=Letters)

    def person(self, name: str, cents: int = RICH) -> Person:
        made = Person(self, name)
        self.provider.account(made.party, cents)
        return made

    def owner(self, ticket: int) -> bytes:
        return self.row(ticket).holder_key

    def row(self, ticket: int):
        return tickets.read_ticket(self.node, EVENT, ticket).row

    def title(self, ticket: int) -> Title:
        with self.node.view() as view:
            return view.find(Title, EVENT, ticket)

    def books(self) -> Books:
        with self.node.view() as view:
            return view.find(Books, EVENT, "books")

    def activate(self, link: str, answer: str, keys) -> None:
        """What a holder's page does with the link of a letter."""
        token = link.partition("#")[2]
        activation.activate(self.node, token, answer, keys)


def surround(node, provider: StrictProvider, letters) -> None:
    """Give the node its provider and messenger."""
    node.outside = Outside(provider, NAME, letters, (b"k" * 32,))
    set_site(node, "https://tickets.example")


def stage(node, count: int, doors: int = DOORS) -> None:
    """The event, unsold tickets from 1 on, the provider on the ledger, a policy, direct sale."""
    create_event(node, EventOrder(EVENT, "Harbour Nights", doors, doors + 5_400, max(count, 100)))
    rows = [NewTicket(index, 1_000 + index, 0, 1, FACE) for index in range(1, count + 1)]
    node.commit(list(node.operator.issue(EVENT, rows, node.seconds)))
    node.commit([RegisterActor(NAME, "provider", KEY.public).seal(EVENT, node.seconds, node.keys.node)])
    policies.set_policy(node, EVENT, POLICY)
    sale.open_sale(node, EVENT, 8, 300)


@contextmanager
def marketplace(home: Path, count: int = 20, clock: Clock | None = None, doors: int = DOORS) -> Iterator[Marketplace]:
    """Everything, staged if it is not yet."""
    clock = clock or Clock()
    with open_home(home, clock) as node:
        provider = StrictProvider(home / "provider.sqlite3", clock)
        try:
            made = Marketplace(node, clock, provider)
            surround(node, provider, made.letters)
            if not node.ledger.size:
                provider.account(ORGANISER)
                provider.account(SERVICE)
                stage(node, count, doors)
            yield made
        finally:
            provider.close()
