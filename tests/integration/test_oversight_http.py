"""Histories, promises, alerts and the regulator's view over real HTTP, on a ledger with a whole evening in it."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from ledger_node.services import oversight
from ledger_node.services.accounts import staff
from ledger_node.services.accounts.roles import Role
from ledger_node.services.accounts.site import site_of
from ledger_node.services.monitoring import Raised
from ledger_node.services.node import Node
from ledger_node.services.trail import CONSOLE, Actor
from ledger_node.web import oversight_models as models
from scanner.verify.checkpoint import Checkpoint, VerifierKey, open_checkpoint
from scanner.verify.merkle import verify_inclusion
from tests.fakes.box_office import EVENT, OPERATOR
from tests.fakes.clockwork import wait_until
from tests.fakes.life_story import Story, open_ruled, put, tell
from tests.fakes.market import LATER
from tests.fakes.people_client import Browser
from tests.fakes.running_node import Running, serving

HISTORY = f"/v1/events/{EVENT}/tickets/0/history"
VIEW = f"/v1/regulator/events/{EVENT}"
PRIVATE = ["/v1/alerts", "/v1/regulator/events", VIEW, f"{VIEW}/acts", f"{VIEW}/acts.csv", f"{VIEW}/totals.csv"]


@dataclass
class House:
    running: Running
    story: Story
    browsers: list[Browser] = field(default_factory=list)

    @property
    def node(self) -> Node:
        return self.running.node

    def person(self, role: Role) -> Browser:
        token = staff.invite(
            self.node, role, f"{role} desk", "bank" if role is Role.SPONSOR else "", Actor(CONSOLE)
        ).token
        browser = Browser(self.running.url, site_of(self.node).origin)
        self.browsers.append(browser)
        assert browser.join(f"#{token}").status_code == 200
        return browser

    def get(self, path: str) -> requests.Response:
        return requests.get(self.running.url + path, timeout=20, allow_redirects=False)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_ruled(tmp_path) as node:
        story = tell(node)
        with serving(node) as running:
            made = House(running, story)
            yield made
            for browser in made.browsers:
                browser.close()


def test_anybody_may_ask_for_a_tickets_history_and_check_it(house):
    answer = house.get(f"{HISTORY}?proofs=1").json()
    models.HistoryFacts.model_validate(answer)
    opened = open_checkpoint(answer["checkpoint"], VerifierKey.parse(house.node.ledger.vkey), house.node.keys.origin)
    assert isinstance(opened, Checkpoint)
    for step in answer["entries"]:
        proof = [bytes.fromhex(one) for one in step["inclusion"]]
        assert verify_inclusion(bytes.fromhex(step["leaf_hash"]), step["position"], opened.size, proof, opened.root)
    assert [step["type"] for step in answer["entries"]][:3] == ["ticket.issue", "sale", "activation"]


def test_a_history_without_proofs_is_short_and_goes_on_where_one_says(house):
    answer = house.get(HISTORY).json()
    assert all("inclusion" not in step for step in answer["entries"])
    start = answer["entries"][4]["position"]
    assert house.get(f"{HISTORY}?from={start}").json()["entries"] == answer["entries"][4:]


BAD = [
    ("/v1/events/nowhere/tickets/0/history", 404, "unknown-event"),
    (f"/v1/events/{EVENT}/tickets/999/history", 404, "unknown-ticket"),
    (f"/v1/events/{EVENT}/tickets/4294967296/history", 404, "unknown-ticket"),
    (f"/v1/events/{EVENT}/tickets/-1/history", 404, "unknown-ticket"),
    (f"{HISTORY}?from=x", 400, "bad-query"),
    (f"{HISTORY}?from=99999999999999999999", 400, "bad-query"),
    ("/v1/events/nowhere/assurance", 404, "unknown-event"),
]


def test_bad_questions_get_a_clear_answer(house):
    for path, status, code in BAD:
        answer = house.get(path)
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
    assert house.get("/healthz").status_code == 200


def test_the_promises_are_public_and_those_that_the_node_counts(house):
    answer = house.get(f"/v1/events/{EVENT}/assurance").json()
    models.AssuranceFacts.model_validate(answer)
    assert answer == json.loads(json.dumps(oversight.read_assurance(house.node, EVENT)))
    assert answer["holds"]
    assert answer["capacity"]["issued"] == 20


def test_strangers_and_sponsors_see_nothing_of_it(house):
    sponsor = house.person(Role.SPONSOR)
    for path in PRIVATE:
        strange, other = house.get(path), sponsor.ask("GET", path)
        assert (strange.status_code, strange.json()["code"]) == (401, "not-signed-in"), path
        assert (other.status_code, other.json()["code"]) == (403, "forbidden"), path


def test_a_regulator_reads_totals_and_every_act_and_changes_nothing(house):
    regulator = house.person(Role.REGULATOR)
    (one,) = regulator.ask("GET", "/v1/regulator/events").json()
    models.Overview.model_validate(one)
    totals = regulator.ask("GET", VIEW).json()
    models.EventTotals.model_validate(totals)
    assert (totals["double_entries"], totals["money"]["orders"], totals["devices"]) == (1, 1, 3)
    assert sum(totals["entries"].values()) == totals["size"]
    found, start = [], 0
    while start is not None:
        page = regulator.ask("GET", f"{VIEW}/acts?from={start}&limit=7").json()
        models.Acts.model_validate(page)
        assert len(page["acts"]) <= 7
        found, start = found + page["acts"], page["next"]
    assert [act["position"] for act in found] == list(range(totals["size"]))
    for path in ("/v1/alerts/1/acknowledge", "/v1/alerts/1/close"):
        assert regulator.ask("POST", path, {}).status_code == 403


def test_the_export_has_every_act_and_no_person(house):
    regulator, story = house.person(Role.REGULATOR), house.story
    put(house.node, OPERATOR.set_state(EVENT, [5], "blocked", "=CANARY()", LATER))
    answer = regulator.ask("GET", f"{VIEW}/acts.csv")
    assert answer.headers["content-disposition"] == f'attachment; filename="{EVENT}-acts.csv"'
    text = answer.content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [int(row["position"]) for row in rows] == list(range(house.node.ledger.size))
    assert json.loads(rows[story.at["allotted"]]["facts"]) == {"sponsor": "bank"}
    totals = regulator.ask("GET", f"{VIEW}/totals.csv").content.decode("utf-8-sig")
    numbers = dict(csv.reader(io.StringIO(totals)))
    assert numbers["assurance.capacity.issued"] == "20"
    told = ["CANARY"]
    for person in (story.ann, story.bob, story.eve):
        told += [person.pseudonym.hex(), *(owner.public.hex() for owner in person.keys.values())]
    assert [one for one in told if one[:16] in text + totals] == []


def test_the_page_shows_the_numbers_and_a_ticket_in_both_languages_without_a_script(house):
    regulator = house.person(Role.REGULATOR)
    overview = regulator.ask("GET", "/regulator")
    assert "Live at the Coliseum" in overview.text
    page = regulator.ask("GET", f"/regulator/events/{EVENT}?ticket=0")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<script" not in page.text
    assert " style=" not in page.text
    for said in (
        "監管檢視" in overview.text,
        "轉讓" in page.text,
        "transfer accepted" in page.text,
        "20</td>" in page.text,
    ):
        assert said
    sheet = re.search(r'href="(/[^"]+\.css)"', page.text)
    assert sheet
    assert house.get(sheet[1]).headers["content-type"].startswith("text/css")


def test_what_is_typed_into_the_page_is_not_carried_out(house):
    regulator = house.person(Role.REGULATOR)
    page = regulator.ask("GET", f"/regulator/events/{EVENT}?ticket=%3Cb%20onload%3Dx%3E")
    assert page.status_code == 200
    assert "<b onload" not in page.text
    assert "There is no such ticket" in page.text
    gone = regulator.ask("GET", "/regulator/events/%3Cb%3E")
    assert (gone.status_code, "<b>" in gone.text) == (404, False)


def test_the_page_sends_strangers_to_sign_in_and_others_away(house):
    away = house.get("/regulator")
    assert (away.status_code, away.headers["location"]) == (303, "/account/login")
    assert house.person(Role.SPONSOR).ask("GET", "/regulator").status_code == 403


def test_the_running_node_raises_what_happened_and_ops_look_after_it(house):
    ops = house.person(Role.OPS)
    wait_until(lambda: house.node.alerts.counts() != {}, "the double entry of the story is raised")
    (alert,) = ops.ask("GET", "/v1/alerts").json()
    models.AlertFacts.model_validate(alert)
    assert (alert["rule"], alert["subject"]) == ("double-entry", "ticket 1")
    assert 'ledger_alerts{rule="double-entry",state="open"} 1.0' in house.get("/metrics").text
    looked = ops.ask("POST", f"/v1/alerts/{alert['id']}/acknowledge", {})
    assert looked.json()["state"] == "acknowledged"
    assert ops.ask("POST", f"/v1/alerts/{alert['id']}/close", {}).json()["state"] == "closed"
    assert ops.ask("GET", "/v1/alerts").json() == []
    assert len(ops.ask("GET", "/v1/alerts?all=1").json()) == 1
    again = ops.ask("POST", f"/v1/alerts/{alert['id']}/close", {})
    assert (again.status_code, again.json()["code"]) == (409, "alert-closed")
    who = {act.who for act in house.node.trail.acts() if act.what.startswith("alert.")}
    assert who == {account.account for account in house.node.accounts.accounts()}


def test_another_site_cannot_close_alerts_through_somebodys_browser(house):
    ops = house.person(Role.OPS)
    house.node.alerts.raise_alert(Raised("log-stalled", "", "log", LATER), LATER)
    answer = ops.ask("POST", "/v1/alerts/1/close", {}, Origin="https://evil.example", Sec_Fetch_Site="cross-site")
    assert (answer.status_code, answer.json()["code"]) == (403, "cross-site")


def test_alerts_that_are_not_there(house):
    ops = house.person(Role.OPS)
    for number in ("0", "x", "99999999999999999999", "7"):
        answer = ops.ask("POST", f"/v1/alerts/{number}/close", {})
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown-alert")


def test_every_path_is_described(house):
    paths = house.get("/openapi.json").json()["paths"]
    described = {
        "/v1/events/{event}/tickets/{index}/history", "/v1/events/{event}/assurance", "/v1/alerts",
        "/v1/alerts/{number}/close", "/v1/regulator/events/{event}/acts.csv",
    }  # fmt: skip
    assert described <= paths.keys()
