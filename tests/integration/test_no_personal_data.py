"""People's names, phones, addresses and documents go in by every door that there is; a node, a gate and a wallet
provider run as programs of their own, and one is killed in the middle. Then everything that was written is searched:
log, tiles, snapshot, the gate's folder, temporary files, write-ahead logs, what the programs said, the vault (which has
them, but not so that anybody could read them there), and the provider's books: it learns of nobody from the node.

What people gave to be read in (the feed's file, the sponsor's list) and the letters that were sent are not searched.
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

import pytest
import requests
import segno

from ledger_node.cli.operator import operator
from ledger_node.contract.bodies_market import OfferTransfer
from ledger_node.contract.commitments import invitation
from tests.fakes.canaries import found, written_below
from tests.fakes.clockwork import wait_until
from tests.fakes.deliveries import signed
from tests.fakes.people_client import Browser
from tests.fakes.peopled_house import EVENT, FACE, LATER, SECRET, SITE, House, open_house
from tests.fakes.wallet import Wallet

NODE = [sys.executable, "-m", "ledger_node.cli", "--home"]
GATE = [sys.executable, "-c", "from scanner.cli import main; main()"]
PERSON = {"name": "Canary Chan 陳金絲雀", "phone": "+85291230001", "email": "person@canary.hk", "document": "Z9876543"}
FILE, HOOK, GUEST, LISTED, HEIR, BUYER = (
    f"{who}@canary.hk" for who in ("file", "hook", "guest", "listed", "heir", "buyer")
)
PHONES = ("+85291230002", "+85291230003", "+85291230004", "+85291230005", "+85291230006")
GUESTS_ANSWER, LISTED_ANSWER, WRONG_ANSWER = "Y7654321", "W1357924", "X1112223"
STAFF, PASSKEY = "Canary Wong 黃金絲雀", "Canary Lee 李金絲雀"
CANARIES = (
    *PERSON.values(), "Canary Chan", "陳金絲雀", FILE, HOOK, GUEST, LISTED, HEIR, BUYER, *PHONES,
    GUESTS_ANSWER, LISTED_ANSWER, WRONG_ANSWER, STAFF, "黃金絲雀", PASSKEY, "李金絲雀",
)  # fmt: skip
CLEAR: dict[str, set[str]] = {}
"""Files in which somebody stands in the clear: none, not even those who work here."""


def orders(house: House) -> None:
    """From the ticketing system's file, and by its webhook; with a bad row each."""
    rows = [f"U-1,{EVENT},3,yes,88000,{PHONES[0]},{FILE}", f"U-2,{EVENT},maybe,yes,88000,{PHONES[0]},{FILE}"]
    file = house.given / "orders.csv"
    file.write_text("\n".join(["number,event,tickets,eticket,price_cents,phone,email", *rows]))
    with operator(house.home) as node:
        taken = node.orders(EVENT, file, lambda _: None, whole=False)
    assert (taken["sold"], taken["bad"]) == (1, 1)
    order = {"event": EVENT, "eticket": True, "price_cents": FACE, "phone": PHONES[1], "email": HOOK}
    listed = [{**order, "number": "W-1", "tickets": [4]}, {**order, "number": "W-2", "tickets": [[PHONES[1]]]}]
    body = json.dumps({"orders": listed}).encode()
    told = house.post(f"/events/{EVENT}/orders", body, **signed(body, SECRET, time.time())).json()
    assert (told["sold"], told["bad"]) == (1, 1)
    assert house.activate(house.token(FILE), 3, "U-1") == 200
    assert house.activate(house.token(HOOK), 4, WRONG_ANSWER) == 403


def buyers(house: House) -> None:
    """Somebody buys a seat here, for whom the provider has a name of its own."""
    house.desk.account("account-1", deposit=10 * FACE)
    held = house.post(f"/events/{EVENT}/holds", {"tickets": [6]}).json()
    who = {
        "payer": house.desk.party("account-1", EVENT).hex(),
        "authorisation": house.desk.yes("account-1", event=EVENT),
    }
    paid = house.post(f"/events/{EVENT}/holds/{held['hold']}/pay", {**who, "phone": PHONES[4], "email": BUYER})
    assert paid.status_code == 200, paid.text
    assert house.activate(house.token(BUYER), 6, paid.json()["number"]) == 200
    wrong = {"phone": PHONES[0], "email": FILE, "eticket": True}
    assert house.post(f"/events/{EVENT}/holds/{PERSON['phone']}/pay", wrong).status_code >= 400


def guests(house: House) -> None:
    """A sponsor's: one by one, and from a list."""
    guest = {"phone": PHONES[2], "email": GUEST, "question": "HKID?", "answer": GUESTS_ANSWER}
    file = house.given / "guests.csv"
    file.write_text(f"phone,email,question,answer\n{PHONES[3]},{LISTED},HKID?,{LISTED_ANSWER}\n")
    with operator(house.home) as node:
        node.do("sponsors-add", event=EVENT, sponsor="bank")
        node.do("sponsors-allot", event=EVENT, sponsor="bank", tickets=[10, 11])
        assert node.do("sponsors-invite", event=EVENT, sponsor="bank", guests=[guest])["tickets"] == [10]
    invited = subprocess.run(
        [*NODE, str(house.home), "sponsors", "invite", EVENT, "bank", str(file)],
        capture_output=True,
        timeout=60,
        check=True,
    )
    house.said += [invited.stdout, invited.stderr]
    assert house.activate(house.token(GUEST), 10, GUESTS_ANSWER) == 200
    assert house.activate(house.token(LISTED), 11, LISTED_ANSWER) == 200


