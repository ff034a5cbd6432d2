"""The wallet provider at its worst: whatever is lost, doubled, late or made up, money moves once or not at all."""

import base64
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ledger_node.adapters.provider import Declined, ProviderError, WalletProvider
from ledger_node.adapters.provider_orders import Hold
from ledger_node.contract.provider import Money, seal_receipt
from scanner.verify.httpsig import sign_response
from scanner.verify.keys import SigningKey
from tests.fakes import outside
from tests.fakes.outside import Asked, Fault, Outside, Reply
from tests.fakes.running_provider import (
    EVENT,
    Bench,
    bench,
    capture,
    client_of,
    free_port,
    served_provider,
)

KEY = SigningKey(b"the scripted provider's own key!")
ORDER = Hold("h1", EVENT, 500, "HKD", "canary-consent", 2_000_000_000, bytes([7]) * 32)
FIELDS = {
    "provider": "sandbox", "kind": "hold", "event": EVENT, "reference": "h1", "at": 1_795_000_000, "amount": 500,
    "currency": "HKD", "payer": ORDER.payer, "until": ORDER.until,
}  # fmt: skip


def done(key: SigningKey = KEY, **changes: object) -> dict[str, object]:
    raw = seal_receipt({**FIELDS, **changes}, key)
    return {"status": "done", "reference": "h1", "receipt": base64.b64encode(raw).decode()}


