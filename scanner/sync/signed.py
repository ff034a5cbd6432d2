"""Signed exchanges: each request carries the device's signature, and no answer is looked into before its own is good.

The answer's signature covers its status, type and digest and, under it, the signature of this very request with our
fresh nonce (RFC 9421); so a captive portal, a proxy, another node and a replayed or delayed answer are all a SyncError
that says which. A refusal that the node signed is a value. A node that finds our clock wrong tells us the time in an
answer that we can believe, and is asked once more with it.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TypeVar

from scanner.clock import ClockReading, TimeSample
from scanner.errors import SyncError
from scanner.sync.answers import NodeTime, Problem, Revoked
from scanner.sync.line import Ask, Limits, Line
from scanner.verify.entry import Malformed
from scanner.verify.httpsig import Refused, sign_request, verify_response
from scanner.verify.keys import SigningKey

JSON = "application/json"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, between two bytes, for a whole exchange, for a claim, for a whole snapshot."""

    connect: float = 3.0
    silence: float = 5.0
    total: float = 10.0
    claim: float = 3.0
    snapshot: float = 600.0


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, before it is signed."""

    method: str
    target: str
    limits: Limits
    body: bytes = b""
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """An answer that the node signed for our question; the body is still to be read and compared with `digest`."""

    status: int
    content_type: str
    digest: bytes
    created: int
    chunks: Iterator[bytes]

    def whole(self) -> bytes:
        """The body. Raises SyncError if it is not the one that was signed."""
        body = b"".join(self.chunks)
        if hashlib.sha256(body).digest() != self.digest:
            raise SyncError("the answer's content is not what the ledger node signed: it was changed on the way")
        return body


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose requests these are, at what time, and with which nonces: `now` is the gate's clock, `nonce` draws."""

    key: SigningKey
    now: Callable[[], ClockReading]
    nonce: Callable[[], str]


@dataclass(frozen=True, slots=True)
class WrongClock:
    """The node will not take a request that was signed at our time; `node_time` is unix seconds."""

    node_time: float
    problem: Problem


class SignedLines:
    """Signed exchanges with one node, from any thread, each over a line of its own."""

    def __init__(
        self,
        base_url: str,
        signer: Signer,
        node_key: bytes,
        timeouts: Timeouts,
        ca: str | None = None,
        on_time: Callable[[TimeSample], None] | None = None,
    ) -> None:
        self._signer, self._node_key = signer, node_key
        self._new_line = partial(Line, base_url, timeouts.connect, ca)
        self._on_time = on_time
        self._own = threading.local()
        self._guard = threading.Lock()
        self._lines = [self._new_line()]
        self._own.line = self._lines[0]
        self._closed = False

    def close(self) -> None:
        """Hang up on every exchange; later ones raise SyncError. May be called twice, from any thread."""
        with self._guard:
            self._closed = True
            lines = list(self._lines)
        for line in lines:
            line.close()

    def ask(self, question: Question) -> bytes | Problem | Revoked:
        """The JSON text that the node answered, or its refusal. Raises SyncError for anything else."""
        return self.in_time(lambda at: self._ask_at(question, at))

    def in_time(self, attempt: Callable[[float], T | WrongClock]) -> T | Problem:
        """Try with our clock's unix seconds, and once more with the node's if it finds ours wrong."""
        outcome = attempt(self._signer.now().seconds)
        if isinstance(outcome, WrongClock):
            outcome = attempt(outcome.node_time)
        return outcome.problem if isinstance(outcome, WrongClock) else outcome

    @contextmanager
    def open(self, question: Question, at: float) -> Iterator[Opened]:
        """Ask, signed at unix second `at`; the body is read in the block."""
        headers = {"Content-Type": question.content_type} if question.body else {}
        signed = sign_request(
            question.method,
            question.target,
            headers,
            question.body,
            self._signer.key,
            self._signer.key.public.hex(),
            at,
            self._signer.nonce(),
        )
        ask = Ask(question.method, question.target, signed, question.body)
        with self._line().open(ask, question.limits) as incoming:
            good = verify_response(incoming.status, incoming.headers, None, self._node_key, signed["Signature"])
            if isinstance(good, Refused):
                raise SyncError(explain(incoming.status, incoming.headers, good))
            content_type = incoming.headers.get("Content-Type", "").partition(";")[0].strip()
            yield Opened(incoming.status, content_type, good.digest, good.created, incoming.chunks)

    def _ask_at(self, question: Question, at: float) -> bytes | Problem | Revoked | WrongClock:
        sent = time.monotonic()
        with self.open(question, at) as opened:
            body = opened.whole()
        self._tell_time(body, sent)
        return body if (opened.status, opened.content_type) == (200, JSON) else refusal(opened, body)

    def _tell_time(self, body: bytes, sent: float) -> None:
        told = NodeTime.parse(body)
        if self._on_time and not isinstance(told, Malformed) and told.time_told:
            self._on_time(TimeSample(told.time_ms, sent, time.monotonic()))

    def _line(self) -> Line:
        line: Line | None = getattr(self._own, "line", None)
        if line is None:
            line = self._own.line = self._new_line()
            with self._guard:
                self._lines.append(line)
        if self._closed:
            line.close()
        return line


def refusal(opened: Opened, body: bytes) -> Problem | Revoked | WrongClock:
    """What the node refuses, from a body that it signed. Raises SyncError for an answer that is no refusal either."""
    if opened.status < 400:
        raise SyncError(f"the ledger node answered {opened.status} {opened.content_type}, which was not asked for")
    problem = Problem.parse(body)
    if isinstance(problem, Malformed):
        return Problem(status=opened.status, detail=problem.reason)
    if opened.status == 403 and problem.wipe:
        return Revoked(problem.detail or "this device was revoked")
    problem = problem.model_copy(update={"status": opened.status})
    return WrongClock(opened.created, problem) if (opened.status, problem.code) == (401, "clock") else problem


def explain(status: int, headers: Mapping[str, str], refused: Refused) -> str:
    """What an answer is that the node did not give."""
    if refused.reason == "forged":
        return "an answer that was not given to this request: it was changed, replayed, or is another's"
    if refused.reason == "unknown-key":
        return "an answer signed by another ledger node than the one that this gate was enrolled with"
    if 300 <= status < 400:
        return f"not the ledger node: a redirect to {headers.get('Location', 'nowhere')!r} (a captive portal?)"
    if "html" in headers.get("Content-Type", ""):
        tls = ", or https is spoken there" if status == HTTPStatus.BAD_REQUEST else ""
        return f"not the ledger node: a web page, status {status} (a captive portal, or a proxy before the node{tls}?)"
    return (
        f"not the ledger node: an answer with status {status} and no good signature ({refused.detail}): check address "
        "and port, a node hears gates on 8444"
    )
