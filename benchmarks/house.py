"""A real ledger node for the benchmark: an event whose every ticket has a holder's key and its proof, and gates.

The keys follow from the ticket's number, so that a holder's codes can be made later; making and proving a million of
them is not what is measured, and is shared by the machine's cores.
"""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from ledger_node.contract.entries import NewTicket
from ledger_node.services.devices import make_code
from ledger_node.services.events import EventOrder, create_event
from ledger_node.services.node import Node
from scanner.verify.keys import SigningKey
from tests.fakes.gate_client import GateClient
from tests.fakes.running_node import DOORS, EVENT, open_home, processes
from tests.fakes.wallet import Wallet

__all__ = ["DOORS", "EVENT", "Served", "enrolment", "holder", "open_home", "serve", "stage", "staged_lots"]
_LOT = 5_000


@dataclass(frozen=True, slots=True)
class Served:
    """A node that runs in a process `pid` of its own, its log's verifier key, and gates that are enrolled at it. Gates
    ask at a port of their own.
    """

    url: str
    port: int
    gates_port: int
    pid: int
    log: str
    gates: tuple[GateClient, ...]

    @property
    def gates_url(self) -> str:
        """Where gates ask."""
        return f"http://127.0.0.1:{self.gates_port}"


def holder(ticket: int) -> Wallet:
    """The phone of whoever bought this ticket."""
    return Wallet(SigningKey(hashlib.sha256(b"holder %d" % ticket).digest()))


def stage(node: Node, tickets: int) -> None:
    """The event on the ledger, with tickets from index 1 on."""
    create_event(node, EventOrder(EVENT, "Harbour Nights", DOORS, DOORS + 5400, tickets))
    for lot in staged_lots(tickets):
        node.commit(list(node.operator.issue(EVENT, lot, node.seconds)))


@contextmanager
def serve(home: Path, gates: int) -> Iterator[Served]:
    """`ledger-node serve` over a home that was staged."""
    with open_home(home) as node:
        codes = [enrolment(node, f"R{1 + n % 4}") for n in range(gates)]
        node_key, log = node.keys.node.public, node.ledger.vkey
    with processes(home) as at:
        running, url = at.ledger, f"http://127.0.0.1:{at.port}"
        clients = tuple(GateClient(f"http://127.0.0.1:{at.gates_port}", node_key, EVENT) for _ in range(gates))
        for client, code in zip(clients, codes, strict=True):
            assert client.enrol(code).status == 200
        try:
            yield Served(url, at.port, at.gates_port, running.pid, log, clients)
        finally:
            for client in clients:
                client.close()
            running.terminate()
            running.wait(20)


def enrolment(node: Node, gate: str = "R1") -> str:
    """A one-time code for one device."""
    return make_code(node, EVENT, gate, 3600).text()


def staged_lots(tickets: int) -> Iterator[list[NewTicket]]:
    """Tickets with their holders' keys and proofs, from index 1 on, many at a time."""
    starts = range(1, tickets + 1, _LOT)
    ends = [min(start + _LOT, tickets + 1) for start in starts]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for made in pool.map(_lot, starts, ends):
            yield [NewTicket(*ticket) for ticket in made]


def _lot(start: int, end: int) -> list[tuple[int, int, int, int, int, bytes, bytes]]:
    return [_ticket(index) for index in range(start, end)]


def _ticket(index: int) -> tuple[int, int, int, int, int, bytes, bytes]:
    wallet = holder(index)
    return index, index, 0, 1, 88_000, wallet.public, wallet.proof(EVENT, index)
