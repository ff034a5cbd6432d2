"""Where a request comes from, and what of an address counts as one."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request

from ledger_node.services.errors import ServiceError
from ledger_node.web.addresses import address_of, group_of, networks, stranger


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


def test_an_ipv6_customer_is_a_64_and_what_is_no_address_is_one():
    assert group_of("2001:db8::1") == group_of("2001:db8::ffff:2") != group_of("2001:db8:0:1::1")
    assert group_of("192.0.2.1") != group_of("192.0.2.2")
    assert group_of("::ffff:192.0.2.1") == group_of("192.0.2.1") != group_of("::ffff:192.0.2.2")
    assert group_of("unknown") == group_of("nonsense")
