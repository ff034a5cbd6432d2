"""Every kind of caller that a node's HTTP API knows, each with what it proves itself by, at one running node with two
events. What a caller may do is not said here.
"""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyotp
import requests

from ledger_node.contract.bodies_house import RegisterActor, RevokeActor
from ledger_node.services import devices, sponsors
from ledger_node.services.accounts import staff
from ledger_node.services.accounts.roles import Role
from ledger_node.services.devices import make_code
from ledger_node.services.events import EventOrder, create_event
from ledger_node.web.authorisation import Caller
from scanner.verify.keys import SigningKey
from tests.fakes.gate_client import GateClient
from tests.fakes.marketplace import EVENT, Marketplace, marketplace
from tests.fakes.people_client import Browser
from tests.fakes.running_node import serving
from tests.fakes.staffed_node import BY

SITE = "https://tickets.example"
OTHER = "other-show"
SPONSOR, ANOTHER, ELSEWHERE, ENDED = "harbour-bank", "airline", "rival-bank", "past-bank"


@dataclass
class Asker:
    """One caller. `of_event`: an organiser, sponsor or device of EVENT; `of_sponsor`: acts for SPONSOR there;
    `page`: from a page of the node; `passkey`: signed in with one.
    """

    name: str
    url: str
    caller: Caller = Caller.PUBLIC
    browser: Browser | None = None
    gate: GateClient | None = None
    of_event: bool = False
    of_sponsor: bool = False
    passkey: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    # An address of one's own: what one guesses does not count for another.
    address: str = field(default_factory=lambda: "2001:db8:" + ":".join(os.urandom(2).hex() for _ in range(6)))

    @property
    def page(self) -> bool:
        """Whether a page of this node sends the request."""
        return self.headers.get("Origin") == SITE

    def ask(self, method: str, path: str, body: bytes = b"", at: str = "", **more: str) -> requests.Response:
        """The answer, whatever it is; what is sent is that by which this caller proves itself, and `more` headers. `at`
        another address of the node than its public one.
        """
        headers = {"X-Forwarded-For": self.address, **self.headers}
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        if self.browser is not None:
            headers["Cookie"] = self.browser.cookie
        if self.gate is not None:
            headers |= self.gate.sign(method, path, body, headers.get("Content-Type"))
        sent = {"data": body or None, "headers": headers, "timeout": 20, "allow_redirects": False}
        return requests.request(method, (at or self.url) + path, **sent)


@dataclass
class Everybody:
    """The running node, who asks, and the names of things that are there."""

    url: str
    gates_url: str
    home: Path
    market: Marketplace
    askers: list[Asker]
    device: str
    account: str

    def named(self, name: str) -> Asker:
        """One of them."""
        return next(one for one in self.askers if one.name == name)


def _actors(market: Marketplace) -> None:
    """Organisers and sponsors of two events, one of each revoked."""
    node, now = market.node, market.node.seconds
    doors = now + 30 * 86_400
    create_event(node, EventOrder(OTHER, "Other", doors, doors + 5_400, 100))
    for event, name in ((EVENT, "house-live"), (OTHER, "rival-live"), (EVENT, "past-live")):
        key = SigningKey(os.urandom(32)).public
        node.commit([RegisterActor(name, "organiser", key).seal(event, now, node.keys.node)])
    node.commit([RevokeActor("past-live", "over").seal(EVENT, now, node.keys.node)])
    for event, name in ((EVENT, SPONSOR), (EVENT, ANOTHER), (OTHER, ELSEWHERE), (EVENT, ENDED)):
        sponsors.add(node, event, name)
    sponsors.allot(node, EVENT, SPONSOR, [30, 31])
    sponsors.end(node, EVENT, ENDED, "over")


