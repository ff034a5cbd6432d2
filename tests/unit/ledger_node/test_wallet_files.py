"""The wallet's files: shipped whole, from one origin, with the vendored one unchanged; and the API that it leans on."""

import configparser
import hashlib
import json
import re
import time
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import pytest
import requests

from ledger_node.contract.refusals import Refusal
from ledger_node.services.tickets import set_state
from ledger_node.web.wallet_models import HeldTicket, ProviderFacts
from ledger_node.web.wallet_pages import HOME, wallet_files
from scanner.verify.gatecode import Certificate
from tests.fakes.marketplace import EVENT, FACE, Clock, marketplace
from tests.fakes.running_node import serving

ROOT = Path(__file__).parents[3]
WEB = ROOT / "ledger-node" / "ledger_node" / "web"
QR = "a0de370051f94bd74f218f74401fdf197585e3f9ef0143164f87ea941a3fdd6f"
SCRIPTS = sorted((WEB / "static" / "wallet").glob("*.js"))


@pytest.fixture(scope="module")
def shelf() -> dict[str, bytes]:
    return wallet_files()


def test_the_vendored_encoder_is_the_published_one(shelf) -> None:
    assert hashlib.sha256(shelf["/wallet/vendor/qr.js"]).hexdigest() == QR
    folder = WEB / "static" / "vendor"
    assert "MIT License" in (folder / "qr.LICENSE.txt").read_text()
    assert QR in (folder / "README.txt").read_text()


def test_every_file_of_the_pages_is_in_the_package() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    patterns = config["options.package_data"]["ledger_node.web"].split()
    files = [path for name in ("static", "templates") for path in (WEB / name).rglob("*") if path.is_file()]
    assert len(files) > 30
    for path in files:
        name = path.relative_to(WEB).as_posix()
        assert any(fnmatch(name, one) and name.count("/") == one.count("/") for one in patterns), name


def test_whatever_a_file_names_is_there(shelf) -> None:
    for path in SCRIPTS:
        for named in re.findall(r'from "\./([^"]+)"', path.read_text()):
            assert HOME + named in shelf, f"{path.name} imports {named}"
    page = shelf[HOME].decode()
    for named in re.findall(r'(?:src|href)="(/wallet/[\w./-]+)"', page):
        assert named in shelf, named
    for icon in json.loads(shelf["/wallet/wallet.webmanifest"])["icons"]:
        assert icon["src"] in shelf


def test_nothing_comes_from_anywhere_else_and_nothing_is_inline(shelf) -> None:
    for path, body in shelf.items():
        if path.endswith(".png") or "vendor" in path:
            continue
        text = body.decode().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://", text), path
        assert "innerHTML" not in text
        assert "eval(" not in text
    page = shelf[HOME].decode()
    assert not re.search(r"<script(?![^>]* src=)|<style|style=|\son\w+=", page)


def test_every_refusal_has_both_languages_in_the_phone(shelf) -> None:
    said = json.loads(shelf["/wallet/words.json"])["refusals"]
    assert said.keys() == {one.value for one in Refusal}
    assert said["above-cap"] == {"en": Refusal.ABOVE_CAP.english, "zh": Refusal.ABOVE_CAP.chinese}


def test_every_word_is_said_in_both_languages_and_every_word_asked_for_is_there() -> None:
    texts = (WEB / "static" / "wallet" / "texts.js").read_text()
    entry = r'^  "?([\w-]+)"?: \{\s*zh: "([^"]+)",\s*en: "([^"]+)",?\s*\}'
    known = {name: (zh, en) for name, zh, en in re.findall(entry, texts, re.MULTILINE)}
    assert len(known) == texts.count("zh: ") - texts.count("// zh: ")
    for name, (zh, en) in known.items():
        assert set(re.findall(r"\{\w+\}", zh)) == set(re.findall(r"\{\w+\}", en)), name
    asked = {name for path in SCRIPTS for name in re.findall(r'\bt\("([\w-]+)"', path.read_text())}
    assert asked <= known.keys(), asked - known.keys()


def test_a_changed_file_is_another_version(shelf) -> None:
    told = shelf["/wallet/sw.js"].decode()
    version, listed = re.match(r'const VERSION = "([0-9a-f]{16})";\nconst FILES = (\[.*\]);\n', told).groups()
    assert version
    assert sorted(json.loads(listed)) == sorted(shelf.keys() - {"/wallet/sw.js"})
    assert wallet_files()["/wallet/sw.js"] == shelf["/wallet/sw.js"]


