"""Every limit that an organiser can set leaves a way through the wallet, or says what can be done instead.

Each row is a policy; the phones are two real browsers at a real node with a real provider's page, and walk the whole
way: giver or seller, then receiver or buyer.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ledger_node.contract.policy import TicketPolicy
from ledger_node.services import policies
from tests.fakes.marketplace import EVENT, POLICY
from tests.fakes.phone import BROWSER, House, Phone, open_browser, open_house
from tests.fakes.running_provider import Desk
from tests.fakes.wallet_house import at_provider, with_consent

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not BROWSER, reason="needs chromium and chromedriver")]
CONTACT = "https://tickets.example/help"
TICKETS = 40
WIDEST = {name: value for name, value in TicketPolicy().to_map().items() if name != "engine"}
SETTABLE = WIDEST.keys() - {"organiser_party", "service_party"}


@dataclass(frozen=True)
class Walk:
    """What is asked for under a policy. `giver` and `receiver`: the steps at the provider that the wallet offers."""

    changes: Mapping[str, Any]
    kind: str
    price: str
    giver: str = ""
    receiver: str = ""
    level: int = 2


def both(changes: Mapping[str, Any], **steps: str) -> list[Walk]:
    """A free transfer, and a resale that is paid."""
    paid = {"giver": "identify", "receiver": "pay"}
    if "receiver" in steps:
        paid["receiver"] = "both"
    return [Walk(changes, "transfer", "0", **steps), Walk(changes, "resale", "880", **paid)]


THROUGH: Mapping[str, list[Walk]] = {
    "transfer_cap": [Walk({"transfer_cap": 0}, "transfer", "")],
    "resale_cap": [
        Walk({"resale_cap": 0}, "resale", ""),
        Walk({"resale_cap": 110}, "resale", "968", "identify", "pay"),
    ],
    "organiser_fee": [Walk({"organiser_fee": 1_000}, "resale", "880", "identify", "pay")],
    "service_fee": [Walk({"service_fee": 1_000}, "resale", "880", "identify", "pay")],
    "most_transfers": [Walk({"most_transfers": 1}, "transfer", "0")],
    "most_tickets": both({"most_tickets": 4}, receiver="identify"),
    "send_level": [Walk({"send_level": 2}, "transfer", "0", "identify")],
    "receive_level": both({"receive_level": 2}, receiver="identify"),
    "opens": [Walk({"opens": 1}, "transfer", "0")],
    "freezes": [Walk({"freezes": 60}, "transfer", "0")],
    "rules": [
        Walk({"rules": {"transfer": "sender.level >= 1"}}, "transfer", "0", "identify"),
        Walk({"rules": {"transfer": "receiver.level >= 1"}}, "transfer", "0", "", "identify"),
        Walk({"rules": {"resale": "receiver.level >= 2"}}, "resale", "880", "identify", "both"),
    ],
    "sponsor_share": [Walk({"sponsor_share": 0}, "transfer", "0")],
    "capacity": [Walk({"capacity": 100}, "transfer", "0")],
    "handling_fee": [Walk({"handling_fee": 500}, "transfer", "100", "identify", "pay")],
    "currency": [Walk({"currency": "USD"}, "transfer", "880", "identify", "pay")],
    "tiers": [
        Walk({"tiers": [{"tier": 1, "category": 0, "price": 1, "opens": 0, "closes": 2**40}]}, "transfer", "0"),
    ],
}
FORBIDDEN: Mapping[str, tuple[Mapping[str, Any], str, str]] = {
    "most_transfers": ({"most_transfers": 0}, "changes hands no more", "不可再轉手"),
    "opens": ({"opens": int(time.time()) + 86_400}, "Tickets change hands from", "起可轉手"),
    "freezes": ({"freezes": 366 * 86_400}, "Tickets changed hands until", "已過轉手期限"),
}


@dataclass
class Theatre:
    """The house, the provider's desk, both phones, and tickets on the first of them that nobody has used yet."""

    house: House
    desk: Desk
    ada: Phone
    ben: Phone
    tickets: Iterator[int] = field(default_factory=lambda: iter(range(1, TICKETS + 1)))
    names: Iterator[int] = field(default_factory=lambda: iter(range(1_000)))

    def rule(self, changes: Mapping[str, Any]) -> None:
        """The organiser's policy is the widest, but for this."""
        policies.set_policy(self.house.node, EVENT, {**WIDEST, **POLICY, **changes})

    def account(self, level: int = 2) -> str:
        name = f"person-{next(self.names)}"
        self.desk.do("accounts", account=name, deposit=1_000_000, level=level)
        return name

    def pass_on(self, ticket: int, kind: str) -> None:
        self.ada.open(f"{self.house.origin}/wallet/#/pass/{EVENT}/{ticket}/0")
        if kind == "resale":
            self.ada.click("#to_all")


