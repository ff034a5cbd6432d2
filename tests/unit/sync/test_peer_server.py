"""Where a gate listens to its peers: who is heard, who is not, and that nothing which comes in does harm."""

import http.client
import random
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from scanner.clock import ClockReading
from scanner.errors import SyncError
from scanner.sync.peer_guard import FAILURES, REFILL_S, Guard
from scanner.sync.peer_link import PeerLink
from scanner.sync.peer_message import MOST_BODY, PATH, Message
from scanner.sync.peer_server import Host, PeerServer
from scanner.sync.signed import JSON, Signer
from scanner.verify.httpsig import WINDOW, Signed, sign_request, verify_response
from scanner.verify.keys import SigningKey
from scanner.verify.told import Peer
from tests.fakes.clockwork import HandClock
from tests.fakes.event import NOON, key
from tests.fakes.peer_gates import PeerGate, peer, peer_gate

A1_KEY = key("A1-device")


class Listening:
    """Gate A2 as A1 reaches it; `known` are the peers that it knows."""

    def __init__(self, gate: PeerGate, clock: HandClock) -> None:
        self.gate, self.clock = gate, clock
        self.known: list[Peer] = [peer("A1")]
        self.server = PeerServer("127.0.0.1", 0, Host(key("A2-device"), clock, self._by_key, self._converse))
        self.server.start()
        self.heard = 0
        self.fault: Exception | None = None

    @property
    def peer(self) -> Peer:
        return replace(self.gate.peer, address=f"127.0.0.1:{self.server.port}")

    def _by_key(self, public_key: bytes) -> Peer | None:
        return next((one for one in self.known if one.public_key == public_key), None)

    def _converse(self, asking: Peer, message: Message) -> Message:
        self.heard += 1
        if self.fault:
            raise self.fault
        self.gate.desk.absorb(asking, message)
        return self.gate.desk.compose(asking, message.have)

    def post(
        self, body: bytes, headers: dict[str, str], path: str = PATH, source: str = "127.0.0.1"
    ) -> tuple[int, dict[str, str], bytes]:
        line = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10, source_address=(source, 0))
        with closing(line):
            line.request("POST", path, body, headers)
            answer = line.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()


@pytest.fixture
def clock() -> HandClock:
    return HandClock(float(NOON))


@pytest.fixture
def first(tmp_path: Path, clock: HandClock) -> Iterator[PeerGate]:
    with peer_gate(tmp_path, "A1", clock) as gate:
        yield gate


@pytest.fixture
def second(tmp_path: Path, clock: HandClock) -> Iterator[Listening]:
    with peer_gate(tmp_path, "A2", clock) as gate:
        made = Listening(gate, clock)
        yield made
        made.server.close()


@contextmanager
def link(gate: PeerGate, other: Peer, *, ahead: float = 0.0) -> Iterator[PeerLink]:
    def now() -> ClockReading:
        return ClockReading(gate.clock() + ahead, trusted=True, error_s=0.1, source="test")

    made = PeerLink(other, gate.desk, Signer(key(f"{gate.name}-device"), now, secrets.token_hex), lambda: 0.0)
    yield made
    made.stop()


def say(message: Message) -> bytes:
    return message.pack()


def signed(body: bytes, signer: SigningKey = A1_KEY, at: float = NOON, nonce: str | None = None) -> dict[str, str]:
    headers = {"Content-Type": JSON}
    return sign_request("POST", PATH, headers, body, signer, signer.public.hex(), at, nonce or secrets.token_hex(8))


def until_told(one: PeerLink) -> None:
    while one.step():
        pass


def test_one_line_carries_both_directions(first: PeerGate, second: Listening) -> None:
    for ticket in range(1, 9):
        assert first.show(ticket).opens
    assert second.gate.show(9).opens
    with link(first, second.peer) as line:
        until_told(line)
        assert second.gate.desk.has_of(first.peer) == 8
        assert [second.gate.show(3).opens, first.show(9).opens] == [False, False]
        assert line.step() is False
        assert second.gate.desk.has_of(first.peer) == 9


def test_more_than_fits_into_one_message_is_told_in_pieces(first: PeerGate, second: Listening) -> None:
    first.view.rows |= {number: first.view.rows[1]._replace(ticket=number) for number in range(21, 200)}
    for _ in range(150):
        first.show(30)
    with link(first, second.peer) as line:
        until_told(line)
        newest = first.journal.page(0, 0).newest
        assert newest >= 100
        assert second.gate.desk.has_of(first.peer) == newest
        assert second.heard <= 6


def test_a_peer_whose_clock_is_off_is_still_heard(first: PeerGate, second: Listening) -> None:
    first.show(7)
    for ahead in (-3600.0, 86_400.0):
        with link(first, second.peer, ahead=ahead) as line:
            until_told(line)
    assert not second.gate.show(7).opens


def test_a_gate_that_answers_at_a_peers_address_with_another_key_is_not_believed(
    first: PeerGate, second: Listening
) -> None:
    second.gate.show(7)
    impostor = replace(peer("A3"), address=second.peer.address)
    second.known.append(impostor)
    with link(first, impostor) as line, pytest.raises(SyncError):
        line.step()
    assert first.desk.told(7) == ()


def test_a_revoked_peer_is_not_heard(first: PeerGate, second: Listening) -> None:
    first.show(7)
    second.known.clear()
    with link(first, second.peer) as line, pytest.raises(SyncError):
        line.step()
    assert second.heard == 0


