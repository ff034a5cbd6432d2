"""What is asked of an event that is over, was cancelled, is not there or has no policy gets an answer that says so."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from ledger_node.adapters.orders import Order, read_order
from ledger_node.services import activation, events, links, orders, resale, sale, sponsors, transfers
from ledger_node.services.errors import ServiceError
from ledger_node.services.letters import deliver
from ledger_node.services.operations import OPERATIONS, perform
from ledger_node.services.sale import Buyer
from scanner.verify.keys import SigningKey
from tests.fakes.marketplace import DOORS, EVENT, FACE, POLICY

DAY = 86_400
KEY = SigningKey(b"o" * 32).public.hex()
TWO_WAYS = {"phone": "91112222", "email": "a@example.com"}
SAME = "as ever"
"""What is looked at, refunded or taken back is so at any time."""
NOTED = "with a note"
NOT_ON = {"over": "event-over", "cancelled": "event-not-open"}

NO_EVENT = {
    "event-list", "log-export", "keys-show", "keys-rotate", "keys-rotate-log", "keys-end-overlap", "accounts-invite",
    "accounts-list", "accounts-recover", "accounts-revoke", "accounts-trail", "vault-find", "vault-export",
    "vault-forget", "vault-expire", "vault-rotate", "alerts-list", "alerts-ack", "alerts-close", "activations-unlock",
    "activations-revoke",
    "restore-declare-lost",
    "restore-fetch",
    "restore-finish",
    "restore-seen",
    "restore-status",
}  # fmt: skip
"""Operations that are not about an event that somebody names."""

TABLE: dict[str, tuple[dict[str, Any], str, str]] = {
    # operation: values, answer when it is over, answer when it was cancelled
    "event-create": ({"event": "next", "name": "N", "doors": 1, "starts": 2, "capacity": 5, "step": 10, "tolerance": 9},
                     NOTED, NOTED),
    "event-show": ({}, NOTED, NOTED),
    "event-note": ({}, NOTED, NOTED),
    "event-assurance": ({}, SAME, SAME),
    "tickets-issue": ({"count": 1, "first": None, "category": 0, "gate_group": None, "face_value": 1}, NOTED, NOTED),
    "tickets-show": ({"index": 1}, SAME, SAME),
    "tickets-history": ({"index": 1}, SAME, SAME),
    "tickets-register": ({"index": 1, "owner_seq": 0, "holder_key": KEY, "proof": "00" * 64}, "bad-proof", "bad-proof"),
    "tickets-state": ({"indexes": [15], "state": "blocked", "reason": "x"}, NOTED, NOTED),
    "devices-code": ({"gate": "R1"}, NOTED, NOTED),
    "devices-list": ({}, SAME, SAME),
    "devices-out-of-service": ({"gate": "R1", "reason": "x"}, "no-device", "no-device"),
    "leases-show": ({}, SAME, SAME),
    "leases-move": ({"to": "1", "reason": "x", "tickets": [9]}, "leased-there", "leased-there"),
    "devices-revoke": ({"device": "d", "reason": "x"}, "unknown-device", "unknown-device"),
    "policy-show": ({}, SAME, SAME),
    "policy-set": ({"changes": {"transfer_cap": 90}}, NOTED, "event-not-open"),
    "actors-add": ({"actor": "a", "role": "organiser", "public_key": KEY}, NOTED, NOTED),
    "actors-list": ({}, SAME, SAME),
    "orders-find": ({"number": "U-1"}, SAME, SAME),
    "sale-open": ({"most": 8, "seconds": 300}, "event-over", "event-not-open"),
    "transfers-list": ({}, SAME, SAME),
    "transfers-cancel": ({"deal": "00" * 32}, "deal-gone", "deal-gone"),
    "resale-list": ({}, SAME, SAME),
    "resale-unlist": ({"deal": "00" * 32}, "deal-gone", "deal-gone"),
    "refunds-due": ({}, "event-not-cancelled", SAME),
    "refunds-run": ({"tickets": [1]}, SAME, SAME),
    "refunds-list": ({}, SAME, SAME),
    "sponsors-add": ({"sponsor": "b2"}, NOTED, NOTED),
    "sponsors-allot": ({"sponsor": "bank", "tickets": [9]}, "event-over", "event-not-open"),
    "sponsors-invite": ({"sponsor": "bank", "guests": [TWO_WAYS]}, "event-over", "event-not-open"),
    "sponsors-recall": ({"sponsor": "bank"}, NOTED, "event-not-open"),
    "sponsors-reclaim": ({"tickets": [8]}, NOTED, "event-not-open"),
    "sponsors-show": ({"sponsor": "bank"}, SAME, SAME),
    "activations-list": ({}, SAME, SAME),
    "sponsors-revoke": ({"sponsor": "bank", "reason": "x"}, NOTED, NOTED),
    "actors-revoke": ({"actor": "wallet", "reason": "x"}, NOTED, NOTED),
    "event-cancel": ({"reason": "storm"}, SAME, SAME),
}  # fmt: skip


def order(number: str, *tickets: int) -> Order:
    many = len(tickets)
    values = {"number": number, "event": EVENT, "tickets": list(tickets), "eticket": True, "phone": "91234567"}
    made = read_order({**values, "price_cents": FACE * many, "fee_cents": POLICY["handling_fee"] * many}, 1)
    assert isinstance(made, Order), made
    return made


@pytest.fixture
def night(market):
    """Orders 1 (a link, used by nobody) and 3 (anna has it), a sponsor with a guest, and a hold of ticket 12."""
    orders.take(market.node, EVENT, [order("U-1", 1), order("U-3", 3)])
    links.make_links(market.node)
    sponsors.add(market.node, EVENT, "bank")
    sponsors.allot(market.node, EVENT, "bank", [7, 8, 10])
    perform(
        market.node,
        "sponsors-invite",
        {"event": EVENT, "sponsor": "bank", "guests": [TWO_WAYS]},
    )
    market.person("anna").hold_ticket(3)
    return market


def let_it_be(market, state: str) -> None:
    if state == "over":
        market.clock.now = DOORS + 5 * DAY
    else:
        events.cancel_event(market.node, EVENT, "storm")


def test_every_operation_is_in_the_table() -> None:
    named = {*TABLE, *NO_EVENT, "activations-renew", "activations-replace"}
    assert OPERATIONS.keys() - named == set()


def answer(node, operation: str, values: dict[str, Any]) -> str:
    """How an operation is answered: its refusal's code, with or without a note."""
    size = node.ledger.size
    try:
        made = perform(node, operation, values)
    except ServiceError as refused:
        return refused.code if node.ledger.size == size else "half done"
    return NOTED if "note" in made else SAME


