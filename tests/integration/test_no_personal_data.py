"""People's names, phones, addresses and documents go in by every door that there is; a node and a gate run as programs
of their own. Then everything that was written is searched: log, tiles, snapshot, the gate's folder, both programs'
output, and the vault, which has them, but not so that anybody could read them there.
"""

import base64
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import requests
import segno

from ledger_node.cli.operator import operator
from ledger_node.contract.bodies_market import OfferTransfer
from ledger_node.contract.commitments import invitation
from ledger_node.contract.entries import NewTicket
from ledger_node.services import activation
from ledger_node.services.accounts.site import set_site
from ledger_node.services.activation import Ask
from ledger_node.services.events import EventOrder, create_event
from tests.fakes.clockwork import wait_until
from tests.fakes.deliveries import signed
from tests.fakes.people_client import Browser
from tests.fakes.post_office import PostOffice, open_office
from tests.fakes.running_node import open_home, process
from tests.fakes.wallet import Wallet

EVENT, LATER = "coliseum-1122", "coliseum-1229"
SITE = "https://tickets.example"
SECRET = b"k" * 32
GATE = [sys.executable, "-c", "from scanner.cli import main; main()"]
LINK = re.compile(r"/activate#([A-Za-z0-9_-]+)")
PERSON = {"name": "Canary Chan 陳金絲雀", "phone": "+85291230001", "email": "person@canary.hk", "document": "Z9876543"}
FILE, HOOK, GUEST, HEIR = (f"{who}@canary.hk" for who in ("file", "hook", "guest", "heir"))
PHONES = ("+85291230002", "+85291230003", "+85291230004")
GUESTS_ANSWER, WRONG_ANSWER, STAFF = "Y7654321", "X1112223", "Canary Wong 黃金絲雀"
CANARIES = (*PERSON.values(), FILE, HOOK, GUEST, HEIR, *PHONES, GUESTS_ANSWER, WRONG_ANSWER, STAFF)
CLEAR = {"accounts.sqlite3": {STAFF}}
"""Staff are known by name to each other, and nowhere else."""


def spellings(canary: str) -> set[bytes]:
    """As it might stand somewhere: as it is, in JSON, as hex, without the country, in capitals."""
    plain = {canary, canary.removeprefix("+852"), canary.upper(), json.dumps(canary)[1:-1]}
    written = {text.encode() for text in plain} | {canary.encode("utf-16-le")}
    return written | {text.hex().encode() for text in written}


@dataclass
class House:
    """The node that runs, how to reach it, and what it and the gate said."""

    home: Path
    url: str
    office: PostOffice
    wallet: Wallet
    said: list[bytes] = field(default_factory=list)

    def post(self, path: str, body: Any, **headers: str) -> requests.Response:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **headers}
        return requests.post(f"{self.url}/v1{path}", data=data, headers=sent, timeout=20)

    def token(self, address: str) -> str:
        """Of the link in the newest letter to somebody."""
        wait_until(lambda: any(to == [address] for _, to in self.office.envelopes), f"a letter to {address}", 30)
        (raw,) = [
            raw for raw, (_, to) in zip(self.office.letters, self.office.envelopes, strict=True) if to == [address]
        ]
        body = raw.get_body(("plain",))
        assert body is not None
        found = LINK.search(body.get_content())
        assert found is not None
        return found[1]

    def activate(self, token: str, ticket: int, answer: str) -> int:
        """Open the link and answer; the status."""
        wallet = Wallet.new(Random(ticket))
        key = {"ticket": ticket, "holder_key": wallet.public.hex(), "proof": wallet.proof(EVENT, ticket).hex()}
        return self.post(f"/activation/{token}", {"answer": answer, "keys": [key]}).status_code


def stage(home: Path) -> tuple[Wallet, str]:
    """Tickets 2 to 20, and 1 of a later event; its holder, and a link to ticket 2 for a person of the vault."""
    now, wallet = int(time.time()), Wallet.new(Random(5))
    with open_home(home) as node:
        set_site(node, SITE)
        create_event(node, EventOrder(EVENT, "Harbour Nights", now - 600, now + 7_200, 100))
        create_event(node, EventOrder(LATER, "Harbour Nights", now + 9_000_000, now + 9_007_200, 100))
        free = [NewTicket(index, index, 0, 1, 88_000) for index in range(2, 21)]
        held = NewTicket(1, 1, 0, 1, 88_000, wallet.public, wallet.proof(LATER, 1))
        node.commit([*node.operator.issue(EVENT, free, now), *node.operator.issue(LATER, [held], now)])
        person = node.vault.add(PERSON, node.seconds, [EVENT])
        made = activation.prepare(node, Ask(EVENT, (2,), "HK-0001", person, "HKID?", PERSON["document"]))
    return wallet, made.token


@contextmanager
def open_house(home: Path) -> Iterator[tuple[House, str]]:
    """Served as a program of its own, with a mail server and a ticketing system; and the token of ticket 2's link."""
    office = PostOffice()
    wallet, token = stage(home)
    with open_office(office) as mailbox:
        mail = f'host = "127.0.0.1"\nport = {mailbox}\nsecurity = "none"\nsender = "box@tickets.example"\n'
        (home / "outside.toml").write_text(f'[mail]\n{mail}[ticketing]\nwebhook_secret_files = ["feed"]\n')
        (home / "feed").write_text("whsec_" + base64.b64encode(SECRET).decode())
        (home / "feed").chmod(0o600)
        with process(home) as (running, port):
            made = House(home, f"http://127.0.0.1:{port}", office, wallet)
            yield made, token
            running.terminate()
            made.said.append(running.communicate(timeout=30)[0].encode())


