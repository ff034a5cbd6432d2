"""A sale: each seat once, each order once, at the policy's price; links, keys, identities and sponsors' guests."""

import dataclasses

import pytest

from ledger_node.contract import bodies_market as market
from ledger_node.contract.bodies_house import RegisterActor
from ledger_node.contract.commitments import order_reference
from ledger_node.contract.facts import Deal, Holding, Identity, Payment
from ledger_node.contract.outcome import Outcome
from ledger_node.contract.policy import Tier
from ledger_node.contract.provider import Attestation, open_receipt
from tests.fakes.box_office import DOORS, EVENT, NODE, NOW, OPERATOR, key, ticket
from tests.fakes.contract_log import row
from tests.fakes.market import (
    FACE,
    LATER,
    ORGANISER,
    ORGANISER_PARTY,
    POLICY,
    PROVIDER,
    SERVICE_PARTY,
    SPONSOR,
    TICKETING,
    Person,
    attestation,
    balanced,
    books,
    capture,
    digest,
    hold,
    identity_proof,
    order,
    owned,
    payment_for_order,
    policy,
    receipt,
    refund,
    stage,
    title,
)


@pytest.fixture
def log():
    return stage()


def allot(*tickets, sponsor="bank", by=ORGANISER):
    return market.AllotTickets(sponsor, list(tickets)).seal(EVENT, NOW, by)


def grant(*tickets, at=NOW, by=SPONSOR):
    return market.GrantTickets([[index, digest("link", index)] for index in tickets]).seal(EVENT, at, by)


def recall(*tickets, by=SPONSOR, at=NOW):
    return market.RecallTickets(list(tickets)).seal(EVENT, at, by)


def test_two_buyers_of_one_seat_and_one_has_it(log):
    assert isinstance(log.put(order(1, number="a")), Outcome)
    assert log.refused(order(1, number="b")) == "seat-taken"
    assert title(log, 1).ref == digest("order", "a")


def test_an_order_counts_once_however_often_it_is_fed(log):
    raw = order(1, 2)
    first = log.put(raw)
    assert log.put(raw) == first
    assert log.refused(order(1, 2, at=NOW + 1)) == "order-exists"
    assert log.refused(order(3, number="1")) == "order-exists"
    assert books(log).orders == 1


def test_an_order_is_taken_whole_or_not_at_all(log):
    log.put(order(2, number="a"))
    assert log.refused(order(1, 2, 3, number="b")) == "seat-taken"
    assert title(log, 1) is None


def test_the_handling_fee_is_for_the_e_ticket_option(log):
    assert log.refused(order(1, eticket=True, fee=0)) == "wrong-price"
    assert log.refused(order(1, eticket=False, fee=1_500)) == "wrong-price"
    assert isinstance(log.put(order(1, 2)), Outcome)
    assert (books(log).fees, books(log).organiser, books(log).outside) == (3_000, 2 * FACE, 2 * FACE + 3_000)
    assert title(log, 1).paid == FACE + 1_500


@pytest.mark.parametrize("price", [0, FACE - 1, FACE + 1])
def test_a_sale_at_another_price_is_refused(log, price):
    assert log.refused(order(1, price=price)) == "wrong-price"


def test_price_tiers_open_and_close():
    tiers = (Tier(1, 1, 30_000, closes=NOW + 50), Tier(2, 1, FACE, opens=NOW + 50), Tier(3, 9, 10))
    log = stage(made=dataclasses.replace(POLICY, tiers=tiers))
    assert log.refused(order(1)) == "wrong-price"
    assert log.refused(order(1, price=10, tier=3)) == "wrong-price"
    assert log.refused(order(1, tier=2)) == "wrong-price"
    assert isinstance(log.put(order(1, price=30_000, tier=1)), Outcome)
    assert log.refused(order(2, price=30_000, tier=1, number="2", at=NOW + 50)) == "wrong-price"
    assert isinstance(log.put(order(2, tier=2, number="2", at=NOW + 50)), Outcome)


def test_a_seat_hold_keeps_others_out_until_it_ends(log):
    assert isinstance(log.put(hold(1, 2, until=NOW + 60)), Outcome)
    assert log.refused(hold(2, name="other")) == "seat-taken"
    assert log.refused(order(1)) == "seat-taken"
    assert log.refused(order(1, hold=digest("hold", "other"))) == "seat-taken"
    assert isinstance(log.put(order(1, hold=digest("hold", "h"))), Outcome)
    assert isinstance(log.put(hold(2, name="other", at=NOW + 60)), Outcome)
    assert log.refused(hold(3, until=NOW, at=NOW + 61)) == "bad-times"


def test_a_held_ticket_that_was_cancelled_is_not_sold_to_its_buyer(log):
    log.put(hold(1))
    log.put(OPERATOR.set_state(EVENT, [1], "cancelled", "x", NOW))
    assert log.refused(order(1, hold=digest("hold", "h"))) == "seat-taken"
    assert log.refused(hold(1, at=NOW + 1)) == "seat-taken"


