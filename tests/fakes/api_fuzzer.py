"""Makes requests out of an API's own description, such as it asks for and such as it does not, and sends them as
somebody. Some of what it makes up is replaced by names of things that are there, and by signed entries, so that
requests get past the first door. Judges nothing; what was drawn depends on the seed alone.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from requests import PreparedRequest
from schemathesis import GenerationMode

from tests.fakes.gate_client import CBOR, JSON

GOOD, BAD = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
_CHANCE = 0.7
_SOON = {"wait": "0"}
"""Nobody waits for a log that does not grow."""
_WAITS = ("/changes", "/live")


@schemathesis.serializer(CBOR)
def _as_it_is(_context: Any, value: Any) -> Any:
    return {"data": value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")}


@dataclass(frozen=True, slots=True)
class Sent:
    """A request and what came of it."""

    operation: str
    url: str
    body: bytes
    status: int
    kind: str
    answer: bytes

    def __str__(self) -> str:
        return f"{self.operation}: {self.url} {self.body[:300]!r} -> {self.status} {self.kind} {self.answer[:300]!r}"


@dataclass(frozen=True, slots=True)
class Things:
    """What is there: `named` values by path parameter or JSON field, and signed `entries`."""

    named: Mapping[str, Sequence[Any]]
    entries: Sequence[bytes]


Disguise = Callable[[PreparedRequest], None]
"""Adds what a kind of sender adds to a request: signatures, cookies."""


class Fuzzer:
    """Of one API. `before` runs before each operation."""

    def __init__(
        self, url: str, things: Things, disguise: Disguise, before: Callable[[], object] = lambda: None
    ) -> None:
        self._url, self._things, self._disguise, self._before = url, things, disguise, before
        described = requests.get(f"{url}/openapi.json", timeout=20).json()
        self.operations = [found.ok() for found in schemathesis.openapi.from_dict(described).get_all_operations()]

    def run(self, mode: GenerationMode, examples: int, start: int) -> Iterator[Sent]:
        """Send `examples` requests to each operation; BAD only to those that take a query or JSON."""
        with requests.Session() as session:
            for operation in self.operations:
                if mode is GOOD or _may_be_wrong(operation):
                    self._before()
                    yield from self._fuzz(session, operation, mode, examples, start)

    def _fuzz(self, session: requests.Session, operation: Any, mode: GenerationMode, examples: int, start: int) -> Any:
        sent: list[Sent] = []

        @seed(start)
        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode), st.integers(0, 2**64 - 1))
        def one(case: Any, luck: int) -> None:
            sent.append(self._send(session, operation, case, Random(luck)))

        one()
        return sent

    def _send(self, session: requests.Session, operation: Any, case: Any, rng: Random) -> Sent:
        made = self._request(case, rng)
        self._disguise(made)
        got = session.send(made, timeout=30, allow_redirects=False)
        session.cookies.clear()
        body = made.body or b""
        asked = body if isinstance(body, bytes) else str(body).encode()
        kind = got.headers.get("content-type", "")
        return Sent(operation.label, made.url or "", asked, got.status_code, kind, got.content)

    def _request(self, case: Any, rng: Random) -> PreparedRequest:
        for name in case.path_parameters or {}:
            if name in self._things.named and rng.random() < _CHANCE:
                case.path_parameters[name] = rng.choice(self._things.named[name])
        if isinstance(case.body, dict | list):
            case.body = self._salted(case.body, rng)
        values = case.as_transport_kwargs(base_url=self._url)
        values["params"] = {**values.get("params", {}), **(_SOON if case.operation.path.endswith(_WAITS) else {})}
        if case.media_type == CBOR and rng.random() < _CHANCE:
            values["data"] = self._entry(rng)
        return requests.Request(**values).prepare()

    def _entry(self, rng: Random) -> bytes:
        """A signed entry, or one of which a byte has changed."""
        raw = bytearray(rng.choice(self._things.entries))
        if rng.random() < 0.5:
            raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        return bytes(raw)

    def _salted(self, value: Any, rng: Random) -> Any:
        """The same JSON with some of its fields naming things that are there."""
        if isinstance(value, list):
            return [self._salted(one, rng) for one in value]
        if not isinstance(value, dict):
            return value
        return {
            name: rng.choice(self._things.named[name])
            if name in self._things.named and rng.random() < _CHANCE
            else self._salted(one, rng)
            for name, one in value.items()
        }


def _may_be_wrong(operation: Any) -> bool:
    return bool(operation.query) or any(body.media_type == JSON for body in operation.body)


def address() -> str:
    """Somewhere that nobody has guessed from yet."""
    return "2001:db8:" + ":".join(os.urandom(2).hex() for _ in range(6))
