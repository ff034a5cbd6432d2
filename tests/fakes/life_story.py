"""A whole evening on a real ledger on disk: sold, given, resold, allotted, shown at gates. Everybody signs.

Ticket 0 is bought, offered above the cap (refused), given on, resold through the provider and enters; 1 is bought and
enters twice; 2 is a sponsor's guest's; 3 goes back from the sponsor to the house.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ledger_node import config
from ledger_node.contract import bodies_market as market
from ledger_node.contract.outcome import Outcome, Rejected
from ledger_node.contract.provider import Money, open_receipt
from ledger_node.services.logged import read_logged
from ledger_node.services.node import Node, open_node
from ledger_node.vault_key import VaultKeys
from scanner.verify.entry import Entry
from tests.fakes.box_office import DOORS, EVENT, LEDGER_KEY, NODE, NOW, OPERATOR, code, gates, opening, ticket
from tests.fakes.clockwork import HandClock
from tests.fakes.market import (
    FACE,
    LATER,
    ORGANISER,
    ORGANISER_PARTY,
    POLICY,
    SERVICE_PARTY,
    SPONSOR,
    Person,
    capture,
    cast,
    digest,
    order,
    policy,
)

KEYS = config.Keys(NODE, {1: LEDGER_KEY}, VaultKeys(bytes(32)))


@contextmanager
def open_ruled(home: Path, clock: HandClock | None = None) -> Iterator[Node]:
    """A node whose operator's key tests know."""
    with open_node(home, KEYS, clock or HandClock(float(LATER)), bytes) as node:
        yield node


def put(node: Node, *entries: bytes) -> list[int]:
    """Log them all; their positions."""
    answers = node.ledger.submit(entries).result()
    assert all(isinstance(answer, Outcome) for answer in answers), answers
    return [answer.position for answer in answers if isinstance(answer, Outcome)]


def refused(node: Node, entry: bytes) -> str:
    """Why the ledger does not take it."""
    (answer,) = node.ledger.submit([entry]).result()
    assert isinstance(answer, Rejected), answer
    return answer.code


@dataclass
class Story:
    """Where things are in the log, by what happened."""

    at: dict[str, int] = field(default_factory=dict)
    ann: Person = field(default_factory=lambda: Person("ann"))
    bob: Person = field(default_factory=lambda: Person("bob"))
    eve: Person = field(default_factory=lambda: Person("eve"))

    def put(self, node: Node, **entries: bytes) -> None:
        self.at.update(zip(entries, put(node, *entries.values()), strict=True))


def tell(node: Node, count: int = 20, **changes: object) -> Story:
    """The evening up to the doors, and at the gates."""
    story = Story()
    issued = OPERATOR.issue(EVENT, (ticket(index, held=False) for index in range(count)), NOW)
    created, *devices = opening(0)
    story.put(node, created=created)
    put(node, *devices)
    story.put(node, issued=next(iter(issued)))
    put(node, *cast())
    story.put(node, policy=policy(POLICY, **changes))
    _sell(node, story)
    _pass_on(node, story)
    _sponsor(node, story)
    _enter(node, story)
    return story


def _sell(node: Node, story: Story) -> None:
    story.put(
        node,
        sold=order(0, 1, number="o"),
        sent=market.Activation([[0, digest("link")]]).seal(EVENT, NOW, NODE),
        activated=story.ann.activate(0),
        identified=story.ann.identify(0),
    )
    story.put(node, activated_1=story.bob.activate(1), identified_1=story.bob.identify(1))


def _pass_on(node: Node, story: Story) -> None:
    ann, bob, eve = story.ann, story.bob, story.eve
    assert refused(node, ann.offer(0, price=FACE + 1)) == "above-cap"
    offer = ann.offer(0)
    story.put(node, offered=offer, known=bob.identify(0, 1, held=False))
    story.put(node, accepted=bob.accept(0, hashlib.sha256(offer).digest()))
    listing = bob.sell(0, 1)
    deal = hashlib.sha256(listing).digest()
    story.put(node, listed=listing, known_2=eve.identify(0, 2, held=False))
    paid = eve.pay(0, deal, FACE, 2)
    story.put(node, bought=eve.buy(0, deal, 2, payment=paid))
    fees = FACE * POLICY.organiser_fee // 10_000, FACE * POLICY.service_fee // 10_000
    parts = {bob.pseudonym: FACE - sum(fees), ORGANISER_PARTY: fees[0], SERVICE_PARTY: fees[1]}
    held = market.BuyResale.of(_entry(story, node, "bought"))
    story.put(node, captured=capture(_reference(held.payment), FACE, sorted(parts.items())))


def _sponsor(node: Node, story: Story) -> None:
    story.put(
        node,
        allotted=market.AllotTickets("bank", [2, 3]).seal(EVENT, LATER, ORGANISER),
        granted=market.GrantTickets([[2, digest("guest", 2)]]).seal(EVENT, LATER, SPONSOR),
        recalled=market.RecallTickets([3]).seal(EVENT, LATER, ORGANISER),
    )


def _enter(node: Node, story: Story) -> None:
    first, second, _ = gates()
    bob, eve = story.bob, story.eve
    story.put(node, tried=first.refuse(code(0, 0, owner=story.ann.key(0, 0)), "transferred-away"))
    story.put(node, entered=first.admit(code(0, 2, owner=eve.key(0, 2))))
    story.put(node, turned_back=first.release())
    story.put(node, entered_1=first.admit(code(1, 0, owner=bob.key(1, 0))))
    story.put(node, doubled=second.admit(code(1, 0, owner=bob.key(1, 0), step=DOORS // 10 + 1)))
    with node.view() as view:
        (doubt,) = view.doubts(EVENT)
    story.put(node, reported=OPERATOR.report_double_entry(doubt.record, LATER))


def _entry(story: Story, node: Node, name: str) -> Entry:
    with node.view() as view:
        (raw,) = view.entries(story.at[name], story.at[name] + 1)
    return read_logged(raw)


def _reference(payment: bytes) -> str:
    said = open_receipt(payment)
    assert isinstance(said, Money)
    return said.reference
