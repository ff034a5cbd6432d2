"""Listing, buying, taking back; and that every cent of a price is somebody's."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger_node.contract.facts import Deal
from ledger_node.contract.handover import split_price
from ledger_node.contract.policy import TicketPolicy
from ledger_node.services import resale
from ledger_node.services.errors import ServiceError
from ledger_node.services.tending import tend
from tests.fakes.marketplace import EVENT, FACE, ORGANISER, RICH, SERVICE


def listed(market, price=FACE):
    ada = market.person("ada")
    ada.hold_ticket(1)
    deal, _ = resale.put_up(market.node, EVENT, ada.listing(1, price=price))
    return ada, deal


def buy(market, who, deal):
    ready = resale.checkout(market.node, EVENT, deal, who.newcomer(1, 1))
    return resale.buy(market.node, EVENT, deal, who.signs(ready))


def test_seller_organiser_and_fees_are_what_the_buyer_paid(market):
    price = 87_999
    ada, deal = listed(market, price)
    ben = market.person("ben")
    (shown,) = resale.listings(market.node, EVENT)
    buy(market, ben, deal)
    tend(market.node)
    provider = market.provider
    got = (ada.balance() - RICH, provider.balance(ORGANISER), provider.balance(SERVICE))
    assert got == (shown.seller, shown.organiser, shown.fees)
    assert sum(got) == price == RICH - ben.balance()
    books = market.books()
    assert (books.sellers, books.organiser, books.fees) == got


def test_first_buyer_has_it_and_the_second_their_money(market):
    _, deal = listed(market)
    ben, cora = market.person("ben"), market.person("cora")
    ready = [resale.checkout(market.node, EVENT, deal, who.newcomer(1, 1)) for who in (ben, cora)]
    assert market.provider.held() == 2 * FACE
    resale.buy(market.node, EVENT, deal, cora.signs(ready[1]))
    with pytest.raises(ServiceError) as refused:
        resale.buy(market.node, EVENT, deal, ben.signs(ready[0]))
    assert refused.value.code == "deal-gone"
    tend(market.node)
    assert (ben.balance(), cora.balance(), market.provider.held()) == (RICH, RICH - FACE, 0)
    assert market.owner(1) == cora.key(1, 1).public


def test_listing_above_the_cap_is_refused(market):
    with pytest.raises(ServiceError) as refused:
        listed(market, FACE + 1)
    assert refused.value.code == "above-cap"


def test_buying_without_a_payer_is_told_the_price(market):
    _, deal = listed(market)
    with pytest.raises(ServiceError) as refused:
        resale.checkout(market.node, EVENT, deal, market.person("ben").newcomer(1, 1, pays=False))
    assert (refused.value.code, refused.value.status) == ("payment-needed", 402)


@pytest.mark.parametrize("by", ["holder", "desk"])
def test_listing_is_taken_back(market, by):
    ada, deal = listed(market)
    if by == "holder":
        resale.unlist(market.node, EVENT, deal, ada.unlist(1, 0, deal))
    else:
        resale.unlist_for(market.node, EVENT, deal)
    assert resale.listings(market.node, EVENT) == []


def test_listing_that_ran_out_is_not_shown(market):
    _, deal = listed(market)
    market.clock.now += 3_001
    assert resale.listings(market.node, EVENT) == []
    with pytest.raises(ServiceError) as gone:
        resale.show(market.node, EVENT, deal)
    assert (gone.value.code, gone.value.status) == ("deal-expired", 410)


def test_entry_about_another_listing_than_the_address_is_refused(market):
    ada, deal = listed(market)
    with pytest.raises(ServiceError) as refused:
        resale.unlist(market.node, EVENT, b"x" * 32, ada.unlist(1, 0, deal))
    assert refused.value.code == "other-entry"


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**53), st.integers(0, 10_000), st.integers(0, 10_000))
def test_no_cent_is_made_or_lost(price, organiser, service):
    policy = TicketPolicy(organiser_fee=organiser, service_fee=min(service, 10_000 - organiser))
    split = split_price(Deal("e", b"d", "resale", 1, 0, price, b"", 1, 0, 0), policy, b"s")
    assert split.amount == price
    assert min(split.seller, split.organiser, split.fees) >= 0
