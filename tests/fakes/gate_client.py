"""A gate as a ledger node sees it: a device with its own key that signs requests and a chain of records.

It checks every answer's signature as a gate must, and raises if one is not good. It decides nothing.
"""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import requests

from scanner.sync.enrol import enrolment_of
from scanner.verify.enrolment import EnrolmentCode
from scanner.verify.entry import canonical
from scanner.verify.httpsig import Signed, sign_request, verify_response
from scanner.verify.keys import SigningKey
from scanner.verify.record import FIRST_PREVIOUS, Link, Scan, Settlement, Stamp, record_hash, sign_record

CBOR, JSON = "application/cbor", "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; the signature was good."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.content)


@dataclass(slots=True)
class GateClient:
    """One device of one node. `offset` is by how many seconds its clock is ahead."""

    url: str
    node_key: bytes
    event: str
    key: SigningKey = field(default_factory=lambda: SigningKey(os.urandom(32)))
    device: str = ""
    gate: str = ""
    offset: float = 0.0
    counter: int = 0
    previous: bytes = FIRST_PREVIOUS
    session: requests.Session = field(default_factory=requests.Session)

    def close(self) -> None:
        """Give the connection back."""
        self.session.close()

    def now(self) -> float:
        """By the device's own clock."""
        return time.time() + self.offset

    def sign(
        self, method: str, path: str, body: bytes = b"", kind: str | None = None, nonce: str | None = None
    ) -> dict[str, str]:
        """The headers of a request, signed now."""
        headers = {"Content-Type": kind} if kind else {}
        drawn = nonce or os.urandom(16).hex()
        return sign_request(method, path, headers, body, self.key, self.key.public.hex(), self.now(), drawn)

    def send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        """Send what was signed; the answer, checked."""
        got = self.session.request(method, self.url + path, data=body or None, headers=headers, timeout=40)
        content = None if method == "HEAD" else got.content
        asked = headers.get("Signature")
        signed = verify_response(got.status_code, got.headers, content, self.node_key, asked)
        assert isinstance(signed, Signed), f"{method} {path}: {got.status_code} {signed} {got.content[:200]!r}"
        return Answer(got.status_code, {name.lower(): value for name, value in got.headers.items()}, got.content)

    def ask(self, method: str, path: str, body: bytes = b"", kind: str | None = None) -> Answer:
        """Sign and send."""
        return self.send(method, path, body, self.sign(method, path, body, kind))

    def enrol(self, code: str) -> Answer:
        """Join with a one-time code."""
        read = EnrolmentCode.parse(code)
        assert isinstance(read, EnrolmentCode), "what is no code is not sent by a gate"
        body = enrolment_of(read, self.key, self.node_key)
        answer = self.ask("POST", "/v1/enrol", body, JSON)
        if answer.status == 200:
            self.device, self.gate = answer.json["device"], answer.json["gate"]
        return answer

    def admission(self, ticket: int, code: bytes, owner_seq: int = 0) -> bytes:
        """The next record of the chain: an admission."""
        return self._record("admission", Scan(ticket, owner_seq, code, "admit", "ok"))

    def void(self, of: int) -> bytes:
        """The next record: admission `of` did not happen."""
        return self._record("void", Settlement(of, "used-elsewhere"))

    def release(self, of: int) -> bytes:
        """The next record: after admission `of` nobody turned."""
        return self._record("release", Settlement(of, "not-turned"))

    def claim(self, record: bytes) -> Answer:
        """One admission, at once."""
        return self.ask("POST", f"/v1/events/{self.event}/claims", record, CBOR)

    def upload(self, records: Sequence[bytes], query: str = "") -> Answer:
        """A batch."""
        body = canonical({"records": list(records)})
        return self.ask("POST", f"/v1/events/{self.event}/admissions{query}", body, CBOR)

    def changes(self, start: int, more: str = "") -> Answer:
        """What changed since `start`."""
        return self.ask("GET", f"/v1/events/{self.event}/changes?from={start}{more}")

    def _record(self, kind: str, what: Scan | Settlement) -> bytes:
        self.counter += 1
        link = Link(self.device, self.gate, self.counter, self.previous)
        stamp = Stamp(int(self.now() * 1000), trusted=True, error_ms=5, view_size=3)
        raw = sign_record(kind, self.event, link, stamp, what, self.key)
        self.previous = record_hash(raw)
        return raw
