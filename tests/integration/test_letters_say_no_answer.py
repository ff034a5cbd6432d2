"""Every kind of letter, as a real mail server and an SMS gateway get it: none that has a link says what the link's page
asks for, in no spelling, and the right answer opens it.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from ledger_node import spelling
from ledger_node.adapters.exchange import Limits
from ledger_node.adapters.mail import Mailer, SmtpServer
from ledger_node.adapters.retry import Patience
from ledger_node.adapters.sms import SmsGateway, SmsSender
from ledger_node.services import activation, links, lost_phones, orders, sale, sponsors, transfers
from ledger_node.services.activation import Key
from ledger_node.services.errors import ServiceError
from ledger_node.services.post import Post
from ledger_node.services.sale import Buyer
from ledger_node.services.sponsors import Guest
from ledger_node.services.tending import tend
from ledger_node.services.transfers import Recipient
from ledger_node.services.ways import WAYS
from scanner.verify.gatecode import event_hash, possession_message
from tests.fakes.marketplace import EVENT, FACE, POLICY, Marketplace, marketplace
from tests.fakes.outside import Asked, Outside, Reply
from tests.fakes.post_office import PostOffice, open_office
from tests.fakes.staffed_node import BY

MAIL, PHONE, BANK = "canary.wong@example.com", "+85291230001", "harbour-bank"
DOCUMENT = Path(__file__).parents[2] / "docs" / "activation.md"
LINK = re.compile(r"https://tickets\.example/(?:activate|offer)#[^\s\"<]+")


@dataclass
class House:
    """A marketplace that writes real letters; what came of them, as text."""

    market: Marketplace
    office: PostOffice
    sms: list[str] = field(default_factory=list)

    def letters(self) -> list[str]:
        """Everything that arrives, with its headers, decoded."""
        tend(self.market.node)
        return [*map(_text, self.office.letters), *self.sms]

    def with_link(self) -> str:
        """The newest letter that has a link."""
        return [one for one in self.letters() if LINK.search(one)][-1]

    def opens(self, letter: str, answer: str) -> bool:
        token = LINK.search(letter)[0].partition("#")[2]
        keys = []
        for place in activation.look(self.market.node, token).places:
            key = self.market.person("canary").key(place.ticket, place.owner_seq)
            message = possession_message(event_hash(EVENT), place.ticket, place.owner_seq, key.public)
            keys.append(Key(place.ticket, key.public, key.sign(message)))
        try:
            return bool(activation.activate(self.market.node, token, answer, keys))
        except ServiceError as error:
            return error.code != "wrong-answer"


def _text(letter: EmailMessage) -> str:
    parts = [part.get_content() for part in letter.walk() if part.get_content_maintype() == "text"]
    return "\n".join([*(f"{name}: {value}" for name, value in letter.items()), *parts])


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as made:
        yield made


@contextmanager
def open_house(home: Path, *, mail: bool = True, sms: bool = True) -> Iterator[House]:
    office, said = PostOffice(), []

    def take(asked: Asked) -> Reply:
        said.append(json.dumps(json.loads(asked.body), ensure_ascii=False))
        return 202, {"Content-Type": "application/json"}, b'{"id": "1"}'

    patience = Patience(lambda _: None, lambda: 0.0, tries=2)
    with open_office(office) as port, Outside(take) as gateway, marketplace(home) as market:
        server = SmtpServer("127.0.0.1", "tickets@box.example", port=port, security="none", timeout=5.0)
        mailer = Mailer(server, patience, market.clock)
        limits = Limits(connect=2.0, within=5.0, most=10_000)
        sender = SmsSender(SmsGateway(url=f"{gateway.url}/sms", limits=limits), patience)
        post = Post(mailer if mail else None, sender if sms else None)
        market.node.outside = replace(market.node.outside, messenger=post)
        try:
            yield House(market, office, said)
        finally:
            mailer.close()
            sender.close()


def says(letter: str, answer: str) -> bool:
    """Whether the answer stands in it, however it is spelt; the link's own random characters are no answer."""
    text = spelling.answer(LINK.sub("", letter))
    return any(one in text for one in spelling.answers(answer))


def bought(house: House, **contact: str) -> str:
    held = sale.keep(house.market.node, EVENT, [1])
    return sale.pay(house.market.node, EVENT, held.token, Buyer(house.market.person("ben").payer(), **contact)).number


def from_the_feed(house: House) -> str:
    path = house.market.node.home / "feed.csv"
    fee = POLICY["handling_fee"]
    path.write_text(
        "number,event,tickets,seats,eticket,price_cents,fee_cents,phone,email\n"
        f"URB-7741,{EVENT},1,,yes,{FACE},{fee},{PHONE},{MAIL}\n"
    )
    orders.import_orders(house.market.node, EVENT, path)
    return "URB-7741"


