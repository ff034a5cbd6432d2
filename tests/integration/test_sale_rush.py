"""A rush over real HTTP: more buyers than seats, all at once; each seat is sold once, and the money says the same."""

import time

import pytest

from tests.fakes.marketplace import EVENT
from tests.fakes.night import all_of, audited, in_the_till, nothing_is_left, open_night
from tests.fakes.rush import Customer, open_accounts, rush

LINES = 24


@pytest.mark.parametrize(
    ("buyers", "seats"),
    [(800, 500), pytest.param(20_000, 12_500, marks=[pytest.mark.soak, pytest.mark.timeout(3_600)])],
)
def test_a_rush_on_a_real_server_and_a_real_provider(tmp_path, buyers, seats):
    customers = [Customer(number) for number in range(buyers)]
    with open_night(tmp_path, seats) as (_, port, providers, desk):
        open_accounts(providers, customers, EVENT)
        done = rush(port, customers, EVENT, seats, LINES)
        print(
            f"{buyers} for {seats} in {done.seconds:.1f} s: {seats / done.seconds:.0f} sold a second; {dict(done.each)}"
        )
        in_the_till(desk, customers, seats)
        began = time.monotonic()
        audited(tmp_path / "node", port)
        print(f"audited in {time.monotonic() - began:.1f} s")
    sold = [customer.ticket for customer in customers if customer.ticket]
    assert sorted(sold) == list(all_of(seats)), "a seat was sold twice, or not at all"
    told = [customer for customer in customers if not customer.ticket]
    assert len(told) == buyers - seats
    assert {customer.heard[-1] for customer in told} == {"sold-out"}
    nothing_is_left(tmp_path, customers, seats)
