"""Limits by network: only who was wrong waits, not for ever, and the memory of it is bounded."""

import pytest

from ledger_node.services.errors import ServiceError
from ledger_node.web.limits import Limits


def full(limits: Limits, address: str, now: float) -> bool:
    try:
        limits.check(address, now)
    except ServiceError as error:
        return error.status == 429
    return False


def test_the_limit_is_reached_by_wrong_tries_and_passes_with_time() -> None:
    limits = Limits(most=3, period=60)
    for second in range(3):
        assert not full(limits, "192.0.2.1", second)
        limits.wrong("192.0.2.1", second)
    assert full(limits, "192.0.2.1", 3)
    assert not full(limits, "192.0.2.2", 3)
    assert full(limits, "192.0.2.1", 59.9)
    assert not full(limits, "192.0.2.1", 60)


@pytest.mark.parametrize(("other", "same"), [("2001:db8::ffff:1", True), ("2001:db8:0:1::1", False)])
def test_an_ipv6_customer_is_a_64(other: str, same: bool) -> None:
    limits = Limits(most=1, period=60)
    limits.wrong("2001:db8::1", 0)
    assert full(limits, other, 1) is same


def test_a_flood_from_many_networks_takes_bounded_memory_and_forgets_the_oldest_first() -> None:
    limits = Limits(most=1, period=60, capacity=100)
    for number in range(1_000):
        limits.wrong(f"10.0.{number >> 8}.{number & 255}", 0)
    assert len(limits) == 100
    assert full(limits, "10.0.3.231", 1)
    assert not full(limits, "10.0.0.1", 1)


def test_what_is_no_address_is_one_network() -> None:
    limits = Limits(most=1, period=60)
    limits.wrong("unknown", 0)
    assert full(limits, "nonsense", 1)
