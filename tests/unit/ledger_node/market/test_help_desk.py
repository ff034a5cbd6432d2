"""The help desk finds an order by what the caller reads out, and a person is told what is kept of them."""

import json

import pytest

from ledger_node.adapters.orders import Order, read_order
from ledger_node.cli.person_text import person_text
from ledger_node.services import help_desk, links, operations, orders, personal
from ledger_node.services.activation_links import OPEN
from ledger_node.services.errors import ServiceError
from ledger_node.services.trail import Actor
from tests.fakes.marketplace import EVENT, FACE, POLICY

BY = Actor("console")
FEE = POLICY["handling_fee"]


def order(number: str, *tickets: int, eticket: bool = True, **contact: str) -> Order:
    values = {"number": number, "event": EVENT, "tickets": list(tickets), "eticket": eticket}
    made = read_order({**values, "price_cents": FACE * len(tickets), "fee_cents": FEE * eticket, **contact}, 1)
    assert isinstance(made, Order), made
    return made


def take(market, *given) -> orders.Taken:
    return orders.take(market.node, EVENT, given)


@pytest.fixture
def bought(market):
    """Three orders of one buyer, who wrote their phone in three ways, and one on paper."""
    spelt = ("91234567", "+852 9123 4567", "９１２３－４５６７")
    given = [order(f"U-100{n}", n, phone=phone) for n, phone in enumerate(spelt, 1)]
    taken = take(market, *given, order("P-9", 4, 5, eticket=False))
    assert (taken.sold, taken.bad) == (4, 0)
    links.make_links(market.node)
    return market


@pytest.mark.parametrize("spelt", ["U-1002", "u-1002", "U 1002", "u1002", "Ｕ－１００２", " U-1002 "])
def test_an_order_is_found_however_its_number_is_spelt(bought, spelt: str) -> None:
    (found,) = help_desk.find_by_number(bought.node, EVENT, spelt)
    assert (found["number"], [one["ticket"] for one in found["tickets"]]) == ("U-1002", [2])
    assert found["tickets"][0]["seat"] == 1_002
    assert [link["state"] for link in found["links"]] == [OPEN]


def test_an_order_on_paper_is_found_by_its_number_and_by_a_ticket(bought) -> None:
    (found,) = help_desk.find_by_number(bought.node, EVENT, "p-9")
    assert [one["ticket"] for one in found["tickets"]] == [4, 5]
    assert help_desk.find_by_ticket(bought.node, EVENT, 5)["order"] == found["order"]
    assert help_desk.find_by_ticket(bought.node, EVENT, 1)["number"] == "U-1001"


@pytest.mark.parametrize("spelt", ["q2026/ab1002", "Q-2026 AB 1002", "Ｑ2026ａb-10.02"])
@pytest.mark.parametrize("again", [False, True])
def test_an_order_of_whose_buyer_nothing_is_kept_is_found_too(bought, spelt: str, again: bool) -> None:
    """On paper: the vault has no number of it, and the ledger only a hash of the number as it came in."""
    number, plain = "Q-2026/aB-1002", order("Q-2026/aB-1002", 7, eticket=False)
    take(bought, plain)
    if again:  # an order that came in before names were kept gets its own with the next feed
        bought.node.market._write("DELETE FROM order_names")
        with pytest.raises(ServiceError):
            help_desk.find_by_number(bought.node, EVENT, spelt)
        assert take(bought, plain).known == 1
    (found,) = help_desk.find_by_number(bought.node, EVENT, spelt)
    assert ([one["ticket"] for one in found["tickets"]], number) == ([7], plain.number)


@pytest.mark.parametrize("values", [{"number": "U-9999"}, {"number": "訂單"}, {"ticket": 9}, {"ticket": 999}])
def test_what_is_no_order_is_said_to_be_none(bought, values) -> None:
    with pytest.raises(ServiceError) as refused:
        operations.perform(bought.node, "orders-find", {"event": EVENT, **values})
    assert refused.value.status == 404


def test_links_are_listed_with_the_numbers_that_people_know(bought) -> None:
    listed = operations.perform(bought.node, "activations-list", {"event": EVENT})
    assert sorted(link["number"] for link in listed) == ["U-1001", "U-1002", "U-1003"]


def test_one_buyer_has_one_record_and_gets_all_their_data_in_words(bought) -> None:
    (person,) = personal.find(bought.node, "phone", "(852) 9123 4567")
    record = personal.export(bought.node, person, BY)
    assert record["phone"] == "+85291234567"
    (about,) = record["events"]
    assert [(one["number"], one["amount"]) for one in about["orders"]] == [(f"U-100{n}", FACE + FEE) for n in (1, 2, 3)]
    text = person_text(record)
    for said in ("+85291234567", "Harbour Nights", "U-1003", "座位 seat 1003", "HKD 890.00"):
        assert said in text


def test_what_a_person_is_handed_opens_nothing_and_is_no_hash(bought) -> None:
    (person,) = personal.find(bought.node, "phone", "91234567")
    record = personal.export(bought.node, person, BY)
    handed = json.dumps(record, ensure_ascii=False) + person_text(record)
    kept = bought.node.vault.read(person)
    secret = [value for name, value in kept.items() if name.startswith("answer:")]
    live = [json.loads(value)["link"] for name, value in kept.items() if name.startswith("letter:")]
    orders_of = [row.number.hex() for row in bought.node.market.orders_of(person)]
    assert [len(secret), len(live), len(orders_of)] == [3, 3, 3]
    assert not [one for one in secret + live + orders_of if one in handed]
    assert "http" not in handed


def test_forgetting_a_person_forgets_all_their_orders(bought) -> None:
    (person,) = personal.find(bought.node, "phone", "91234567")
    personal.forget(bought.node, person, BY)
    assert bought.node.vault.persons() == []
    with pytest.raises(ServiceError):
        personal.export(bought.node, person, BY)
    (found,) = help_desk.find_by_number(bought.node, EVENT, "U-1001")
    assert len(found["tickets"]) == 1, "the ledger still knows the order, by its number's hash"


@pytest.mark.parametrize(("field", "value"), [("phone", "1234"), ("email", "nobody")])
def test_what_cannot_be_a_contact_is_said_and_not_looked_for(bought, field: str, value: str) -> None:
    with pytest.raises(ServiceError) as refused:
        personal.find(bought.node, field, value)
    assert refused.value.code == "bad-contact"


def test_of_a_person_who_stays_what_is_of_events_that_are_over_goes(bought) -> None:
    node = bought.node
    (person,) = personal.find(node, "phone", "91234567")
    node.vault.change(person, {}, ["another-event"])
    bought.clock.now += 400 * 86_400
    assert personal.expire(node, node.seconds, BY) == 0
    assert node.vault.events(person) == ["another-event"]
    assert [name for name in node.vault.read(person) if name.startswith(("order:", "question:", "answer:"))] == []
    assert personal.find(node, "phone", "91234567") == [person]


def test_a_vault_of_an_earlier_version_takes_the_other_books_along(market) -> None:
    take(market, order("U-1", 1, phone="91234567"))
    (person,) = market.node.vault.persons()
    market.node.market.take_over([(person, "f" * 32)])
    (row,) = market.node.market.orders_of("f" * 32)
    assert row.person == "f" * 32
    market.node.market.take_over([("f" * 32, person)])
    links.make_links(market.node)
    market.node.activations.take_over([(person, "e" * 32)])
    assert [link.person for link in market.node.activations.of_event(EVENT)] == ["e" * 32]