def test_a_refund_takes_the_ticket_off_the_market(log):
    ann = Person("ann")
    owned(log, ann)
    log.put(ann.sell(0))
    deal = title(log, 0).deal
    assert isinstance(log.put(refund(0, 0, FACE)), Outcome)
    assert (title(log, 0).deal, log.state.find(Deal, EVENT, deal)) == (b"", None)


def test_a_hold_is_given_back_by_its_own_name_only(log):
    log.put(hold(1, 2))
    mine, other = digest("hold", "h"), digest("hold", "x")
    assert log.refused(market.ReleaseSeats(other, [1]).seal(EVENT, NOW, TICKETING)) == "not-held"
    assert isinstance(log.put(market.ReleaseSeats(mine, [1, 2]).seal(EVENT, NOW, TICKETING)), Outcome)
    assert isinstance(log.put(order(1, 2)), Outcome)


def test_a_direct_sale_is_paid_by_the_provider_and_shared_out(log):
    amount = FACE + 1_500
    assert log.refused(order(1, payment=payment_for_order("2", amount))) == "wrong-payment"
    assert log.refused(order(1, payment=payment_for_order("1", amount - 1))) == "wrong-payment"
    assert isinstance(log.put(order(1, payment=payment_for_order("1", amount))), Outcome)
    assert (books(log).held, books(log).outside) == (amount, 0)
    payment = next(iter(log.state.each(Payment, EVENT)))
    assert dict(payment.shares) == {ORGANISER_PARTY: FACE, SERVICE_PARTY: 1_500}
    assert isinstance(log.put(capture(payment.payment, amount, payment.shares)), Outcome)
    assert (title(log, 1).payment, books(log).captured) == ("", amount)
    assert balanced(books(log))


def test_a_capture_pays_at_once(log):
    shares = [(ORGANISER_PARTY, FACE), (SERVICE_PARTY, 1_500)]
    of = order_reference(EVENT, digest("order", "1"))
    paid = receipt("capture", "c1", FACE + 1_500, of=of, shares=shares)
    assert isinstance(log.put(order(1, payment=paid)), Outcome)
    assert (books(log).captured, books(log).held) == (FACE + 1_500, 0)
    assert not list(log.state.each(Payment, EVENT))


@pytest.mark.parametrize(
    "items",
    [[], [[1]], [[1, 0]], [[1, 0, -1]], [[1, 0, 2**53 + 1]], [[True, 0, FACE]], [[1, 0, FACE], [1, 0, FACE]], [1]],
)
def test_an_order_with_items_that_are_none(log, items):
    raw = market.Sale(digest("o"), items, False, 0, b"", b"").seal(EVENT, NOW, TICKETING)
    assert log.refused(raw) == "malformed-body"


def test_an_activation_is_a_commitment_and_for_sold_tickets_without_a_key_only(log):
    def link(*indexes):
        return market.Activation([[index, digest("link", index)] for index in indexes]).seal(EVENT, NOW, TICKETING)

    assert log.refused(link(1)) == "not-to-activate"
    log.put(order(1, 2))
    assert log.refused(link(1, 3)) == "not-to-activate"
    assert isinstance(log.put(link(1, 2)), Outcome)
    assert title(log, 2).commitment == digest("link", 2)
    log.put(Person("ann").activate(1))
    assert log.refused(market.Activation([[1, bytes(32)]]).seal(EVENT, NOW, TICKETING)) == "not-to-activate"


def test_nobody_activates_a_ticket_that_is_only_held_or_allotted(log):
    log.put(hold(1))
    log.put(allot(2))
    for index in (1, 2):
        assert log.refused(Person("ann").activate(index)) == "not-to-activate"


def test_a_sold_ticket_is_refunded_at_most_what_was_paid_and_once(log):
    ann = Person("ann")
    owned(log, ann)
    assert log.refused(refund(0, 0, FACE + 1_501)) == "over-refund"
    assert log.refused(refund(0, 1, FACE)) == "wrong-payment"
    assert log.refused(refund(0, 0, FACE, reference="x")) == "wrong-payment"
    assert isinstance(log.put(refund(0, 0, FACE)), Outcome)
    assert (row(log, 0).state, books(log).refunded, title(log, 0).pseudonym) == (2, FACE, b"")
    assert log.refused(refund(0, 0, 1)) == "state-not-allowed"
    assert log.state.find(Holding, EVENT, ann.pseudonym) is None


def test_most_tickets_of_one_person_whatever_keys_they_use():
    ann, bob = Person("ann"), Person("bob")
    log = owned(stage(made=dataclasses.replace(POLICY, most_tickets=2)), ann, ann, bob)
    for raw in (order(3, number="3"), ann.activate(3)):
        log.put(raw)
    assert log.refused(ann.identify(3)) == "too-many-tickets"
    log.put(bob.offer(2))
    deal = title(log, 2).deal
    assert log.refused(ann.accept(2, deal)) == "identity-needed"
    log.put(ann.identify(2, 1, held=False))
    assert log.refused(ann.accept(2, deal)) == "too-many-tickets"
    log.put(bob.identify(2, 1, held=False))
    assert isinstance(log.put(bob.accept(2, deal)), Outcome)
    assert log.state.find(Holding, EVENT, bob.pseudonym).tickets == 1