def test_strangers_and_forgers_are_not_heard_and_told_nothing(first: PeerGate, second: Listening) -> None:
    body = say(first.desk.compose(second.gate.peer))
    good = signed(body)
    wrong: dict[str, Callable[[], tuple[int, dict[str, str], bytes]]] = {
        "unsigned": lambda: second.post(body, {"Content-Type": JSON}),
        "a stranger's key": lambda: second.post(body, signed(body, key("mallory"))),
        "other body": lambda: second.post(body + b" ", good),
        "other type": lambda: second.post(body, good | {"Content-Type": "text/plain"}),
        "nothing": lambda: second.post(b"", {}),
        "a query": lambda: second.post(body, signed(body), f"{PATH}?x=1"),
    }
    for name, attempt in wrong.items():
        status, headers, content = attempt()
        assert (status, content) == (401, b""), name
        assert "Signature" not in {field.title() for field in headers}, name
    assert second.heard == 0
    assert second.post(body, good)[0] == 200


def test_a_request_is_acted_upon_once(first: PeerGate, second: Listening) -> None:
    body = say(first.desk.compose(second.gate.peer))
    headers = signed(body)
    assert [second.post(body, headers)[0] for _ in range(3)] == [200, 401, 401]
    assert second.heard == 1
    second.clock.pass_time(WINDOW + 5)
    assert second.post(body, headers)[0] == 401
    assert second.heard == 1


def test_an_answer_is_bound_to_its_request(first: PeerGate, second: Listening) -> None:
    body = say(first.desk.compose(second.gate.peer))
    headers = signed(body)
    status, answered, content = second.post(body, headers)
    public = second.gate.peer.public_key
    assert isinstance(verify_response(status, answered, content, public, headers["Signature"]), Signed)
    assert not isinstance(verify_response(status, answered, content, public, signed(body)["Signature"]), Signed)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b'{"event":1}', b"[" * 5000])
def test_a_known_peer_that_says_nonsense_is_told_so(second: Listening, body: bytes) -> None:
    status, _, content = second.post(body, signed(body))
    assert status == 400
    assert b"malformed" in content
    assert second.heard == 0


def test_a_message_that_is_not_taken_is_refused_with_the_reason(first: PeerGate, second: Listening) -> None:
    wrong = first.desk.compose(peer("A3"))
    status, _, content = second.post(say(wrong), signed(say(wrong)))
    assert status == 409
    assert b"not this gate" in content
    second.fault = ValueError("a defect")
    body = say(first.desk.compose(second.gate.peer))
    status, _, content = second.post(body, signed(body))
    assert status == 500
    assert b"a defect" not in content
    second.fault = None
    assert second.post(body, signed(body))[0] == 200


@pytest.mark.parametrize("field", ["have", "newest", "settled", "position", "pending"])
def test_a_number_that_no_database_holds_is_nonsense(first: PeerGate, second: Listening, field: str) -> None:
    for number in (-1, 2**53 + 1, 2**64):
        body = say(first.desk.compose(second.gate.peer).model_copy(update={field: number}))
        assert second.post(body, signed(body))[0] == 400


def test_a_body_that_is_too_long_is_not_read_to_its_end(second: Listening) -> None:
    status, _, _ = second.post(b" " * (MOST_BODY + 1), {"Content-Type": JSON})
    assert status == 413


def test_an_address_that_fails_too_often_is_turned_away_and_others_are_not(first: PeerGate, second: Listening) -> None:
    statuses = [second.post(b"x", {}, source="127.0.0.2")[0] for _ in range(FAILURES + 3)]
    assert statuses == [401] * FAILURES + [429] * 3
    body = say(first.desk.compose(second.gate.peer))
    assert second.post(body, signed(body))[0] == 200
    second.clock.pass_time(REFILL_S * 2)
    later = second.clock()
    assert second.post(body, signed(body, at=later), source="127.0.0.2")[0] == 200


def test_garbage_does_no_harm(first: PeerGate, second: Listening) -> None:
    draw = random.Random(7)
    body = say(first.desk.compose(second.gate.peer))
    head = f"POST {PATH} HTTP/1.1\r\nHost: gate\r\n"
    fields = "".join(f"{name}: {value}\r\n" for name, value in signed(body).items())
    whole = f"{head}{fields}Content-Length: {len(body)}\r\n\r\n".encode() + body
    for turn in range(150):
        at = draw.randrange(len(whole))
        junk = draw.choice(
            [
                draw.randbytes(draw.randrange(1, 300)),
                whole[:at] + draw.randbytes(3) + whole[at + 3 :],
                whole[:at],
                whole[:at] + whole,
                b"GET / HTTP/1.1\r\n\r\n",
                b"\x16\x03\x01" + draw.randbytes(60),
            ]
        )
        with socket.create_connection(("127.0.0.1", second.server.port), 10, (f"127.0.1.{turn % 200 + 1}", 0)) as line:
            line.sendall(junk)
            line.shutdown(socket.SHUT_WR)
            while line.recv(4096):
                pass
    first.show(7)
    with link(first, second.peer) as good:
        until_told(good)
    assert not second.gate.show(7).opens


def test_a_port_that_is_taken_is_told(second: Listening) -> None:
    twin = PeerServer("127.0.0.1", second.server.port, Host(A1_KEY, second.clock, lambda _: None, second._converse))
    with pytest.raises(SyncError, match=f"port {second.server.port}: Address already in use"):
        twin.start()
    twin.close()


def test_the_guards_memory_is_bounded() -> None:
    guard = Guard()
    for number in range(2_000):
        guard.failed(f"10.0.{number % 256}.{number // 256}", 0.0)
    assert len(guard._failed) <= 256
    spent = [guard.spend("key", str(number), 0, 0.0) for number in range(20_050)]
    assert spent.count(True) == 20_000
    assert guard.spend("key", "x", WINDOW + 100, WINDOW + 100.0)
    assert len(guard._nonces) == 1
