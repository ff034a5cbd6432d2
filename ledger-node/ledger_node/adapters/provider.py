"""The wallet provider (an SVF licensee stands behind this port), as the ledger node asks it: to hold, capture, release
and refund money, and to attest who is behind a key. HTTP with signed messages both ways (RFC 9421).

Every order has a reference, which counts once at the provider; so an order may be sent again for as long as it takes.
When no good answer came, the provider is first asked what it did under that reference, and the order is sent again only
if it never arrived. What comes back is a receipt that the provider signed and that says exactly what was ordered; or a
refusal, which is a value, final for its reference. Nothing is stored here: what must survive a crash is the caller's
order, written down before `do` is called.
"""

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ledger_node.adapters.exchange import Answer, HttpDoor, HttpError, Limits
from ledger_node.adapters.provider_orders import Attest, Order, Transaction
from ledger_node.adapters.retry import Patience
from ledger_node.contract.provider import Attestation, Money, Receipt, open_receipt, signed_by
from ledger_node.strict_json import NotJson, parse_json
from scanner.verify.entry import Malformed
from scanner.verify.httpsig import Refused, sign_request, verify_response
from scanner.verify.keys import SigningKey

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """Which provider: its address, the name on its receipts, and the key that signs its answers and receipts.

    `consent` is its page on which people say yes, or nothing if they do that in its app alone.
    """

    url: str
    name: str
    public_key: bytes
    ca: str | None = None
    limits: Limits = Limits()  # noqa: RUF009 - frozen
    consent: str = ""


@dataclass(frozen=True, slots=True)
class Declined:
    """The provider does not carry the order out, now or under this reference ever. `code` is the provider's, stable."""

    code: str
    detail: str


class ProviderError(Exception):
    """Nobody can say what became of the order. Send the very same order again later; the text may be logged."""


class _NoGoodAnswerError(Exception):
    """This exchange brought nothing. `sent`: the order may have arrived. `final`: asking again will not help."""

    def __init__(self, sentence: str, *, sent: bool = True, final: bool = False) -> None:
        super().__init__(sentence)
        self.sent = sent
        self.final = final


class WalletProvider:
    """The client; any thread may call. `now` is unix seconds, `nonce` draws a random text for each request."""

    def __init__(
        self,
        settings: ProviderSettings,
        key: SigningKey,
        now: Callable[[], float],
        nonce: Callable[[], str],
        patience: Patience,
    ) -> None:
        self._settings = settings
        self._key = key
        self._now = now
        self._nonce = nonce
        self._patience = patience
        self._door = HttpDoor(settings.url, settings.limits, settings.ca)

    def close(self) -> None:
        """Hang up."""
        self._door.close()

    def do(self, order: Transaction) -> Money | Declined:
        """Move money. Raises ProviderError when its outcome stays unknown."""
        outcome = self._carried_out(order)
        assert not isinstance(outcome, Attestation), "`matches` lets no other receipt through"
        return outcome

    def attest(self, order: Attest) -> Attestation | Declined:
        """Have the person behind a key identified. Raises ProviderError."""
        outcome = self._carried_out(order)
        assert not isinstance(outcome, Money), "`matches` lets no other receipt through"
        return outcome

    def status(self, order: Order) -> Receipt | Declined | None:
        """What the provider did about an order; None if it never arrived. One exchange. Raises ProviderError."""
        try:
            return self._asked(order)
        except _NoGoodAnswerError as error:
            raise ProviderError(str(error)) from error

    def _carried_out(self, order: Order) -> Receipt | Declined:
        arrived, problem = False, ""
        for _ in self._patience.attempts():
            try:
                known = self._asked(order) if arrived else None
                return self._sent(order) if known is None else known
            except _NoGoodAnswerError as error:
                problem, arrived = str(error), arrived or error.sent
                if error.final:
                    break
        raise ProviderError(f"{order.kind} {order.reference}: {problem}")

    def _sent(self, order: Order) -> Receipt | Declined:
        outcome = self._exchange(order, "POST", f"/v1/{order.kind}", json.dumps(order.to_json()).encode())
        if outcome is None:
            raise _NoGoodAnswerError("the provider answers an order as if it were a question")
        return outcome

    def _asked(self, order: Order) -> Receipt | Declined | None:
        return self._exchange(order, "GET", f"/v1/operations/{quote(order.reference, safe='')}", b"")

    def _exchange(self, order: Order, method: str, path: str, body: bytes) -> Receipt | Declined | None:
        headers = {"Content-Type": _JSON} if body else {}
        keyid = self._key.public.hex()
        signed = sign_request(method, self._target(path), headers, body, self._key, keyid, self._now(), self._nonce())
        try:
            answer = self._door.ask(method, path, signed, body)
        except HttpError as error:
            raise _NoGoodAnswerError(str(error), sent=error.sent) from error
        return self._read(order, self._believed(answer, signed["Signature"]))

    def _target(self, path: str) -> str:
        return self._door.path + path

    def _believed(self, answer: Answer, question: str) -> Mapping[str, Any]:
        """What the provider said, if it was the provider, and to this question."""
        settings = self._settings
        signed = verify_response(answer.status, answer.headers, answer.body, settings.public_key, question)
        if isinstance(signed, Refused):
            raise _NoGoodAnswerError(f"an answer ({answer.status}) that {settings.name} did not sign: {signed.reason}")
        said = _object(answer.body)
        if answer.status != 200:
            code = str(said.get("code", ""))[:64]
            raise _NoGoodAnswerError(f"{settings.name} answers {answer.status} {code}", final=_about_us(answer.status))
        return said

    def _read(self, order: Order, said: Mapping[str, Any]) -> Receipt | Declined | None:
        if said.get("reference") != order.reference:
            raise _NoGoodAnswerError("the answer is about another reference", final=True)
        match said.get("status"):
            case "unknown":
                return None
            case "refused":
                return Declined(str(said.get("code", ""))[:64], str(said.get("detail", ""))[:200])
            case "done":
                return self._receipt(order, said.get("receipt"))
        raise _NoGoodAnswerError("an answer without a status", final=True)

    def _receipt(self, order: Order, encoded: object) -> Receipt:
        try:
            raw = b64decode(encoded, validate=True) if isinstance(encoded, str) else b""
        except ValueError:
            raw = b""
        receipt = open_receipt(raw)
        if isinstance(receipt, Malformed):
            raise _NoGoodAnswerError(f"a receipt that cannot be read: {receipt.reason}", final=True)
        if receipt.provider != self._settings.name or not signed_by(receipt, self._settings.public_key):
            raise _NoGoodAnswerError(f"a receipt that {self._settings.name} did not sign", final=True)
        if not order.matches(receipt):
            raise _NoGoodAnswerError("a receipt about something else than was ordered", final=True)
        return receipt


def _about_us(status: int) -> bool:
    """A refusal to read the order at all, which the same order meets again."""
    return 400 <= status < 500 and status not in {408, 425, 429}


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        value = parse_json(body)
    except NotJson:
        value = None
    if not isinstance(value, dict):
        raise _NoGoodAnswerError("an answer that is not a JSON object", final=True)
    return value
