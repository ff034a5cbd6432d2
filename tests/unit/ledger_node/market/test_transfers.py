"""A ticket goes from one person to another, with its money or not at all."""

import pytest

from ledger_node.contract.bodies_market import AcceptTransfer
from ledger_node.services import dealing, policies, transfers
from ledger_node.services.errors import ServiceError
from ledger_node.services.tending import tend
from ledger_node.services.transfers import Recipient
from tests.fakes.marketplace import EVENT, FACE, RICH

SECRET = b"s" * 32


def given(market, price=FACE, to=None):
    """Ada holds ticket 1 and has offered it to Ben."""
    ada, ben = market.person("ada"), market.person("ben")
    ada.hold_ticket(1)
    offered = transfers.offer(market.node, EVENT, ada.offer(1, price=price), to)
    return ada, ben, offered.deal


def accept(market, who, deal, **changes):
    ready = transfers.checkout(market.node, EVENT, deal, SECRET, who.newcomer(1, 1, **changes))
    return transfers.accept(market.node, EVENT, deal, who.signs(ready))


def test_ticket_and_money_change_hands_together(market):
    ada, ben, deal = given(market)
    accept(market, ben, deal)
    assert market.owner(1) == ben.key(1, 1).public
    assert market.row(1).owner_seq == 1
    assert (ada.balance(), ben.balance(), market.provider.held()) == (RICH, RICH - FACE, FACE)
    tend(market.node)
    assert (ada.balance(), ben.balance(), market.provider.held()) == (RICH + FACE, RICH - FACE, 0)
    assert market.title(1).payment == ""
    books = market.books()
    assert (books.held, books.captured, books.sellers) == (0, FACE, FACE)


def test_gift_needs_no_provider(market):
    _, ben, deal = given(market, price=0)
    market.node.outside = type(market.node.outside)()
    accept(market, ben, deal, pays=False)
    assert market.owner(1) == ben.key(1, 1).public
    assert market.provider.asked[-1].kind == "attest"


def test_recipient_may_pass_it_on(market):
    _, ben, deal = given(market, price=0)
    accept(market, ben, deal, pays=False)
    cora = market.person("cora")
    on = transfers.offer(market.node, EVENT, ben.offer(1, seq=1)).deal
    ready = transfers.checkout(market.node, EVENT, on, SECRET, cora.newcomer(1, 2, pays=False))
    transfers.accept(market.node, EVENT, on, cora.signs(ready))
    assert (market.row(1).owner_seq, market.owner(1)) == (2, cora.key(1, 2).public)


def test_offer_above_the_cap_is_refused(market):
    ada = market.person("ada")
    ada.hold_ticket(1)
    with pytest.raises(ServiceError) as refused:
        transfers.offer(market.node, EVENT, ada.offer(1, price=FACE + 1))
    assert refused.value.code == "above-cap"


def test_stranger_cannot_offer_what_is_not_theirs(market):
    market.person("ada").hold_ticket(1)
    with pytest.raises(ServiceError) as refused:
        transfers.offer(market.node, EVENT, market.person("eve").offer(1))
    assert refused.value.code == "wrong-signer"


def test_stranger_without_the_secret_holds_no_money_and_gets_nothing(market):
    _, _, deal = given(market)
    eve = market.person("eve")
    with pytest.raises(ServiceError) as refused:
        transfers.checkout(market.node, EVENT, deal, b"x" * 32, eve.newcomer(1, 1))
    assert (refused.value.code, refused.value.status) == ("bad-secret", 403)
    assert market.provider.held() == 0


def test_money_that_is_not_there_moves_no_ticket(market):
    ada, _, deal = given(market)
    poor = market.person("poor", cents=FACE - 1)
    with pytest.raises(ServiceError) as refused:
        accept(market, poor, deal)
    assert (refused.value.code, refused.value.status) == ("payment-declined", 402)
    assert market.owner(1) == ada.key(1, 0).public


