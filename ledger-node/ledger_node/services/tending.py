"""What the market does while nobody waits for it: purchases that a crash left, captures, deals that ran out, activation
links, letters. One round is `tend`; the order within it does not matter, and one that fails does not stop the others.
"""

import threading
from collections.abc import Callable

import structlog

from ledger_node.log.ledger import LedgerFault
from ledger_node.services import dealing, letters, links, purchases
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node

EVERY = 2.0
"""Seconds between two rounds when nothing asks for one."""
_DUTIES: tuple[Callable[[Node], int], ...] = (
    purchases.resume,
    purchases.collect,
    dealing.expire,
    links.make_links,
    letters.deliver,
)
log = structlog.get_logger()


def tend(node: Node) -> int:
    """One round; how much was done."""
    done = 0
    for duty in _DUTIES:
        try:
            done += duty(node)
        except (ServiceError, LedgerFault) as error:
            log.warning("market", duty=duty.__name__, problem=str(error))
    return done


class Tender:
    """The thread that does it, from `start` to `close`."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="market", daemon=True)

    def start(self) -> None:
        """Begin with what the last run left."""
        self._thread.start()

    def close(self) -> None:
        """End after the round that is under way."""
        self._ended = True
        self._node.market.work.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended:
            self._node.market.work.clear()
            try:
                tend(self._node)
            except Exception:
                log.exception("fault", duty="market")
            self._node.market.work.wait(EVERY)
