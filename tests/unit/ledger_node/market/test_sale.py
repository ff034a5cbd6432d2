"""Direct sale: seats are kept, paid for once, sold once."""

import threading

import pytest

from ledger_node.services import policies, sale
from ledger_node.services.activation import Key
from ledger_node.services.errors import ServiceError
from ledger_node.services.market_book import DirectSale, MarketBook
from ledger_node.services.operations import perform
from ledger_node.services.sale import Buyer
from ledger_node.services.tending import tend
from ledger_node.services.told_times import when
from scanner.verify.gatecode import event_hash, possession_message
from tests.fakes.marketplace import EVENT, FACE, ORGANISER, POLICY, RICH, SERVICE

FEE = POLICY["handling_fee"]


def buyer(who, **changes):
    return Buyer(**{"payer": who.payer(), "email": f"{who.name}@example.com", **changes})


def test_seats_are_held_paid_and_sold(market):
    ben = market.person("ben")
    held = sale.keep(market.node, EVENT, [3, 4])
    assert (sum(line.price for line in held.lines), held.fee) == (2 * FACE, 2 * FEE)
    bought = sale.pay(market.node, EVENT, held.token, buyer(ben))
    assert (bought.amount, bought.tickets) == (2 * FACE + 2 * FEE, (3, 4))
    assert market.title(3).place == "person"
    tend(market.node)
    provider = market.provider
    assert (provider.balance(ORGANISER), provider.balance(SERVICE)) == (2 * FACE, 2 * FEE)
    assert ben.balance() == RICH - bought.amount


def test_buyer_activates_with_the_order_number(market):
    ben = market.person("ben")
    held = sale.keep(market.node, EVENT, [3])
    bought = sale.pay(market.node, EVENT, held.token, buyer(ben))
    tend(market.node)
    (contact, template, values), (_, receipt, said) = market.letters.sent
    assert (contact, template) == ((None, "ben@example.com"), "activation")
    assert (receipt, said["number"], said["amount"]) == ("receipt", bought.number, str(bought.amount))
    key = ben.key(3, 0)
    proof = key.sign(possession_message(event_hash(EVENT), 3, 0, key.public))
    market.activate(values["link"], bought.number.lower(), [Key(3, key.public, proof)])
    assert market.owner(3) == key.public


def test_paying_twice_is_one_order(market):
    ben = market.person("ben")
    held = sale.keep(market.node, EVENT, [3])
    first, second = (sale.pay(market.node, EVENT, held.token, buyer(ben)) for _ in range(2))
    assert first == second
    tend(market.node)
    assert ben.balance() == RICH - FACE - FEE


def test_seat_that_is_kept_is_nobody_elses_until_it_runs_out(market):
    held = sale.keep(market.node, EVENT, [3])
    with pytest.raises(ServiceError) as taken:
        sale.keep(market.node, EVENT, [2, 3])
    assert taken.value.code == "seat-taken"
    market.clock.now += 301
    other = sale.keep(market.node, EVENT, [2, 3])
    ben = market.person("ben")
    with pytest.raises(ServiceError) as late:
        sale.pay(market.node, EVENT, held.token, buyer(ben))
    assert (late.value.code, late.value.status) == ("hold-expired", 410)
    sale.pay(market.node, EVENT, other.token, buyer(ben))


def test_seats_that_are_let_go_are_free(market):
    held = sale.keep(market.node, EVENT, [3])
    sale.let_go(market.node, EVENT, held.token)
    sale.keep(market.node, EVENT, [3])


def test_token_that_was_changed_is_another_hold(market):
    ben = market.person("ben")
    held = sale.keep(market.node, EVENT, [3])
    sale.keep(market.node, EVENT, [4])
    stolen = held.token.rsplit(".", 1)[0] + ".4"
    with pytest.raises(ServiceError) as refused:
        sale.pay(market.node, EVENT, stolen, buyer(ben))
    assert refused.value.code == "seat-taken"
    assert (ben.balance(), market.provider.held()) == (RICH, 0)
    with pytest.raises(ServiceError):
        sale.let_go(market.node, EVENT, stolen)


@pytest.mark.parametrize(
    "token", ["", "x", "0" * 32, "0" * 32 + ".1.1.1", "0" * 32 + ".1." + "9" * 10, "0" * 32 + ".1.-1"]
)
def test_token_that_is_none_is_not_found(market, token):
    with pytest.raises(ServiceError) as refused:
        sale.let_go(market.node, EVENT, token)
    assert refused.value.status == 404


