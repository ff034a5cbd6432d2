"""A rush over real HTTP: more buyers than seats, all at once; each seat is sold once, and the money says the same."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

import requests

from ledger_node.contract.facts import Title
from tests.fakes.marketplace import EVENT, FACE, ORGANISER, RICH, Clock, marketplace
from tests.fakes.running_node import serving

SEATS, BUYERS, AT_ONCE = 50, 80, 16


def buy(base, who, seats):
    """Try one seat after the other until one can be kept; the seats that were sold to this buyer."""
    with requests.Session() as session:
        for seat in seats:
            held = session.post(f"{base}/holds", json={"tickets": [seat]}, timeout=30)
            if held.status_code != 201:
                assert held.json()["code"] == "seat-taken", held.text
                continue
            pay = {"payer": who.party.hex(), "authorisation": who.agree(), "eticket": False}
            sold = session.post(f"{base}/holds/{held.json()['hold']}/pay", json=pay, timeout=30)
            assert sold.status_code == 200, sold.text
            return sold.json()["tickets"]
    return []


def test_more_buyers_than_seats_sell_each_seat_once(tmp_path):
    now, chance = int(time.time()), random.Random(8)
    with marketplace(tmp_path, SEATS, Clock(now), now + 86_400) as market, serving(market.node) as node:
        crowd = [market.person(f"buyer-{number}") for number in range(BUYERS)]
        wishes = [chance.sample(range(1, SEATS + 1), SEATS) for _ in crowd]
        base = f"{node.url}/v1/events/{EVENT}"
        with ThreadPoolExecutor(AT_ONCE) as pool:
            sold = list(pool.map(lambda who, seats: buy(base, who, seats), crowd, wishes))
        seats = [seat for got in sold for seat in got]
        assert sorted(seats) == list(range(1, SEATS + 1))
        until = time.monotonic() + 20
        while market.provider.balance(ORGANISER) < SEATS * FACE:
            assert time.monotonic() < until, "the captures do not come"
            time.sleep(0.02)
        paid = [RICH - who.balance() for who in crowd]
        assert paid == [FACE * len(got) for got in sold]
        with market.node.view() as view:
            assert all(title.place == "person" for title in view.each(Title, EVENT))
