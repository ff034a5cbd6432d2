"""A gate that admits until it is killed: `python -m tests.fakes.admitting JOURNAL`.

Each line on stdin forks one gate, which opens the journal, settles, and prints each counter once its record is durable;
"pid N" comes before, "dead" after. `admit N` stops after N admissions with the journal open, and dies without closing.
"""

import os
import signal
import sys
from pathlib import Path

from scanner.journal import Identity, Journal
from tests.fakes.event import DEVICE, EVENT, compact_code, holder, scan_of, stamp_at

GATE = "A1"
IDENTITY = Identity("gate-1", GATE, EVENT, DEVICE)


def say(line: str) -> None:
    """One write, so that a kill never cuts a line of somebody else's."""
    os.write(1, f"{line}\n".encode())


def admit(journal: Journal, ticket: int) -> int:
    """The writes of one scan up to the pulse, as a gate with a ledger node makes them; the admission's counter."""
    scan = scan_of(compact_code(ticket))
    counter = journal.admit(scan, holder(ticket).public, stamp_at(), "pending").counter
    journal.decided(counter, "claimed")
    journal.pulsed(counter, stamp_at().time_ms)
    return counter


def run(path: Path, most: int) -> None:
    """Admit; never returns to the caller, and never closes the journal."""
    with Journal.open(path, IDENTITY, stamp_at) as journal:
        journal.settle_restart(stamp_at())
        say("open")
        ticket = journal.counts().admitted
        while most:
            ticket, most = ticket + 1, most - 1
            say(str(admit(journal, ticket)))
            if ticket % 16 == 0:
                journal.tidy()
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Fork one gate a line."""
    path = Path(sys.argv[1])
    for line in sys.stdin:
        child = os.fork()
        if not child:
            run(path, int(line))
        say(f"pid {child}")
        os.waitpid(child, 0)
        say("dead")


if __name__ == "__main__":
    main()
