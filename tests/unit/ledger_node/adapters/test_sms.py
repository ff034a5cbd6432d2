"""SMS through a gateway: posted as its settings say, tried again only when that may help, sent once by its key."""

import json
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs

import pytest

from ledger_node.adapters.delivery import DeliveryError, NotSent, Sent
from ledger_node.adapters.exchange import BadAddressError, Limits
from ledger_node.adapters.retry import Patience
from ledger_node.adapters.sms import MOST_TEXT, SmsGateway, SmsSender, basic
from tests.fakes import outside
from tests.fakes.outside import Asked, Fault, Outside, Reply

NUMBER, TEXT = "9123 4567", "「海港之夜」電子門票 https://t.example/a/1"


class Gateway:
    """Keeps what it sent by idempotency key, as gateways do."""

    def __init__(self) -> None:
        self.status = 202
        self.sent: dict[str, bytes] = {}

    def answer(self, asked: Asked) -> Reply:
        if self.status < 300:
            self.sent.setdefault(asked.headers["Idempotency-Key"], asked.body)
        about = {"id": f"sms-{len(self.sent)}", "status": "queued", "to": "+85291234567"}
        return self.status, {"Content-Type": "application/json"}, json.dumps(about).encode()


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
def there(gateway: Gateway) -> Iterator[Outside]:
    with Outside(gateway.answer) as server:
        yield server


Sender = Callable[..., SmsSender]


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def sender(there: Outside, pauses: list[float]) -> Iterator[Sender]:
    made: list[SmsSender] = []

    def make(**settings: object) -> SmsSender:
        limits = Limits(connect=1.0, within=0.3, most=10_000)
        gateway = SmsGateway(**{"url": f"{there.url}/v2/sms", "limits": limits, **settings})  # type: ignore[arg-type]
        made.append(SmsSender(gateway, Patience(pauses.append, lambda: 0.0, tries=3)))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_message_is_posted_as_the_gateway_wants_it(there: Outside, sender: Sender) -> None:
    sms = sender(
        fields={"recipient": "{to}", "message": "{text}", "ref": "{key}", "channel": "A2P", "from": "{sender}"},
        authorization=basic("ticketme", "secret"),
        plus=False,
    )
    assert sms.send(NUMBER, TEXT, "act:77") == Sent("sms-1")
    (asked,) = there.asked
    assert (asked.method, asked.path) == ("POST", "/v2/sms")
    assert asked.headers["Authorization"] == "Basic dGlja2V0bWU6c2VjcmV0"
    assert asked.headers["Content-Type"] == "application/json"
    assert json.loads(asked.body) == {
        "recipient": "85291234567",
        "message": TEXT,
        "ref": "act:77",
        "channel": "A2P",
        "from": "TicketME",
    }


def test_a_gateway_that_takes_forms_gets_a_form(there: Outside, sender: Sender) -> None:
    sender(encoding="form").send(NUMBER, "a&b=c {to}", "k")
    assert parse_qs(there.asked[0].body.decode()) == {
        "to": ["+85291234567"],
        "text": ["a&b=c {to}"],
        "from": ["TicketME"],
    }


@pytest.mark.parametrize("fault", [*outside.NO_GOOD_ANSWER, outside.bad_gateway])
def test_a_lost_answer_is_one_sms(gateway: Gateway, there: Outside, sender: Sender, fault: Fault) -> None:
    def carried_out_first(exchange: outside.Exchange) -> None:
        gateway.answer(exchange.asked)
        fault(exchange)

    there.faults.append(carried_out_first)
    assert sender().send(NUMBER, TEXT, "act:77") == Sent("sms-1")
    assert len(there.asked) == 2
    assert list(gateway.sent) == ["act:77"]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_later_means_trying_again_with_longer_pauses(
    gateway: Gateway, there: Outside, sender: Sender, pauses: list[float], status: int
) -> None:
    gateway.status = status
    with pytest.raises(DeliveryError, match=str(status)):
        sender().send(NUMBER, TEXT, "k")
    assert len(there.asked) == 3
    assert pauses == [0.25, 0.5]


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 422])
def test_never_means_trying_once(gateway: Gateway, there: Outside, sender: Sender, status: int) -> None:
    gateway.status = status
    outcome = sender().send(NUMBER, TEXT, "k")
    assert isinstance(outcome, NotSent)
    assert str(status) in outcome.reason
    assert len(there.asked) == 1


def test_a_gateway_that_says_200_to_everything_is_asked_what_it_means(there: Outside, sender: Sender) -> None:
    assert isinstance(sender(accepted=("status", "queued")).send(NUMBER, TEXT, "k"), Sent)
    refused = sender(accepted=("status", "ok")).send(NUMBER, TEXT, "k")
    assert refused == NotSent("the SMS gateway does not accept it (status is not ok)")
    there.faults.append(outside.maintenance_page)
    assert isinstance(sender(accepted=("status", "queued")).send(NUMBER, TEXT, "k"), NotSent)


def test_an_answer_without_an_id_is_still_taken(there: Outside, sender: Sender) -> None:
    for body in (b"", b"OK", b"[]", b'{"id": null}', b'{"id": true}', b'{"id": "a b"}', b"[" * 9000):
        there.answer = lambda _, body=body: (200, {}, body)
        assert sender().send(NUMBER, TEXT, "k").__class__ is Sent


@pytest.mark.parametrize(
    ("number", "text"), [("12345678", TEXT), ("", TEXT), (NUMBER, ""), (NUMBER, "x" * (MOST_TEXT + 1))]
)
def test_what_cannot_be_sent_is_not_asked_for(there: Outside, sender: Sender, number: str, text: str) -> None:
    assert isinstance(sender().send(number, text, "k"), NotSent)
    assert there.asked == []


def test_a_key_that_is_no_header_is_a_mistake_of_ours(sender: Sender) -> None:
    with pytest.raises(ValueError, match="key"):
        sender().send(NUMBER, TEXT, "k\r\nX: y")


def test_nothing_that_may_be_logged_holds_number_text_or_password(gateway: Gateway, sender: Sender) -> None:
    gateway.status = 400
    refused = sender(authorization="Bearer canary-secret")
    said = [repr(refused.send("91234567", "canary-text", "k"))]
    gateway.status = 500
    with pytest.raises(DeliveryError) as caught:
        refused.send("91234567", "canary-text", "k")
    said += [str(caught.value), repr(SmsGateway("https://x.example", authorization="Bearer canary-secret"))]
    assert not [text for text in said if "91234567" in text or "canary" in text]


def test_a_gateway_in_the_clear_is_refused_when_it_is_set_up() -> None:
    with pytest.raises(BadAddressError):
        SmsSender(SmsGateway("http://gateway.example/send"), Patience(lambda _: None, lambda: 0.0))
