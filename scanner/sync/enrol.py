"""Enrolment: a gate's device joins an event with its own key and a one-time code. Nothing is kept here.

The code says which node gave it (40 bits of the node key's hash), so whoever merely stands at the node's address is
refused before the secret half of the code was sent to it; what is sent, only that node can read.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from scanner.errors import SyncError
from scanner.sync.answers import Answer, Problem, Revoked
from scanner.sync.line import Ask, Limits, Line
from scanner.sync.signed import JSON, Question, SignedLines, Signer, Timeouts, explain
from scanner.verify.checkpoint import VerifierKey
from scanner.verify.enrolment import EnrolmentCode, seal_code
from scanner.verify.entry import Malformed
from scanner.verify.httpsig import Refused, sign_request, verify_response
from scanner.verify.keys import SigningKey, valid_public_key
from scanner.verify.possession import device_message

_KEYID = re.compile(r';keyid="([0-9a-f]{64})"')
_MOST = 16_384


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Who this device is from now on, and whom it believes: all to be kept."""

    device: str
    event: str
    gate: str
    node_key: bytes
    log: VerifierKey
    origin: str
    url: str


class _Enrolled(Answer):
    device: str
    event: str
    gate: str
    node_key: str
    log: str
    origin: str


def enrol(
    url: str,
    code_text: str,
    signer: Signer,
    timeouts: Timeouts,
    ca: str | None = None,
) -> Enrolment:
    """Enrol the device that has `signer.key` at the node at `url`. Asking again with the same code and key is safe.

    Raises SyncError with what to do: a mistyped, used or expired code, an impostor, no network.
    """
    code = EnrolmentCode.parse(code_text)
    if isinstance(code, Malformed):
        raise SyncError(code.reason)
    node_key = find_node(url, code, signer, timeouts, ca)
    body = enrolment_of(code, signer.key, node_key)
    question = Question("POST", "/v1/enrol", Limits(timeouts.total, timeouts.silence, _MOST), body, JSON)
    lines = SignedLines(url, signer, node_key, timeouts, ca)
    try:
        answer = lines.ask(question)
    finally:
        lines.close()
    if isinstance(answer, Problem):
        raise SyncError(answer.sentence())
    if isinstance(answer, Revoked):
        raise SyncError(f"this device was revoked ({answer.detail}): `gate-scanner forget`, then enrol again")
    return _read(answer, node_key, url)


def enrolment_of(code: EnrolmentCode, key: SigningKey, node_key: bytes) -> bytes:
    """What a device with this key asks to be enrolled with."""
    order = {
        "code": seal_code(code, key.public, node_key),
        "public_key": key.public.hex(),
        "proof": key.sign(device_message(node_key, key.public)).hex(),
    }
    return json.dumps(order).encode()


def find_node(url: str, code: EnrolmentCode, signer: Signer, timeouts: Timeouts, ca: str | None) -> bytes:
    """The key of the node at `url`, proven by a signature and named by the code. Raises SyncError for another one."""
    headers = sign_request(
        "GET", "/v1/time", {}, b"", signer.key, signer.key.public.hex(), signer.now().seconds, signer.nonce()
    )
    line = Line(url, timeouts.connect, ca)
    try:
        with line.open(Ask("GET", "/v1/time", headers), Limits(timeouts.total, timeouts.silence, _MOST)) as incoming:
            key = _signer_of(incoming.headers)
            good = verify_response(incoming.status, incoming.headers, None, key, headers["Signature"])
            if isinstance(good, Refused):
                raise SyncError(explain(incoming.status, incoming.headers, good))
    finally:
        line.close()
    if not code.names(key) or not valid_public_key(key):
        raise SyncError(f"the node at {url} is not the one that gave this code: check the address, then the code")
    return key


def _signer_of(headers: Mapping[str, str]) -> bytes:
    named = _KEYID.search(headers.get("Signature-Input", ""))
    return bytes.fromhex(named[1]) if named else b""


def _read(body: bytes, node_key: bytes, url: str) -> Enrolment:
    told = _Enrolled.parse(body)
    if isinstance(told, Malformed):
        raise SyncError(f"the ledger node's enrolment is malformed ({told.reason}): update both")
    log = VerifierKey.parse(told.log)
    if isinstance(log, Malformed) or told.node_key != node_key.hex():
        raise SyncError("the ledger node's enrolment names a key that is not good: tell its operator")
    return Enrolment(told.device, told.event, told.gate, node_key, log, told.origin, url)