def heirs(house: House) -> None:
    """A ticket is passed on to an address."""
    now, secret = int(time.time()), bytes(range(32))
    entry = OfferTransfer(1, 0, 0, invitation(secret), now + 600).seal(LATER, now, house.wallet.key)
    offer = {"entry": entry.hex(), "secret": secret.hex(), "email": HEIR}
    answer = house.post(f"/events/{LATER}/transfers", offer)
    assert answer.status_code == 201, answer.text
    wait_until(lambda: [HEIR] in [to for _, to in house.office.envelopes], "a letter to the recipient", 30)


def desks(house: House, token: str) -> None:
    """The help desk opens a link that was locked by guesses; the vault is asked; staff join, sign in and mistype."""
    with operator(house.home) as node:
        link = node.do("accounts-invite", role="ops", name=STAFF, organisation="")["link"]
        other = node.do("accounts-invite", role="regulator", name=PASSKEY, organisation="")["link"]
        assert len(node.do("vault-find", field="phone", value=PERSON["phone"])) == 1
    assert [house.activate(token, 2, WRONG_ANSWER) for _ in range(6)] == [403] * 4 + [423] * 2
    with closing(Browser(house.url, SITE)) as ops, closing(Browser(house.url, SITE)) as regulator:
        assert ops.join(link).status_code == 200
        assert regulator.join(other).status_code == 200
        links = ops.ask("GET", f"/v1/activations/{EVENT}").json()
        (locked,) = [one["link"] for one in links if one["tickets"] == [2]]
        assert ops.ask("POST", f"/v1/activations/{locked}/unlock", {}).status_code == 200
        assert ops.ask("GET", f"/v1/activation/{PERSON['email']}").status_code == 404
        assert ops.get("/trail").status_code == 200
        assert regulator.ask("GET", f"/v1/regulator/events/{EVENT}/acts.csv").status_code == 200
        assert (
            regulator.ask("GET", f"/v1/events/{PERSON['phone']}/tickets/{PERSON['document']}/history").status_code
            == 404
        )
    assert house.activate(token, 2, PERSON["document"]) == 200


def die_in_the_middle_of_an_upload(house: House) -> None:
    """A feed's file is on its way in when the power goes."""
    rows = f"number,event,tickets,eticket,price_cents,phone,email\nU-9,{EVENT},5,yes,88000,{PHONES[0]},{FILE}\n" * 2_000
    head = f"POST /orders/{EVENT} HTTP/1.1\r\nHost: node\r\nContent-Length: 1000000\r\n\r\n"
    with socket.socket(socket.AF_UNIX) as wire:
        wire.connect(str(house.home / "admin.sock"))
        wire.sendall((head + rows).encode())
        wait_until(lambda: house.written() > len(rows) // 2, "half of the file to be on the disk", 20)


@contextmanager
def gate(house: House, folder: Path) -> Iterator[None]:
    """A gate-scanner with a camera that sees ticket 3's code."""
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
        [*GATE, "enrol", house.url, "--config", str(config)],
        input=code.encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert enrolled.returncode == 0, enrolled.stderr
    log = (folder / "output").open("wb")
    with log, subprocess.Popen([*GATE, "run", "--config", str(config)], stdout=log, stderr=log) as running:
        try:
            yield
        finally:
            running.terminate()
            running.wait(30)


def test_no_canary_is_in_anything_that_a_node_or_a_gate_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tmp").mkdir()
    for name in ("TMPDIR", "SQLITE_TMPDIR"):
        monkeypatch.setenv(name, str(tmp_path / "tmp"))
    with open_house(tmp_path, PERSON) as (house, token):
        with house.open("kill"):
            orders(house)
            buyers(house)
            guests(house)
            die_in_the_middle_of_an_upload(house)
        with house.open("kill"):
            heirs(house)
            desks(house, token)
        with house.open(), gate(house, tmp_path / "gate"):
            history = f"{house.url}/v1/events/{EVENT}/tickets/3"
            wait_until(lambda: requests.get(history, timeout=20).json()["uses"] == 1, "the gate admits", 60)
            with operator(house.home) as node:
                node.do("log-export", folder=str(tmp_path / "copy"))
                node.snapshot(EVENT, tmp_path / "the.snap")
    places = written_below(tmp_path, but=house.given)
    names = {Path(place).name for place in places}
    assert names >= {
        "ledger.sqlite3",
        "vault.sqlite3",
        "activations.sqlite3",
        "market.sqlite3",
        "checkpoint",
        "the.snap",
    }
    assert names >= {"journal.db", "provider.sqlite3"}
    places["what the programs said"] = b"".join(house.said) + "".join(capfd.readouterr()).encode()
    assert EVENT in places["what the programs said"].decode(), "nothing was heard of them"
    assert found(places, CANARIES, CLEAR) == set()
