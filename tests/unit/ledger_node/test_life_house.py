"""Who may say what: actors and their keys, policies, an event's course, seats and passages."""

import dataclasses

import pytest

from ledger_node.contract import bodies_house as house
from ledger_node.contract import bodies_market as market
from ledger_node.contract.apply import BODIES, RULES, SIGNERS
from ledger_node.contract.expressions import ENGINE
from ledger_node.contract.outcome import Outcome
from ledger_node.contract.policy import TicketPolicy, Tier
from scanner.verify.entry import seal
from scanner.verify.manifest import LedgerKey
from scanner.verify.row import ACTIVE
from tests.fakes.box_office import DOORS, EVENT, LEDGER_KEY, NODE, NOW, OPERATOR, code, gates, holder, key, ticket
from tests.fakes.contract_log import row
from tests.fakes.market import (
    FACE,
    LATER,
    ORGANISER,
    POLICY,
    PROVIDER,
    SPONSOR,
    TICKETING,
    Person,
    digest,
    order,
    owned,
    policy,
    refund,
    stage,
    title,
)

ALL = {"operator": NODE, "organiser": ORGANISER, "ticketing": TICKETING, "provider": PROVIDER, "sponsor": SPONSOR}


@pytest.fixture
def log():
    return owned(stage(), Person("ann"), Person("bob"))


def samples():
    """A well-formed body of every type that has a class."""
    return [
        house.RegisterActor("x", "sponsor", key("x").public), house.RevokeActor("bank", "x"),
        house.SetPolicy(2, LATER, POLICY.to_map()), house.PostponeEvent(DOORS + 1, DOORS + 2, "x"),
        house.CancelEvent("x"), house.CloseEvent("x"), house.RotateKeys([[2, key("k").public, False]]),
        house.ChangeSeat(0, 1, 1, 1, 1), house.MoveLeases([0], ["gate-a1"], "x", gate_group=1), house.SetFlags([0], 2),
        house.Exit(0, "gate-a1", 1),
        house.Override(0, "gate-a1", 1, "x"), market.HoldSeats(digest("h"), [5], DOORS),
        market.ReleaseSeats(digest("h"), [5]), market.Sale(digest("o"), [[5, 0, FACE]], False, 0, b"", b""),
        market.Activation([[5, digest("l")]]), market.AttestIdentity([], b""),
        market.OfferTransfer(0, 0, 0, digest("t"), DOORS), market.AcceptTransfer(0, digest("d"), 1, digest("s"), b""),
        market.RejectTransfer(0, digest("d"), digest("s")), market.CancelTransfer(0, digest("d")),
        market.ExpireDeal(0, digest("d")), market.ListResale(0, 0, 0, DOORS), market.BuyResale(0, digest("d"), 1, b""),
        market.UnlistResale(0, digest("d")), market.CapturePayment(b""), market.ReleasePayment(b""),
        market.RefundTicket(0, b""), market.AllotTickets("bank", [5]), market.GrantTickets([[5, digest("g")]]),
        market.RecallTickets([5]),
    ]  # fmt: skip


def test_every_type_has_a_rule_and_a_sample():
    assert {type(body) for body in samples()} == set(BODIES)
    assert len({body.TYPE for body in BODIES}) == len(BODIES) == len(SIGNERS)
    assert RULES.keys() >= SIGNERS.keys()


@pytest.mark.parametrize("body", samples(), ids=lambda body: body.TYPE)
def test_nobody_else_may_sign(log, body):
    strangers = {name: signer for name, signer in ALL.items() if name not in body.SIGNERS}
    for signer in (*strangers.values(), key("stranger"), holder(9), key("device", "gate-zz")):
        if body.SIGNERS & {"newcomer", "holder"} and signer is not NODE:
            if "holder" in body.SIGNERS:
                assert log.refused(body.seal(EVENT, LATER, signer)) in {"wrong-signer", "deal-gone"}
            continue
        assert log.refused(body.seal(EVENT, LATER, signer)) == "wrong-signer"