def test_declined_payer_may_try_again_with_another_authorisation(market):
    _, ben, deal = given(market)
    market.provider.faults.append("declined")
    with pytest.raises(ServiceError):
        accept(market, ben, deal)
    accept(market, ben, deal)
    assert market.owner(1) == ben.key(1, 1).public


def test_lost_answer_of_the_provider_is_no_second_payment(market):
    ada, ben, deal = given(market)
    newcomer = ben.newcomer(1, 1)
    market.provider.faults.append("lost")
    with pytest.raises(ServiceError) as away:
        transfers.checkout(market.node, EVENT, deal, SECRET, newcomer)
    assert (away.value.code, away.value.status) == ("provider", 503)
    ready = transfers.checkout(market.node, EVENT, deal, SECRET, newcomer)
    transfers.accept(market.node, EVENT, deal, ben.signs(ready))
    tend(market.node)
    assert (ada.balance(), ben.balance()) == (RICH + FACE, RICH - FACE)


def test_accepting_twice_is_one_transfer(market):
    _, ben, deal = given(market)
    ready = transfers.checkout(market.node, EVENT, deal, SECRET, ben.newcomer(1, 1))
    raw = ben.signs(ready)
    first, second = (transfers.accept(market.node, EVENT, deal, raw) for _ in range(2))
    assert first.position == second.position
    tend(market.node)
    assert ben.balance() == RICH - FACE


def test_checkout_again_gives_the_money_that_is_held(market):
    _, ben, deal = given(market)
    one, two = (transfers.checkout(market.node, EVENT, deal, SECRET, ben.newcomer(1, 1)) for _ in range(2))
    assert one.payment == two.payment
    assert market.provider.held() == FACE


def test_refused_entry_gives_the_money_back(market):
    ada, ben, deal = given(market)
    ready = transfers.checkout(market.node, EVENT, deal, SECRET, ben.newcomer(1, 1))
    transfers.cancel(market.node, EVENT, deal, ada.cancel(1, 0, deal))
    with pytest.raises(ServiceError) as refused:
        transfers.accept(market.node, EVENT, deal, ben.signs(ready))
    assert refused.value.code == "deal-gone"
    assert (ben.balance(), market.provider.held()) == (RICH, 0)


def test_money_of_whoever_never_signs_goes_back(market):
    _, ben, deal = given(market)
    ready = transfers.checkout(market.node, EVENT, deal, SECRET, ben.newcomer(1, 1))
    market.clock.now += 700
    tend(market.node)
    assert (ben.balance(), market.provider.held()) == (RICH, 0)
    with pytest.raises(ServiceError) as late:
        transfers.accept(market.node, EVENT, deal, ben.signs(ready))
    assert late.value.code == "too-late"
    accept(market, ben, deal)
    assert market.owner(1) == ben.key(1, 1).public


def test_hold_that_was_not_begun_here_is_not_taken(market):
    _, ben, deal = given(market)
    entry = AcceptTransfer(1, deal, 1, SECRET, b"\0" * 100).seal(EVENT, market.node.seconds, ben.key(1, 1))
    with pytest.raises(ServiceError) as refused:
        transfers.accept(market.node, EVENT, deal, entry)
    assert refused.value.code == "unknown-payment"


def test_signature_of_somebody_else_undoes_no_payment(market):
    _, ben, deal = given(market)
    ready = transfers.checkout(market.node, EVENT, deal, SECRET, ben.newcomer(1, 1))
    with pytest.raises(ServiceError) as refused:
        transfers.accept(market.node, EVENT, deal, ready.draft.sealed(bytes(64)))
    assert refused.value.code == "bad-signature"
    assert market.provider.held() == FACE
    transfers.accept(market.node, EVENT, deal, ben.signs(ready))
    assert market.owner(1) == ben.key(1, 1).public


