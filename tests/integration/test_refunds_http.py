"""Refunds over HTTP and at the command line: who may, what they are told, and the list for the box office."""

import csv
import json
import time

import pytest
from click.testing import CliRunner

from ledger_node.cli.main import cli
from ledger_node.cli.operator import operator
from ledger_node.contract.bodies_house import RegisterActor
from ledger_node.services import orders, sale, tickets
from ledger_node.services.events import cancel_event
from ledger_node.services.sale import Buyer
from ledger_node.services.tending import tend
from ledger_node.web import market_models as models
from scanner.verify.keys import SigningKey
from tests.fakes.marketplace import EVENT, FACE, RICH, Clock, marketplace
from tests.fakes.people_client import Browser
from tests.fakes.running_node import serving

PATH = f"/v1/events/{EVENT}/refunds"
COLUMNS = "number,event,tickets,seats,eticket,price_cents,fee_cents,phone,email"


@pytest.fixture
def shop(tmp_path):
    """Ben has bought tickets 1 and 2 here, and the ticketing system has sold 5 and 6."""
    now = int(time.time())
    with marketplace(tmp_path / "home", clock=Clock(now), doors=now + 30 * 86_400) as market:
        ben = market.person("ben")
        held = sale.keep(market.node, EVENT, [1, 2])
        sale.pay(market.node, EVENT, held.token, Buyer(ben.payer(), email="ben@example.com"))
        feed = tmp_path / "orders.csv"
        feed.write_text(f"{COLUMNS}\nU-1,{EVENT},5 6,,yes,{2 * FACE},2000,,cora@example.com\n")
        assert orders.import_orders(market.node, EVENT, feed).sold == 1
        tend(market.node)
        with serving(market.node) as running:
            yield market, running, ben


@pytest.fixture
def desk(shop):
    """Opens browsers of accounts, each with a passkey."""
    market, running, _ = shop
    opened = []

    def person(role, name, organisation=""):
        with operator(market.node.home) as node:
            link = node.do("accounts-invite", role=role, name=name, organisation=organisation)["link"]
        opened.append(Browser(running.url, "https://tickets.example"))
        assert opened[-1].join(link).status_code == 200
        return opened[-1]

    yield person
    for one in opened:
        one.close()


def run(home, *words, status=0):
    result = CliRunner().invoke(cli, ["--home", str(home), *map(str, words)])
    assert result.exit_code == status, (words, result.output)
    return result.output


def test_organiser_of_the_event_refunds_and_the_trail_has_it(shop, desk):
    market, _, ben = shop
    key = SigningKey(b"o" * 32).public
    market.node.commit(
        [RegisterActor("harbour", "organiser", key).seal(EVENT, market.node.seconds, market.node.keys.node)]
    )
    own = desk("organiser", "Box office", "harbour")
    answer = own.ask("POST", PATH, {"tickets": [1, 5, 9], "keep_fees": True})
    assert answer.status_code == 200, answer.text
    facts = [models.RefundFacts.model_validate(one) for one in answer.json()]
    assert [one.ending for one in facts] == ["refunded", "box-office", "refused"]
    assert (facts[1].number, facts[2].detail.partition(":")[0]) == ("U-1", "not-sold")
    assert ben.balance() == RICH - FACE - 2 * 1_000
    acts = [act for act in market.node.trail.acts() if act.what == "ticket.refund"]
    assert (len(acts), acts[0].who != "console") == (1, True)
    assert own.ask("GET", PATH).json()["code"] == "event-not-cancelled"
    cancel_event(market.node, EVENT, "storm")
    assert own.ask("GET", PATH).json() == {"tickets": [2, 5, 6]}


