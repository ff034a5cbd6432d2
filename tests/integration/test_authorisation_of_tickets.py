"""The cells of the authorisation matrix whose proof is in the request itself: an entry that a key signed, a secret, a
token, a webhook's signature. Each such route is asked by each kind of caller with what proves another's things, which
changes nothing, and at last with what proves their own.
"""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from ledger_node.services import activation, resale, transfers
from ledger_node.services.activation import Ask
from ledger_node.web.authorisation import Proof
from ledger_node.web.authorisation_matrix import ROWS
from tests.fakes.deliveries import signed
from tests.fakes.everybody import Everybody, everybody
from tests.fakes.gate_client import CBOR, JSON
from tests.fakes.marketplace import EVENT, FACE, Marketplace, Person
from tests.fakes.wallet import Wallet

BASE = f"/v1/events/{EVENT}"
SECRET = b"s" * 32
ANSWER = "Z9876543"
IN_THE_REQUEST = {Proof.BODY, Proof.LINK, Proof.WEBHOOK}


@dataclass(frozen=True)
class Sent:
    """A request: its body, and the path's last names where they are the proof."""

    path: str
    body: bytes = b""
    kind: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A route with another's proof and one's own."""

    route: tuple[str, str]
    others: Sent
    own: Sent


@pytest.fixture(scope="module")
def all_of_them(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everybody]:
    with everybody(tmp_path_factory.mktemp("node")) as made:
        yield made


def entry(path: str, raw: bytes) -> Sent:
    return Sent(BASE + path, raw, CBOR)


def said(path: str, **value: object) -> Sent:
    return Sent(BASE + path, json.dumps(value).encode())


def deal_of(market: Marketplace, raw: bytes) -> bytes:
    market.node.commit([raw])
    return hashlib.sha256(raw).digest()


def of_holders(market: Marketplace, ada: Person, mallory: Person) -> Iterator[Case]:
    """Ada holds tickets 1 to 4. Mallory holds 5, and signs for Ada's with the key that he would have for them."""
    row = "/v1/events/{event}"
    for ticket in (1, 2, 3, 4):
        ada.hold_ticket(ticket)
    mallory.hold_ticket(5)
    yield Case(
        ("POST", f"{row}/tickets/{{index}}/holder"),
        said("/tickets/1/holder", holder_key=mallory.key(5, 0).public.hex()),
        said("/tickets/1/holder", holder_key=ada.key(1, 0).public.hex()),
    )
    yield Case(
        ("POST", f"{row}/transfers"),
        said("/transfers", entry=mallory.offer(1).hex()),
        said("/transfers", entry=ada.offer(1).hex()),
    )
    offer, listing = deal_of(market, ada.offer(2)), deal_of(market, ada.listing(3))
    cancel, unlist = f"/transfers/{offer.hex()}/cancel", f"/listings/{listing.hex()}/unlist"
    yield Case(
        ("POST", f"{row}/transfers/{{deal}}/cancel"),
        entry(cancel, mallory.cancel(2, 0, offer)),
        entry(cancel, ada.cancel(2, 0, offer)),
    )
    yield Case(("POST", f"{row}/listings"), entry("/listings", mallory.listing(4)), entry("/listings", ada.listing(4)))
    yield Case(
        ("POST", f"{row}/listings/{{deal}}/unlist"),
        entry(unlist, mallory.unlist(3, 0, listing)),
        entry(unlist, ada.unlist(3, 0, listing)),
    )


def of_recipients(market: Marketplace, ada: Person, ben: Person, mallory: Person) -> Iterator[Case]:
    """Ada offers tickets 6 to 8 to Ben, and lists 9, which Ben is buying."""
    row, node = "/v1/events/{event}", market.node
    for ticket in (6, 7, 8, 9):
        ada.hold_ticket(ticket)
    first, second, third = (deal_of(market, ada.offer(ticket, price=FACE)) for ticket in (6, 7, 8))
    paid = {"payer": ben.party.hex(), "authorisation": ben.agree(), "key": ben.key(6, 1).public.hex()}
    checkout = f"/transfers/{first.hex()}/checkout"
    yield Case(
        ("POST", f"{row}/transfers/{{deal}}/checkout"),
        said(checkout, **paid, secret=(b"x" * 32).hex()),
        said(checkout, **paid, secret=SECRET.hex()),
    )
    ready = transfers.checkout(node, EVENT, second, SECRET, ben.newcomer(7, 1))
    accept, reject = f"/transfers/{second.hex()}/accept", f"/transfers/{third.hex()}/reject"
    yield Case(
        ("POST", f"{row}/transfers/{{deal}}/accept"),
        entry(accept, mallory.signs(ready)),
        entry(accept, ben.signs(ready)),
    )
    yield Case(
        ("POST", f"{row}/transfers/{{deal}}/reject"),
        entry(reject, mallory.reject(8, third, b"x" * 32)),
        entry(reject, ben.reject(8, third)),
    )
    listing = deal_of(market, ada.listing(9))
    buying = resale.checkout(node, EVENT, listing, ben.newcomer(9, 1))
    buy = f"/listings/{listing.hex()}/buy"
    yield Case(
        ("POST", f"{row}/listings/{{deal}}/buy"), entry(buy, mallory.signs(buying)), entry(buy, ben.signs(buying))
    )


