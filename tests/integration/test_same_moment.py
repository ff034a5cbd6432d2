"""One ticket at two gates in the same moment, over real links: one of them opens, whatever the node does meanwhile."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from scanner.admission import Admission
from tests.fakes.clockwork import HandClock, wait_until
from tests.fakes.event import NOON, row
from tests.fakes.lan import free_port
from tests.fakes.peer_gates import MANIFEST, PeerGate, peer, peer_gates
from tests.fakes.speaking_gates import speaking

PAIRS = 12
PATIENT = replace(MANIFEST, policy=replace(MANIFEST.policy, claim_deadline_ms=3_000))
"""Long enough that what is seen is the rule and not how busy this machine is."""


@pytest.fixture
def gates(tmp_path: Path) -> Iterator[tuple[PeerGate, PeerGate]]:
    clock = HandClock(float(NOON))
    with ExitStack() as stack:
        both = stack.enter_context(peer_gates(tmp_path, clock, "A1", "A2"))
        one, two = both
        two.node.used = one.node.used
        for gate in both:
            gate.view.manifest = PATIENT
        ports = [free_port(), free_port()]
        links = [stack.enter_context(speaking(one, ports[0], peer("A2", f"127.0.0.1:{ports[1]}")))]
        links.append(stack.enter_context(speaking(two, ports[1], peer("A1", f"127.0.0.1:{ports[0]}"))))
        wait_until(lambda: all(health.near for link in links for health in link.health()), "they hear each other")
        for gate, link in zip(both, links, strict=True):
            gate.admission = Admission(gate.name, gate.view, gate.journal, gate.node, link.desk)
        yield one, two


def opened(gates: tuple[PeerGate, PeerGate], ticket: int) -> list[str]:
    """The gates that open for this ticket, shown at both at once."""
    start, found = threading.Barrier(len(gates)), []

    def show(gate: PeerGate) -> None:
        start.wait()
        if gate.show(ticket).opens:
            found.append(gate.name)

    threads = [threading.Thread(target=show, args=(gate,)) for gate in gates]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.parametrize("node", ["away from both", "slow for both", "slow for one", "quick", "away from one"])
def test_one_of_two_gates_opens(gates: tuple[PeerGate, PeerGate], node: str) -> None:
    one, two = gates
    one.node.away, two.node.away = node == "away from both", node in {"away from both", "away from one"}
    one.node.silent, two.node.silent = node.startswith("slow"), node == "slow for both"
    # As long as a gate waits for it: by then each gate has heard of the other's record.
    one.node.silent_s = two.node.silent_s = 0.1
    counts = [len(opened(gates, ticket)) for ticket in range(1, PAIRS + 1)]
    if node == "away from one":
        # Within the milliseconds between its decision and its record, a gate with a node goes by the node alone.
        assert 0 not in counts
    else:
        assert counts == [1] * PAIRS


@pytest.mark.soak
@pytest.mark.parametrize("node", ["away", "slow"])
def test_with_the_shipped_deadline_one_opens_in_nearly_all_pairs_and_never_both(
    gates: tuple[PeerGate, PeerGate], node: str
) -> None:
    for gate in gates:
        gate.view.manifest, gate.view.rows = MANIFEST, {number: row(number) for number in range(1, 101)}
        gate.node.away, gate.node.silent, gate.node.silent_s = node == "away", node == "slow", 10.0
    counts = Counter(len(opened(gates, ticket)) for ticket in range(1, 101))
    assert counts[2] == 0
    assert counts[1] >= 95, counts
