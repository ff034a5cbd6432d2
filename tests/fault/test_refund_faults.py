"""Refunds through the provider's sandbox, over HTTP, while it is slow, loses its answers, says no or answers twice: the
money comes back once, and the ticket ends with it or stays good.
"""

import threading
import time

import pytest

from ledger_node.contract.bodies_house import RegisterActor
from ledger_node.contract.entries import NewTicket
from ledger_node.services import policies, refunds, sale, tickets
from ledger_node.services.accounts.site import set_site
from ledger_node.services.errors import ServiceError
from ledger_node.services.events import EventOrder, create_event
from ledger_node.services.outside import Outside
from ledger_node.services.purchases import Payer
from ledger_node.services.sale import Buyer
from ledger_node.services.tending import tend
from scanner.verify.row import ACTIVE, REFUNDED
from tests.fakes.marketplace import Clock
from tests.fakes.running_node import open_home
from tests.fakes.running_provider import EVENT, bench, client_of, served_provider

PRICE, RICH = 50_000, 500_000


@pytest.fixture
def house(tmp_path):
    """Chan has bought ticket 1, and the organiser has the money."""
    clock = Clock(int(time.time()))
    with (
        open_home(tmp_path / "node", clock) as node,
        served_provider(tmp_path / "provider") as served,
        bench(served.url, within=0.5) as bank,
    ):
        organiser = bank.desk.account("organiser", merchant=True)
        chan = bank.desk.account("chan", RICH)
        create_event(node, EventOrder(EVENT, "Show", node.seconds + 86_400, node.seconds + 90_000, 10))
        node.commit(list(node.operator.issue(EVENT, [NewTicket(1, 1, 0, 1, PRICE)], node.seconds)))
        node.commit([RegisterActor("sandbox", "provider", bank.key).seal(EVENT, node.seconds, node.keys.node)])
        policies.set_policy(node, EVENT, {"organiser_party": organiser.hex()})
        sale.open_sale(node, EVENT, 8, 300)
        node.outside = Outside(bank.client, "sandbox")
        set_site(node, "https://tickets.example")
        kept = sale.keep(node, EVENT, [1])
        sale.pay(node, EVENT, kept.token, Buyer(Payer(chan, bank.desk.yes("chan")), eticket=False))
        tend(node)
        yield node, bank, clock


def balances(bank):
    return bank.desk.do("accounts")


def state(node):
    return tickets.read_ticket(node, EVENT, 1).row.state


@pytest.mark.parametrize(("fault", "at_once"), [("slow", True), ("lost", True), ("twice", True), ("refuse", False)])
def test_money_comes_back_once_whatever_the_provider_does(house, fault, at_once):
    node, bank, clock = house
    bank.desk.do("faults", faults=fault, delay_ms=100)
    if at_once:
        assert refunds.refund(node, EVENT, 1).ending == "refunded"
    else:
        with pytest.raises(ServiceError) as refused:
            refunds.refund(node, EVENT, 1)
        assert (refused.value.code, state(node)) == ("refund-declined", ACTIVE)
        assert balances(bank) == {"organiser": PRICE, "chan": RICH - PRICE}
    bank.desk.do("faults", faults="")
    clock.now += 31
    tend(node)
    assert refunds.refund(node, EVENT, 1).ending == "refunded"
    assert (state(node), balances(bank)) == (REFUNDED, {"organiser": 0, "chan": RICH})


def test_provider_that_answers_too_late_is_asked_until_it_is_known(house):
    node, bank, clock = house
    bank.desk.do("faults", faults="slow", delay_ms=900)
    hasty = client_of(bank.url, bank.key, within=0.2, tries=1)
    node.outside = Outside(hasty, "sandbox")
    with pytest.raises(ServiceError) as unknown:
        refunds.refund(node, EVENT, 1)
    hasty.close()
    assert unknown.value.code == "provider"
    node.outside = Outside(bank.client, "sandbox")
    bank.desk.do("faults", faults="")
    clock.now += 31
    tend(node)
    assert (state(node), balances(bank)) == (REFUNDED, {"organiser": 0, "chan": RICH})
    assert [one.state for one in node.market.refunds.of_event(EVENT)] == ["logged"]


def test_two_operators_at_once_refund_once(house):
    node, bank, _ = house
    ended = []
    both = [threading.Thread(target=lambda: ended.append(refunds.refund(node, EVENT, 1))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert [one.ending for one in ended] == ["refunded"] * 2
    assert balances(bank) == {"organiser": 0, "chan": RICH}
    assert len(node.market.refunds.of_event(EVENT)) == 1
