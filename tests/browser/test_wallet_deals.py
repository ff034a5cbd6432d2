"""Passing tickets on from phone to phone: offers and listings, letters, money, refusals in the holder's language."""

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.support.select import Select

from ledger_node.adapters.provider import ProviderSettings, WalletProvider
from ledger_node.adapters.retry import Patience
from ledger_node.contract.bodies_house import RegisterActor
from ledger_node.contract.refusals import Refusal
from ledger_node.services import activation
from ledger_node.services.activation import Ask
from scanner.verify.reasons import Reason
from tests.fakes.marketplace import EVENT, FACE, RICH, Person
from tests.fakes.phone import BROWSER, House, Phone, open_browser, open_house
from tests.fakes.running_provider import Desk, served_provider

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not BROWSER, reason="needs chromium and chromedriver")]
BEN = "ben@example.hk"


@pytest.fixture(scope="module")
def browsers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    folder = tmp_path_factory.mktemp("profiles")
    with open_browser(folder / "ada") as one, open_browser(folder / "ben") as other:
        yield one, other


@pytest.fixture
def ada(browsers: tuple[Any, Any]) -> Iterator[Phone]:
    made = Phone(browsers[0])
    yield made
    made.put_away()


@pytest.fixture
def ben(browsers: tuple[Any, Any]) -> Iterator[Phone]:
    made = Phone(browsers[1])
    yield made
    made.put_away()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path / "home") as made:
        yield made


def code_of(person: Person) -> str:
    """What the person's wallet app shows once they have said yes."""
    return f"{person.party.hex()}.{person.agree()}"


def fill(phone: Phone, **fields: str) -> None:
    for name, value in fields.items():
        field = phone.see(f"#{name}")
        field.clear()
        field.send_keys(value)


def offer(phone: Phone, **fields: str) -> None:
    """Offer the ticket that is on the screen."""
    phone.click("#pass")
    fill(phone, **fields)
    phone.click("#do")


def test_a_ticket_is_given_from_phone_to_phone(ada: Phone, ben: Phone, house: House) -> None:
    ada.activate(*house.buy(1))
    old = ada.code()
    offer(ada, to=BEN)
    ada.see("#take-back")
    ada.says("not answered yet")
    ben.open(house.link_to(BEN, "transfer_offer"))
    assert "#/offer" in ben.driver.current_url
    assert "secret" not in ben.driver.current_url
    ben.says("1001", ".facts")
    ben.says("Free of charge", ".price")
    assert ben.overflowing() == []
    ben.click("#accept")
    ben.see(".at-gate")
    new = ben.code()
    assert (new.core.ticket, new.core.owner_seq) == (1, 1)
    assert house.judged(old).reason is Reason.TRANSFERRED
    assert house.judged(new).reason is Reason.TOO_EARLY, "only because the doors open in a month"
    ada.open(f"{house.origin}/wallet/")
    ada.await_(lambda: ada.shows(".chip[data-standing=gone]"), "the giver's phone learns of it")
    assert not ada.shows("#qr")
    ada.click("main button.quiet")
    ada.says("No ticket on this phone")
    assert ada.complaints() + ben.complaints() == []


def test_money_and_ticket_change_hands_together(ada: Phone, ben: Phone, house: House) -> None:
    seller, buyer = house.market.person("ada"), house.market.person("ben")
    ada.activate(*house.buy(2))
    offer(ada, to=BEN, price="880.00", id_code=seller.agree())
    ada.see("#take-back")
    ada.says("HK$880.00", ".price")
    ben.open(house.link_to(BEN, "transfer_offer"))
    ben.says("HK$880.00", ".price")
    ben.click("#accept")
    ben.refused("bad-code")
    fill(ben, pay_code=code_of(buyer))
    ben.click("#accept")
    ben.see(".at-gate")
    ben.await_(lambda: seller.balance() == RICH + FACE, "the seller is paid")
    assert buyer.balance() == RICH - FACE
    assert (ben.code().core.owner_seq, any(house.market.owner(2))) == (1, True)


