"""Attack: do, undo and do again within one second, where a time is all that tells one act from another.

Cancel, reinstate, cancel left the ticket good while the program said that it was cancelled: the third entry had the
bytes of the first, and whatever is in the log once counts once. Time stands still here.
"""

import pytest

from ledger_node.contract.bodies_market import ListResale
from ledger_node.contract.shape import NONCE_BYTES
from ledger_node.services import resale, sponsors, tickets, transfers
from ledger_node.services.errors import ServiceError
from ledger_node.services.operations import perform
from scanner.verify.entry import open_entry, seal
from scanner.verify.row import ACTIVE, CANCELLED
from tests.fakes.marketplace import EVENT, FACE


def say(market, state):
    return perform(market.node, "tickets-state", {"event": EVENT, "indexes": [5], "state": state, "reason": "x"})


def test_cancel_reinstate_cancel_is_cancelled(market):
    positions = [say(market, state)["position"] for state in ("cancelled", "active", "cancelled")]
    assert market.row(5).state == CANCELLED
    assert len(set(positions)) == 3
    say(market, "active")
    assert market.row(5).state == ACTIVE
    say(market, "blocked"), say(market, "active"), say(market, "blocked")
    assert tickets.read_ticket(market.node, EVENT, 5).row.state not in {ACTIVE, CANCELLED}


def test_what_the_ledger_knew_already_is_not_told_as_done(market, monkeypatch):
    """Should the nonce ever fail, the program does not say what the ledger does not."""
    monkeypatch.setattr(market.node, "draw", bytes)
    say(market, "cancelled"), say(market, "active")
    with pytest.raises(ServiceError, match="changed nothing now") as error:
        say(market, "cancelled")
    assert error.value.code == "not-counted"
    assert market.row(5).state == ACTIVE


def test_a_recall_after_a_recall_is_one_too(market):
    sponsors.add(market.node, EVENT, "bank")
    sponsors.allot(market.node, EVENT, "bank", [5])
    for _ in range(3):
        guest = sponsors.Guest("91230001", "guest@example.com")
        assert sponsors.invite(market.node, EVENT, "bank", [guest]) == [5]
        assert sponsors.recall(market.node, EVENT, "bank") == [5]
        assert sponsors.standing(market.node, EVENT, "bank").free == (5,)


def test_allot_reclaim_allot_is_allotted(market):
    sponsors.add(market.node, EVENT, "bank")
    for _ in range(3):
        sponsors.allot(market.node, EVENT, "bank", [5, 6])
        assert sponsors.standing(market.node, EVENT, "bank").free == (5, 6)
        sponsors.reclaim(market.node, EVENT, [5, 6])
        assert sponsors.standing(market.node, EVENT, "bank").free == ()


def test_a_sponsor_that_is_ended_again_is_ended(market):
    for _ in range(3):
        sponsors.add(market.node, EVENT, "bank")
        sponsors.end(market.node, EVENT, "bank", "over")
        with pytest.raises(ServiceError):
            sponsors.allot(market.node, EVENT, "bank", [5])


def test_a_listing_that_was_taken_back_is_not_told_as_open(market):
    ada = market.person("ada")
    ada.hold_ticket(5)
    listing = ada.listing(5)
    deal, first = resale.put_up(market.node, EVENT, listing)
    assert resale.put_up(market.node, EVENT, listing) == (deal, first), "a retry is the same listing"
    resale.unlist(market.node, EVENT, deal, ada.unlist(5, 0, deal))
    with pytest.raises(ServiceError, match="no such resale") as error:
        resale.put_up(market.node, EVENT, listing)
    assert error.value.code == "deal-gone"
    now = market.node.seconds
    body = ListResale(5, 0, FACE, now + 3_000)
    anew, _ = resale.put_up(market.node, EVENT, body.seal(EVENT, now, ada.key(5, 0), b"n" * NONCE_BYTES))
    assert anew != deal
    assert resale.show(market.node, EVENT, anew).deal.deal == anew


def test_an_offer_that_was_taken_back_is_not_told_as_open(market):
    ada = market.person("ada")
    ada.hold_ticket(5)
    offer = ada.offer(5)
    deal = transfers.offer(market.node, EVENT, offer).deal
    transfers.cancel(market.node, EVENT, deal, ada.cancel(5, 0, deal))
    with pytest.raises(ServiceError, match="no such transfer"):
        transfers.offer(market.node, EVENT, offer)


@pytest.mark.parametrize("nonce", [b"", b"n" * 15, b"n" * 17, "n" * 16, 5, None])
def test_a_nonce_is_sixteen_bytes(market, nonce):
    entry = open_entry(market.node.operator.set_state(EVENT, [5], "cancelled", "x", market.node.seconds))
    body = {**entry.body, "nonce": nonce}
    with pytest.raises(ServiceError) as error:
        market.node.commit([seal(entry.type, EVENT, entry.at, body, market.node.keys.node)])
    assert error.value.code == "malformed-body"