class Scripted:
    """A provider that remembers what it did, and says what it is told to say."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.says: list[object] = []
        self.status = 200
        self.key = KEY
        self.question: str | None = None

    def answer(self, asked: Asked) -> Reply:
        if self.says:
            said = self.says.pop(0)
        elif asked.method == "POST":
            if not self.did:
                self.did.append(json.loads(asked.body)["reference"])
            said = done()
        else:
            said = done() if self.did else {"status": "unknown", "reference": "h1"}
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        question = self.question or asked.headers["Signature"]
        fields = sign_response(
            self.status, {"Content-Type": "application/json"}, body, self.key, KEY.public.hex(), 1, question
        )
        return self.status, fields, body


@pytest.fixture
def provider() -> Scripted:
    return Scripted()


@pytest.fixture
def there(provider: Scripted) -> Iterator[Outside]:
    with Outside(provider.answer) as server:
        yield server


@pytest.fixture
def client(there: Outside) -> Iterator[WalletProvider]:
    made = client_of(there.url, KEY.public, within=0.3)
    yield made
    made.close()


@pytest.mark.parametrize("fault", [*outside.NO_GOOD_ANSWER, outside.bad_gateway, outside.maintenance_page])
@pytest.mark.parametrize("carried_out", [True, False])
def test_a_lost_answer_is_resolved_by_asking(
    provider: Scripted, there: Outside, client: WalletProvider, fault: Fault, carried_out: bool
) -> None:
    def lose(exchange: outside.Exchange) -> None:
        if carried_out:
            provider.answer(exchange.asked)
        fault(exchange)

    there.faults.append(lose)
    assert isinstance(client.do(ORDER), Money)
    assert [asked.method for asked in there.asked] == ["POST", "GET"] + ["POST"] * (not carried_out)
    assert provider.did == ["h1"]


def test_the_answer_to_the_question_may_be_lost_too(provider: Scripted, there: Outside, client: WalletProvider) -> None:
    def lose(exchange: outside.Exchange) -> None:
        provider.answer(exchange.asked)

    there.faults.extend([lose, outside.silent, outside.cut_off])
    assert isinstance(client.do(ORDER), Money)
    assert [asked.method for asked in there.asked] == ["POST", "GET", "GET", "GET"]


def test_an_outcome_that_stays_unknown_is_said_to_be(there: Outside, client: WalletProvider) -> None:
    there.faults.extend([outside.cut_off] * 4)
    with pytest.raises(ProviderError, match=r"hold h1: 127\.0\.0\.1 broke the connection off") as caught:
        client.do(ORDER)
    assert "canary" not in str(caught.value) + repr(ORDER)
    assert isinstance(client.do(ORDER), Money), "and the same order settles it later"


def test_an_order_that_reached_nobody_is_sent_again_without_asking() -> None:
    client = client_of(f"http://127.0.0.1:{free_port()}", KEY.public)
    with pytest.raises(ProviderError, match="cannot be reached"):
        client.do(ORDER)


@pytest.mark.parametrize(
    "said",
    [
        b"", b"[]", b"null", b"[" * 5000, b"\xff", {"status": "done"}, {"status": "done", "reference": "h1"},
        {"reference": "h1"}, {"status": "gone", "reference": "h1"}, {"status": "unknown", "reference": "h1"},
        {"status": "done", "reference": "h1", "receipt": 7}, {"status": "done", "reference": "h1", "receipt": "!"},
        {"status": "done", "reference": "h1", "receipt": "AAAA"}, {**done(), "reference": "h2"},
        done(amount=501), done(currency="CNY"), done(payer=bytes(32)), done(until=1), done(event="other"),
        done(reference="h2"), done(provider="another"), done(SigningKey(bytes(32))),
    ],
)  # fmt: skip
def test_a_receipt_for_anything_but_the_order_is_no_receipt(
    provider: Scripted, client: WalletProvider, said: object
) -> None:
    provider.says = [said] * 8
    with pytest.raises(ProviderError):
        client.do(ORDER)


def test_shares_or_a_hold_that_were_not_ordered_are_no_receipt(provider: Scripted, client: WalletProvider) -> None:
    a, b = bytes([1]) * 32, bytes([2]) * 32
    fields = {name: value for name, value in FIELDS.items() if name != "until"} | {"kind": "capture", "of": "h1"}
    for shares, of in [([[a, 499], [b, 1]], "h1"), ([[b, 500]], "h1"), ([[a, 500]], "h2")]:
        raw = seal_receipt({**fields, "shares": shares, "of": of, "reference": "c1"}, KEY)
        provider.says = [{"status": "done", "reference": "c1", "receipt": base64.b64encode(raw).decode()}]
        with pytest.raises(ProviderError, match="something else"):
            client.do(capture("c1", "h1", (a, 500)))


def test_an_answer_by_another_key_or_to_another_question_is_not_believed(
    provider: Scripted, client: WalletProvider
) -> None:
    provider.key = SigningKey(bytes(32))
    with pytest.raises(ProviderError, match="did not sign"):
        client.do(ORDER)
    provider.key, provider.question = KEY, f"gate=:{base64.b64encode(bytes(64)).decode()}:"
    with pytest.raises(ProviderError, match="did not sign"):
        client.do(ORDER)


@pytest.mark.parametrize(("status", "times"), [(422, 1), (401, 1), (409, 1), (429, 4), (500, 4), (503, 4)])
def test_what_will_not_get_better_is_not_tried_again(
    provider: Scripted, there: Outside, client: WalletProvider, status: int, times: int
) -> None:
    provider.status = status
    provider.says = [{"code": "no", "detail": "canary"}] * 8
    with pytest.raises(ProviderError, match=f"answers {status} no") as caught:
        client.do(ORDER)
    assert len(there.asked) == times
    assert "canary" not in str(caught.value)


# The sandbox's own faults, over real connections


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Bench]:
    with served_provider(tmp_path) as server, bench(server.url, within=0.3) as made:
        yield made


@pytest.mark.parametrize("faults", ["lost", "twice", "lost/2,twice/3", "slow/2"])
def test_with_answers_lost_late_or_doubled_money_moves_once(sandbox: Bench, faults: str) -> None:
    desk = sandbox.desk
    buyer, seller = desk.account("buyer", 1_000), desk.account("seller")
    desk.do("faults", faults=faults, delay_ms=600)
    for number in range(5):
        hold = desk.hold("buyer", f"h{number}", 100, payer=buyer)
        assert isinstance(sandbox.client.do(hold), Money)
        assert isinstance(sandbox.client.do(capture(f"c{number}", f"h{number}", (seller, 100))), Money)
    assert desk.do("accounts") == {"buyer": 500, "seller": 500}
    assert desk.do("books")["balanced"]


def test_a_refusal_moves_nothing_and_is_switched_off_again(sandbox: Bench) -> None:
    desk = sandbox.desk
    desk.account("buyer", 1_000)
    order = desk.hold("buyer", "h1", 100)
    desk.do("faults", faults="refuse")
    assert sandbox.client.do(order) == Declined("declined", "the provider declines this")
    desk.do("faults", faults="")
    assert desk.do("accounts") == {"buyer": 1_000}
    assert isinstance(sandbox.client.do(desk.hold("buyer", "h1-2", 100)), Money)


def test_senders_that_dawdle_or_flood_do_not_stop_the_provider(sandbox: Bench) -> None:
    wire = outside_wire(sandbox.url)
    wire.sendall(b"POST /v1/hold HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx")
    flood = outside_wire(sandbox.url)
    flood.sendall(b"POST /v1/hold HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")
    assert flood.recv(100).startswith(b"HTTP/1.1 413")
    sandbox.desk.account("buyer", 5)
    assert isinstance(sandbox.client.do(sandbox.desk.hold("buyer", "h1", 5)), Money)
    wire.close()
    flood.close()


def outside_wire(url: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), 5)
