"""Every path of the API against the clumsy and the malicious: bodies of another type, bodies without an end, other
people's things, and guessing, which is slowed down and learns nothing.
"""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import requests

from ledger_node.cli.operator import operator
from ledger_node.services import activation, sponsors
from ledger_node.services.activation import Ask
from ledger_node.services.devices import make_code
from tests.fakes.api_house import ANSWER, SITE, House, open_house
from tests.fakes.gate_client import GateClient
from tests.fakes.marketplace import EVENT
from tests.fakes.people_client import Browser
from tests.fakes.staffed_node import BY

HUGE = 9 << 20


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as made:
        yield made


def taking(house: House) -> Iterator[tuple[str, str, str]]:
    """Each operation that takes a body: method, path with names of things that are there, the body's type."""
    for path, operations in requests.get(f"{house.url}/openapi.json", timeout=20).json()["paths"].items():
        for method, operation in operations.items():
            if "requestBody" in operation:
                (kind,) = operation["requestBody"]["content"]
                named = {name: quote(str(values[0])) for name, values in house.things.named.items()}
                yield method.upper(), path.format(**named), kind


def test_a_body_of_another_type_is_refused_everywhere(house: House) -> None:
    told = {}
    for method, path, kind in taking(house):
        for other in ("text/plain", "application/x-www-form-urlencoded", kind + "x"):
            headers = {"Content-Type": other}
            made = requests.Request(method, house.url + path, headers=headers, data=b"{}").prepare()
            house.insider(made)
            with requests.Session() as session:
                answer = session.send(made, timeout=20)
            told[method, path, other] = (answer.status_code, answer.json().get("code"))
    assert len(told) > 75
    assert {key: value for key, value in told.items() if value != (415, "wrong-type")} == {}


def test_an_oversized_body_is_refused_everywhere_before_it_is_read(house: House) -> None:
    told = {}
    for method, path, kind in taking(house):
        with closing(http.client.HTTPConnection(urlsplit(house.url).netloc, timeout=20)) as wire:
            headers = {**house.ops.headers, "Cookie": house.ops.cookie, "Content-Type": kind, "Content-Length": HUGE}
            wire.request(method, path, headers={name: str(value) for name, value in headers.items()})
            answer = wire.getresponse()
            told[method, path] = (answer.status, json.loads(answer.read()).get("code"))
    assert len(told) > 25
    assert {key: value for key, value in told.items() if value != (413, "too-large")} == {}


def test_things_of_others_cannot_be_told_from_things_that_are_not(house: House) -> None:
    """A sponsor's desk asks for another sponsor's guests, for accounts and for links."""
    sponsors.add(house.market.node, EVENT, "airline")
    with operator(house.home) as node:
        made = node.do("accounts-invite", role="sponsor", name="Desk two", organisation="airline")
    with closing(Browser(house.url, SITE)) as desk:
        assert desk.join(made["link"]).status_code == 200
        base = f"/v1/events/{EVENT}/sponsors"
        assert desk.ask("GET", f"{base}/airline").status_code == 200
        for act, body in (("guests", {"guests": [{"email": "a@example.com", "phone": "91230001"}]}), ("recall", {})):
            theirs, nobodys = (desk.ask("POST", f"{base}/{name}/{act}", body) for name in ("bank", "none"))
            assert (theirs.status_code, theirs.json()["code"]) == (404, "unknown-actor")
            assert theirs.text == nobodys.text.replace("none", "bank")
        link = house.things.named["link"][0]
        forbidden = [
            desk.ask("GET", f"/v1/activations/{EVENT}"),
            desk.ask("POST", f"/v1/activations/{link}/unlock", {}),
            desk.ask("POST", f"/v1/activations/{link}/revoke", {}),
            desk.get(""),
            desk.get("/trail"),
            desk.post(f"/{house.things.named['account'][0]}/revoke", {}),
        ]
        assert {(answer.status_code, answer.json()["code"]) for answer in forbidden} == {(403, "forbidden")}
    assert [one.state for one in house.market.node.activations.of_event(EVENT)] == ["open"]


def test_a_device_learns_nothing_of_another_event(house: House) -> None:
    for event in ("other", "harbour-nights-2", "%00"):
        answer = house.gate.ask("GET", f"/v1/events/{event}/changes?from=0")
        assert (answer.status, answer.json["code"]) == (404, "other-event")


def test_guessed_used_and_expired_enrolment_codes_are_refused_alike_and_a_right_one_is_taken(house: House) -> None:
    """Twenty guesses from the hall's one address must not keep its spare gate out."""
    node = house.market.node
    used, expired = make_code(node, EVENT, "R1").text(), make_code(node, EVENT, "R1", -10).text()
    guessed = "AAAA-AAAA" + used[9:]
    good = make_code(node, EVENT, "R1").text()
    answers = []
    for code in (used, used, expired, *[guessed] * 18, good, guessed):
        with closing(GateClient(house.url, node.keys.node.public, EVENT)) as stranger:
            answer = stranger.enrol(code)
            answers.append((answer.status, answer.json.get("code"), answer.json.get("detail")))
    assert answers[0][0] == 200
    assert len(set(answers[1:21])) == 1
    assert answers[1][:2] == (403, "code-refused")
    assert answers[21][0] == 200
    assert good not in json.dumps(answers)


def test_guessed_used_revoked_and_expired_links_are_refused_alike_and_a_good_one_opens(house: House) -> None:
    """However many others guess behind the same address: it may be a hall's Wi-Fi."""
    node = house.market.node
    person = node.vault.add({"email": "b@example.com"}, node.seconds)
    tokens = []
    for ticket, life in ((20, -10), (21, 600), (22, 600)):
        made = activation.prepare(node, Ask(EVENT, (ticket,), "HK-0002", person, "HKID?", ANSWER), life)
        tokens.append(made.token)
        if ticket == 21:
            activation.revoke(node, made.link, BY)
    good = tokens.pop()
    with closing(Browser(house.url, SITE, address="198.51.100.7")) as guesser:
        answers = [
            guesser.ask("GET", f"/v1/activation/{token}") for token in [*tokens, *(f"{n:022d}" for n in range(28))]
        ]
        assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}
        refused = guesser.ask("GET", f"/v1/activation/{'9' * 22}")
        assert (refused.status_code, refused.json()["code"]) == (429, "too-many-tries")
        assert 0 < int(refused.headers["retry-after"]) <= 600
        assert guesser.ask("GET", f"/v1/activation/{good}").status_code == 200
