"""The promises in numbers: counted by themselves, the same by node and auditor, and a broken one is found."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_node.contract import bodies_market as market
from ledger_node.contract import deals
from ledger_node.contract.facts import Books
from ledger_node.services.assurance import Count
from ledger_node.services.assurances import Counts
from ledger_node.services.audit import audit
from ledger_node.services.errors import ServiceError
from ledger_node.services.export import export
from ledger_node.services.logged import read_logged
from ledger_node.services.operations import perform
from ledger_node.services.oversight import read_assurance
from scanner.verify.entry import open_entry
from tests.fakes.box_office import EVENT, NOW, OPERATOR, manifest, opening, ticket
from tests.fakes.life_story import open_ruled, put, tell
from tests.fakes.market import FACE, LATER, ORGANISER, SPONSOR, Person, cast, digest, order, policy

ANN, BOB = Person("ann"), Person("bob")


def counted(*entries, face=FACE):
    """What the entries say, whether a contract would have taken them or not."""
    count = Count(lambda _index: face)
    for position, raw in enumerate(entries):
        entry = open_entry(raw)
        count.take(position, entry.at, entry)
    return count.result


def issue(*indexes):
    return next(iter(OPERATOR.issue(EVENT, (ticket(index, held=False) for index in indexes), NOW)))


def event(capacity=1_000):
    return OPERATOR.create_event(manifest(capacity=capacity), NOW)


def allot(*tickets):
    return market.AllotTickets("bank", list(tickets)).seal(EVENT, LATER, ORGANISER)


def test_node_and_auditor_count_the_same_out_of_the_same_log(tmp_path):
    with open_ruled(tmp_path / "home") as node:
        tell(node)
        ours = read_assurance(node, EVENT)
        export(node.ledger, tmp_path / "copy")
        report = audit(tmp_path / "copy", node.ledger.vkey)
    assert report.good, report.findings
    assert {"event": EVENT, "size": report.size, **report.assurance[EVENT].to_map()} == ours
    assert ours["holds"]


def test_every_number_names_the_entries_behind_it(tmp_path):
    with open_ruled(tmp_path) as node:
        story = tell(node)
        numbers = read_assurance(node, EVENT)
    at = story.at
    assert numbers["capacity"] == {
        "issued": 20, "licensed": 1_000, "licences": [at["created"], at["policy"]], "issues": [(at["issued"], 20)],
        "breaches": [],
    }  # fmt: skip
    assert numbers["sponsors"] == {
        "allotted": 1, "allowed": 1_000, "share": 10_000, "most": 2, "allotments": [(at["allotted"], "bank", 2)],
        "recalls": [(at["recalled"], 1)], "breaches": [],
    }  # fmt: skip
    assert numbers["transfers"] == {
        "offered": 1, "completed": 1, "highest": 0, "at_cap": 0, "deals": [(at["offered"], at["accepted"])],
        "breaches": [],
    }  # fmt: skip
    assert numbers["resales"] == {
        "offered": 1, "completed": 1, "highest": 10_000, "at_cap": 1, "deals": [(at["listed"], at["bought"])],
        "breaches": [],
    }  # fmt: skip


def test_asking_again_counts_on_from_where_it_was(tmp_path):
    with open_ruled(tmp_path) as node:
        tell(node)
        before = read_assurance(node, EVENT)
        put(node, allot(5, 6))
        after = read_assurance(node, EVENT)
        assert after["sponsors"]["allotted"] == before["sponsors"]["allotted"] + 2
        assert after["size"] == before["size"] + 1
        with node.view() as view:
            books = view.find(Books, EVENT, "books")
            known = view.event(EVENT)
    assert (books.allotted, known.issued) == (after["sponsors"]["allotted"], after["capacity"]["issued"])


def test_one_ticket_more_than_licensed_is_found():
    assert counted(event(3), issue(0, 1), issue(2)).holds
    broken = counted(event(3), issue(0, 1), issue(2, 3))
    assert (broken.holds, broken.capacity.breaches, broken.capacity.issued) == (False, [2], 4)


def test_a_policy_licenses_less_than_the_house_holds():
    assert counted(event(), policy(capacity=2), issue(0, 1)).holds
    assert counted(event(), policy(capacity=2), issue(0, 1, 2)).capacity.breaches == [2]
    assert counted(event(), issue(0, 1, 2), policy(capacity=2)).capacity.breaches == [2]


def test_a_policy_that_waits_for_its_time_limits_issues_but_no_prices_yet():
    later = policy(capacity=2, transfer_cap=50, effective=LATER + 1_000)
    assert counted(event(), later, issue(0, 1, 2)).capacity.breaches == [2]
    assert counted(event(), later, ANN.offer(0, price=FACE)).holds
    dear = ANN.offer(0, price=FACE, at=LATER + 1_000, until=LATER + 2_000)
    assert counted(event(), later, dear).transfers.breaches == [2]


def test_one_sponsors_ticket_more_than_declared_is_found():
    half = policy(sponsor_share=5_000)
    assert counted(event(4), half, allot(0, 1)).holds
    assert counted(event(4), half, allot(0, 1), allot(2)).sponsors.breaches == [3]


def test_only_a_recall_by_the_house_makes_room_for_other_guests():
    recall = market.RecallTickets([0])
    start = (event(4), *cast(), policy(sponsor_share=5_000), allot(0, 1))
    by_house, by_sponsor = (recall.seal(EVENT, LATER, who) for who in (ORGANISER, SPONSOR))
    assert counted(*start, by_house, allot(2)).holds
    assert not counted(*start, by_sponsor, allot(2)).holds


@pytest.mark.parametrize("kind", ["transfers", "resales"])
def test_one_cent_above_the_cap_is_found(kind):
    make = ANN.offer if kind == "transfers" else ANN.sell
    good, bad = (getattr(counted(event(), make(0, price=price)), kind) for price in (FACE, FACE + 1))
    assert (good.breaches, good.at_cap, good.highest) == ([], 1, 10_000)
    assert (bad.breaches, bad.at_cap, bad.highest) == ([1], 0, 10_001)


def test_a_gift_is_below_every_cap_and_a_price_for_a_free_ticket_is_not():
    assert counted(event(), ANN.offer(0, price=0), face=0).holds
    assert counted(event(), ANN.offer(0, price=1), face=0).transfers.breaches == [1]


def test_a_ticket_that_changed_hands_without_an_offer_is_found():
    assert counted(event(), BOB.accept(0, digest("no such deal"))).transfers.breaches == [1]
    listed = ANN.sell(0)
    deal = hashlib.sha256(listed).digest()
    assert counted(event(), listed, BOB.accept(0, deal)).transfers.breaches == [2], "a listing is no offer"
    assert counted(event(), listed, BOB.buy(0, deal), BOB.buy(0, deal)).resales.breaches == [3], "nor is it two"


def test_the_audit_says_so_when_a_promise_was_broken(tmp_path, monkeypatch):
    """Counted from the entries: a contract that lost its cap would not hide an offer above it."""
    monkeypatch.setattr(deals, "PERCENT", 0)
    with open_ruled(tmp_path / "home") as node:
        story = tell_with_dear_offer(node)
        export(node.ledger, tmp_path / "copy")
        report = audit(tmp_path / "copy", node.ledger.vkey)
    assert report.assurance[EVENT].transfers.breaches == [story]
    assert [finding.what for finding in report.findings] == [
        f"{EVENT}: a promise was broken, though the contract took it: see its assurance"
    ]


def tell_with_dear_offer(node):
    put(node, *opening(0), issue(0), *cast(), policy(), order(0), ANN.activate(0), ANN.identify(0))
    (position,) = put(node, ANN.offer(0, price=2 * FACE))
    return position


@given(st.lists(st.integers(1, 40), max_size=12), st.integers(0, 200))
def test_issues_add_up_and_the_first_too_many_is_named(lots, capacity):
    entries, first = [event(capacity)], 0
    for lot in lots:
        entries.append(issue(*range(first, first + lot)))
        first += lot
    result = counted(*entries).capacity
    sums = [sum(lots[: n + 1]) for n in range(len(lots))]
    assert result.issued == sum(lots)
    assert result.breaches == [n for n, total in enumerate(sums, 1) if total > capacity]
    assert sum(tickets for _, tickets in result.issues) == result.issued


def test_two_events_are_counted_apart():
    counts = Counts(lambda _event, _index: FACE)
    other = OPERATOR.create_event(manifest(event="other", capacity=7), NOW)
    for position, raw in enumerate((event(3), other, issue(0))):
        counts.add(position, NOW, read_logged(raw))
    results = counts.results()
    assert {name: (one.capacity.issued, one.capacity.licensed) for name, one in results.items()} == {
        EVENT: (1, 3), "other": (0, 7)
    }  # fmt: skip


def test_the_summary_has_the_numbers_and_no_long_lists(tmp_path):
    with open_ruled(tmp_path) as node:
        tell(node)
        shown = perform(node, "event-assurance", {"event": EVENT})
        with pytest.raises(ServiceError, match="no event"):
            perform(node, "event-assurance", {"event": "nowhere"})
        with node.view() as view:
            numbers, _ = node.assurances.read(view, EVENT)
    short = numbers.summary()
    for part, values in short.items():
        if part != "holds":
            assert values.items() <= shown[part].items()
            assert not any(isinstance(value, list) for name, value in values.items() if name != "breaches")
    json.dumps(shown)
