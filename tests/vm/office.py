"""The ledger node of the bench: a real one on this machine, with an event whose doors have just opened."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt

from ledger_node.contract.entries import NewTicket
from ledger_node.services.events import EventOrder, create_event
from tests.fakes.running_node import Running, open_home, serving
from tests.fakes.wallet import Wallet
from tests.show.phone import Phone, empty_scene, still

EVENT = "bench-night"
GATE = "R1"
TICKETS = 20
# A camera's are never twice the same. A busy gate reads every second or third: of two it would see one again and again.
PICTURES = 5
THIS_MACHINE = "10.0.2.2"  # as QEMU's user network calls it


@dataclass(frozen=True, slots=True)
class Office:
    """The node, and the phones of those who come."""

    running: Running
    wallets: list[Wallet]

    @property
    def url(self) -> str:
        """Where the guest finds the node."""
        return f"http://{THIS_MACHINE}:{self.running.port}"

    def enrolment_code(self) -> str:
        """For the gate."""
        return self.running.code(GATE, EVENT)

    def phone(self, ticket: int) -> list[npt.NDArray[np.uint8]]:
        """What a camera sees of a phone that shows this ticket's code of now, with the sensor's noise."""
        text = self.wallets[ticket - 1].compact(EVENT, ticket, 0, time.time()).text()
        return _in_turn(still(Phone(text), np.random.default_rng(ticket)))

    def nobody(self) -> list[npt.NDArray[np.uint8]]:
        """The hall."""
        return _in_turn(empty_scene(np.random.default_rng(0)))

    def admitted(self) -> set[int]:
        """The tickets whose admission is on the ledger."""
        with self.running.node.view() as view:
            return {index for index in range(1, TICKETS + 1) if view.admissions(EVENT, index)}


def _in_turn(picture: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    """The same scene under a lamp that flickers: each picture a little brighter than the one before."""
    return [np.minimum(picture, np.uint8(255 - 2 * step)) + np.uint8(2 * step) for step in range(PICTURES)]


@contextmanager
def office(home: Path) -> Iterator[Office]:
    """Open until the block ends."""
    rng = Random(7)
    wallets = [Wallet.new(rng) for _ in range(TICKETS)]
    with open_home(home) as node:
        now = node.seconds
        create_event(node, EventOrder(EVENT, "Bench night", now - 600, now + 3600, 100))
        rows = [
            NewTicket(index, index, 0, 1, 88_000, wallet.public, wallet.proof(EVENT, index))
            for index, wallet in enumerate(wallets, 1)
        ]
        node.commit(list(node.operator.issue(EVENT, rows, node.seconds)))
        with serving(node) as running:
            yield Office(running, wallets)