def of_buyers(all_of_them: Everybody, ben: Person, mallory: Person) -> Iterator[Case]:
    """Ben keeps seats 20 and 21; he identifies himself by a provider's yes. Mallory has another hold, and no yes."""
    row, public = "/v1/events/{event}", all_of_them.named("public")

    def keep(ticket: int) -> str:
        body = json.dumps({"tickets": [ticket]}).encode()
        return str(public.ask("POST", f"{BASE}/holds", body, Content_Type=JSON).json()["hold"])

    paying, leaving = keep(20), keep(21)
    for act, hold, body in (
        ("pay", paying, {"payer": ben.party.hex(), "authorisation": ben.agree(), "eticket": False}),
        ("release", leaving, {}),
    ):
        wrong = hold[:-1] + ("A" if hold[-1] != "A" else "B")
        yield Case(
            ("POST", f"{row}/holds/{{hold}}/{act}"),
            said(f"/holds/{wrong}/{act}", **body),
            said(f"/holds/{hold}/{act}", **body),
        )
    given = ben.consent(ben.key(1, 1))
    about = {"key": ben.key(1, 1).public.hex(), "level": 0, "authorisation": given.authorisation}
    stolen = mallory.key(1, 1).sign(b"ben's")
    yield Case(
        ("POST", f"{row}/identities"),
        said("/identities", **about, proof=stolen.hex()),
        said("/identities", **about, proof=given.proof.hex()),
    )


def of_links_and_feeds(market: Marketplace) -> Iterator[Case]:
    """Two links, for reading and for using, each with its token in a header and in the path; and a webhook."""
    node, row = market.node, "/v1/activation"
    for ticket, in_path in ((40, False), (41, True)):
        person = node.vault.add({"email": f"{ticket}@example.com"}, node.seconds)
        token = activation.prepare(node, Ask(EVENT, (ticket,), f"HK-{ticket}", person, "HKID?", ANSWER)).token
        wallet = Wallet(market.person("cat").key(ticket, 0))
        held = {"ticket": ticket, "holder_key": wallet.public.hex(), "proof": wallet.proof(EVENT, ticket).hex()}
        body = json.dumps({"answer": ANSWER, "keys": [held]}).encode()
        wrong = token[:-1] + ("A" if token[-1] != "A" else "B")
        for method, given in (("GET", b""), ("POST", body)):
            others, own = (
                Sent(f"{row}/{one}", given) if in_path else Sent(row, given, headers={"Authorization": f"Bearer {one}"})
                for one in (wrong, token)
            )
            yield Case((method, f"{row}/{{token}}" if in_path else row), others, own)
    order = {"number": "W-1", "event": EVENT, "tickets": [50], "eticket": False, "price_cents": FACE}
    body = json.dumps({"orders": [order]}).encode()
    others, own = (
        Sent(f"{BASE}/orders", body, headers=signed(body, key, time.time())) for key in (b"x" * 32, b"k" * 32)
    )
    yield Case(("POST", "/v1/events/{event}/orders"), others, own)


def test_what_is_proved_in_the_request_is_taken_from_whom_it_proves_and_no_other(all_of_them: Everybody) -> None:
    market = all_of_them.market
    ada, ben, mallory = (market.person(name) for name in ("ada", "ben", "mallory"))
    cases = [
        *of_holders(market, ada, mallory),
        *of_recipients(market, ada, ben, mallory),
        *of_buyers(all_of_them, ben, mallory),
        *of_links_and_feeds(market),
    ]
    assert {case.route for case in cases} == {key for key, row in ROWS.items() if row.proof in IN_THE_REQUEST}
    taken, size = [], market.node.ledger.size
    for case in cases:
        for asker in all_of_them.askers:
            sent = case.others
            answer = asker.ask(case.route[0], sent.path, sent.body, Content_Type=sent.kind, **sent.headers)
            if not 400 <= answer.status_code < 500:
                taken.append((case.route, asker.name, answer.status_code, answer.text[:200]))
    assert taken == []
    assert market.node.ledger.size == size, "nothing was written"
    refused = []
    for case in cases:
        sent = case.own
        answer = all_of_them.named("public").ask(
            case.route[0], sent.path, sent.body, Content_Type=sent.kind, **sent.headers
        )
        if answer.status_code not in {200, 201} or answer.headers.get("Cache-Control") != "no-store":
            refused.append((case.route, answer.status_code, answer.text[:200]))
    assert [(one[0][1], one[1:]) for one in refused] == []


def test_an_invitation_is_for_whom_has_it(all_of_them: Everybody) -> None:
    for asker in all_of_them.askers:
        body = json.dumps({"token": "x" * 22}).encode()
        answer = asker.ask("POST", "/v1/accounts/join/begin", body, Content_Type=JSON)
        assert answer.status_code == 403, asker.name
        assert answer.json()["code"] == ("invitation" if asker.page else "cross-site"), asker.name