@pytest.mark.parametrize("who", ["nobody", "sponsor", "other organiser", "second way"])
def test_who_may_not_refund_moves_no_money(shop, desk, who):
    market, running, ben = shop
    before = ben.balance()
    if who == "nobody":
        browser = Browser(running.url, "https://tickets.example")
        answer, expected = browser.ask("POST", PATH, {"tickets": [1]}), 401
        browser.close()
    elif who == "sponsor":
        answer, expected = desk("sponsor", "Bank", "bank").ask("POST", PATH, {"tickets": [1]}), 403
    elif who == "other organiser":
        answer, expected = desk("organiser", "Others", "others").ask("POST", PATH, {"tickets": [1]}), 404
    else:
        browser = desk("ops", "Duty")
        market.node.accounts.database.write("UPDATE sessions SET way = 'code'")
        answer, expected = browser.ask("POST", PATH, {"tickets": [1]}), 403
    assert answer.status_code == expected, answer.text
    assert ben.balance() == before


@pytest.mark.parametrize(
    "body", [{}, {"tickets": []}, {"tickets": [1, 1]}, {"tickets": list(range(51))}, {"tickets": "1"}]
)
def test_wrong_bodies_are_told_what_is_wrong(desk, body):
    answer = desk("ops", "Duty").ask("POST", PATH, body)
    assert answer.status_code == 400, answer.text


def test_whole_event_at_the_command_line_and_again(shop, tmp_path):
    market, _, ben = shop
    home, report = market.node.home, tmp_path / "box-office.csv"
    assert "event cancel" in run(home, "refunds", "event", EVENT, "--report", report, status=1)
    assert "Go on?" in run(home, "event", "cancel", EVENT, status=1)
    run(home, "event", "cancel", EVENT, "--yes", "--reason", "storm")
    said = json.loads(run(home, "refunds", "event", EVENT, "--report", report))
    assert [said[kind] for kind in ("refunded", "box-office", "ended", "refused")] == [2, 2, 0, 0]
    assert ben.balance() == RICH
    assert report.stat().st_mode & 0o077 == 0
    with report.open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["number"], row["ticket"], row["seat"], row["amount"]) for row in rows] == [
        ("U-1", "5", "1005", str(FACE + 1_000)),
        ("U-1", "6", "1006", str(FACE + 1_000)),
    ]
    run(home, "tickets", "refund", EVENT, 5)
    said = json.loads(run(home, "refunds", "event", EVENT, "--report", report))
    assert (said["refunded"], said["box-office"]) == (0, 1)
    assert "logged" in run(home, "refunds", "list", EVENT)
    listed = json.loads(run(home, "refunds", "list", EVENT, "--json"))
    assert [(one["ticket"], one["seat"]) for one in listed] == [(1, 1_001), (2, 1_002)]
    assert all(one["number"] for one in listed), "the order that ben has in his confirmation"


def test_single_tickets_at_the_command_line(shop):
    market, _, ben = shop
    assert json.loads(run(market.node.home, "refunds", "make", EVENT, 1))[0]["ending"] == "refunded"
    assert json.loads(run(market.node.home, "refunds", "make", EVENT, 1, 9, status=1))[1]["ending"] == "refused"
    assert ben.balance() == RICH - FACE - 1_000
    assert tickets.read_ticket(market.node, EVENT, 1).row.state == 2


def test_the_help_desk_finds_an_order_by_number_or_ticket_and_nobody_else_does(desk):
    path = f"/v1/events/{EVENT}/orders/find"
    ops, organiser = desk("ops", "Help desk"), desk("organiser", "Box office", "harbour")
    for asked in ({"number": "u 1"}, {"ticket": 6}):
        (found,) = [models.FoundOrder.model_validate(one) for one in ops.ask("POST", path, asked).json()]
        assert (found.number, [one.ticket for one in found.tickets]) == ("U-1", [5, 6])
        assert [link["number"] for link in found.links] == ["U-1"]
    assert organiser.ask("POST", path, {"number": "U-1"}).status_code == 403
    for asked, status in (({"number": "U-2"}, 404), ({}, 400), ({"number": "U-1", "ticket": 1}, 400)):
        assert ops.ask("POST", path, asked).status_code == status