def test_recipient_says_no(market):
    _, ben, deal = given(market)
    transfers.reject(market.node, EVENT, deal, ben.reject(1, deal))
    with pytest.raises(ServiceError) as gone:
        transfers.show(market.node, EVENT, deal)
    assert (gone.value.code, gone.value.status) == ("deal-gone", 404)


def test_desk_takes_an_offer_back(market):
    _, _, deal = given(market)
    transfers.cancel_for(market.node, EVENT, deal)
    assert market.title(1).deal == b""


def test_offer_that_ran_out_is_taken_off_the_ledger(market):
    given(market)
    market.clock.now += 3_000 + dealing.LAPSED
    tend(market.node)
    assert market.title(1).deal == b""


def test_recipient_is_written_to_once_and_the_ledger_knows_no_address(market):
    to = Recipient(SECRET, email="Ben@Example.com")
    ada, _, deal = given(market, to=to)
    raw = ada.offer(1, price=FACE)
    transfers.offer(market.node, EVENT, raw, to)
    for _ in range(3):
        tend(market.node)
    (((phone, email), template, values),) = market.letters.sent
    assert (phone, email.lower(), template) == (None, "ben@example.com", "transfer_offer")
    assert values["link"] == f"https://tickets.example/offer#{EVENT}/{deal.hex()}/{SECRET.hex()}"
    with market.node.view() as view:
        log = b"".join(view.entries(0, view.size))
    assert b"xample" not in log


def test_letter_waits_while_the_mail_server_is_away(market):
    market.letters.faults = ["later", "later"]
    given(market, to=Recipient(SECRET, email="ben@example.com"))
    tend(market.node)
    assert market.letters.sent == []
    market.clock.now += 31
    tend(market.node)
    market.clock.now += 61
    tend(market.node)
    assert len(market.letters.sent) == 1


def test_letter_to_nowhere_is_dropped(market):
    market.letters.faults = ["never"]
    given(market, to=Recipient(SECRET, email="ben@example.com"))
    for _ in range(3):
        tend(market.node)
        market.clock.now += 3_600
    assert market.letters.sent == []


def test_secret_that_is_not_the_offers_is_not_sent(market):
    with pytest.raises(ServiceError) as refused:
        given(market, to=Recipient(b"x" * 32, email="ben@example.com"))
    assert refused.value.code == "bad-secret"


def test_recipient_without_an_address_is_told_before_anything_is_logged(market):
    with pytest.raises(ServiceError) as refused:
        given(market, to=Recipient(SECRET, email="nowhere"))
    assert refused.value.code == "no-contact"
    assert market.title(1) is None or market.title(1).deal == b""


def test_identity_that_the_policy_asks_for_is_fetched_with_the_recipients_yes(market):
    policies.set_policy(market.node, EVENT, {"receive_level": 2})
    _, ben, deal = given(market)
    with pytest.raises(ServiceError) as refused:
        accept(market, ben, deal)
    assert refused.value.code == "identity-needed"
    newcomer = dealing.Newcomer(ben.key(1, 1).public, ben.payer(), ben.consent(ben.key(1, 1)))
    ready = transfers.checkout(market.node, EVENT, deal, SECRET, newcomer)
    transfers.accept(market.node, EVENT, deal, ben.signs(ready))
    assert market.title(1).pseudonym == ben.party


def test_entry_of_another_kind_or_event_is_told_so(market):
    ada, _, deal = given(market)
    for raw in (ada.cancel(1, 0, deal), b"nonsense", b""):
        with pytest.raises(ServiceError) as refused:
            transfers.offer(market.node, EVENT, raw)
        assert refused.value.code in {"other-entry", "not-an-entry"}
        assert 400 <= refused.value.status < 500


def test_capture_that_the_provider_never_grants_blocks_the_ticket(market):
    _, ben, deal = given(market)
    accept(market, ben, deal)
    market.provider.faults.append("declined")
    tend(market.node)
    assert market.row(1).state != 0
    assert (ben.balance(), market.provider.held()) == (RICH, 0)