@pytest.mark.parametrize("state", NOT_ON)
def test_every_operation_says_that_the_event_is_not_on(night, state: str) -> None:
    let_it_be(night, state)
    expected, told = {}, {}
    for operation, (values, over, cancelled) in TABLE.items():
        if operation != "event-create" or state == "over":
            expected[operation] = over if state == "over" else cancelled
            told[operation] = answer(night.node, operation, {"event": EVENT, **values})
    assert told == expected


@pytest.mark.parametrize("state", NOT_ON)
def test_every_act_at_the_desk_says_that_the_event_is_not_on(night, state: str) -> None:
    let_it_be(night, state)
    words = [("refunded", 3), ("blocked", 15), ("active", 15), ("cancelled", 15)]
    acts = [("tickets-state", {"indexes": [index], "state": word, "reason": "x"}) for word, index in words]
    for name, values in [*acts, ("sale-open", {"most": 0, "seconds": 60})]:
        assert perform(night.node, name, {"event": EVENT, **values})["note"].startswith(EVENT), (name, values)
    assert [one["standing"] for one in perform(night.node, "event-list", {})] == [state]


def test_every_operation_says_that_there_is_no_such_event(night) -> None:
    told = {
        operation: answer(night.node, operation, {**values, "event": "nowhere"})
        for operation, (values, _, _) in TABLE.items()
        if operation != "event-create"
    }
    assert told == dict.fromkeys(told, "unknown-event")


@pytest.mark.parametrize("state", NOT_ON)
def test_a_new_order_is_bad_and_a_known_one_stays_known(night, state: str) -> None:
    let_it_be(night, state)
    taken = orders.take(night.node, EVENT, [order("U-1", 1), order("U-2", 2)])
    assert (taken.known, taken.bad, taken.sold) == (1, 1, 0)
    ((_, reason, number),) = taken.faults
    assert number == "U-2"
    assert reason.startswith(f"event: {EVENT} {'began on' if state == 'over' else 'was cancelled'}")


