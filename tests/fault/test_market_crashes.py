"""The process dies just before, or just after, each single write of a sale, a transfer and an order: after a restart,
and without anybody's help, money and ticket have moved together or not at all.
"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ledger_node.contract.facts import Payment
from ledger_node.services import orders, refunds, resale, sale, transfers
from ledger_node.services.errors import ServiceError
from ledger_node.services.sale import Buyer
from ledger_node.services.tending import tend
from ledger_node.services.transfers import Recipient
from scanner.verify.row import ACTIVE, REFUNDED
from tests.fakes.crashes import Crashed, Fate, Fated
from tests.fakes.marketplace import (
    EVENT,
    FACE,
    ORGANISER,
    POLICY,
    RICH,
    SERVICE,
    START,
    Clock,
    Marketplace,
    marketplace,
)

SECRET = b"s" * 32
FEE = POLICY["handling_fee"]
_WRITES = ("begin", "held", "signed", "logged", "give_up", "end", "add_orders", "put_off", "invited", "letter_tried")
Scenario = Callable[[Marketplace], None]
Check = Callable[[Marketplace], None]


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    """Ada holds ticket 1; everybody has money."""
    home = tmp_path_factory.mktemp("crashes") / "home"
    with marketplace(home) as market:
        market.person("ada").hold_ticket(1)
        market.person("ben")
    return home


def people(market):
    return [market.person(name, 0) for name in ("ada", "ben")]


def fated(market: Marketplace, fate: Fate) -> None:
    node = market.node
    node.market.refunds = Fated(node.market.refunds, fate, "begin", "paid", "end", "put_off")
    node.market = Fated(node.market, fate, *_WRITES)
    node.ledger = Fated(node.ledger, fate, "submit")
    node.vault = Fated(node.vault, fate, "add", "change", "drop")
    node.outside = replace(node.outside, provider=Fated(market.provider, fate, "do"))


def live_through(staged: Path, folder: Path, scenario: Scenario, check: Check) -> int:
    """The scenario with a crash at every write, one after the other; how many writes there are."""
    at, writes = 0, 1
    while at <= writes:
        for before in (True, False):
            home = shutil.copytree(staged, folder / f"{at}-{before}")
            died = live_once(home, scenario, at, before=before)
            writes = died.writes if at == 0 else writes
            later = START + 2_000 if died.dead else START + 10
            with marketplace(home, clock=Clock(later)) as market:
                for _ in range(3):
                    tend(market.node)
                    market.clock.now += 1_300
                tidy(market)
                check(market)
            shutil.rmtree(home)
            if at == 0:
                break
        at += 1
    return writes


def live_once(home: Path, scenario: Scenario, at: int, *, before: bool) -> Fate:
    fate = Fate(at, before=before)
    with marketplace(home) as market:
        fated(market, fate)
        try:
            scenario(market)
        except Crashed:
            assert fate.dead
    return fate


def tidy(market: Marketplace) -> None:
    """Nothing is left in between, and no money was made or lost."""
    assert market.provider.held() == 0
    assert market.node.market.unsettled() == []
    assert market.node.market.refunds.due(2**40) == []
    with market.node.view() as view:
        assert list(view.each(Payment, EVENT)) == []
    ada, ben = people(market)
    paid_in = sum((ada.balance(), ben.balance(), market.provider.balance(ORGANISER), market.provider.balance(SERVICE)))
    assert paid_in == 2 * RICH
    books = market.books()
    assert books.captured + books.outside == books.sellers + books.organiser + books.fees


def test_transfer(staged, tmp_path):
    def scenario(market):
        ada, ben = people(market)
        to = Recipient(SECRET, email="ben@example.com")
        deal = transfers.offer(market.node, EVENT, ada.offer(1, price=FACE), to).deal
        ready = transfers.checkout(market.node, EVENT, deal, SECRET, ben.newcomer(1, 1))
        transfers.accept(market.node, EVENT, deal, ben.signs(ready))
        tend(market.node)

    def check(market):
        ada, ben = people(market)
        moved = market.owner(1) == ben.key(1, 1).public
        assert (ada.balance(), ben.balance()) == ((RICH + FACE, RICH - FACE) if moved else (RICH, RICH))
        assert moved or market.owner(1) == ada.key(1, 0).public

    assert live_through(staged, tmp_path, scenario, check) >= 10


def test_direct_sale(staged, tmp_path):
    def scenario(market):
        _, ben = people(market)
        held = sale.keep(market.node, EVENT, [3])
        sale.pay(market.node, EVENT, held.token, Buyer(ben.payer(), email="ben@example.com"))
        tend(market.node)

    def check(market):
        _, ben = people(market)
        title = market.title(3)
        sold = title is not None and title.place == "person"
        assert ben.balance() == (RICH - FACE - FEE if sold else RICH)
        assert not sold or title.commitment, "sold, and the buyer has no link"

    assert live_through(staged, tmp_path, scenario, check) >= 12


def test_resale_that_is_refused(staged, tmp_path):
    def scenario(market):
        ada, ben = people(market)
        deal, _ = resale.put_up(market.node, EVENT, ada.listing(1))
        ready = resale.checkout(market.node, EVENT, deal, ben.newcomer(1, 1))
        resale.unlist(market.node, EVENT, deal, ada.unlist(1, 0, deal))
        with pytest.raises(ServiceError):
            resale.buy(market.node, EVENT, deal, ben.signs(ready))

    def check(market):
        ada, ben = people(market)
        assert (ada.balance(), ben.balance()) == (RICH, RICH)
        assert market.owner(1) == ada.key(1, 0).public

    assert live_through(staged, tmp_path, scenario, check) >= 8


def test_order_feed_that_is_given_again(staged, tmp_path):
    feed = tmp_path / "orders.csv"
    columns = "number,event,tickets,seats,eticket,price_cents,fee_cents,phone,email"
    feed.write_text(f"{columns}\nU-1,{EVENT},5,,yes,{FACE},{FEE},,cora@example.com\n")

    def scenario(market):
        orders.import_orders(market.node, EVENT, feed)
        tend(market.node)

    def check(market):
        orders.import_orders(market.node, EVENT, feed)
        tend(market.node)
        assert market.title(5).place == "person"
        assert market.title(5).commitment
        assert market.books().orders == 1

    assert live_through(staged, tmp_path, scenario, check) >= 6


@pytest.fixture(scope="module")
def bought(staged, tmp_path_factory):
    """Ben has bought ticket 3, and everybody has their share of it."""
    home = shutil.copytree(staged, tmp_path_factory.mktemp("bought") / "home")
    with marketplace(home) as market:
        _, ben = people(market)
        held = sale.keep(market.node, EVENT, [3])
        sale.pay(market.node, EVENT, held.token, Buyer(ben.payer(), eticket=False))
        tend(market.node)
        assert ben.balance() == RICH - FACE
    return home


@pytest.mark.parametrize("fault", ["", "declined", "lost", "dropped"])
def test_refund(bought, tmp_path, fault):
    def scenario(market):
        market.provider.faults.extend([fault] if fault else [])
        try:
            refunds.refund(market.node, EVENT, 3)
        except ServiceError as error:
            assert error.code == {"declined": "refund-declined"}.get(fault, "provider")  # noqa: PT017
        market.clock.now += 31
        tend(market.node)

    def check(market):
        _, ben = people(market)
        state = market.row(3).state
        assert (state, ben.balance()) in {(REFUNDED, RICH), (ACTIVE, RICH - FACE)}
        assert market.books().refunded == RICH - FACE * (state == ACTIVE) - (RICH - FACE)
        refunds.refund(market.node, EVENT, 3)
        tidy(market)
        assert (market.row(3).state, ben.balance()) == (REFUNDED, RICH)
        assert market.books().refunded == FACE

    assert live_through(bought, tmp_path, scenario, check) >= 6