@pytest.mark.parametrize("body", samples(), ids=lambda body: body.TYPE)
def test_a_body_with_a_field_more_less_or_of_another_kind(log, body):
    signer = next((ALL[name] for name in ALL if name in body.SIGNERS), Person("ann").key(0, 0))
    fields = body.to_map()
    first = next(iter(fields))
    bad = [{**fields, "extra": 1}, {k: v for k, v in fields.items() if k != first}]
    bad += [{**fields, name: wrong} for name in fields for wrong in (None, -1, 2**64 - 1, {"x": 1})]
    for one in bad:
        answer = log.refused(seal(body.TYPE, EVENT, LATER, one, signer))
        known_map = isinstance(fields.get("policy"), dict) and answer == "bad-policy"
        assert answer == "malformed-body" or known_map


def test_a_revoked_key_signs_nothing_and_never_comes_back(log):
    revoke = house.RevokeActor("urbtix", "lost").seal(EVENT, LATER, NODE)
    assert isinstance(log.put(revoke), Outcome)
    assert log.refused(order(5, number="5")) == "wrong-signer"
    again = house.RegisterActor("urbtix", "ticketing", TICKETING.public).seal(EVENT, LATER, NODE)
    assert log.refused(again) == "actor-exists"
    assert log.refused(house.RevokeActor("urbtix", "lost").seal(EVENT, LATER + 1, NODE)) == "unknown-actor"
    new = key("ticketing", 2)
    assert isinstance(log.put(house.RegisterActor("urbtix", "ticketing", new.public).seal(EVENT, LATER, NODE)), Outcome)
    assert isinstance(log.put(order(5, number="5", by=new)), Outcome)


def test_a_provider_that_was_revoked_is_believed_no_more(log):
    log.put(house.RevokeActor("wallet", "ended").seal(EVENT, LATER, NODE))
    assert log.refused(refund(0, 0, 1)) == "bad-receipt"


@pytest.mark.parametrize(
    ("actor", "role", "public_key", "refusal"),
    [
        ("bank", "sponsor", key("new").public, "actor-exists"),
        ("new", "sponsor", SPONSOR.public, "actor-exists"),
        ("new", "sponsor", NODE.public, "actor-exists"),
        ("new", "sponsor", key("device", "gate-a1").public, "actor-exists"),
        ("new", "king", key("new").public, "malformed-body"),
        ("new", "sponsor", bytes(31) + b"\1", "bad-key"),
    ],
)
def test_a_key_and_a_name_stand_for_one_actor(log, actor, role, public_key, refusal):
    assert log.refused(house.RegisterActor(actor, role, public_key).seal(EVENT, LATER, NODE)) == refusal


def test_a_policy_never_reaches_back(log):
    assert log.refused(policy(version=2, effective=NOW - 1)) == "policy-reaches-back"
    assert log.refused(policy(version=2, effective=LATER - 1, at=LATER)) == "policy-reaches-back"
    assert log.refused(policy(version=1, effective=LATER)) == "wrong-version"
    assert isinstance(log.put(policy(version=2, effective=LATER + 50)), Outcome)
    assert log.refused(policy(version=3, effective=LATER - 1, at=LATER)) == "policy-reaches-back"


def test_a_policy_overtakes_the_one_that_waits(log):
    ann, bob = Person("ann"), Person("bob")
    log.put(policy(version=2, effective=LATER + 50, transfer_cap=100))
    assert isinstance(log.put(policy(version=3, effective=LATER + 10, transfer_cap=50)), Outcome)
    assert isinstance(log.put(ann.offer(0, price=FACE, at=LATER + 9)), Outcome)
    assert log.refused(bob.offer(1, price=FACE, at=LATER + 10)) == "above-cap"
    assert log.refused(bob.offer(1, price=FACE, at=LATER + 60)) == "above-cap", "version 2 does not come back"


def test_a_policy_counts_from_its_time_on(log):
    ann, bob = Person("ann"), Person("bob")
    log.put(policy(version=2, effective=LATER, transfer_cap=50))
    assert isinstance(log.put(ann.offer(0, price=FACE, at=LATER - 1)), Outcome)
    assert log.refused(bob.offer(1, price=FACE, at=LATER)) == "above-cap"


def changed(**changes):
    return {**POLICY.to_map(), **changes}


