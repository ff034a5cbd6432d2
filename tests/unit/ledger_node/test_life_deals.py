"""A change of hands: only by the holder, to the one invited, once, below the cap, in time, and with the money."""

import dataclasses

import pytest

from ledger_node.contract import bodies_market as market
from ledger_node.contract.commitments import deal_reference
from ledger_node.contract.facts import Deal, Payment
from ledger_node.contract.outcome import Outcome
from ledger_node.contract.policy import TicketPolicy
from scanner.verify.entry import seal
from tests.fakes.box_office import DOORS, EVENT, NODE, NOW, OPERATOR, code, gates, holder, key, manifest, opening
from tests.fakes.contract_log import Log, row
from tests.fakes.market import (
    FACE,
    LATER,
    ORGANISER_PARTY,
    POLICY,
    SERVICE_PARTY,
    Person,
    balanced,
    books,
    capture,
    deal_of,
    digest,
    order,
    owned,
    policy,
    receipt,
    stage,
    title,
)


@pytest.fixture
def people():
    return Person("ann"), Person("bob"), Person("eve")


@pytest.fixture
def log(people):
    return owned(stage(), *people[:2])


def open_deal(log, raw, index=0):
    assert isinstance(answer := log.put(raw), Outcome), answer
    return title(log, index).deal


def test_a_gift_moves_the_ticket_to_the_recipients_own_key_and_the_old_code_dies(log, people):
    ann, _, eve = people
    deal = open_deal(log, ann.offer(0))
    assert log.put(eve.accept(0, deal)).verdict == "accepted"
    assert (row(log, 0).owner_seq, row(log, 0).holder_key) == (1, eve.key(0, 1).public)
    assert (title(log, 0).transfers, title(log, 0).deal, title(log, 0).pseudonym) == (1, b"", b"")
    gate = gates()[0]
    assert log.put(gate.admit(code(0, 0, owner=ann.key(0, 0)))).verdict == "stale"
    assert log.put(gate.admit(code(0, 1, owner=eve.key(0, 1)))).verdict == "accepted"


def test_the_recipient_may_pass_it_on_but_the_giver_may_not_any_more(log, people):
    ann, _, eve = people
    log.put(eve.accept(0, open_deal(log, ann.offer(0))))
    assert log.refused(ann.offer(0, 0, at=LATER + 1)) == "wrong-signer"
    assert isinstance(log.put(eve.offer(0, 1)), Outcome)


def test_an_offer_in_the_public_log_cannot_be_taken_by_whoever_reads_it(log, people):
    ann, _, eve = people
    deal = open_deal(log, ann.offer(0))
    assert log.refused(eve.accept(0, deal, secret=b"x" * 32)) == "bad-secret"
    assert log.refused(eve.accept(0, deal, secret=deal_of(log, 0).to)) == "bad-secret"


def test_two_recipients_of_one_offer_and_the_first_has_it(log, people):
    ann, bob, eve = people
    deal = open_deal(log, ann.offer(0))
    assert isinstance(log.put(bob.accept(0, deal)), Outcome)
    assert log.refused(eve.accept(0, deal)) == "deal-gone"


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"price": FACE + 1}, "above-cap"),
        ({"price": 2**53}, "above-cap"),
        ({"until": LATER}, "bad-times"),
        ({"seq": 1}, "wrong-signer"),
        ({"at": DOORS - 600, "until": DOORS}, "frozen"),
    ],
)
def test_an_offer_outside_the_policy_is_refused(log, people, change, refusal):
    assert log.refused(people[0].offer(0, **change)) == refusal


@pytest.mark.parametrize("price", [2**53 + 1, -1, 2**63, True, "48000", 1.5, None])
def test_amounts_that_are_no_amounts_of_money(log, people, price):
    body = {"ticket": 0, "owner_seq": 0, "price": price, "to": bytes(32), "until": NOW + 900}
    if isinstance(price, float):
        with pytest.raises(ValueError, match="integers"):
            seal("transfer.offer", EVENT, LATER, body, people[0].key(0, 0))
        return
    assert log.refused(seal("transfer.offer", EVENT, LATER, body, people[0].key(0, 0))) == "malformed-body"