@pytest.mark.parametrize("language", ["en", "zh-HK"])
def test_a_price_above_the_cap_is_refused_in_the_contracts_words(ada: Phone, house: House, language: str) -> None:
    ada.speaks(language)
    seller = house.market.person("ada")
    ada.activate(*house.buy(3))
    offer(ada, price="881", id_code=seller.agree())
    ada.refused("above-cap")
    said = Refusal.ABOVE_CAP.chinese if language == "zh-HK" else Refusal.ABOVE_CAP.english
    ada.says(said)
    fill(ada, price="a lot")
    ada.click("#do")
    ada.refused("bad-price")
    assert house.market.title(3).deal == b""


def test_no_is_an_answer(ada: Phone, ben: Phone, house: House) -> None:
    ada.activate(*house.buy(4))
    offer(ada, to=BEN)
    ada.see("#take-back")
    link = house.link_to(BEN, "transfer_offer")
    ben.speaks("zh-HK")
    ben.open(link)
    ben.click("#reject")
    ben.says("您已拒絕此轉讓")
    ben.open(link)
    ben.refused("deal-gone")
    assert house.market.row(4).owner_seq == 0
    assert house.market.title(4).deal == b""


def test_an_offer_is_taken_back_and_its_link_is_dead(ada: Phone, ben: Phone, house: House) -> None:
    ada.activate(*house.buy(5))
    offer(ada)
    link = ada.attribute("#share", "data-link")
    assert link.startswith(f"{house.origin}/offer#{EVENT}/")
    ben.open(link)
    ben.see("#accept")
    ada.click("#take-back")
    ada.see(".chip[data-standing=active]")
    ben.click("#accept")
    ben.refused("deal-gone")
    assert house.judged(ada.code()).reason is Reason.TOO_EARLY


def test_an_offer_runs_out(ada: Phone, ben: Phone, house: House) -> None:
    ada.activate(*house.buy(6))
    ada.click("#pass")
    Select(ada.see("#life")).select_by_index(0)
    ada.click("#do")
    link = ada.attribute("#share", "data-link")
    house.market.clock.now = 3 * 3_600
    ben.open(link)
    ben.see("[data-code=deal-expired], [data-code=deal-gone]")
    ben.open(f"{house.origin}/offer#{EVENT}/short")
    ben.says("not complete")


def test_an_acceptance_whose_answer_was_lost_is_not_lost(ada: Phone, ben: Phone, house: House) -> None:
    buyer, seller = house.market.person("ben"), house.market.person("ada")
    ada.activate(*house.buy(7))
    offer(ada, to=BEN, price="500", id_code=seller.agree())
    link = house.link_to(BEN, "transfer_offer")
    ben.open(link)
    fill(ben, pay_code=code_of(buyer))
    ben.driver.execute_script(
        "const real = window.fetch;"
        "window.fetch = (path, init) => real(path, init).then((answer) =>"
        " path.endsWith('/accept') ? Promise.reject(new TypeError('lost')) : answer)"
    )
    ben.click("#accept")
    ben.refused("away")
    ben.open(link)
    assert (ben.code().core.ticket, ben.code().core.owner_seq) == (7, 1)
    ben.await_(lambda: buyer.balance() == RICH - 50_000, "paid once")


def test_a_listing_is_found_by_its_link_and_bought(ada: Phone, ben: Phone, house: House) -> None:
    seller, buyer = house.market.person("ada"), house.market.person("ben")
    ada.activate(*house.buy(8))
    ada.click("#pass")
    ada.click("#to_all")
    fill(ada, price="800", id_code=seller.agree())
    ada.click("#do")
    link = ada.attribute("#share", "data-link")
    ben.open(link)
    ben.says("HK$800.00", ".price")
    assert not ben.shows("#reject")
    fill(ben, pay_code=code_of(buyer))
    ben.click("#accept")
    assert (ben.code().core.ticket, ben.code().core.owner_seq) == (8, 1)


