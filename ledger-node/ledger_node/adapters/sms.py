"""SMS through a gateway's HTTP API, whichever it is: its address, field names and way of authentication are settings.

POST, in JSON or as a form; the message's key goes along as idempotency key, so that a try after a lost answer is not a
second SMS at gateways that know one. An answer of 2xx is "taken", of 408, 425, 429 or 5xx "later", any other "never".
Gateways repeat the number in what they answer, so no answer is quoted in a reason or an error.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

from ledger_node import spelling
from ledger_node.adapters.delivery import DeliveryError, NotSent, Sent
from ledger_node.adapters.exchange import Answer, HttpDoor, HttpError, Limits
from ledger_node.adapters.retry import Patience
from ledger_node.strict_json import NotJson, parse_json

Encoding = Literal["json", "form"]
MOST_TEXT = 670
"""Characters: ten parts of an SMS in UCS-2."""
_LATER = frozenset({408, 425, 429})
_PLACEHOLDER = re.compile(r"\{(to|text|key|sender)\}")
_ID = re.compile(r"[!-~]{1,128}")
_KEY = re.compile(r"[A-Za-z0-9._:-]{1,64}")


@dataclass(frozen=True, slots=True)
class SmsGateway:
    """A gateway's settings. `fields` are what is posted: {to}, {text}, {key} and {sender} are filled in.

    `authorization` is the whole value of that header ("Bearer ...", or `basic(user, password)`); `id_field` names the
    field of a JSON answer that holds the gateway's id of the message; `accepted` names a field of it and the value that
    it must have, for gateways that say 200 to everything; `plus` False sends numbers without their +.
    """

    url: str
    sender: str = "TicketME"
    fields: Mapping[str, str] = field(default_factory=lambda: {"to": "{to}", "text": "{text}", "from": "{sender}"})
    encoding: Encoding = "json"
    authorization: str = field(default="", repr=False)
    idempotency_header: str = "Idempotency-Key"
    id_field: str = "id"
    accepted: tuple[str, str] | None = None
    plus: bool = True
    ca: str | None = None
    limits: Limits = field(default_factory=lambda: Limits(within=10.0))


def basic(user: str, password: str) -> str:
    """The Authorization of user and password (RFC 7617)."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


class SmsSender:
    """Sends through one gateway; any thread may call. Raises BadAddressError for a gateway that cannot be used."""

    def __init__(self, gateway: SmsGateway, patience: Patience) -> None:
        self._gateway = gateway
        self._patience = patience
        self._door = HttpDoor(gateway.url, gateway.limits, gateway.ca)

    def send(self, number: str, text: str, key: str) -> Sent | NotSent:
        """Send `text` to `number`. `key` names this message for good: the same key is the same SMS.

        Raises DeliveryError after the last try, with what went wrong then.
        """
        to = spelling.phone(number)
        if to is None:
            return NotSent("this is no telephone number")
        if not 0 < len(text) <= MOST_TEXT:
            return NotSent(f"a text of 1 to {MOST_TEXT} characters is needed, this has {len(text)}")
        if not _KEY.fullmatch(key):
            raise ValueError("a message's key has 1 to 64 letters, digits and . _ : -")
        headers, body = self._request(to, text, key)
        problem = ""
        for _ in self._patience.attempts():
            try:
                answer = self._door.ask("POST", "", headers, body)
            except HttpError as error:
                problem = str(error)
                continue
            if not _later(answer.status):
                return self._outcome(answer)
            problem = f"the SMS gateway answers {answer.status}"
        raise DeliveryError(f"{problem}: send it again later")

    def close(self) -> None:
        """Hang up."""
        self._door.close()

    def _request(self, to: str, text: str, key: str) -> tuple[dict[str, str], bytes]:
        gateway = self._gateway
        number = to if gateway.plus else to.removeprefix("+")
        given = {"to": number, "text": text, "key": key, "sender": gateway.sender}
        values = {
            name: _PLACEHOLDER.sub(lambda match: given[match[1]], template) for name, template in gateway.fields.items()
        }
        headers = {gateway.idempotency_header: key} if gateway.idempotency_header else {}
        if gateway.authorization:
            headers["Authorization"] = gateway.authorization
        if gateway.encoding == "form":
            return {**headers, "Content-Type": "application/x-www-form-urlencoded"}, urlencode(values).encode()
        return {**headers, "Content-Type": "application/json"}, json.dumps(values, ensure_ascii=False).encode()

    def _outcome(self, answer: Answer) -> Sent | NotSent:
        if not 200 <= answer.status < 300:
            return NotSent(f"the SMS gateway refuses it ({answer.status}): check the number and the gateway's settings")
        told = _told(answer.body)
        accepted = self._gateway.accepted
        if accepted and str(told.get(accepted[0])) != accepted[1]:
            return NotSent(f"the SMS gateway does not accept it ({accepted[0]} is not {accepted[1]})")
        found = told.get(self._gateway.id_field)
        return Sent(str(found) if _ID.fullmatch(str(found)) and isinstance(found, str | int) else "")


def _later(status: int) -> bool:
    return status in _LATER or 500 <= status < 600


def _told(body: bytes) -> dict[str, Any]:
    """The answer's fields if it has any: that the message was taken is said by the status."""
    try:
        value = parse_json(body)
    except NotJson:
        return {}
    return value if isinstance(value, dict) else {}
