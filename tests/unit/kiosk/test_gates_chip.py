"""What staff see of the other gates: a count, and a warning when one is not heard."""

from dataclasses import replace

from scanner.kiosk.strip import chips
from scanner.ports import GateStatus, PeerHealth

R2 = PeerHealth("R2-device", "R2", "10.8.0.22:8442", 1.0, near=True)
R3 = PeerHealth("R3-device", "R3", "10.8.0.23:8442", None, near=False, note="silent")


def gates(*peers: PeerHealth) -> list[tuple[str, str, str]]:
    status = replace(GateStatus("R1"), peers=peers)
    return [(chip.level, chip.zh, chip.en) for chip in chips(status) if chip.part == "gates"]


def test_a_gate_that_knows_no_other_shows_none() -> None:
    assert gates() == []


def test_a_gate_that_is_not_heard_is_a_warning() -> None:
    assert gates(R2) == [("good", "鄰閘 1/1", "Other gates 1/1")]
    assert gates(R2, R3) == [("warn", "鄰閘 1/2", "Other gates 1/2")]
