"""People at a real node over HTTP: accounts, other sites, guessing, other people's things, activation, canaries."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pyotp
import pytest
import requests
from starlette.requests import Request

from ledger_node.cli.operator import operator
from ledger_node.contract.entries import NewTicket
from ledger_node.services import activation
from ledger_node.services.accounts.site import set_site
from ledger_node.services.activation import Ask, Made
from ledger_node.web.addresses import address_of
from ledger_node.web.guard import Guard
from scanner.verify.gatecode import Certificate
from tests.fakes.people_client import Browser
from tests.fakes.running_node import EVENT, Running, open_home, process, serving, stage
from tests.fakes.staffed_node import BY
from tests.fakes.wallet import Wallet

PERSON = {"name": "Canary Chan 陳金絲雀", "phone": "+85291234567", "email": "canary@example.hk", "document": "Z9876543"}
ANSWER = "Z9876543"


@dataclass
class House:
    """A running node, its folder, and whoever has a browser open there."""

    running: Running
    home: Path
    browsers: list[Browser] = field(default_factory=list)

    @property
    def node(self):
        return self.running.node

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.running.port}"

    def browser(self, address: str = "192.0.2.1", **more) -> Browser:
        made = Browser(self.running.url, self.origin, address=address, **more)
        self.browsers.append(made)
        return made

    def invited(self, role: str, name: str, organisation: str = "") -> str:
        with operator(self.home) as node:
            return node.do("accounts-invite", role=role, name=name, organisation=organisation)["link"]

    def person(self, role: str, name: str, organisation: str = "", address: str = "192.0.2.1") -> Browser:
        browser = self.browser(address)
        assert browser.join(self.invited(role, name, organisation)).status_code == 200
        return browser

    def link(self, *numbers: int) -> Made:
        person = self.node.vault.add(PERSON, self.node.seconds)
        return activation.prepare(self.node, Ask(EVENT, numbers, "HK-0001", person, "HKID?", ANSWER))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_home(tmp_path) as node:
        stage(node, 3)
        rows = [NewTicket(index, index, 1, 1, 88_000) for index in range(101, 111)]
        node.commit(list(node.operator.issue(EVENT, rows, node.seconds)))
        with serving(node) as running:
            made = House(running, tmp_path)
            yield made
            for browser in made.browsers:
                browser.close()


def told(answer: requests.Response) -> tuple[int, str]:
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
    return answer.status_code, answer.json()["code"]


def test_from_an_invitation_on_the_command_line_to_a_session(house: House) -> None:
    link = house.invited("sponsor", "Bank desk", "Harbour Bank")
    assert link.startswith(f"{house.origin}/account/join#")
    browser = house.browser()
    joined = browser.join(link)
    cookie = joined.headers["Set-Cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"))
    me = browser.get("/me").json()
    assert (me["role"], me["organisation"], me["way"]) == ("sponsor", "Harbour Bank", "passkey")
    assert browser.post("/logout", {}).status_code == 200
    assert told(browser.get("/me")) == (401, "not-signed-in")
    assert browser.login().status_code == 200
    assert browser.get("/me").json()["account"] == me["account"]


def test_over_https_the_cookie_is_bound_to_host_and_transport(house: House) -> None:
    guard = Guard(house.node, set_site(house.node, "https://tickets.example.hk"))
    assert guard.cookie_for("x").startswith("__Host-ticketme=x;")
    assert "Secure" in guard.cookie_for("x")
    assert house.invited("ops", "one").startswith("https://tickets.example.hk/account/join#")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site"},
        {"Origin": "https://evil.example", "Sec_Fetch_Site": None},
        {"Origin": None, "Sec_Fetch_Site": "cross-site"},
        {"Origin": None, "Sec_Fetch_Site": "same-site"},
        {"Origin": None, "Sec_Fetch_Site": None},
        {"Origin": "null"},
    ],
)
def test_no_other_site_can_make_a_browser_act_here(house: House, headers) -> None:
    browser = house.person("ops", "Duty manager")
    for path, body in (("/logout", {}), ("", {"role": "ops", "name": "mallory"}), ("/login/begin", {})):
        assert told(browser.post(path, body, **headers)) == (403, "cross-site")
    assert browser.get("/me").status_code == 200
    assert [one["name"] for one in browser.get("").json()] == ["Duty manager"]


def test_each_role_has_its_own_doors(house: House) -> None:
    ops, sponsor, regulator = (
        house.person(*who) for who in (("ops", "o"), ("sponsor", "s", "Bank"), ("regulator", "r"))
    )
    assert told(sponsor.get("")) == told(regulator.get("")) == (403, "forbidden")
    assert told(sponsor.get("/trail")) == (403, "forbidden")
    assert told(regulator.post("", {"role": "ops", "name": "x"})) == (403, "forbidden")
    assert told(sponsor.ask("GET", f"/v1/activations/{EVENT}")) == (403, "forbidden")
    assert told(house.browser().get("/trail")) == (401, "not-signed-in")
    for reader in (ops, regulator):
        assert [act["what"] for act in reader.get("/trail").json()["acts"]][:2] == ["account.invite", "account.join"]


def test_another_operator_closes_a_lost_account_and_is_given_no_way_into_it(house: House) -> None:
    """They had the link that makes one the regulator, or the colleague, in the trail's eyes."""
    one, two = house.person("ops", "one"), house.person("ops", "two")
    account = one.get("/me").json()["account"]
    assert told(one.post(f"/{account}/recover", {})) == (403, "not-your-own")
    closed = two.post(f"/{account}/recover", {})
    assert (closed.status_code, closed.json().keys()) == (200, {"account", "next"})
    assert "/join" not in closed.text
    assert told(one.get("/me")) == (401, "not-signed-in")
    assert told(one.login()) == (401, "not-signed-in")
    again = [{"role": role, "name": "one", "organisation": "x"} for role in ("ops", "regulator", "sponsor")]
    assert {told(two.post("", body)) for body in again} == {(409, "account-exists")}
    with operator(house.home) as node:
        link = node.do("accounts-recover", account=account)["link"]
    assert {told(two.post("", body)) for body in again} == {(409, "account-exists")}
    assert house.browser().join(link).status_code == 200
    assert told(house.browser().post("/join/begin", {"token": link.partition("#")[2]})) == (403, "invitation")