def test_only_one_deal_at_a_time_and_an_expired_one_binds_nobody(log, people):
    ann, _, eve = people
    deal = open_deal(log, ann.offer(0, until=NOW + 500))
    assert log.refused(ann.sell(0)) == "deal-open"
    late = NOW + 500
    assert log.refused(eve.accept(0, deal, at=late)) == "deal-expired"
    assert isinstance(log.put(ann.sell(0, at=late)), Outcome)
    assert log.refused(eve.accept(0, deal, at=late)) == "deal-gone"


def test_an_expired_offer_is_closed_by_the_operator_and_not_before(log, people):
    deal = open_deal(log, people[0].offer(0, until=NOW + 500))
    expire = market.ExpireDeal(0, deal)
    assert log.refused(expire.seal(EVENT, NOW + 499, NODE)) == "deal-not-expired"
    assert isinstance(log.put(expire.seal(EVENT, NOW + 500, NODE)), Outcome)
    assert title(log, 0).deal == b""
    assert log.refused(expire.seal(EVENT, NOW + 501, NODE)) == "deal-gone"


def test_reject_needs_the_invitation_and_cancel_needs_the_holder_or_the_desk(log, people):
    ann, bob, eve = people
    deal = open_deal(log, ann.offer(0))
    anybody = key("anybody")
    assert log.refused(market.RejectTransfer(0, deal, b"x" * 32).seal(EVENT, LATER, anybody)) == "bad-secret"
    assert log.refused(market.CancelTransfer(0, deal).seal(EVENT, LATER, eve.key(0, 1))) == "wrong-signer"
    assert log.refused(market.UnlistResale(0, deal).seal(EVENT, LATER, ann.key(0, 0))) == "deal-gone"
    assert isinstance(log.put(market.RejectTransfer(0, deal, b"s" * 32).seal(EVENT, LATER, anybody)), Outcome)
    again = open_deal(log, ann.offer(0, at=LATER + 1))
    assert isinstance(log.put(market.CancelTransfer(0, again).seal(EVENT, LATER, ann.key(0, 0))), Outcome)
    desk = open_deal(log, bob.sell(1), 1)
    assert isinstance(log.put(market.UnlistResale(1, desk).seal(EVENT, LATER, NODE)), Outcome)
    assert not list(log.state.each(Deal, EVENT))


def test_money_moves_with_the_ticket_and_to_the_cent(log, people):
    ann, _, eve = people
    deal = open_deal(log, ann.sell(0, price=47_999))
    assert log.refused(eve.buy(0, deal)) == "bad-receipt"
    assert log.refused(eve.buy(0, deal, payment=eve.pay(0, deal, 47_998))) == "wrong-payment"
    assert isinstance(log.put(eve.buy(0, deal, payment=eve.pay(0, deal, 47_999))), Outcome)
    payment = next(iter(log.state.each(Payment, EVENT)))
    assert (payment.organiser, payment.fees, payment.seller) == (2_399, 599, 45_001)
    assert dict(payment.shares) == {ann.pseudonym: 45_001, ORGANISER_PARTY: 2_399, SERVICE_PARTY: 599}
    assert books(log).held == 47_999
    assert isinstance(log.put(capture(payment.payment, 47_999, payment.shares)), Outcome)
    after = books(log)
    assert (after.held, after.captured, after.sellers) == (0, 47_999, 45_001)
    assert balanced(after)


def test_a_hold_pays_once_for_one_ticket_and_one_buyer(log, people):
    ann, bob, eve = people
    first, second = open_deal(log, ann.sell(0)), open_deal(log, bob.sell(1), 1)
    paid = eve.pay(0, first, FACE)
    assert log.refused(bob.buy(0, first, payment=paid)) == "wrong-payment"
    assert log.refused(eve.buy(1, second, payment=paid)) == "wrong-payment"
    assert isinstance(log.put(eve.buy(0, first, payment=paid)), Outcome)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"currency": "USD"}, "wrong-payment"),
        ({"until": LATER}, "wrong-payment"),
        ({"event": "other"}, "bad-receipt"),
        ({"provider": "nobody"}, "bad-receipt"),
        ({"by": key("forger")}, "bad-receipt"),
        ({"reference": "x"}, "wrong-payment"),
    ],
)
def test_a_receipt_that_is_not_good_for_this(log, people, changes, refusal):
    ann, _, eve = people
    deal = open_deal(log, ann.sell(0))
    reference = changes.pop("reference", None) or eve_reference(eve, deal)
    assert log.refused(eve.buy(0, deal, payment=receipt("hold", reference, FACE, **changes))) == refusal


