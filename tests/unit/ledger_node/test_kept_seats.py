"""Holds that nobody pays: a few for each network address, however many are asked for at once; and in bounded memory."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request

from ledger_node.services.errors import ServiceError
from ledger_node.services.market_book import DirectSale, MarketBook
from ledger_node.web.kept_seats import KeptSeats
from ledger_node.web.limits import address_of, networks, stranger


def full(kept, address="192.0.2.1", now=0.0, event="e", most=2):
    try:
        kept.take(event, address, most, now, now + 60)
    except ServiceError as error:
        return (error.code, error.status) == ("too-many-holds", 429)
    return False


def test_holds_count_before_they_are_made_and_until_they_end():
    kept = KeptSeats()
    assert not full(kept)
    assert not full(kept, now=30)
    assert full(kept, now=30)
    assert not full(kept, address="192.0.2.2")
    assert not full(kept, event="another")
    assert not full(kept, now=60), "the first has ended"
    assert full(kept, now=60)


def test_what_is_paid_let_go_or_never_made_counts_no_more():
    kept = KeptSeats()
    paid, failed = (kept.take("e", "192.0.2.1", 2, 0, 60) for _ in range(2))
    kept.made(paid, "token")
    assert full(kept)
    kept.over("token")
    kept.over("token")
    kept.over("somebody else's")
    assert not full(kept)
    kept.free(failed)
    kept.free(failed)
    assert not full(kept)
    assert full(kept)


def test_an_ipv6_customer_does_not_multiply():
    kept = KeptSeats()
    assert not full(kept, "2001:db8::1", most=1)
    assert full(kept, "2001:db8::ffff:2", most=1)
    assert not full(kept, "2001:db8:0:1::1", most=1)


def test_a_flood_of_addresses_takes_bounded_memory():
    kept = KeptSeats(capacity=50)
    for number in range(500):
        kept.made(kept.take("e", f"10.0.{number >> 8}.{number & 255}", 1, 0, 60), str(number))
    assert len(kept) == 50
    assert len(kept._by_token) == 50
    kept.over("0")
    assert full(kept, "10.0.1.243", most=1)
    assert not full(kept, "10.0.0.1", most=1)


def request(peer, *forwarded, proxies=()):
    app = Starlette()
    app.state.proxies = networks(proxies)
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    return Request({"type": "http", "client": (peer, 1), "headers": headers, "app": app})


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "address"),
    [
        ("192.0.2.9", ("198.51.100.1",), (), "192.0.2.9"),
        ("127.0.0.1", ("198.51.100.1",), (), "198.51.100.1"),
        ("127.0.0.1", ("6.6.6.6, 198.51.100.1",), (), "198.51.100.1"),
        ("10.1.2.3", ("198.51.100.1",), ("10.1.0.0/16",), "198.51.100.1"),
        ("10.1.2.3", ("6.6.6.6, 198.51.100.1, 10.1.2.4",), ("10.1.0.0/16",), "198.51.100.1"),
        ("10.1.2.3", ("6.6.6.6", "198.51.100.1"), ("10.1.2.3",), "198.51.100.1"),
        ("10.1.2.3", ("nonsense",), ("10.1.2.3",), "10.1.2.3"),
        ("10.2.2.3", ("198.51.100.1",), ("10.1.0.0/16",), "10.2.2.3"),
        ("fd00::1", ("2001:db8::5",), ("fd00::/8",), "2001:db8::5"),
    ],
)
def test_only_a_proxy_that_is_believed_says_where_a_request_is_from(peer, forwarded, proxies, address):
    assert address_of(request(peer, *forwarded, proxies=proxies)) == address
    assert stranger(request(peer, *forwarded, proxies=proxies)) == address


def test_requests_of_this_machine_that_no_proxy_handed_on_are_the_operators():
    assert stranger(request("127.0.0.1")) is None
    assert stranger(request("127.0.0.1", "127.0.0.1")) == "127.0.0.1"
    assert stranger(request("192.0.2.1")) == "192.0.2.1"


def test_what_is_no_network_is_refused_with_an_example():
    with pytest.raises(ServiceError, match=r"10\.1\.0\.0/16"):
        networks(["proxy.example"])


def test_terms_of_an_older_file_get_the_usual_number(tmp_path):
    book = MarketBook(tmp_path / "market.sqlite3")
    book.sell_directly(DirectSale("e", 8, 300, 7))
    book._line.do(lambda database: database.write("ALTER TABLE direct DROP COLUMN holds"))
    book.close()
    book = MarketBook(tmp_path / "market.sqlite3")
    assert book.direct_sale("e") == DirectSale("e", 8, 300, 20)
    book.sell_directly(DirectSale("e", 8, 300, 7))
    assert book.direct_sale("e") == DirectSale("e", 8, 300, 7)
    book.close()