def test_the_second_way_opens_fewer_doors(house: House) -> None:
    browser = house.person("ops", "one")
    made = browser.post("/second-way/begin", {}).json()
    app = pyotp.TOTP(made["secret"])
    now = house.node.seconds
    assert browser.post("/second-way/finish", {"code": app.at(now - 30)}).status_code == 200
    other = house.browser()
    signed = other.post("/login/code", {"name": "one", "key": made["key"], "code": app.at(now)})
    assert signed.status_code == 200
    assert other.get("/me").json()["way"] == "code"
    assert other.get("").status_code == 200
    assert told(other.post("", {"role": "ops", "name": "mallory"})) == (403, "passkey-needed")
    assert told(other.post("/passkeys/begin", {})) == (403, "passkey-needed")


def test_guessing_is_refused_by_network_and_who_is_right_there_signs_in(house: House) -> None:
    guesser, neighbour = house.browser("198.51.100.9"), house.person("ops", "one", address="198.51.100.9")
    answers = [told(guesser.post("/join/begin", {"token": f"{n:022d}"})) for n in range(31)]
    assert answers[:30] == [(403, "invitation")] * 30
    assert answers[30] == (429, "too-many-tries")
    assert told(guesser.post("/login/code", {"name": "one", "key": "x", "code": "1"})) == (429, "too-many-tries")
    assert neighbour.login().status_code == 200