def eve_reference(eve, deal):
    return deal_reference(deal, eve.key(0, 1).public)


def test_a_second_try_of_a_payment_is_another_reference_of_the_same_deal(log, people):
    ann, _, eve = people
    deal = open_deal(log, ann.sell(0))
    again = receipt("hold", eve_reference(eve, deal) + "-2", FACE)
    assert isinstance(log.put(eve.buy(0, deal, payment=again)), Outcome)


def test_a_ticket_whose_money_is_still_to_be_captured_is_not_passed_on(log, people):
    ann, _, eve = people
    log.put(eve.identify(0, 1, held=False))
    deal = open_deal(log, ann.sell(0))
    log.put(eve.buy(0, deal, payment=eve.pay(0, deal, FACE)))
    assert log.refused(eve.sell(0, 1)) == "payment-pending"


def test_money_that_was_never_paid_blocks_the_ticket(log, people):
    ann, _, eve = people
    deal = open_deal(log, ann.sell(0))
    log.put(eve.buy(0, deal, payment=eve.pay(0, deal, FACE)))
    payment = next(iter(log.state.each(Payment, EVENT)))
    raw = receipt("release", "r1", FACE, of=payment.payment)
    assert isinstance(log.put(market.ReleasePayment(raw).seal(EVENT, LATER, NODE)), Outcome)
    assert row(log, 0).state == 3
    assert (books(log).held, books(log).captured, title(log, 0).paid) == (0, 0, 0)
    assert log.refused(capture(payment.payment, FACE, payment.shares)) == "unknown-payment"


def test_a_capture_shared_out_otherwise_is_refused(log, people):
    ann, _, eve = people
    deal = open_deal(log, ann.sell(0))
    log.put(eve.buy(0, deal, payment=eve.pay(0, deal, FACE)))
    payment = next(iter(log.state.each(Payment, EVENT)))
    (one, first), *rest = payment.shares
    (two, second), *rest = rest
    assert log.refused(capture(payment.payment, FACE, [(one, first + 1), (two, second - 1), *rest])) == "wrong-payment"
    assert log.refused(capture(payment.payment, FACE - 1, [(one, FACE - 1)])) == "wrong-payment"
    assert log.refused(capture("unheard-of", FACE, payment.shares)) == "unknown-payment"


def test_a_policy_that_comes_later_does_not_reach_a_deal_that_was_made(log, people):
    ann, bob, eve = people
    deal = open_deal(log, ann.sell(0))
    strict = dataclasses.replace(POLICY, resale_cap=50, organiser_fee=9_000)
    assert isinstance(log.put(policy(strict, version=2, effective=LATER, at=LATER)), Outcome)
    assert log.refused(bob.sell(1)) == "above-cap"
    assert isinstance(log.put(eve.buy(0, deal, payment=eve.pay(0, deal, FACE))), Outcome)
    assert next(iter(log.state.each(Payment, EVENT))).organiser == FACE * 500 // 10_000


def test_most_transfers_of_a_ticket(people):
    ann, bob, _ = people
    log = owned(stage(made=dataclasses.replace(POLICY, most_transfers=1)), ann)
    log.put(bob.accept(0, open_deal(log, ann.offer(0))))
    assert log.refused(bob.offer(0, 1)) == "too-many-transfers"


def test_owner_seq_at_its_maximum_cannot_be_sold(log, people):
    last = log.state.ticket(EVENT, 0)
    log.state.put_ticket(dataclasses.replace(last, row=last.row._replace(owner_seq=65_535)))
    body = market.OfferTransfer(0, 65_535, 0, bytes(32), NOW + 900)
    assert log.refused(body.seal(EVENT, LATER, people[0].key(0, 0))) == "owner-seq-spent"
    assert log.refused(OPERATOR.register_key(EVENT, 0, 65_535, key("x").public, bytes(64), NOW)) == "owner-seq-spent"