def test_declined_payment_leaves_the_seats_kept(market):
    ben = market.person("ben")
    held = sale.keep(market.node, EVENT, [3])
    market.provider.faults.append("declined")
    with pytest.raises(ServiceError) as refused:
        sale.pay(market.node, EVENT, held.token, buyer(ben))
    assert refused.value.status == 402
    sale.pay(market.node, EVENT, held.token, buyer(ben))
    tend(market.node)
    assert ben.balance() == RICH - FACE - FEE


def test_price_tiers_and_the_one_that_was_asked_for(market):
    tiers = [
        {"tier": 1, "category": 0, "price": 50_000, "opens": 0, "closes": market.node.seconds + 10},
        {"tier": 2, "category": 0, "price": 60_000, "opens": 0, "closes": 2**62},
    ]
    policies.set_policy(market.node, EVENT, {"tiers": tiers})
    assert sale.keep(market.node, EVENT, [1]).lines[0].price == 50_000
    assert sale.keep(market.node, EVENT, [2], tier=2).lines[0].price == 60_000
    market.clock.now += 11
    assert sale.keep(market.node, EVENT, [3]).lines[0].price == 60_000
    with pytest.raises(ServiceError) as closed:
        sale.keep(market.node, EVENT, [4], tier=1)
    assert closed.value.code == "not-on-sale"


def test_event_that_is_not_sold_here_is_told_so(market):
    sale.open_sale(market.node, EVENT, 0, 300)
    with pytest.raises(ServiceError) as refused:
        sale.keep(market.node, EVENT, [1])
    assert refused.value.code == "not-sold-here"


def test_more_seats_than_allowed_and_seats_that_are_none(market):
    for tickets in ([], list(range(1, 10))):
        with pytest.raises(ServiceError) as refused:
            sale.keep(market.node, EVENT, tickets)
        assert refused.value.code == "too-many"
    with pytest.raises(ServiceError) as unknown:
        sale.keep(market.node, EVENT, [999])
    assert unknown.value.code == "unknown-ticket"


def test_many_buyers_of_one_seat_at_once_sell_it_once(market):
    tokens, refusals = [], []

    def rush():
        try:
            tokens.append(sale.keep(market.node, EVENT, [7]).token)
        except ServiceError as refused:
            refusals.append(refused.code)

    crowd = [threading.Thread(target=rush) for _ in range(12)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert (len(tokens), refusals) == (1, ["seat-taken"] * 11)


def test_buyer_without_the_option_leaves_no_address(market):
    ben = market.person("ben")
    held = sale.keep(market.node, EVENT, [3])
    bought = sale.pay(market.node, EVENT, held.token, buyer(ben, eticket=False, email=None))
    assert bought.amount == FACE
    tend(market.node)
    assert (market.node.vault.persons(), market.letters.sent) == ([], [])


def note_of_a_sale(market, *tiers):
    """What `sale open` says beside the terms, with price tiers (category, opens, closes)."""
    listed = [
        {"tier": number, "category": category, "price": 100, "opens": opens, "closes": closes}
        for number, (category, opens, closes) in enumerate(tiers, 1)
    ]
    policies.set_policy(market.node, EVENT, {"tiers": listed})
    return perform(market.node, "sale-open", {"event": EVENT, "most": 8, "seconds": 300}).get("note", "")


def test_a_sale_whose_tickets_have_no_price_now_says_so_and_when_they_will(market):
    now, ever = market.node.seconds, 2**40
    assert note_of_a_sale(market, (0, 0, ever)) == ""
    nobody = f"no price tier of {EVENT} is open, so nobody can buy yet: "
    later = note_of_a_sale(market, (0, now + 7_200, ever), (0, now + 3_600, now + 7_200), (0, 0, now))
    assert later == f"{nobody}the next one opens at {when(now + 3_600)}"
    assert note_of_a_sale(market, (0, 0, now)) == f"{nobody}none opens later: see `ledger-node policy set`"
    lot = {"count": 2, "first": None, "category": 3, "gate_group": None, "face_value": 100}
    perform(market.node, "tickets-issue", {"event": EVENT, **lot})
    some = note_of_a_sale(market, (0, 0, ever), (3, now + 3_600, ever))
    assert some.startswith(
        f"no price tier is open for category 3 of {EVENT}, so those tickets cannot be bought: the next"
    )
    assert "note" not in perform(market.node, "sale-open", {"event": EVENT, "most": 0, "seconds": 300})


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