def test_a_listing_is_taken_back(ada: Phone, house: House) -> None:
    seller = house.market.person("ada")
    ada.activate(*house.buy(9))
    ada.click("#pass")
    ada.click("#to_all")
    fill(ada, price="800", id_code=seller.agree())
    ada.click("#do")
    ada.click("#take-back")
    ada.see(".chip[data-standing=active]")
    assert house.market.title(9).deal == b""


def test_a_card_that_is_empty_moves_neither(ada: Phone, ben: Phone, house: House) -> None:
    seller, poor = house.market.person("ada"), house.market.person("poor", 5)
    ada.activate(*house.buy(10))
    offer(ada, to=BEN, price="1", id_code=seller.agree())
    ben.open(house.link_to(BEN, "transfer_offer"))
    fill(ben, pay_code=code_of(poor))
    ben.click("#accept")
    ben.refused("payment-declined")
    ben.says("no money has moved")
    assert (house.market.row(10).owner_seq, poor.balance()) == (0, 5)


@pytest.mark.parametrize("language", ["zh-HK", "en"])
def test_nothing_is_cut_off_and_the_history_names_nobody(ada: Phone, house: House, language: str) -> None:
    ada.speaks(language)
    ada.activate(*house.buy(11))
    ada.click("#pass")
    for width in (320, 360):
        ada.size(width)
        assert ada.overflowing() == []
    ada.click("#do")
    ada.see("#take-back")
    assert ada.overflowing() == []
    ada.click("main .links button")
    ada.click("#history")
    ada.see(".steps li")
    for word in ("發行", "售出", "提出轉讓") if language == "zh-HK" else ("issued", "sold", "transfer offered"):
        ada.says(word, ".steps")
    assert ada.overflowing() == []


def test_paying_by_the_providers_own_page_and_back(ada: Phone, ben: Phone, house: House, tmp_path: Path) -> None:
    node = house.node
    person = node.vault.add({"email": "ada@example.hk"}, node.seconds, [EVENT])
    link = activation.prepare(node, Ask(EVENT, (12,), "HK-12", person, "Order?", "HK-12"))
    with served_provider(tmp_path / "provider") as server, closing(Desk(server.url)) as desk:
        key = bytes.fromhex(desk.do("about")["public_key"])
        desk.do("clients", public_key=node.keys.node.public.hex())
        for name in ("ada", "ben"):
            desk.do("accounts", account=name, deposit=100_000)
        settings = ProviderSettings(server.url, "sandbox", key, consent=f"{server.url}/sandbox/consent")
        node.commit([RegisterActor("sandbox", "provider", key).seal(EVENT, node.seconds, node.keys.node)])
        patience = Patience(lambda _: None, lambda: 0.5, tries=2)
        made = WalletProvider(settings, node.keys.node, node.now, lambda: os.urandom(8).hex(), patience)
        with closing(made) as provider:
            node.outside = replace(node.outside, provider=provider, provider_name="sandbox", consent=settings.consent)
            ada.activate(f"{house.origin}{link.path}", "HK-12")
            ada.click("#pass")
            fill(ada, price="700.50")
            ada.click("#ask-identify")
            ada.click("button[value=ada]")
            ada.see("#do")
            assert ada.see("#price").get_attribute("value") == "700.50", "what was typed is still there"
            assert "agreed" not in ada.driver.current_url
            fill(ada, to=BEN)
            ada.click("#do")
            ben.open(house.link_to(BEN, "transfer_offer"))
            ben.click("#ask-pay")
            ben.says("700.50", "body")
            ben.click("button[value=ben]")
            ben.says("authorised", ".consents")
            ben.click("#accept")
            assert ben.code().core.owner_seq == 1
            ada.await_(
                lambda: desk.do("accounts") == {**desk.do("accounts"), "ada": 170_050, "ben": 29_950}, "the money"
            )
            kept = ben.driver.execute_script("return JSON.stringify(sessionStorage)")
            assert "pay-" not in kept, "a yes is used up"