@pytest.mark.parametrize("state", ["cancelled", "refunded", "blocked"])
def test_a_ticket_that_is_not_active_changes_no_hands(log, people, state):
    ann, _, eve = people
    deal = open_deal(log, ann.offer(0))
    log.put(OPERATOR.set_state(EVENT, [0], state, "x", LATER))
    assert log.refused(eve.accept(0, deal)) == "ticket-not-active"
    assert log.refused(ann.offer(0, at=LATER + 1)) == "ticket-not-active"


def test_sold_and_entered_in_between(log, people):
    ann, _, eve = people
    deal = open_deal(log, ann.offer(0))
    log.put(gates()[0].admit(code(0, 0, owner=ann.key(0, 0))))
    assert log.refused(eve.accept(0, deal)) == "ticket-used"


def test_a_lost_phone_ends_the_offer_that_was_made_with_it(log, people):
    ann, _, eve = people
    deal = open_deal(log, ann.offer(0))
    assert isinstance(log.put(ann.activate(0, 1, LATER)), Outcome)
    assert log.refused(eve.accept(0, deal, seq=2)) == "deal-gone"
    assert isinstance(log.put(ann.offer(0, 1)), Outcome)


@pytest.mark.parametrize("taken", [NODE, key("organiser"), key("device", "gate-a1")])
def test_a_key_that_speaks_for_somebody_else_holds_no_ticket(log, people, taken):
    deal = open_deal(log, people[0].offer(0))
    raw = market.AcceptTransfer(0, deal, 1, b"s" * 32, b"").seal(EVENT, LATER, taken)
    assert log.refused(raw) in {"key-in-use", "wrong-signer"}


def test_a_seller_without_a_pseudonym_could_not_be_paid(people):
    ann = people[0]
    log = stage()
    log.put(order(0))
    log.put(ann.activate(0))
    assert log.refused(ann.sell(0)) == "identity-needed"
    assert isinstance(log.put(ann.offer(0)), Outcome)


def test_tickets_of_before_there_were_policies_may_be_given_away_too():
    log = Log(opening())
    raw = market.OfferTransfer(5, 0, 0, bytes(32), DOORS).seal(EVENT, NOW, holder(5))
    assert isinstance(log.put(raw), Outcome)
    free = TicketPolicy()
    assert (free.transfer_cap, free.freezes) == (100, 0)
    assert manifest().doors == DOORS


def test_an_entry_for_another_event_changes_nothing_here(log, people):
    deal = open_deal(log, people[0].offer(0))
    raw = market.AcceptTransfer(0, deal, 1, b"s" * 32, b"").seal("other", LATER, people[2].key(0, 1))
    assert log.refused(raw) == "unknown-event"
    log.put(OPERATOR.create_event(manifest(event="other"), NOW))
    assert log.refused(raw) == "unknown-ticket"


def test_what_anybody_may_sign_must_be_fresh_when_it_comes_in(log, people):
    ann = people[0]
    raw = ann.offer(0, at=NOW)
    assert log.refused(raw, latest=NOW + 1_000) == "signed-too-long-ago"
    assert log.refused(ann.offer(0, at=NOW + 1_000), latest=NOW + 300) == "from-the-future"
    assert isinstance(log.put(raw, latest=NOW + 300), Outcome)
    assert log.put(raw, latest=NOW + 9_000).new is False


def test_a_draft_signed_on_a_phone_is_the_same_entry(people):
    ann = people[0]
    body = market.OfferTransfer(0, 0, 0, digest("to"), NOW + 900)
    draft = body.draft(EVENT, LATER, ann.key(0, 0).public)
    assert draft.sealed(ann.key(0, 0).sign(draft.message)) == body.seal(EVENT, LATER, ann.key(0, 0))


def test_an_offer_signed_as_a_listing_is_refused(log, people):
    ann = people[0]
    listed = market.ListResale(0, 0, FACE, NOW + 900).draft(EVENT, LATER, ann.key(0, 0).public)
    offered = market.OfferTransfer(0, 0, FACE, bytes(32), NOW + 900).draft(EVENT, LATER, ann.key(0, 0).public)
    assert log.refused(offered.sealed(ann.key(0, 0).sign(listed.message))) == "bad-signature"