def orders(house: House, folder: Path) -> None:
    """From the ticketing system's file, and by its webhook; with a bad row each."""
    rows = [f"U-1,{EVENT},3,yes,88000,{PHONES[0]},{FILE}", f"U-2,{EVENT},maybe,yes,88000,{PHONES[0]},{FILE}"]
    file = folder / "orders.csv"
    file.write_text("\n".join(["number,event,tickets,eticket,price_cents,phone,email", *rows]))
    with operator(house.home) as node:
        taken = node.orders(EVENT, file, lambda _: None, whole=False)
    assert (taken["sold"], taken["bad"]) == (1, 1)
    order = {"event": EVENT, "eticket": True, "price_cents": 88_000, "phone": PHONES[1], "email": HOOK}
    listed = [{**order, "number": "W-1", "tickets": [4]}, {**order, "number": "W-2", "tickets": [[PHONES[1]]]}]
    body = json.dumps({"orders": listed}).encode()
    told = house.post(f"/events/{EVENT}/orders", body, **signed(body, SECRET, time.time())).json()
    assert (told["sold"], told["bad"]) == (1, 1)
    assert house.activate(house.token(FILE), 3, "U-1") == 200
    assert house.activate(house.token(HOOK), 4, WRONG_ANSWER) == 403


def people(house: House, token: str) -> None:
    """A guest, a recipient, a person of the vault, staff; right and wrong."""
    guest = {"phone": PHONES[2], "email": GUEST, "question": "HKID?", "answer": GUESTS_ANSWER}
    with operator(house.home) as node:
        node.do("sponsors-add", event=EVENT, sponsor="bank")
        node.do("sponsors-allot", event=EVENT, sponsor="bank", tickets=[10])
        assert node.do("sponsors-invite", event=EVENT, sponsor="bank", guests=[guest])["tickets"] == [10]
        assert len(node.do("vault-find", field="phone", value=PERSON["phone"])) == 1
        link = node.do("accounts-invite", role="ops", name=STAFF, organisation="")["link"]
    assert house.activate(house.token(GUEST), 10, GUESTS_ANSWER) == 200
    assert house.activate(token, 2, WRONG_ANSWER) == 403
    assert house.activate(token, 2, PERSON["document"]) == 200
    now, secret = int(time.time()), os.urandom(32)
    entry = OfferTransfer(1, 0, 0, invitation(secret), now + 600).seal(LATER, now, house.wallet.key)
    offer = {"entry": entry.hex(), "secret": secret.hex(), "email": HEIR}
    answer = house.post(f"/events/{LATER}/transfers", offer)
    assert answer.status_code == 201, answer.text
    wait_until(lambda: [HEIR] in [to for _, to in house.office.envelopes], "a letter to the recipient", 30)
    paid = {"phone": PHONES[0], "email": FILE, "eticket": True}
    assert house.post(f"/events/{EVENT}/holds/{PERSON['phone']}/pay", paid).status_code >= 400
    with closing(Browser(house.url, SITE)) as browser:
        assert browser.join(link).status_code == 200
        assert browser.ask("GET", f"/v1/activation/{PERSON['email']}").status_code == 404


@contextmanager
def gate(house: House, folder: Path) -> Iterator[Path]:
    """A gate-scanner with a camera that sees ticket 3's code; its state folder."""
    folder.mkdir()
    frames, config = folder / "frames", folder / "gate.toml"
    frames.mkdir()
    shown = Wallet.new(Random(3)).compact(EVENT, 3, 0, time.time())
    segno.make(shown.text(), error="m").save(str(frames / "code.png"), scale=6, border=4)
    config.write_text(
        f'state = "{folder / "state"}"\npins = "mock"\n[kiosk]\nenabled = false\n[camera]\nsource = "replay:{frames}"\n'
    )
    with operator(house.home) as node:
        code = node.do("devices-code", event=EVENT, gate="R1")["code"]
    enrolled = subprocess.run(
        [*GATE, "enrol", house.url, code, "--config", str(config)], capture_output=True, timeout=60, check=False
    )
    assert enrolled.returncode == 0, enrolled.stderr
    log = (folder / "output").open("wb")
    with log, subprocess.Popen([*GATE, "run", "--config", str(config)], stdout=log, stderr=log) as running:
        try:
            yield folder
        finally:
            running.terminate()
            running.wait(30)


def search(house: House, folder: Path) -> None:
    """Nothing of anybody in any file below `folder` but the orders' own, nor in what was said."""
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "orders.csv"}
    names = {path.name for path in files}
    assert {"ledger.sqlite3", "vault.sqlite3", "activations.sqlite3", "checkpoint", "journal.db", "the.snap"} <= names
    texts = {**{str(path): data for path, data in files.items()}, "the node's output": b"".join(house.said)}
    assert EVENT.encode() in texts["the node's output"] + b"".join(files.values())
    found = {
        (where.rpartition("/")[2], canary)
        for where, data in texts.items()
        for canary in CANARIES
        if canary not in CLEAR.get(Path(where).name.removesuffix("-wal"), set())
        and any(spelled in data for spelled in spellings(canary))
    }
    assert found == set()


def test_no_canary_is_in_anything_that_a_node_or_a_gate_wrote(tmp_path: Path) -> None:
    with open_house(tmp_path / "node") as (house, token):
        orders(house, tmp_path)
        people(house, token)
        with gate(house, tmp_path / "gate"):
            history = f"{house.url}/v1/events/{EVENT}/tickets/3"
            wait_until(lambda: requests.get(history, timeout=20).json()["uses"] == 1, "the gate admits", 60)
        with operator(house.home) as node:
            node.do("log-export", folder=str(tmp_path / "copy"))
            node.snapshot(EVENT, tmp_path / "the.snap")
    search(house, tmp_path)