def invited(house: House, guest: Guest) -> None:
    sponsors.add(house.market.node, EVENT, BANK)
    sponsors.allot(house.market.node, EVENT, BANK, [1])
    sponsors.invite(house.market.node, EVENT, BANK, [guest])


def guest_with_a_question(house: House) -> str:
    invited(house, Guest(PHONE, MAIL, "Your adviser?", "Mrs. Lam"))
    return "Mrs. Lam"


def guest_with_two_addresses(house: House) -> str:
    invited(house, Guest(PHONE, MAIL))
    return PHONE


def renewed(house: House) -> str:
    answer = guest_with_two_addresses(house)
    first = house.with_link()
    links.renew(house.market.node, house.market.node.activations.of_event(EVENT)[0].link, BY)
    assert house.with_link() != first
    return answer


WALKED = {
    "order feed": from_the_feed,
    "direct sale": lambda house: bought(house, email=MAIL, phone=PHONE),
    "guest with a question": guest_with_a_question,
    "guest with two addresses": guest_with_two_addresses,
    "renewed link": renewed,
}


@pytest.mark.parametrize("way", WALKED)
def test_the_letter_with_the_link_does_not_say_its_answer(house: House, way: str) -> None:
    answer = WALKED[way](house)
    with_links = [one for one in house.letters() if LINK.search(one)]
    assert with_links
    assert [one for one in with_links if says(one, answer)] == []
    assert not house.opens(with_links[-1], MAIL)
    assert house.opens(with_links[-1], answer)


@pytest.mark.parametrize("way", [{"sms": False}, {"mail": False}], ids=["mail only", "SMS only"])
@pytest.mark.parametrize("walk", [guest_with_two_addresses, from_the_feed], ids=["guest", "feed"])
def test_nor_where_the_node_has_one_way_to_write(tmp_path: Path, way: dict[str, bool], walk) -> None:
    with open_house(tmp_path, **way) as house:
        answer = walk(house)
        answer = MAIL if answer == PHONE and way == {"mail": False} else answer
        letter = house.with_link()
        assert not says(letter, answer)
        assert house.opens(letter, answer)


def test_a_receipt_says_the_number_and_has_no_link(house: House) -> None:
    """Of a buyer who gave both it goes by SMS, the link by mail."""
    number = bought(house, email=MAIL, phone=PHONE)
    house.letters()
    (mail,), (sms,) = map(_text, house.office.letters), house.sms
    assert (number in mail, bool(LINK.search(mail))) == (False, True)
    assert (number in sms, "http" in sms) == (True, False)


@pytest.mark.parametrize("contact", [{"email": MAIL}, {"phone": PHONE}], ids=["mail", "SMS"])
def test_a_buyer_with_one_address_gets_number_and_link_in_two_letters(house: House, contact: dict[str, str]) -> None:
    number = bought(house, **contact)
    letters = house.letters()
    assert sorted((number in one, bool(LINK.search(one))) for one in letters) == [(False, True), (True, False)]
    assert len(house.letters()) == 2, "each once"
    person = house.market.node.activations.of_event(EVENT)[0].person
    left = house.market.node.vault.read(person)
    assert [name for name in left if name.startswith(("paid:", "letter:"))] == []


def test_an_order_of_the_feed_gets_no_receipt_of_ours(house: House) -> None:
    from_the_feed(house)
    assert len(house.letters()) == 1


def test_a_lost_phones_question_is_not_answered_by_what_its_letter_said(house: House) -> None:
    number = bought(house, email=MAIL)
    assert house.opens(house.with_link(), number)
    link = house.market.node.activations.of_event(EVENT)[0].link
    for answer in ("canary wong", MAIL.upper(), "Harbour Nights"):
        with pytest.raises(ServiceError) as refused:
            lost_phones.replace_phone(house.market.node, link, "?", answer, BY)
        assert refused.value.code == "answer-in-letter"
    lost_phones.replace_phone(house.market.node, link, "?", "Z987654(3)", BY)


def test_a_transfer_asks_nothing_and_its_letter_says_only_what_the_link_is(house: House) -> None:
    ada = house.market.person("ada")
    ada.hold_ticket(2)
    transfers.offer(house.market.node, EVENT, ada.offer(2), Recipient(b"s" * 32, email=MAIL))
    (letter,) = house.letters()
    assert "/offer#" in letter


def test_the_table_in_the_manual_is_the_table_and_every_way_is_walked() -> None:
    rows = [line.strip("| ").split(" | ") for line in DOCUMENT.read_text().splitlines() if line.startswith("| ")][1:]
    assert rows == [[one.name, one.letter, one.asks or "nothing", one.known_from or "-"] for one in WAYS]
    others = {"lost phone", "transfer", "resale"}
    assert {one.name for one in WAYS} - others == set(WALKED)
    assert {one.name for one in WAYS if not one.asks} < others
