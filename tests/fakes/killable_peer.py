"""A gate that is told things and is killed: `python -m tests.fakes.killable_peer FOLDER`.

Reads messages of gate A1, one a line, takes each in, and prints how much of A1's chain it then has. Whatever it printed
must be on disk, whenever it dies.
"""

import os
import sys
from pathlib import Path

from scanner.sync.peer_message import Message
from scanner.verify.entry import Malformed
from tests.fakes.clockwork import HandClock
from tests.fakes.event import NOON, row
from tests.fakes.peer_gates import peer, peer_gate

TICKETS = 120
"""What its list knows: of admissions that a list cannot check, a gate keeps only so many a minute."""


def main() -> None:
    """Until stdin ends or somebody kills it."""
    with peer_gate(Path(sys.argv[1]), "A2", HandClock(float(NOON))) as gate:
        gate.view.rows = {number: row(number) for number in range(1, TICKETS + 1)}
        os.write(1, f"{gate.desk.has_of(peer('A1'))}\n".encode())
        for line in sys.stdin:
            message = Message.parse(line.encode())
            assert not isinstance(message, Malformed)
            gate.desk.absorb(peer("A1"), message)
            os.write(1, f"{gate.desk.has_of(peer('A1'))}\n".encode())


if __name__ == "__main__":
    main()
