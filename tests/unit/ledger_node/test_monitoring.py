"""Rules of monitoring, each by what it catches; and a normal night, in which they are silent."""

import pytest

from ledger_node.services.monitoring import MOST_MARKS, Mark, Sign, Thresholds, Windows, judge, spans
from ledger_node.services.vitals import GateSeen, Vitals, lasting, watched

EVENT = "show"
T0 = 1_790_000_000
LIMITS = Thresholds()


def feed(*signs, limits=LIMITS):
    windows, raised = Windows(), []
    for sign in signs:
        raised += judge(limits, windows, sign)
    return raised


def rules(*signs, limits=LIMITS):
    return {(one.rule, one.subject) for one in feed(*signs, limits=limits)}


def sign(kind, n=0, **facts):
    return Sign(**{"position": n, "event": EVENT, "type": kind, "at": T0 + n, "ticket": n} | facts)


def received(n, person="aa", **facts):
    return sign("transfer.accept", n, person=person, **facts)


def offered(n, person="aa", at_cap=True, **facts):
    return sign("resale.list", n, person=person, at_cap=at_cap, **facts)


def shown(n, *, refused=False, gate="R1", lag=3, **facts):
    kind = "refusal" if refused else "admission"
    return sign(kind, n, gate=gate, device=f"dev-{gate}", lag=lag, **facts)


def test_a_tout_who_gathers_tickets_under_one_pseudonym():
    assert rules(*(received(n) for n in range(7))) == set()
    assert rules(*(received(n) for n in range(8))) == {("many-tickets", "pseudonym aa")}


def test_tickets_of_one_pseudonym_count_once_each_and_only_within_a_day():
    assert rules(*(received(n, ticket=1, type="identity.attest") for n in range(40))) == set()
    assert rules(*(received(n, at=T0 + n * 20_000) for n in range(20))) == set()
    assert rules(*(received(n, person=str(n)) for n in range(20))) == set()


def test_a_tout_who_takes_their_time_is_known_by_what_they_hold():
    slowly = [received(n, at=T0 + n * 90_000, held=n + 1) for n in range(8)]
    assert rules(*slowly[:7]) == set()
    assert [raised.detail for raised in feed(*slowly)] == [{"tickets": 1, "held": 8}]
    assert rules(*slowly, limits=Thresholds(held=9)) == set()


def test_a_tout_who_passes_every_ticket_on_at_once_is_known_by_what_came():
    assert rules(*(received(n, held=1) for n in range(8))) == {("many-tickets", "pseudonym aa")}


def test_a_ticket_that_goes_from_hand_to_hand():
    assert rules(received(1, ticket=5), received(2, ticket=5, person="b")) == set()
    three = [received(n, ticket=5, person=str(n)) for n in range(3)]
    assert rules(*three) == {("rapid-passing", "ticket 5")}
    slow = [received(n, ticket=5, person=str(n), at=T0 + n * 50_000) for n in range(3)]
    assert rules(*slow) == set()


def test_a_gate_that_refuses_nearly_everybody():
    assert rules(*(shown(n, refused=True) for n in range(12))) == {("refusal-spike", "gate R1")}
    assert rules(*(shown(n, refused=True) for n in range(11))) == set()


def test_one_person_who_tries_thirty_times_is_no_spike():
    assert rules(*(shown(n, refused=True, ticket=9) for n in range(30))) == set()


def test_a_dozen_refusals_among_a_hundred_admissions_are_no_spike():
    crowd = [shown(n, refused=n % 8 == 0) for n in range(104)]
    assert rules(*crowd) == set()


def test_refusals_at_twelve_gates_are_no_spike_at_one():
    assert rules(*(shown(n, refused=True, gate=f"G{n}") for n in range(12))) == set()


@pytest.mark.parametrize("cause", ["shared-or-cloned-key", "relayed-screenshot", "sold-then-entered"])
def test_a_cloned_key_or_any_other_double_entry(cause):
    (raised,) = feed(sign("incident", 3, cause=cause))
    assert (raised.rule, raised.subject, raised.detail) == ("double-entry", "ticket 3", {"cause": cause})


def test_an_incident_of_a_gate_is_no_double_entry():
    assert rules(sign("incident", 3)) == set()


def test_a_seller_who_asks_the_highest_price_again_and_again():
    assert rules(*(offered(n) for n in range(4))) == {("price-at-cap", "pseudonym aa")}
    assert rules(*(offered(n, at_cap=False) for n in range(20))) == set()


def test_one_ticket_listed_four_times_at_the_cap_is_a_person_who_cannot_come():
    assert rules(*(offered(n, ticket=1) for n in range(9))) == set()


def test_a_gate_whose_clock_is_wrong_by_the_word_of_many_phones():
    wrong = [shown(n, lag=-40) for n in range(15)]
    (raised,) = feed(*wrong)
    assert (raised.rule, raised.subject, raised.detail["seconds"]) == ("clock-skew", "device dev-R1", -40)
    assert rules(*wrong[:14]) == set()


