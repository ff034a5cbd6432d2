"""A real node with people in it: accounts, set up with software authenticators, under a clock that a test turns."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyotp

from ledger_node.services.accounts import sessions, signing_in, staff
from ledger_node.services.accounts.roles import Role
from ledger_node.services.accounts.sessions import Session
from ledger_node.services.accounts.signing_in import NewSecondWay
from ledger_node.services.accounts.site import Site
from ledger_node.services.node import Node
from ledger_node.services.trail import CONSOLE, Actor
from tests.fakes.authenticator import Authenticator
from tests.fakes.clockwork import HandClock
from tests.fakes.running_node import open_home

SITE = Site.parse("https://tickets.example.hk")
BY = Actor(CONSOLE)
ADDRESS = "192.0.2.7"
NOW = 1_790_000_000.0


@dataclass
class Office:
    """The node, its clock, and what people do there."""

    node: Node
    clock: HandClock

    def invite(self, name: str, role: Role = Role.OPS, organisation: str = "") -> str:
        return staff.invite(self.node, role, name, organisation, BY).token

    def join(self, name: str, role: Role = Role.OPS, organisation: str = "") -> tuple[Authenticator, Session]:
        return self.accept(self.invite(name, role, organisation))

    def accept(self, token: str) -> tuple[Authenticator, Session]:
        device = Authenticator(SITE.origin)
        _, options = signing_in.begin_join(self.node, SITE, token)
        made = signing_in.finish_join(self.node, SITE, token, device.create(options), ADDRESS)
        return device, self.session(made)

    def login(self, device: Authenticator) -> str:
        options = signing_in.begin_login(self.node, SITE)
        return signing_in.finish_login(self.node, SITE, device.get(options), ADDRESS)

    def session(self, token: str) -> Session:
        found = sessions.find_session(self.node, token, ADDRESS)
        assert found is not None
        return found

    def second_way(self, session: Session) -> NewSecondWay:
        made = signing_in.begin_second_way(self.node, session)
        signing_in.finish_second_way(self.node, session, self.code(made))
        self.clock.pass_time(30)
        return made

    def code(self, way: NewSecondWay) -> str:
        return pyotp.TOTP(way.secret).at(int(self.clock.now))

    def login_by_code(self, name: str, key: str, code: str) -> str:
        return signing_in.login_by_code(self.node, name, key, code, ADDRESS)

    def acts(self) -> list[str]:
        return [act.what for act in self.node.trail.acts()]


@contextmanager
def open_office(home: Path) -> Iterator[Office]:
    clock = HandClock(NOW)
    with open_home(home, clock) as node:
        yield Office(node, clock)


def secret_bytes(way: NewSecondWay) -> bytes:
    return base64.b32decode(way.secret)
