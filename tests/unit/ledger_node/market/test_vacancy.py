"""What a buyer hears whose seat was taken: choose another, come back in a minute, or go home."""

from collections import Counter

import pytest

from ledger_node.services import sale
from ledger_node.services.errors import ServiceError
from ledger_node.services.sale import Buyer
from ledger_node.services.vacancy import AGAIN, Vacancies
from tests.fakes.marketplace import EVENT

SEATS = 20
"""As the marketplace is staged with."""
KEPT_FOR = 300


@pytest.fixture
def vacancies():
    return Vacancies()


def told(market, vacancies, ticket=1):
    with pytest.raises(ServiceError) as refused:
        sale.keep(market.node, EVENT, [ticket], 0, vacancies)
    return refused.value.code, refused.value.status


def keep(market, vacancies, *tickets):
    return sale.keep(market.node, EVENT, list(tickets), 0, vacancies).token


def buy_out(market, holds):
    ben = market.person("ben", 10**9)
    for token in holds:
        sale.pay(market.node, EVENT, token, Buyer(ben.payer(), eticket=False))


def test_while_a_seat_is_free_the_buyer_is_to_choose_another(market, vacancies):
    for ticket in range(1, SEATS):
        keep(market, vacancies, ticket)
        assert told(market, vacancies) == ("seat-taken", 422)


def test_seats_that_are_only_kept_may_come_back(market, vacancies):
    holds = [keep(market, vacancies, *range(first, first + 5)) for first in range(1, SEATS, 5)]
    assert told(market, vacancies) == ("none-free", 409)
    sale.let_go(market.node, EVENT, holds[0])
    market.clock.now += AGAIN
    assert told(market, vacancies, 6) == ("seat-taken", 422)
    keep(market, vacancies, 1)


def test_a_hold_that_runs_out_is_not_overlooked_for_a_second(market, vacancies):
    for first in range(1, SEATS, 5):
        keep(market, vacancies, *range(first, first + 5))
        market.clock.now += 60
    assert told(market, vacancies, 6) == ("none-free", 409)
    market.clock.now += KEPT_FOR - 4 * 60
    assert told(market, vacancies, 6) == ("seat-taken", 422)
    keep(market, vacancies, 2)


def test_when_everything_is_sold_it_is_said(market, vacancies):
    buy_out(market, [keep(market, vacancies, *range(first, first + 5)) for first in range(1, SEATS, 5)])
    assert [told(market, vacancies, ticket) for ticket in (1, 7, 20)] == [("sold-out", 409)] * 3


class Counted:
    """A view that counts what it is asked for."""

    def __init__(self, view):
        self._view = view
        self.asked = Counter()

    def __getattr__(self, name):
        self.asked[name] += 1
        return getattr(self._view, name)


def test_what_is_sold_out_is_looked_up_once_and_not_for_everybody(market, vacancies):
    buy_out(market, [keep(market, vacancies, *range(first, first + 5)) for first in range(1, SEATS, 5)])
    with market.node.view() as view:
        counted = Counted(view)
        for _ in range(50):
            with pytest.raises(ServiceError, match="sold out"):
                vacancies.check(counted, EVENT, market.node.seconds)
    assert counted.asked["tickets"] == 1