def test_one_wrong_phone_and_a_screenshot_move_no_gates_clock():
    crowd = [shown(n, lag=900 if n % 5 == 0 else 4, refused=n % 5 == 0) for n in range(60)]
    assert rules(*crowd) == set()


def test_what_has_no_pseudonym_is_counted_for_nobody():
    assert rules(*(received(n, person="") for n in range(40)), *(offered(n, person="") for n in range(40))) == set()


def test_two_events_share_no_window():
    mixed = [received(n, event="a" if n % 2 else "b") for n in range(14)]
    assert rules(*mixed) == set()


def test_thresholds_are_the_houses_to_choose():
    assert rules(received(0), received(1), limits=Thresholds(tickets=2)) == {("many-tickets", "pseudonym aa")}


def test_a_normal_night_of_12_500_people_raises_nothing():
    """Two tickets each, some given on once, some resold at the cap, 1 in 50 refused once and then admitted."""
    night, n = [], 0
    for person in range(6_250):
        for _ in range(2):
            night.append(sign("identity.attest", n, at=T0 - 500_000 + n, person=f"p{person}"))
            n += 1
    for ticket in range(0, 12_500, 10):
        night.append(offered(ticket, person=f"p{ticket // 2}", at=T0 - 200_000 + ticket))
        night.append(received(ticket, person=f"q{ticket}", at=T0 - 190_000 + ticket))
    for ticket in range(12_500):
        at, gate = T0 + ticket * 3_600 // 12_500, f"R{ticket % 16}"
        if ticket % 50 == 0:
            night.append(shown(ticket, refused=True, gate=gate, at=at, lag=200))
        night.append(shown(ticket, gate=gate, at=at + 5, lag=ticket % 15 - 5))
    assert feed(*night) == []


def test_a_window_forgets_what_is_over():
    windows = Windows()
    for n in range(100):
        windows.add(("rule", EVENT, "x"), Mark(T0 + n, n, n), 10)
    windows.forget("rule", T0 + 90)
    assert len(windows) == 10
    windows.forget("rule", T0 + 500)
    assert len(windows) == 0


def test_a_gate_that_floods_the_log_fills_no_memory():
    windows = Windows()
    for n in range(3 * MOST_MARKS):
        judge(LIMITS, windows, shown(n, at=T0, refused=True))
    assert len(windows) == 2 * MOST_MARKS


def test_every_rule_with_a_window_has_its_length_told():
    """Otherwise its marks are never forgotten."""
    windows = Windows()
    for one in (received(1), offered(2), shown(3)):
        judge(LIMITS, windows, one)
    assert {name[0] for name, _ in windows.fresh} == set(spans(LIMITS))


GOOD = GateSeen(EVENT, "R1", "dev", T0, 3)


def looks(*vitals):
    since, raised = {}, []
    for one in vitals:
        found, since = lasting(LIMITS, one, since)
        raised.append({(item.rule, item.subject) for item in found})
    return raised


def test_a_log_whose_writer_does_not_answer():
    assert looks(Vitals(T0 + 14, T0), Vitals(T0 + 15, T0)) == [set(), {("log-stalled", "log")}]


def test_a_clock_that_jumped():
    assert looks(Vitals(T0, T0, clock_jump=-3600.0), Vitals(T0 + 1, T0)) == [{("clock-jumped", "clock")}, set()]


def test_a_witness_that_does_not_sign_for_two_minutes():
    away = {"rival.example/witness": "no answer"}
    seen = looks(*(Vitals(T0 + n, T0 + n, away) for n in (0, 60, 119, 120)), Vitals(T0 + 121, T0 + 121))
    assert seen == [set(), set(), set(), {("witness-stalled", "witness rival.example/witness")}, set()]


def test_a_witness_that_comes_back_in_time_is_no_alert():
    away = {"w": "no answer"}
    seen = looks(*(Vitals(T0 + n, T0 + n, away if n % 100 else {}) for n in range(0, 1_000, 50)))
    assert seen == [set()] * 20


@pytest.mark.parametrize("gate", [GateSeen(EVENT, "R1", "dev", T0 - 120, 0), GateSeen(EVENT, "R1", "dev", T0, 500)])
def test_a_gate_far_behind(gate):
    later = [Vitals(T0 + n, T0 + n, {}, (gate,)) for n in (0, 59, 60)]
    assert looks(*later) == [set(), set(), {("gate-behind", "gate R1")}]


def test_a_gate_that_catches_up_within_a_minute_is_no_alert():
    """A big import puts every gate behind for some seconds."""
    lag = GateSeen(EVENT, "R1", "dev", T0, 40_000)
    assert looks(*(Vitals(T0 + n, T0 + n, {}, (lag if n < 50 else GOOD,)) for n in range(0, 100, 10))) == [set()] * 10


def test_gates_are_looked_after_only_while_their_event_is_on():
    doors, starts = T0, T0 + 5_400
    assert not watched(LIMITS, doors, starts, doors - 3_601)
    assert watched(LIMITS, doors, starts, doors - 3_600)
    assert watched(LIMITS, doors, starts, starts + 4 * 3_600 - 1)
    assert not watched(LIMITS, doors, starts, starts + 4 * 3_600)
