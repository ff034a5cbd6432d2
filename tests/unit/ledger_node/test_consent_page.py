"""The sandbox provider's page of consent: a yes becomes a code, nobody's markup becomes ours."""

from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest
import requests

from tests.fakes.running_provider import Desk, served_provider

EVENT = "coliseum-1122"
BACK = "http://localhost:8440/agreed"


@pytest.fixture
def provider(tmp_path: Path):
    with served_provider(tmp_path) as server:
        desk = Desk(server.url)
        desk.do("accounts", account="<b>chan", deposit=500_000)
        yield server, desk
        desk.close()


def page(server, account=None, **asked):
    url = f"{server.url}/sandbox/consent?{urlencode(asked)}"
    if account is None:
        return requests.get(url, timeout=10)
    return requests.post(url, data={"account": account}, timeout=10, allow_redirects=False)


def test_a_yes_to_a_payment_leads_back_with_party_and_authorisation(provider) -> None:
    server, desk = provider
    asked = {"event": EVENT, "purpose": "pay", "most": 88_000, "back": BACK}
    shown = page(server, **asked)
    assert "880.00" in shown.text
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    said = page(server, "<b>chan", **asked)
    assert said.status_code == 303
    where, _, code = said.headers["location"].partition("#pay/")
    party, _, authorisation = code.partition(".")
    assert (where, bytes.fromhex(party)) == (BACK, desk.party("<b>chan"))
    assert authorisation.startswith("pay-")


def test_without_a_way_back_the_code_is_shown(provider) -> None:
    server, _ = provider
    assert "<code>identify-" in page(server, "<b>chan", event=EVENT, purpose="identify").text


def test_what_others_wrote_is_text(provider) -> None:
    server, _ = provider
    shown = page(server, event='"><script>', purpose="pay").text
    assert "<script>" not in shown
    assert "<b>" not in shown


def test_one_yes_is_good_for_a_payment_and_an_identity(provider) -> None:
    server, desk = provider
    asked = {"event": EVENT, "purpose": "pay", "most": 88_000, "also": "identify"}
    assert "Say who you are" in page(server, **asked).text
    said = page(server, "<b>chan", **asked, back=f"{BACK}?trip=7")
    where, _, codes = said.headers["location"].partition("#")
    given = dict(parse_qsl(codes))
    assert (where, given.keys()) == (f"{BACK}?trip=7", {"pay", "identify"})
    party, _, authorisation = given["pay"].partition(".")
    assert (bytes.fromhex(party), authorisation.partition("-")[0]) == (desk.party("<b>chan"), "pay")
    assert given["identify"].startswith("identify-")
    pay, identify = page(server, "<b>chan", **asked).text.partition("<code>")[2].partition("</code>")[0].split(" ")
    assert (".pay-" in pay, identify.startswith("identify-")) == (True, True)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"event": EVENT, "purpose": "identify", "also": "identify"},
        {"event": EVENT, "purpose": "pay", "also": "steal"},
        {"event": EVENT, "purpose": "steal"},
        {"event": EVENT, "purpose": "pay", "most": "-1"},
        {"event": EVENT, "purpose": "pay", "most": "9" * 30},
        {"event": EVENT, "purpose": "pay", "back": "javascript:alert(1)"},
        {"event": EVENT, "purpose": "pay", "back": "http://x/#y"},
        {"event": EVENT, "purpose": "pay", "back": "/agreed"},
    ],
)
def test_a_question_that_makes_no_sense_is_not_asked(provider, asked) -> None:
    server, _ = provider
    assert page(server, **asked).status_code == 400
    assert page(server, "<b>chan", **asked).status_code == 400


def test_an_account_that_is_not_there_says_nothing(provider) -> None:
    server, _ = provider
    assert page(server, "nobody", event=EVENT, purpose="pay").status_code == 404