@pytest.mark.parametrize(
    "made",
    [
        {}, {"transfer_cap": 100}, changed(extra=1), changed(transfer_cap=-1), changed(transfer_cap=1_001),
        changed(transfer_cap="100"), changed(organiser_fee=10_001), changed(organiser_fee=9_000, service_fee=1_001),
        changed(most_tickets=0), changed(organiser_party=b""), changed(service_party=b""), changed(currency="hkd"),
        changed(currency=1), changed(opens=DOORS - 600), changed(capacity=19), changed(handling_fee=2**53 + 1),
        changed(tiers={}), changed(tiers=[{}]), changed(tiers=[1]), changed(rules=[]), changed(rules={"sale": 1}),
        changed(rules={"sale": "true"}), changed(engine=ENGINE), changed(engine=ENGINE, rules={"party": "true"}),
        changed(engine="cel-expr-python/9.9.9", rules={"sale": "true"}),
    ],
)  # fmt: skip
def test_a_policy_that_contradicts_itself_or_is_none(log, made):
    assert log.refused(policy(made, version=2, effective=LATER)) == "bad-policy"


@pytest.mark.parametrize("tiers", [[(0, 0, 9)], [(1, 0, 9), (1, 0, 9)], [(1, 9, 9)], [(1, 9, 8)]])
def test_tiers_that_contradict_each_other(log, tiers):
    made = changed(tiers=[{"tier": n, "category": 1, "price": 5, "opens": a, "closes": b} for n, a, b in tiers])
    assert log.refused(policy(made, version=2, effective=LATER)) == "bad-policy"


@pytest.mark.parametrize(
    "text",
    [
        "offer.price", "'yes'", '"a" == "a"', "1.0 < 2.0", "1u < 2u", "offer.price / offer.until == 1", "1 / 0 == 1",
        "9223372036854775807 + 1 > 0", "[1, 2].all(x, x > 0)", "[1].exists(i, i == 1)", "has(offer.price)",
        "now in [1]", "{1: 2}[1] == 2", "'a'.matches('a')", "int('5') > 3", "timestamp(5) < timestamp(6)",
        "offer.seller == 1", "x",
        "", "now ==", "true " + "&& true" * 100, "now > 0" + " " * 500, "(" * 60 + "true" + ")" * 60, "null == null",
        "b'a' == b'a'", "type(now) == int", "now > 99999999999999999999", "\0", "真",
    ],
)  # fmt: skip
def test_a_rule_that_loops_errs_or_is_no_truth_value_is_refused_when_it_is_set(log, text):
    made = changed(engine=ENGINE, rules={"transfer": text})
    assert log.refused(policy(made, version=2, effective=LATER)) == "bad-policy"


@pytest.mark.parametrize(
    ("text", "price", "refusal"),
    [
        ("offer.price <= ticket.face_value && ticket.transfers < 2", 10, None),
        ("offer.price % 100 == 0", 150, "rule-says-no"),
        ("now + 600 <= event.doors ? offer.price == 0 : false", 10, "rule-says-no"),
        ("offer.price * 9223372036854775807 > 1", 10, "rule-failed"),
        ("sender.level >= 2 || false", 10, None),
    ],
)
def test_rules_decide_on_facts_and_an_overflow_is_a_refusal(log, text, price, refusal):
    made = changed(engine=ENGINE, rules={"transfer": text})
    assert isinstance(log.put(policy(made, version=2, effective=LATER)), Outcome)
    raw = Person("ann").offer(0, price=price)
    assert (log.refused(raw) if refusal else log.put(raw).verdict) == (refusal or "accepted")


def test_a_rule_about_the_receiver_waits_for_one(log):
    ann, eve = Person("ann"), Person("eve")
    made = changed(engine=ENGINE, rules={"transfer": "receiver.level > 2 && receiver.tickets < 1"})
    log.put(policy(made, version=2, effective=LATER))
    assert isinstance(log.put(ann.offer(0)), Outcome)
    deal = title(log, 0).deal
    log.put(eve.identify(0, 1, held=False, level=2))
    assert log.refused(eve.accept(0, deal)) == "rule-says-no"
    log.put(eve.identify(0, 1, held=False, level=3, at=LATER))
    assert isinstance(log.put(eve.accept(0, deal)), Outcome)


def test_a_policy_comes_back_as_it_was_set():
    tiers = (Tier(1, 1, 5), Tier(2, 2, 6, 7, 8))
    made = dataclasses.replace(POLICY, tiers=tiers, rules={"sale": "true"}, engine=ENGINE)
    assert TicketPolicy.from_map(made.to_map()) == made