@pytest.fixture
def house(tmp_path: Path):
    clock = Clock(int(time.time()))
    with marketplace(tmp_path, clock=clock, doors=clock.now + 86_400) as market, serving(market.node) as running:
        yield market, running.url


def asked(url: str, ticket: object, key: object, event: str = EVENT) -> requests.Response:
    path = f"{url}/v1/events/{event}/tickets/{ticket}/holder"
    return requests.post(path, json={"holder_key": key}, timeout=20)


def test_pages_keep_to_their_own_origin_and_are_not_framed(house) -> None:
    _, url = house
    for path in (HOME, "/activate", "/offer", "/wallet"):
        answer = requests.get(url + path, timeout=20)
        policy = answer.headers["content-security-policy"]
        assert answer.status_code == 200
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert (answer.headers["referrer-policy"], answer.headers["cache-control"]) == ("no-referrer", "no-cache")
    for path in ("/wallet/../app.py", "/wallet/%2e%2e/account.js", "/wallet/none.js", "/wallet/vendor/README.txt"):
        assert requests.get(url + path, timeout=20).status_code == 404


def test_a_wallet_is_told_of_its_ticket_and_gets_a_fresh_certificate(house) -> None:
    market, url = house
    ada = market.person("ada")
    ada.hold_ticket(1)
    key = ada.key(1, 0).public.hex()
    answer = asked(url, 1, key)
    assert answer.headers["cache-control"] == "no-store"
    HeldTicket.model_validate_json(answer.content)
    told = answer.json()
    assert (told["seat"], told["face_value"], told["state"], told["entered"], told["deal"]) == (
        1_001, FACE, "active", None, None,
    )  # fmt: skip
    assert (told["identified"], told["terms"]["most_transfer"]) == (True, FACE)
    assert told["terms"]["freezes"] == told["event"]["doors"] - 3_600
    made = Certificate.unpack(bytes.fromhex(told["certificate"]))
    assert (made.holder_key.hex(), made.ledger_size) == (key, market.node.ledger.size)


def test_an_open_offer_and_a_cancelled_ticket_are_told(house) -> None:
    market, url = house
    ada = market.person("ada")
    ada.hold_ticket(1)
    key = ada.key(1, 0).public.hex()
    offer = {"entry": ada.offer(1, price=FACE).hex()}
    made = requests.post(f"{url}/v1/events/{EVENT}/transfers", json=offer, timeout=20).json()
    told = asked(url, 1, key).json()
    assert (told["deal"]["deal"], told["deal"]["kind"], told["deal"]["price"]) == (made["deal"], "transfer", FACE)
    set_state(market.node, EVENT, [1], "cancelled", "test")
    told = asked(url, 1, key).json()
    assert (told["state"], told["certificate"]) == ("cancelled", None)


def test_strangers_and_the_clumsy_are_told_nothing(house) -> None:
    market, url = house
    ada, eve = market.person("ada"), market.person("eve")
    ada.hold_ticket(1)
    key = eve.key(1, 0).public.hex()
    answers = [
        (asked(url, 1, key), 409, "not-yours"),
        (asked(url, 2, key), 409, "not-yours"),
        (asked(url, 2, "0" * 64), 409, "not-yours"),
        (asked(url, 99, key), 404, "unknown-ticket"),
        (asked(url, 2**32, key), 404, "unknown-ticket"),
        (asked(url, "-1", key), 404, "unknown-ticket"),
        (asked(url, 1, key, "none"), 404, "unknown-event"),
        (asked(url, 1, "00"), 400, "bad-json"),
        (asked(url, 1, 7), 400, "bad-json"),
    ]
    for answer, status, code in answers:
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert "seat" not in answer.text


def test_the_activation_token_may_come_by_a_header(house) -> None:
    _, url = house
    for headers in ({"Authorization": "Bearer " + "x" * 22}, {"Authorization": "Basic x"}, {}):
        answer = requests.get(f"{url}/v1/activation", headers=headers, timeout=20)
        assert (answer.status_code, answer.json()["code"]) == (404, "link-not-good")


def test_whom_payments_go_through_is_told(house) -> None:
    market, url = house
    assert requests.get(f"{url}/v1/provider", timeout=20).json() == {"name": "wallet", "consent": ""}
    market.node.outside = replace(market.node.outside, consent="https://wallet.example.com/agree")
    told = ProviderFacts.model_validate_json(requests.get(f"{url}/v1/provider", timeout=20).content)
    assert told.consent == "https://wallet.example.com/agree"
