"""The first act notices when the node does what it should not, and feeds it what a ticketing system would."""

from email.message import EmailMessage
from pathlib import Path

import pytest

from ledger_node.adapters.orders import Order
from ledger_node.adapters.ticketing import read_feed
from ledger_node.adapters.webhook import Delivery, open_webhook
from tests.fakes.deliveries import signed
from tests.show.app import RefusedError
from tests.show.cast import EVENT
from tests.show.outside import link, order_file
from tests.show.people import CHAN, PEOPLE, named_in
from tests.show.stage import ShowError
from tests.show.weeks import cents, refused

SECRET = b"k" * 32


def says_no(code: str) -> None:
    raise RefusedError(code, "because")


def test_the_refusal_that_the_script_wants_goes_on_with_the_show() -> None:
    no = refused("above-cap", lambda: says_no("above-cap"))
    assert (no.code, no.sentence) == ("above-cap", "because")


@pytest.mark.parametrize("act", [lambda: None, lambda: says_no("frozen")])
def test_another_refusal_or_none_ends_the_show(act: object) -> None:
    with pytest.raises(ShowError, match="above-cap"):
        refused("above-cap", act)  # type: ignore[arg-type]


def test_file_and_webhook_say_the_same_order(tmp_path: Path) -> None:
    body = order_file(tmp_path / "orders.csv", "U-1", CHAN, [4, 8], 176_000, 3_000)
    (row,) = read_feed(tmp_path / "orders.csv")
    delivery = open_webhook(signed(body, SECRET, 1_000), body, [SECRET], 1_000)
    assert isinstance(row, Order)
    assert isinstance(delivery, Delivery)
    (order,) = delivery.orders
    assert isinstance(order, Order)
    assert (order.number, order.tickets, order.price, order.fee) == (row.number, row.tickets, row.price, row.fee)
    assert (order.event, order.contact, order.eticket) == (EVENT, row.contact, True)


def test_the_link_in_a_letter_is_found() -> None:
    letter = EmailMessage()
    letter.set_content("請開啟\n\nhttp://localhost:8440/activate#abc-_1\n\n—\n")
    assert link(letter) == "http://localhost:8440/activate#abc-_1"
    letter.set_content("no link")
    with pytest.raises(ShowError, match="no link"):
        link(letter)


def test_names_and_addresses_are_found_wherever_they_stand() -> None:
    for person in PEOPLE:
        assert named_in([b"x", f"for {person.name}".encode()]) == [person.zh, person.en]
        assert person.email in named_in([person.email.encode()])
    assert named_in([b"harbour-bank", b"R1"]) == []


def test_money_is_written_to_the_cent() -> None:
    assert [cents(amount) for amount in (0, 79_999, 179_000)] == ["HK$0.00", "HK$799.99", "HK$1,790.00"]
