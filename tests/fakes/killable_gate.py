"""A whole gate that somebody kills: `python -m tests.fakes.killable_gate FOLDER`.

Each line on stdin, "FIRST-TICKET SECOND", forks one gate over FOLDER, which holds up one ticket after the other at that
unix second. Every rise of the relay pin is written to FOLDER/pulses by whoever watches the pin, so that it is known
whatever the journal says. Prints "pid N" before, "scanning" when the first code is held up, and "dead" after.
"""

import os
import sys
from pathlib import Path

from scanner.hw.gpio import PinChange
from scanner.hw.pins import PinConfig
from scanner.ports import CameraHealth
from tests.fakes.event import compact_code, row
from tests.fakes.whole_gate import WholeGate, whole_gate

TICKETS = 2_000


def say(line: str) -> None:
    """One write, so that a kill never cuts a line of somebody else's."""
    os.write(1, f"{line}\n".encode())


def run(folder: Path, ticket: int, second: int) -> None:
    """Hold up tickets until killed; never returns."""
    pulses = os.open(folder / "pulses", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    shown = [0]

    def watch(change: PinChange) -> None:
        if change.number == PinConfig().relay and change.high:
            os.write(pulses, b"%d\n" % shown[0])

    with whole_gate(folder, [row(number) for number in range(1, TICKETS)], passage_s=0.0) as gate:
        gate.factory.watch(watch)
        gate.clock.now = second
        gate.daemon.handle(CameraHealth("ok", "", 1, 0.0))
        say("scanning")
        while True:
            shown[0] = ticket
            hold_up(gate, ticket)
            ticket += 1


def hold_up(gate: WholeGate, ticket: int) -> None:
    """One person: the code, the pulse, the walk through; or away again."""
    gate.take_away()
    before = gate.pulses()
    state = gate.show(compact_code(ticket, at=int(gate.clock())).text()).state
    if state == "open":
        gate.await_pulses(before + 1)
        while gate.settle().state == "open":
            pass
    gate.let_time_pass(5)


def main() -> None:
    """Fork one gate a line."""
    folder = Path(sys.argv[1])
    for line in sys.stdin:
        ticket, second = map(int, line.split())
        child = os.fork()
        if not child:
            run(folder, ticket, second)
        say(f"pid {child}")
        os.waitpid(child, 0)
        say("dead")


if __name__ == "__main__":
    main()