def test_a_session_of_somebody_else_is_not_there(house: House) -> None:
    one, two = house.person("ops", "one"), house.person("ops", "two")
    number = two.get("/me").json()["session"]
    for path in (number, "0", "9" * 15, "9" * 400, "x", "-1", "%F0%9F%8E%AB"):
        assert told(one.ask("DELETE", f"/v1/accounts/sessions/{path}")) == (404, "unknown-session")
    assert two.get("/me").status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/login/finish", {"credential": {}}, 401),
        ("/login/finish", {"credential": []}, 400),
        ("/login/finish", {"credential": {"id": "A" * 40_000}}, 413),
        ("/login/code", {"name": "\ud800", "key": "", "code": ""}, 400),
        ("/login/code", {"name": "one"}, 400),
        ("/login/code", [], 400),
        ("/join/begin", {"token": 7}, 400),
        ("/join/begin", {"token": "x" * 201}, 400),
        ("/join/finish", {"token": "x", "credential": {"response": {"clientDataJSON": "e30"}}}, 403),
        ("", {"role": "emperor", "name": "x"}, 401),
    ],
)
def test_bodies_that_make_no_sense_get_an_answer_and_no_fault(house: House, path: str, body, status: int) -> None:
    answer = house.browser().post(path, body)
    assert told(answer)[0] == status
    assert told(house.browser().post(path, body, Content_Type="text/plain"))[0] in {401, 415}
    assert requests.get(house.running.url + "/healthz", timeout=10).status_code == 200


def test_cookies_that_are_none_are_nobody(house: House) -> None:
    browser = house.browser()
    for cookie in ("ticketme=", "ticketme=x", f"ticketme={'A' * 4_000}", "ticketme=%00", "a=b; ticketme=ü"):
        browser.cookie = cookie
        assert told(browser.get("/me")) == (401, "not-signed-in")


def test_a_holder_activates_over_http_and_gets_certificates(house: House) -> None:
    made = house.link(101, 102)
    browser, path = house.browser(), f"/v1/activation/{made.token}"
    shown = browser.ask("GET", path)
    assert (shown.headers["cache-control"], shown.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert shown.json()["tickets"] == [{"ticket": 101, "owner_seq": 0}, {"ticket": 102, "owner_seq": 0}]
    wallets = {ticket: Wallet.new(Random(ticket)) for ticket in (101, 102)}
    keys = [
        {"ticket": ticket, "holder_key": wallet.public.hex(), "proof": wallet.proof(EVENT, ticket).hex()}
        for ticket, wallet in wallets.items()
    ]
    wrong = browser.ask("POST", path, {"answer": "A1234567", "keys": keys})
    assert told(wrong) == (403, "wrong-answer")
    for _ in range(2):
        held = browser.ask("POST", path, {"answer": ANSWER, "keys": keys}).json()["tickets"]
        found = [Certificate.unpack(bytes.fromhex(one["certificate"])).holder_key for one in held]
        assert found == [wallet.public for wallet in wallets.values()]
    assert told(browser.ask("GET", path)) == (404, "link-not-good")


def test_the_help_desk_opens_a_locked_link_and_that_is_on_record(house: House) -> None:
    made, ops, holder = house.link(103), house.person("ops", "Help desk"), house.browser("203.0.113.5")
    wallet = Wallet.new(Random(1))
    key = {"ticket": 103, "holder_key": wallet.public.hex(), "proof": wallet.proof(EVENT, 103).hex()}
    path = f"/v1/activation/{made.token}"
    codes = [told(holder.ask("POST", path, {"answer": "no", "keys": [key]})) for _ in range(6)]
    assert codes == [(403, "wrong-answer")] * 4 + [(423, "link-locked")] * 2
    (listed,) = ops.ask("GET", f"/v1/activations/{EVENT}").json()
    assert (listed["locked"], listed["purchase"]) == (True, "HK-0001")
    assert ops.ask("POST", f"/v1/activations/{made.link}/unlock", {}).status_code == 200
    assert holder.ask("POST", path, {"answer": ANSWER, "keys": [key]}).status_code == 200
    last = ops.get("/trail").json()["acts"][-1]
    assert (last["what"], last["subject"], last["origin"]) == ("activation.unlock", made.link, "192.0.2.1")
    assert last["who"] == ops.get("/me").json()["account"]


def test_links_cannot_be_guessed_from_one_network(house: House) -> None:
    guesser = house.browser("2001:db8:1:2::1")
    codes = [told(guesser.ask("GET", f"/v1/activation/{n:022d}"))[1] for n in range(30)]
    assert set(codes) == {"link-not-good"}
    sibling = house.browser("2001:db8:1:2:ffff::9")
    assert told(sibling.ask("GET", "/v1/activation/x")) == (429, "too-many-tries")
    assert told(house.browser("2001:db8:1:3::1").ask("GET", "/v1/activation/x"))[1] == "link-not-good"


@pytest.mark.parametrize("token", ["%FF%FE", "x" * 3_000, "..%2F..%2Fme", "%00"])
def test_tokens_that_make_no_sense_are_links_that_are_not_good(house: House, token: str) -> None:
    assert told(house.browser().ask("GET", f"/v1/activation/{token}"))[0] == 404


def test_a_forwarded_address_counts_only_from_this_machine() -> None:
    def seen(peer: str, *forwarded: str) -> str:
        headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
        return address_of(Request({"type": "http", "client": (peer, 1), "headers": headers}))

    assert seen("127.0.0.1", "10.0.0.1, 192.0.2.9") == "192.0.2.9"
    assert seen("203.0.113.1", "192.0.2.9") == "203.0.113.1"
    assert seen("127.0.0.1", "<script>") == "127.0.0.1"


def test_pages_keep_to_their_own_origin(house: House) -> None:
    for path in ("/account", "/account/login", "/account/join"):
        page = requests.get(house.running.url + path, timeout=10)
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http://" not in page.text.replace('"http://www.w3.org', "")
        assert "<script>" not in page.text
        assert "style=" not in page.text
        assert "登入" in page.text


def test_the_description_names_every_body(house: House) -> None:
    paths = requests.get(house.running.url + "/openapi.json", timeout=10).json()["paths"]
    body = paths["/v1/activation/{token}"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]) == {"answer", "keys"}


