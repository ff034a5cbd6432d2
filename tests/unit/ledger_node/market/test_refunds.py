"""Money back: the whole of it, once, to whoever paid last, from whoever has it; and the ticket ends with it."""

import pytest

from ledger_node.contract.bodies_house import CancelEvent
from ledger_node.services import buyers, orders, refunds, resale, sale, tickets, transfers
from ledger_node.services.errors import ServiceError
from ledger_node.services.events import cancel_event
from ledger_node.services.sale import Buyer
from ledger_node.services.tending import tend
from ledger_node.services.trail import CONSOLE, Actor
from scanner.verify.gatecode import event_hash, possession_message
from scanner.verify.row import ACTIVE, BLOCKED, CANCELLED, REFUNDED
from tests.fakes.marketplace import EVENT, FACE, ORGANISER, POLICY, RICH, SERVICE

FEE = POLICY["handling_fee"]
BY = Actor(CONSOLE)


def sold(market, who, *seats):
    """Bought here, paid, captured and activated."""
    kept = sale.keep(market.node, EVENT, seats)
    sale.pay(market.node, EVENT, kept.token, Buyer(who.payer(), email=f"{who.name}@example.com"))
    tend(market.node)
    for seat in seats:
        who.hold_ticket(seat)


def code_of(refused):
    return refused.value.code


def test_buyer_has_price_and_fee_back_and_the_ticket_ends(market):
    ben = market.person("ben")
    sold(market, ben, 1, 2)
    ended = refunds.refund(market.node, EVENT, 1)
    assert (ended.ending, ended.amount) == ("refunded", FACE + FEE)
    assert ben.balance() == RICH - FACE - FEE
    assert (market.provider.balance(ORGANISER), market.provider.balance(SERVICE)) == (FACE, FEE)
    assert (market.row(1).state, market.row(2).state) == (REFUNDED, ACTIVE)
    assert market.books().refunded == FACE + FEE
    again = refunds.refund(market.node, EVENT, 1)
    assert again == ended
    assert ben.balance() == RICH - FACE - FEE


def test_service_may_keep_its_fee(market):
    ben = market.person("ben")
    sold(market, ben, 1)
    assert refunds.refund(market.node, EVENT, 1, keep_fees=True).amount == FACE
    assert (ben.balance(), market.provider.balance(SERVICE)) == (RICH - FEE, FEE)


def test_after_a_resale_the_buyer_is_made_whole_and_the_seller_keeps_theirs(market):
    ada, ben = market.person("ada"), market.person("ben")
    sold(market, ada, 1)
    deal, _ = resale.put_up(market.node, EVENT, ada.listing(1))
    ready = resale.checkout(market.node, EVENT, deal, ben.newcomer(1, 1))
    resale.buy(market.node, EVENT, deal, ben.signs(ready))
    with pytest.raises(ServiceError) as pending:
        refunds.refund(market.node, EVENT, 1)
    assert code_of(pending) == "payment-pending"
    tend(market.node)
    before = ada.balance()
    assert refunds.refund(market.node, EVENT, 1).amount == FACE
    assert (ada.balance(), ben.balance()) == (before, RICH)
    assert market.provider.total() == 2 * RICH


def test_who_gave_it_away_has_paid_and_has_the_money_back(market):
    ada, ben = market.person("ada"), market.person("ben")
    sold(market, ada, 1)
    deal = transfers.offer(market.node, EVENT, ada.offer(1)).deal
    ready = transfers.checkout(market.node, EVENT, deal, b"s" * 32, ben.newcomer(1, 1, pays=False))
    transfers.accept(market.node, EVENT, deal, ben.signs(ready))
    refunds.refund(market.node, EVENT, 1)
    assert (ada.balance(), ben.balance(), market.row(1).state) == (RICH, RICH, REFUNDED)


def test_ticket_is_nobodys_to_sell_while_its_money_goes_back(market):
    ben = market.person("ben")
    sold(market, ben, 1)
    resale.put_up(market.node, EVENT, ben.listing(1))
    market.provider.faults.append("lost")
    with pytest.raises(ServiceError) as unknown:
        refunds.refund(market.node, EVENT, 1)
    assert code_of(unknown) == "provider"
    assert market.row(1).state == BLOCKED
    for act in (
        lambda: tickets.set_state(market.node, EVENT, [1], "active", "mistake"),
        lambda: resale.put_up(market.node, EVENT, ben.listing(1, life=2_000)),
    ):
        with pytest.raises(ServiceError):
            act()
    tend(market.node)
    assert market.row(1).state == BLOCKED, "asked again too soon"
    market.clock.now += 31
    tend(market.node)
    assert (market.row(1).state, ben.balance()) == (REFUNDED, RICH)


