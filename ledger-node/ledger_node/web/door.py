"""Through here goes every request of a device: read, check the signature, spend the nonce, look the device up, answer.

Every answer is signed, refusals too, and bound to the request's signature. What a request means is for the handlers.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from starlette.requests import Request
from starlette.responses import Response

from ledger_node.contract.state import Device
from ledger_node.services.devices import find
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.services.nonces import Nonces
from ledger_node.web.authorisation import Caller, Row, Scope
from ledger_node.web.body import read_body
from ledger_node.web.metrics import Metrics
from ledger_node.web.reply import CBOR, Reply, problem
from scanner.verify import httpsig
from scanner.verify.httpsig import Refused, Signed
from scanner.verify.keys import valid_public_key

log = structlog.get_logger()
_SENTENCES = {
    "unsigned": "sign the request (RFC 9421) with the device's key",
    "malformed": "the signature cannot be read: see the API's description",
    "unknown-key": "no device with this key is enrolled: enrol this gate again",
    "forged": "the signature does not match the request: was it changed on its way?",
    "clock": "the request was not signed within 60 s of now: sign it again by the time given here",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that may be acted upon. `device` is None only where a door admits strangers (enrolment)."""

    request: Request
    body: bytes
    public_key: bytes
    device: Device | None

    @property
    def who(self) -> Device:
        """The enrolled device that asked."""
        assert self.device is not None, "this door admits no strangers"
        return self.device

    def path(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def number(self, name: str, default: int, most: int = 2**53) -> int:
        """An unsigned integer of the query. Raises ServiceError "bad-query"."""
        text = self.request.query_params.get(name, str(default))
        if not (text.isascii() and text.isdecimal()) or len(text) > 16 or int(text) > most:
            raise ServiceError("bad-query", f"{name} is {text!r}, not an integer from 0 to {most}", 400)
        return int(text)


Handler = Callable[[Asked], Awaitable[Reply]]
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a door lets through: body size and type. Which devices may come in, the authorisation matrix says."""

    most_body: int = 0
    content_type: str | None = None


class Door:
    """Makes endpoints out of handlers. One event loop."""

    def __init__(self, node: Node, nonces: Nonces, metrics: Metrics) -> None:
        self._node = node
        self._nonces = nonces
        self._metrics = metrics

    def endpoint(self, handler: Handler, rules: Rules, row: Row) -> Endpoint:
        """An endpoint that acts upon signed requests only and signs what it answers."""

        async def endpoint(request: Request) -> Response:
            answer = await self._answer(handler, rules, row, request)
            return self.sign(answer, request)

        return endpoint

    def sign(self, answer: Reply, request: Request) -> Response:
        """The answer as it goes out, signed by the node."""
        headers = {"Content-Type": answer.content_type, "Cache-Control": "no-store", **answer.headers}
        body = None if "Content-Digest" in headers else answer.body
        key, asked = self._node.keys.node, httpsig.sole_signature(request.headers)
        now = self._node.now()
        signed = httpsig.sign_response(answer.status, headers, body, key, key.public.hex(), now, asked)
        return answer.response(signed)

    async def _answer(self, handler: Handler, rules: Rules, row: Row, request: Request) -> Reply:
        try:
            body = await read_body(request, rules.most_body)
        except ServiceError as error:
            return self._refuse(error).closing()
        try:
            return await handler(await self._admit(request, body, rules, row))
        except ServiceError as error:
            return self._refuse(error)
        except Exception:
            log.exception("fault", path=request.url.path)
            return self._refuse(ServiceError("fault", "the node failed at this: send it again later", 500))

    async def _admit(self, request: Request, body: bytes, rules: Rules, row: Row) -> Asked:
        now = self._node.now()
        path = request.scope["raw_path"].decode("latin-1")
        query = request.scope["query_string"].decode("latin-1")
        url = f"{path}?{query}" if query else path
        signed = httpsig.verify_request(request.method, url, request.headers, body, _key_of, now)
        if isinstance(signed, Refused):
            raise ServiceError(signed.reason, f"{_SENTENCES[signed.reason]} ({signed.detail})", 401)
        public_key = bytes.fromhex(signed.keyid)
        device = find(self._node, public_key)
        if device is None and Caller.NEW_DEVICE not in row.scopes:
            raise ServiceError("unknown-key", _SENTENCES["unknown-key"], 401)
        # Strangers may only enrol: a code is single-use by itself, and they must not fill the memory of nonces.
        if device is not None:
            await self._spend(signed, now)
        if Caller.REVOKED_DEVICE not in row.scopes:
            refuse_revoked(device)
        if device is not None:
            _within(request, row.scopes[Caller.DEVICE], device)
        if rules.content_type is not None:
            _check_type(request, rules.content_type)
        return Asked(request, body, public_key, device)

    async def _spend(self, signed: Signed, now: float) -> None:
        self._nonces.use(signed, now)
        if self._nonces.early(signed, now):
            await asyncio.to_thread(self._nonces.keep, signed)

    def _refuse(self, error: ServiceError) -> Reply:
        self._metrics.refusals.labels(error.code).inc()
        wipe = {"wipe": True} if error.code == "revoked" else {}
        return problem(error, **self._node.time_told, **wipe)


def refuse_revoked(device: Device | None) -> None:
    """Raises ServiceError "revoked" for a device that may ask for nothing any more."""
    if device is not None and device.revoked_at is not None:
        raise ServiceError("revoked", "this device was revoked: it must wipe what it holds", 403)


def _within(request: Request, scope: Scope, device: Device) -> None:
    """Raises ServiceError for what is another event's, or another device's."""
    event = request.path_params.get("event", device.event)
    if event != device.event:
        raise ServiceError("other-event", f"this device is enrolled for {device.event}, not for {event}", 404)
    asked = request.path_params.get("device", device.device)
    if scope is Scope.SELF and asked != device.device:
        raise ServiceError("other-device", f"this device is {device.device}: it reads nothing of {asked}", 404)


def _check_type(request: Request, wanted: str) -> None:
    given = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if given != wanted:
        what = "one signed record, or a batch of them" if wanted == CBOR else "a JSON object"
        raise ServiceError("wrong-type", f"the body is {given or 'of no type'}; send {wanted}: {what}", 415)


@functools.lru_cache(maxsize=4096)
def _key_of(keyid: str) -> bytes | None:
    """A key id is the key itself; whether it is a device's is asked after the signature was found good."""
    try:
        key = bytes.fromhex(keyid)
    except ValueError:
        return None
    return key if key.hex() == keyid and valid_public_key(key) else None