def test_a_cancelled_event_sells_nothing_admits_nobody_and_refunds(log):
    ann = Person("ann")
    log.put(house.CancelEvent("typhoon").seal(EVENT, LATER, ORGANISER))
    assert log.refused(order(5, number="5")) == "event-not-open"
    assert log.refused(ann.offer(0)) == "event-not-open"
    assert log.refused(house.CloseEvent("x").seal(EVENT, LATER, ORGANISER)) == "event-not-open"
    answer = log.put(gates()[0].admit(code(0, owner=ann.key(0, 0))))
    assert (answer.verdict, answer.cause, row(log, 0).uses) == ("stale", "event-cancelled", 0)
    assert isinstance(log.put(refund(0, 0, FACE)), Outcome)


def test_a_closed_event_still_takes_late_records(log):
    ann = Person("ann")
    log.put(house.CloseEvent("over").seal(EVENT, LATER, ORGANISER))
    assert log.refused(ann.offer(0)) == "event-not-open"
    assert log.put(gates()[0].admit(code(0, owner=ann.key(0, 0)))).verdict == "accepted"


def test_a_postponed_event_moves_doors_and_freeze_and_tells_the_gates(log):
    ann = Person("ann")
    frozen = DOORS - 600
    assert log.refused(ann.offer(0, at=frozen, until=DOORS)) == "frozen"
    later = house.PostponeEvent(DOORS + 86_400, DOORS + 90_000, "typhoon").seal(EVENT, LATER, ORGANISER)
    answer = log.put(later)
    event = log.state.event(EVENT)
    assert (event.manifest.doors, event.manifest.version, event.changed) == (DOORS + 86_400, 2, answer.position)
    assert isinstance(log.put(ann.offer(0, at=frozen, until=DOORS)), Outcome)
    past = house.PostponeEvent(NOW, NOW, "x").seal(EVENT, LATER, ORGANISER)
    assert log.refused(past) == "bad-times"
    assert log.refused(house.PostponeEvent(DOORS + 9, DOORS, "x").seal(EVENT, LATER, ORGANISER)) == "bad-times"


def test_certificate_keys_rotate_retire_and_never_change_their_number(log):
    new = key("certificates", 2).public
    old = LEDGER_KEY.public

    def rotate(*keys, at=LATER):
        return house.RotateKeys([list(one) for one in keys]).seal(EVENT, at, NODE)

    assert log.refused(rotate((1, new, False))) == "key-spent"
    assert log.refused(rotate((2, bytes(32), False))) == "bad-manifest"
    assert log.refused(rotate((1, old))) == "malformed-body"
    assert log.refused(rotate(("1", old, False))) == "bad-manifest"
    assert isinstance(log.put(rotate((1, old, True), (2, new, False))), Outcome)
    assert [one.retired for one in log.state.event(EVENT).manifest.keys] == [True, False]
    assert log.refused(rotate((1, old, False), (2, new, False), at=LATER + 1)) == "key-spent"
    assert isinstance(log.put(rotate((2, new, False))), Outcome)
    assert log.state.event(EVENT).manifest.ledger_key(1) is None


def test_number_of_a_certificate_key_that_was_left_out_is_not_given_again(log):
    old, new, third = (key("certificates", n).public for n in (1, 2, 3))

    def rotate(*keys, at):
        return house.RotateKeys([list(one) for one in keys]).seal(EVENT, at, NODE)

    def update(*keys, at):
        manifest = log.state.event(EVENT).manifest
        after = dataclasses.replace(manifest, version=manifest.version + 1, keys=tuple(LedgerKey(*one) for one in keys))
        return OPERATOR.update_event(after, at)

    first = (1, LEDGER_KEY.public, False)
    assert isinstance(log.put(rotate(first, (2, old, False), (5, new, False), at=LATER)), Outcome)
    assert log.refused(rotate(first, (2, old, False), at=LATER + 1)) == "key-spent"
    assert log.refused(update(first, at=LATER + 1)) == "key-spent"
    assert isinstance(log.put(rotate(first, (5, new, True), at=LATER + 1)), Outcome)
    for change in (rotate, update):
        for kid in (2, 3):
            assert log.refused(change(first, (kid, third, False), (5, new, True), at=LATER + 2)) == "key-spent"
        assert log.refused(change(first, (5, third, True), at=LATER + 2)) == "key-spent"
        assert log.refused(change(first, (5, new, False), at=LATER + 2)) == "key-spent"
    assert isinstance(log.put(update(first, (5, new, True), (6, third, False), at=LATER + 2)), Outcome)