def test_identity_levels_to_send_and_to_receive():
    ann, bob = Person("ann"), Person("bob")
    log = owned(stage(made=dataclasses.replace(POLICY, send_level=2, receive_level=3)), ann, level=1)
    assert log.refused(ann.offer(0)) == "identity-needed"
    log.put(ann.identify(0, at=NOW + 1))
    assert isinstance(log.put(ann.offer(0)), Outcome)
    deal = title(log, 0).deal
    log.put(bob.identify(0, 1, held=False, level=2))
    assert log.refused(bob.accept(0, deal)) == "identity-needed"
    log.put(bob.identify(0, 1, held=False, level=3, at=NOW + 1))
    assert isinstance(log.put(bob.accept(0, deal)), Outcome)


def test_an_attestation_that_is_not_good_is_refused(log):
    ann = Person("ann")
    log.put(order(1))
    log.put(ann.activate(1))
    owner, stranger = ann.key(1, 0), key("x")
    mine = owner.public

    def attest(raw, tickets=(1,), by=owner):
        said = open_receipt(raw)
        proof = identity_proof(by, raw) if isinstance(said, Attestation) else b""
        return market.AttestIdentity(list(tickets), raw, proof).seal(EVENT, NOW, PROVIDER)

    assert log.refused(attest(b"")) == "bad-attestation"
    assert log.refused(attest(attestation(mine, "ann", by=key("forger")))) == "bad-attestation"
    assert log.refused(attest(attestation(mine, "ann", event="other"))) == "bad-attestation"
    assert log.refused(attest(attestation(mine, "ann", until=NOW))) == "bad-attestation"
    assert log.refused(attest(attestation(mine, "ann", provider="bank"))) == "bad-attestation"
    assert log.refused(attest(receipt("hold", "r", 5))) == "bad-attestation"
    assert log.refused(attest(attestation(stranger.public, "ann"), by=stranger)) == "no-holder"
    log.put(attest(attestation(mine, "ann", at=NOW)))
    assert log.refused(attest(attestation(mine, "ann", 9, at=NOW - 1))) == "identity-differs"
    assert log.refused(attest(attestation(mine, "bob"))) == "identity-differs"


def test_two_events_cannot_be_linked_by_their_pseudonyms(log):
    ann = Person("ann")
    owned(log, ann)
    here = log.state.find(Identity, EVENT, ann.key(0, 0).public).pseudonym
    assert here == ann.pseudonym != digest("person", "other", "ann")


def test_a_sponsor_gives_to_guests_and_takes_back_what_nobody_claimed(log):
    ann = Person("ann")
    assert isinstance(log.put(allot(1, 2, 3)), Outcome)
    assert log.refused(order(1)) == "seat-taken"
    assert log.refused(grant(1, 4)) == "not-allotted"
    assert isinstance(log.put(grant(1, 2)), Outcome)
    assert isinstance(log.put(ann.activate(1)), Outcome)
    assert log.refused(recall(1)) == "not-allotted"
    assert isinstance(log.put(recall(2)), Outcome)
    assert (title(log, 2).place, title(log, 2).commitment) == ("sponsor", b"")
    assert isinstance(log.put(grant(2, at=NOW + 1)), Outcome)
    assert isinstance(log.put(recall(2, 3, by=ORGANISER)), Outcome)
    assert (title(log, 2).place, books(log).allotted) == ("house", 1)
    assert isinstance(log.put(order(2, 3)), Outcome)


def test_sponsors_never_have_more_than_their_share():
    log = stage(capacity=40, made=dataclasses.replace(POLICY, sponsor_share=1_000))
    assert log.refused(allot(1, 2, 3, 4, 5)) == "over-share"
    assert isinstance(log.put(allot(1, 2, 3, 4)), Outcome)
    assert log.refused(allot(6)) == "over-share"


def test_a_sponsor_has_no_say_over_another_sponsors_tickets(log):
    rival = key("rival")
    log.put(RegisterActor("rival", "sponsor", rival.public).seal(EVENT, NOW, NODE))
    assert log.refused(allot(1, sponsor="nobody")) == "unknown-actor"
    log.put(allot(1))
    assert log.refused(grant(1, by=rival)) == "not-allotted"
    log.put(grant(1))
    assert log.refused(recall(1, by=rival)) == "not-allotted"


def test_more_tickets_than_are_licensed_are_not_issued():
    log = stage(count=5, made=dataclasses.replace(POLICY, capacity=6))

    def issue(*indexes, at=NOW):
        return next(iter(OPERATOR.issue(EVENT, (ticket(index, held=False) for index in indexes), at)))

    assert log.refused(issue(10, 11)) == "over-capacity"
    assert isinstance(log.put(issue(10)), Outcome)
    assert log.refused(policy(capacity=5, version=2)) == "bad-policy"


def test_a_license_that_waits_for_its_time_binds_already():
    log = stage(count=5)
    log.put(policy(version=2, capacity=6, effective=DOORS))
    raw = next(iter(OPERATOR.issue(EVENT, (ticket(index, held=False) for index in (10, 11)), LATER)))
    assert log.refused(raw) == "over-capacity"