@pytest.mark.parametrize("state", NOT_ON)
def test_what_people_and_the_help_desk_begin_is_refused(night, state: str) -> None:
    node, anna = night.node, night.person("anna")
    (link,) = [one for one in node.activations.of_event(EVENT) if one.places[0].ticket == 1]
    let_it_be(night, state)
    acts: dict[str, Callable[[], Any]] = {
        "keep": lambda: sale.keep(node, EVENT, [11]),
        "renew": lambda: perform(node, "activations-renew", {"link": link.link}),
        "replace": lambda: perform(node, "activations-replace", {"link": link.link, "question": "q", "answer": "a"}),
        "offer": lambda: transfers.offer(node, EVENT, anna.offer(3)),
        "list": lambda: resale.put_up(node, EVENT, anna.listing(3)),
    }
    for name, act in acts.items():
        with pytest.raises(ServiceError) as refused:
            act()
        assert refused.value.code in {NOT_ON[state], "frozen"}, name


def test_a_seat_that_was_kept_is_not_paid_for_when_the_event_is_cancelled(night) -> None:
    held = sale.keep(night.node, EVENT, [12])
    ben = night.person("ben")
    before = ben.balance()
    let_it_be(night, "cancelled")
    with pytest.raises(ServiceError) as refused:
        sale.pay(night.node, EVENT, held.token, Buyer(ben.payer(), phone="91234567"))
    assert refused.value.code == "event-not-open"
    assert ben.balance() == before


def test_a_holder_of_a_link_hears_that_the_event_was_cancelled_and_not_that_the_link_is_bad(night) -> None:
    links_sent = [json.loads(value)["link"] for value in letters(night)]
    token = links_sent[0].partition("#")[2]
    assert activation.look(night.node, token).event == EVENT
    let_it_be(night, "cancelled")
    for act in (lambda: activation.look(night.node, token), lambda: activation.activate(night.node, token, "U-1", [])):
        with pytest.raises(ServiceError) as refused:
            act()
        assert refused.value.code == "event-not-open"


def letters(market) -> list[str]:
    kept = [market.node.vault.read(person) for person in market.node.vault.persons()]
    return [value for fields in kept for name, value in fields.items() if name.startswith("letter:link")]


@pytest.mark.parametrize("state", NOT_ON)
def test_no_link_goes_out_for_an_event_that_is_not_on_and_the_log_says_so(market, state: str) -> None:
    orders.take(market.node, EVENT, [order("U-1", 1)])
    let_it_be(market, state)
    with capture_logs() as said:
        assert links.make_links(market.node) == 0
    assert [one["event"] for one in said] == ["no link"]
    assert market.node.market.orders_due(market.node.seconds + 400 * DAY, 10) == [], "it is said once"
    assert "91234567" not in str(said)


@pytest.mark.parametrize("state", NOT_ON)
def test_a_letter_that_waits_is_not_sent_for_an_event_that_is_not_on(night, state: str) -> None:
    let_it_be(night, state)
    with capture_logs() as said:
        assert deliver(night.node) == 0
    assert night.letters.sent == []
    assert {one["event"] for one in said} == {"letter dropped"}
    assert letters(night) == [], "and its link is not kept"


def test_without_a_policy_the_default_is_shown_and_a_sale_that_could_pay_nobody_is_refused(market) -> None:
    perform(market.node, "event-create", {**TABLE["event-create"][0], "doors": DOORS, "starts": DOORS + 60})
    lot = {"count": 2, "first": 1, "category": 0, "gate_group": 1, "face_value": FACE}
    assert "note" not in perform(market.node, "tickets-issue", {"event": "next", **lot})
    (default,) = perform(market.node, "policy-show", {"event": "next"})
    assert (default["version"], default["default"], default["in_force"]) == (0, True, True)
    with pytest.raises(ServiceError) as refused:
        perform(market.node, "sale-open", {"event": "next", "most": 8, "seconds": 300})
    assert refused.value.code == "no-organiser"
    perform(market.node, "policy-set", {"event": "next", "changes": {"organiser_party": POLICY["organiser_party"]}})
    assert [one["in_force"] for one in perform(market.node, "policy-show", {"event": "next"})] == [False, True]
    opened = perform(market.node, "sale-open", {"event": "next", "most": 8, "seconds": 300})
    assert "actors add" in opened["note"], "the ledger knows no provider that could be paid through"
    assert "note" not in perform(market.node, "sale-open", {"event": "next", "most": 0, "seconds": 300})
    provider = {"actor": "wallet", "role": "provider", "public_key": KEY}
    perform(market.node, "actors-add", {"event": "next", **provider})
    assert "note" not in perform(market.node, "sale-open", {"event": "next", "most": 8, "seconds": 300})