def _staff(market: Marketplace, url: str, stack: ExitStack) -> list[Asker]:
    """People with accounts, all at a page of the node."""
    page = {"Origin": SITE, "Sec-Fetch-Site": "same-origin"}

    def who(name: str, role: Role, organisation: str = "") -> tuple[Browser, str]:
        browser = Browser(url, SITE)
        stack.callback(browser.close)
        made = staff.invite(market.node, role, name, organisation, BY)
        assert browser.join(made.path).status_code == 200, name
        return browser, made.account

    def asker(name: str, role: Role, organisation: str = "", *, event: bool = False, sponsor: bool = False) -> Asker:
        browser, _ = who(name, role, organisation)
        return Asker(name, url, Caller(role.value), browser, None, event, sponsor, headers=page)

    ops = asker("ops", Role.OPS)
    by_code = asker("ops by code", Role.OPS)
    second = asker("organiser by code", Role.ORGANISER, "house-live", event=True)
    for one in (by_code, second):
        _second_way(one)
    gone, account = who("revoked ops", Role.OPS)
    staff.revoke(market.node, account, BY)
    assert ops.browser is not None
    return [
        ops,
        by_code,
        second,
        asker("regulator", Role.REGULATOR),
        asker("organiser", Role.ORGANISER, "house-live", event=True),
        asker("organiser of another event", Role.ORGANISER, "rival-live"),
        asker("revoked organiser", Role.ORGANISER, "past-live"),
        asker("sponsor as organiser", Role.ORGANISER, SPONSOR),
        asker("sponsor", Role.SPONSOR, SPONSOR, event=True, sponsor=True),
        asker("another sponsor", Role.SPONSOR, ANOTHER, event=True),
        asker("sponsor of another event", Role.SPONSOR, ELSEWHERE),
        asker("revoked sponsor", Role.SPONSOR, ENDED),
        Asker("revoked ops", url, browser=gone, headers=page),
        Asker("public at a page", url, headers=page),
        Asker("ops on a foreign page", url, Caller.OPS, ops.browser, headers={"Origin": "https://evil.example"}),
    ]


def _second_way(asker: Asker) -> None:
    """Signed in with the key and the app's code instead of the passkey."""
    browser, asker.passkey = asker.browser, False
    assert browser is not None
    made = browser.post("/second-way/begin", {}).json()
    app = pyotp.TOTP(made["secret"])
    assert browser.post("/second-way/finish", {"code": app.at(int(time.time()) - 30)}).status_code == 200
    given = {"name": asker.name, "key": made["key"], "code": app.at(int(time.time()))}
    assert browser.post("/login/code", given).status_code == 200


def _gates(market: Marketplace, url: str, stack: ExitStack) -> list[Asker]:
    """Devices, and a key that is none's."""
    node = market.node

    def gate(event: str, *, enrolled: bool = True) -> GateClient:
        made = GateClient(url, node.keys.node.public, event)
        stack.callback(made.close)
        assert not enrolled or made.enrol(make_code(node, event, "R1").text()).status == 200
        return made

    revoked = gate(EVENT)
    devices.revoke(node, EVENT, revoked.device, "lost")
    return [
        Asker("device", url, Caller.DEVICE, gate=gate(EVENT), of_event=True),
        Asker("another device", url, Caller.DEVICE, gate=gate(EVENT), of_event=True),
        Asker("device of another event", url, Caller.DEVICE, gate=gate(OTHER)),
        Asker("revoked device", url, Caller.REVOKED_DEVICE, gate=revoked, of_event=True),
        Asker("unknown device", url, Caller.NEW_DEVICE, gate=gate(EVENT, enrolled=False)),
    ]


@contextmanager
def everybody(home: Path) -> Iterator[Everybody]:
    """Served until the block ends."""
    doors = int(time.time()) + 30 * 86_400
    with ExitStack() as stack:
        market = stack.enter_context(marketplace(home, 60, clock=time.time, doors=doors))
        running = stack.enter_context(serving(market.node))
        _actors(market)
        askers = [
            Asker("public", running.url),
            *_staff(market, running.url, stack),
            *_gates(market, running.url, stack),
        ]
        victim = staff.invite(market.node, Role.SPONSOR, "Bank desk", SPONSOR, BY).account
        device = next(one.gate.device for one in askers if one.gate is not None)
        yield Everybody(running.url, running.gates_url, home, market, askers, device, victim)