@pytest.mark.parametrize("cancelled", [False, True])
def test_provider_that_says_no_leaves_the_ticket_as_it_was(market, cancelled):
    ben = market.person("ben")
    sold(market, ben, 1)
    if cancelled:
        cancel_event(market.node, EVENT, "storm")
    market.provider.faults.append("declined")
    with pytest.raises(ServiceError) as refused:
        refunds.refund(market.node, EVENT, 1)
    assert code_of(refused) == "refund-declined"
    assert market.row(1).state == (BLOCKED if cancelled else ACTIVE)
    assert refunds.refund(market.node, EVENT, 1).ending == "refunded"
    assert (ben.balance(), [one.state for one in market.node.market.refunds.of_event(EVENT)]) == (
        RICH,
        ["declined", "logged"],
    )


def test_organiser_without_money_is_told_and_tries_again_when_there_is(market):
    ben = market.person("ben")
    sold(market, ben, 1)
    market.provider.spend(ORGANISER, FACE)
    with pytest.raises(ServiceError) as refused:
        refunds.refund(market.node, EVENT, 1)
    assert code_of(refused) == "refund-declined"
    market.provider.account(ORGANISER, FACE)
    refunds.refund(market.node, EVENT, 1)
    assert ben.balance() == RICH


def test_new_key_in_the_last_moment_ends_the_refund_before_any_money_moves(market):
    ben = market.person("ben")
    sold(market, ben, 1)
    begin, key = market.node.market.refunds.begin, ben.key(1, 1)

    def slow(*words):
        row = begin(*words)
        proof = key.sign(possession_message(event_hash(EVENT), 1, 1, key.public))
        tickets.register_key(market.node, EVENT, 1, 1, key.public, proof)
        return row

    market.node.market.refunds.begin = slow
    with pytest.raises(ServiceError) as refused:
        refunds.refund(market.node, EVENT, 1)
    assert code_of(refused) == "changed-meanwhile"
    market.node.market.refunds.begin = begin
    assert (market.row(1).state, ben.balance()) == (ACTIVE, RICH - FACE - FEE)
    assert refunds.refund(market.node, EVENT, 1).ending == "refunded"


def test_cancelled_event_is_refunded_whole_and_the_box_office_gets_its_list(market, tmp_path):
    ben = market.person("ben")
    sold(market, ben, 1, 2)
    path = tmp_path / "orders.csv"
    columns = "number,event,tickets,seats,eticket,price_cents,fee_cents,phone,email"
    path.write_text(f"{columns}\nU-1,{EVENT},5 6,,yes,{2 * FACE},{2 * FEE},,cora@example.com\n")
    assert orders.import_orders(market.node, EVENT, path).sold == 1
    ada = market.person("ada")
    ada.hold_ticket(9)
    with pytest.raises(ServiceError) as early:
        refunds.due(market.node, EVENT)
    assert code_of(early) == "event-not-cancelled"
    market.node.commit([CancelEvent("storm").seal(EVENT, market.node.seconds, market.node.keys.node)])
    due = refunds.due(market.node, EVENT)
    assert due == [1, 2, 5, 6, 9]
    ended = refunds.run(market.node, EVENT, due, BY)
    assert [one.ending for one in ended] == ["refunded", "refunded", "box-office", "box-office", "ended"]
    assert buyers.number_of(market.node, EVENT, ended[3].order) == "U-1"
    assert ben.balance() == RICH
    assert market.row(5).state == CANCELLED
    assert refunds.due(market.node, EVENT) == [5, 6], "until the box office says that it has done it"
    assert [one.ending for one in refunds.run(market.node, EVENT, [5, 6], BY)] == ["box-office"] * 2
    tickets.set_state(market.node, EVENT, [5, 6], "refunded", "box office")
    assert refunds.due(market.node, EVENT) == []
    assert [act.what for act in market.node.trail.acts()].count("ticket.refund") == 2


def test_ticket_that_nobody_has_or_that_there_is_not_is_refused(market):
    ended = refunds.run(market.node, EVENT, [7, 4_000], BY)
    assert [one.ending for one in ended] == ["refused", "refused"]
    assert [one.detail.partition(":")[0] for one in ended] == ["not-sold", "unknown-ticket"]
    with pytest.raises(ServiceError) as refused:
        refunds.run(market.node, EVENT, [1, 1], BY)
    assert code_of(refused) == "too-many"
