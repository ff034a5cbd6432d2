"""What gates tell each other of the time: with its error bound and whose word it is; silence from one that has none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.clock import NODE, NTP, RTC, ClockReading, TimeSample
from scanner.sync.peer_message import Message
from tests.fakes.clockwork import HandClock, wait_until
from tests.fakes.event import NOON
from tests.fakes.lan import free_port
from tests.fakes.peer_gates import PeerGate, peer, peer_gate
from tests.fakes.speaking_gates import speaking

SILENT = Message(event="e", to="d", have=0, newest=0, settled=0, position=0, pending=0, records=())


@pytest.fixture
def gates(tmp_path: Path) -> Iterator[tuple[PeerGate, PeerGate]]:
    clock = HandClock(float(NOON))
    with peer_gate(tmp_path, "A1", clock) as first, peer_gate(tmp_path, "A2", clock) as second:
        yield first, second


def told(root: str, *, trusted: bool = True) -> ClockReading:
    return ClockReading(NOON + 7.0, trusted, 0.25, root or "agreed", root)


def test_a_gate_hears_the_time_of_another_with_its_error_and_whose_word_it_is(
    gates: tuple[PeerGate, PeerGate],
) -> None:
    heard: list[TimeSample] = []
    port = free_port()
    with (
        speaking(gates[0], port, peer("A2"), reading=lambda: told(NODE)),
        speaking(gates[1], 0, peer("A1", f"127.0.0.1:{port}"), on_time=heard.append),
    ):
        wait_until(lambda: bool(heard), "A2 hears the time of A1")
    sample = heard[0]
    assert (sample.node_ms, sample.source, sample.root) == ((NOON + 7) * 1000, "gate A1", NODE)
    assert sample.sent <= sample.received
    assert 0.25 <= sample.error_s < 0.26


@pytest.mark.parametrize("root", ["", NTP, RTC])
def test_what_rests_on_a_gates_own_clocks_is_its_own_word(gates: tuple[PeerGate, PeerGate], root: str) -> None:
    heard: list[TimeSample] = []
    port = free_port()
    with (
        speaking(gates[0], port, peer("A2"), reading=lambda: told(root)),
        speaking(gates[1], 0, peer("A1", f"127.0.0.1:{port}"), on_time=heard.append),
    ):
        wait_until(lambda: bool(heard), "A2 hears the time of A1")
    assert (heard[0].root, heard[0].teller) == ("", peer("A1").device)


def test_a_gate_that_does_not_trust_its_time_tells_none(gates: tuple[PeerGate, PeerGate]) -> None:
    heard: list[TimeSample] = []
    port = free_port()
    with (
        speaking(gates[0], port, peer("A2"), reading=lambda: told("", trusted=False)),
        speaking(gates[1], 0, peer("A1", f"127.0.0.1:{port}"), on_time=heard.append) as two,
    ):
        gates[0].show(7)
        wait_until(lambda: bool(two.desk.told(7)), "A2 was told")
    assert heard == []


def test_a_gate_of_an_earlier_version_tells_no_time_and_is_heard() -> None:
    old = SILENT.model_dump_json(exclude={"time_ms", "time_error_ms", "time_root"}).encode()
    message = Message.parse(old)
    assert isinstance(message, Message)
    assert message.time_ms == 0
