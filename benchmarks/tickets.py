"""A gate's snapshot of a large event, made without a ledger: the view cannot tell, and no key has to be proved.

Every `stride`-th ticket has a real holder whose codes can be shown; the others' keys are random bytes, which fill the
same space and are never looked at.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scanner.verify.row import Row
from scanner.view import GateView, Trust
from tests.fakes.event import EVENT, NODE, row, write_snapshot_file

HOLDERS = 4_000
SIZE = 2_000_000
"""The log's size in the snapshot."""


def holders(tickets: int) -> Iterator[int]:
    """The tickets with real holders, spread over the whole event so that no page of the map stays warm."""
    return iter(range(1, tickets + 1, max(tickets // HOLDERS, 1)))


@contextmanager
def gate_view(folder: Path, tickets: int) -> Iterator[GateView]:
    """A view that has installed a snapshot of so many tickets, in `folder`."""
    download = write_snapshot_file(folder / "download", _rows(tickets), SIZE)
    view = GateView(folder / "view", Trust(NODE.public, EVENT), "bench")
    try:
        view.install(download)
        download.unlink()
        yield view
    finally:
        view.close()


def _rows(tickets: int) -> Iterator[Row]:
    real = set(holders(tickets))
    for ticket in range(1, tickets + 1):
        yield row(ticket) if ticket in real else Row(ticket, 0, 0, 1, 3, 0, ticket, os.urandom(32), 0, 0, 0, 0)