@pytest.fixture(scope="module")
def theatre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    home = tmp_path_factory.mktemp("limits")
    with (
        open_browser(home / "ada") as one,
        open_browser(home / "ben") as other,
        open_house(home / "home", count=TICKETS) as house,
    ):
        ada, ben = Phone(one), Phone(other)
        for first in range(1, TICKETS + 1, 8):
            ada.activate(*house.buy(*range(first, first + 8)))
        with with_consent(house, home / "provider") as desk:
            house.node.outside = replace(house.node.outside, box_office=CONTACT)
            yield Theatre(house, desk, ada, ben)


def walk(theatre: Theatre, step: Walk) -> None:
    ada, ben, ticket = theatre.ada, theatre.ben, next(theatre.tickets)
    theatre.rule(step.changes)
    theatre.pass_on(ticket, step.kind)
    if step.price:
        price = ada.see("#price")
        price.clear()
        price.send_keys(step.price)
    if step.giver:
        at_provider(ada, step.giver, theatre.account(step.level))
    ada.click("#do")
    link = ada.attribute("#share", "data-link")
    ben.open(link)
    ben.see("#accept")
    if step.receiver:
        at_provider(ben, step.receiver, theatre.account(step.level))
    ben.click("#accept")
    ben.see(".at-gate")
    assert theatre.house.market.row(ticket).owner_seq == 1


def leads_to_the_box_office(phone: Phone) -> None:
    phone.click("#instead")
    assert phone.see("#contact").get_attribute("href") == CONTACT


def test_every_limit_is_walked() -> None:
    assert THROUGH.keys() == SETTABLE


@pytest.mark.parametrize(
    "step", [pytest.param(one, id=f"{name}-{at}") for name, rows in THROUGH.items() for at, one in enumerate(rows)]
)
def test_there_is_a_way_through(theatre: Theatre, step: Walk) -> None:
    walk(theatre, step)


@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_is_forbidden_says_what_to_do_instead(theatre: Theatre, name: str) -> None:
    changes, english, chinese = FORBIDDEN[name]
    theatre.rule(changes)
    ticket = next(theatre.tickets)
    theatre.pass_on(ticket, "transfer")
    for words in (english, chinese, english):
        theatre.ada.says(words, ".notice")
        theatre.ada.click("#language")
    theatre.ada.click("#language")
    leads_to_the_box_office(theatre.ada)
    theatre.ada.says(f"{ticket}", ".facts")


def test_a_rule_that_says_no_to_a_price_takes_another_one(theatre: Theatre) -> None:
    ada, ticket = theatre.ada, next(theatre.tickets)
    theatre.rule({"rules": {"transfer": "offer.price * 2 <= ticket.face_value"}})
    theatre.pass_on(ticket, "transfer")
    ada.see("#price").send_keys("800")
    at_provider(ada, "identify", theatre.account())
    ada.click("#do")
    ada.refused("rule-says-no")
    assert ada.see("#instead").is_displayed()
    ada.see("#price").clear()
    ada.see("#price").send_keys("400")
    ada.click("#do")
    ada.see("#take-back")


def test_whoever_is_known_too_little_comes_again_when_they_are_known_better(theatre: Theatre) -> None:
    ada, ticket, name = theatre.ada, next(theatre.tickets), theatre.account(1)
    theatre.rule({"send_level": 2})
    theatre.pass_on(ticket, "transfer")
    at_provider(ada, "identify", name)
    ada.click("#do")
    ada.refused("identity-declined")
    assert ada.see("#instead").is_displayed()
    theatre.desk.do("accounts", account=name, level=2)
    at_provider(ada, "identify", name)
    ada.click("#do")
    ada.see("#take-back")


def test_a_ticket_that_is_held_at_a_lower_level_is_lifted(theatre: Theatre) -> None:
    """Identified for its price under one policy, and not well enough for the next one."""
    ada, ticket, name = theatre.ada, next(theatre.tickets), theatre.account(1)
    theatre.rule({})
    theatre.pass_on(ticket, "transfer")
    ada.see("#price").send_keys("1")
    at_provider(ada, "identify", name)
    ada.click("#do")
    ada.click("#take-back")
    ada.see(".at-gate")
    theatre.desk.do("accounts", account=name, level=2)
    theatre.rule({"send_level": 2})
    theatre.pass_on(ticket, "transfer")
    at_provider(ada, "identify", name)
    ada.click("#do")
    ada.see("#take-back")


def test_whoever_has_enough_tickets_is_told_before_their_money_is_held(theatre: Theatre) -> None:
    ada, ben, name = theatre.ada, theatre.ben, theatre.account()
    first, second = next(theatre.tickets), next(theatre.tickets)
    theatre.rule({"most_tickets": 1})
    for ticket in (first, second):
        theatre.pass_on(ticket, "resale")
        ada.see("#price").send_keys("100")
        at_provider(ada, "identify", theatre.account())
        ada.click("#do")
        ben.open(ada.attribute("#share", "data-link"))
        at_provider(ben, "both", name)
        ben.click("#accept")
        if ticket == first:
            ben.see(".at-gate")
    ben.refused("too-many-tickets")
    ben.says("Transfer or sell one of them first")
    assert theatre.desk.do("books")["held"] == 0
    leads_to_the_box_office(ben)