def test_no_canary_is_in_anything_that_a_served_node_wrote(tmp_path: Path) -> None:
    """Home folder and log of a process of its own, after the flows that handle personal data, right and wrong."""
    home, rng = tmp_path / "home", Random(8)
    with open_home(home) as node:
        stage(node, 3)
        rows = [NewTicket(index, index, 1, 1, 88_000) for index in (101, 102)]
        node.commit(list(node.operator.issue(EVENT, rows, node.seconds)))
        person = node.vault.add(PERSON, node.seconds)
        links = [activation.prepare(node, Ask(EVENT, (n,), "HK-1", person, "HKID?", ANSWER)) for n in (101, 102)]
    with (
        process(home) as (running, port),
        closing(Browser(f"http://127.0.0.1:{port}", f"http://localhost:{port}")) as browser,
    ):
        for number, link in zip((101, 102), links, strict=True):
            wallet = Wallet.new(rng)
            key = {"ticket": number, "holder_key": wallet.public.hex(), "proof": wallet.proof(EVENT, number).hex()}
            for answer in (PERSON["name"], PERSON["phone"], ANSWER if number == 101 else PERSON["email"]):
                browser.ask("POST", f"/v1/activation/{link.token}", {"answer": answer, "keys": [key]})
            browser.ask("GET", f"/v1/activation/{PERSON['email']}")
            browser.ask("GET", f"/v1/activation/{link.token}/{PERSON['phone']}")
        with operator(home) as node:
            assert node.do("vault-find", field="phone", value=PERSON["phone"]) == [person]
            assert node.do("vault-export", person=person)["name"] == PERSON["name"]
        running.terminate()
        logged, _ = running.communicate(timeout=30)
    written = logged.encode() + b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert json.loads(logged.splitlines()[-1])["event"] == "stopped"
    assert EVENT.encode() in written
    for canary in (*PERSON.values(), links[0].token, links[1].token):
        assert canary.encode() not in written
    with open_home(home) as node:
        assert node.vault.read(person)["document"] == PERSON["document"]
        assert node.trail.check() is None
        assert [act.who for act in node.trail.acts()] == [BY.who]
