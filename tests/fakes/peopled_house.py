"""A node with a mail server, a ticketing system and a wallet provider around it, for tests that look for people in what
was written. The node and the provider run as programs of their own; what they say is kept.
"""

import base64
import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import requests

from ledger_node.contract.bodies_house import RegisterActor
from ledger_node.contract.entries import NewTicket
from ledger_node.services import activation, policies, sale
from ledger_node.services.accounts.site import set_site
from ledger_node.services.activation import Ask
from ledger_node.services.events import EventOrder, create_event
from tests.fakes.clockwork import wait_until
from tests.fakes.post_office import PostOffice, open_office
from tests.fakes.running_node import open_home, process
from tests.fakes.running_provider import Desk, provider_process
from tests.fakes.wallet import Wallet

EVENT, LATER = "coliseum-1122", "coliseum-1229"
SITE = "https://tickets.example"
SECRET = b"k" * 32
FACE = 88_000
LINK = re.compile(r"/activate#([A-Za-z0-9_-]+)")


@dataclass
class House:
    """The node that runs and its surroundings, and what the programs said so far."""

    folder: Path
    office: PostOffice
    desk: Desk
    wallet: Wallet
    url: str = ""
    pid: int = 0
    said: list[bytes] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.folder / "node"

    @property
    def given(self) -> Path:
        """What people gave to be read in."""
        return self.folder / "given"

    @contextmanager
    def open(self, how: str = "terminate") -> Iterator[None]:
        """Served as a program of its own, and ended in this way."""
        with process(self.home) as (running, port):
            self.pid = running.pid
            self.url = f"http://127.0.0.1:{port}"
            yield
            getattr(running, how)()
            self.said.append(running.communicate(timeout=30)[0].encode())

    def written(self) -> int:
        """The bytes of the largest file that the node has open in its home without a name (proc(5))."""
        links = Path(f"/proc/{self.pid}/fd").glob("*")
        return max((link.stat().st_size for link in links if _nameless(link, self.home)), default=0)

    def post(self, path: str, body: Any, **headers: str) -> requests.Response:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **headers}
        return requests.post(f"{self.url}/v1{path}", data=data, headers=sent, timeout=20)

    def token(self, address: str) -> str:
        """Of the link in the newest letter to somebody."""

        def found() -> list[str]:
            letters = zip(list(self.office.letters), list(self.office.envelopes), strict=False)
            bodies = [letter.get_body(("plain",)) for letter, (_, to) in letters if to == [address]]
            return [link[1] for body in bodies if body and (link := LINK.search(body.get_content()))]

        wait_until(found, f"a letter with a link to {address}", 30)
        (token,) = found()
        return token

    def activate(self, token: str, ticket: int, answer: str) -> int:
        """Open the link and answer; the status."""
        wallet = Wallet.new(Random(ticket))
        key = {"ticket": ticket, "holder_key": wallet.public.hex(), "proof": wallet.proof(EVENT, ticket).hex()}
        return self.post(f"/activation/{token}", {"answer": answer, "keys": [key]}).status_code


def _nameless(link: Path, home: Path) -> bool:
    try:
        target = str(link.readlink())
    except OSError:
        return False
    return target.startswith(f"{home}/") and target.endswith(" (deleted)")


def stage(home: Path, desk: Desk, about: dict[str, str], person: dict[str, str]) -> tuple[Wallet, str]:
    """Tickets 2 to 20, and 1 of a later event; its holder, and a link to ticket 2 for `person`."""
    now, wallet = int(time.time()), Wallet.new(Random(5))
    with open_home(home) as node:
        set_site(node, SITE)
        create_event(node, EventOrder(EVENT, "Harbour Nights", now - 600, now + 7_200, 100))
        create_event(node, EventOrder(LATER, "Harbour Nights", now + 9_000_000, now + 9_007_200, 100))
        free = [NewTicket(index, index, 0, 1, FACE) for index in range(2, 21)]
        held = NewTicket(1, 1, 0, 1, FACE, wallet.public, wallet.proof(LATER, 1))
        node.commit([*node.operator.issue(EVENT, free, now), *node.operator.issue(LATER, [held], now)])
        provider = RegisterActor(about["provider"], "provider", bytes.fromhex(about["public_key"]))
        node.commit([provider.seal(EVENT, now, node.keys.node)])
        policies.set_policy(node, EVENT, {"organiser_party": desk.party("house", EVENT).hex()})
        sale.open_sale(node, EVENT, 4, 600)
        known = node.vault.add(person, node.seconds, [EVENT])
        made = activation.prepare(node, Ask(EVENT, (2,), "HK-0002", known, "HKID?", person["document"]))
        desk.do("clients", public_key=node.keys.node.public.hex())
    return wallet, made.token


@contextmanager
def open_house(folder: Path, person: dict[str, str]) -> Iterator[tuple[House, str]]:
    """A node's home with a mail server, a ticketing system and a provider; and the token of ticket 2's link."""
    office = PostOffice()
    with ExitStack() as stack:
        provider, about = stack.enter_context(provider_process(folder / "provider"))
        desk = stack.enter_context(closing(Desk(about["url"])))
        desk.account("house", merchant=True)
        wallet, token = stage(folder / "node", desk, about, person)
        mailbox = stack.enter_context(open_office(office))
        lines = [
            f'[mail]\nhost = "127.0.0.1"\nport = {mailbox}\nsecurity = "none"\nsender = "box@tickets.example"',
            '[ticketing]\nwebhook_secret_files = ["feed"]',
            f'[provider]\nurl = "{about["url"]}"\nname = "{about["provider"]}"\npublic_key = "{about["public_key"]}"',
        ]
        (folder / "node" / "outside.toml").write_text("\n".join(lines))
        (folder / "node" / "keys" / "feed").write_text("whsec_" + base64.b64encode(SECRET).decode())
        (folder / "node" / "keys" / "feed").chmod(0o600)
        (folder / "given").mkdir()
        yield House(folder, office, desk, wallet), token
        provider.terminate()
        provider.wait(30)