def test_a_seat_change_kills_the_old_code_and_the_offer_of_the_old_seat(log):
    ann, eve, gate = Person("ann"), Person("eve"), gates()[0]
    log.put(ann.offer(0))
    deal = title(log, 0).deal

    def move(seq, *, seat=900, group=1, at=LATER):
        return house.ChangeSeat(0, seat, 2, group, seq).seal(EVENT, at, ORGANISER)

    assert log.refused(move(0)) == "wrong-owner-seq"
    assert log.refused(move(1, group=9)) == "unknown-gate-group"
    assert isinstance(log.put(move(1)), Outcome)
    assert (row(log, 0).seat, row(log, 0).category, row(log, 0).owner_seq, row(log, 0).state) == (900, 2, 1, ACTIVE)
    assert log.refused(eve.accept(0, deal, seq=2)) == "deal-gone"
    assert log.put(gate.admit(code(0, 0, owner=ann.key(0, 0)))).verdict == "stale"
    assert log.put(gate.admit(code(0, 1, owner=ann.key(0, 0)))).verdict == "accepted"
    assert log.refused(move(2, at=LATER + 1)) == "ticket-used"


def test_leaving_and_coming_back_where_the_ticket_allows_it(log):
    ann, (a1, a2, _) = Person("ann"), gates()

    def out(counter, *, device="gate-a1", at=DOORS, by=None):
        return house.Exit(0, device, counter).seal(EVENT, at, by or a1.key)

    log.put(a1.admit(code(0, owner=ann.key(0, 0))))
    assert log.refused(out(1)) == "no-re-entry"
    assert log.refused(house.SetFlags([0], 4).seal(EVENT, LATER, ORGANISER)) == "malformed-body"
    log.put(house.SetFlags([0, 1], 2).seal(EVENT, LATER, ORGANISER))
    assert log.refused(out(2)) == "not-inside"
    assert log.refused(out(1, by=key("device", "x"))) == "wrong-signer"
    assert isinstance(log.put(out(1)), Outcome)
    assert (row(log, 0).uses, row(log, 0).used_gate) == (0, 0)
    assert log.put(a2.admit(code(0, owner=ann.key(0, 0), step=DOORS // 10 + 9))).verdict == "accepted"
    assert log.refused(out(1, at=DOORS + 1)) == "not-inside"
    assert log.put(a1.release(1)).verdict == "accepted"
    assert row(log, 0).uses == 1, "a late release of the first visit takes nothing from the second"


def test_an_override_is_about_one_record_and_counts_once(log):
    a1 = gates()[0]
    log.put(a1.refuse(code(0, owner=Person("ann").key(0, 0))))

    def let_in(ticket_, counter, at=LATER, by=a1.key):
        return house.Override(ticket_, "gate-a1", counter, "wheelchair").seal(EVENT, at, by)

    assert log.refused(let_in(1, 1)) == "not-overridable"
    assert log.refused(let_in(0, 2)) == "not-overridable"
    assert isinstance(log.put(let_in(0, 1)), Outcome)
    assert log.refused(let_in(0, 1, at=LATER + 1)) == "not-overridable"
    assert row(log, 0).uses == 0


def test_entries_replayed_or_reordered(log):
    ann, eve = Person("ann"), Person("eve")
    offer = ann.offer(0)
    log.put(offer)
    deal = title(log, 0).deal
    accept = eve.accept(0, deal)
    cancel = market.CancelTransfer(0, deal).seal(EVENT, LATER, ann.key(0, 0))
    assert isinstance(log.put(cancel), Outcome)
    assert log.refused(accept) == "deal-gone"
    size = len(log.entries)
    assert log.put(offer).new is False
    assert title(log, 0).deal == b"", "the old offer does not come back to life"
    assert len(log.entries) == size


def test_issue_names_no_ticket_twice_after_sales(log):
    assert log.refused(next(iter(OPERATOR.issue(EVENT, [ticket(0, held=False)], LATER)))) == "index-taken"
