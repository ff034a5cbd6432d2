"""What the market does while nobody waits for it: purchases and refunds that a crash left, captures, deals that ran
out, activation links, letters. One round is `tend`; the order within it does not matter, and one that fails does not
stop the others.
"""

import threading
import time
from collections.abc import Callable

import structlog

from ledger_node.log.ledger import LedgerFault
from ledger_node.services import dealing, letters, links, purchases, refunds
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node

EVERY = 2.0
"""Seconds between two rounds when nothing asks for one."""
GATHER = 0.1
"""Seconds from the first thing to do to the round that does it, so that a rush makes few rounds with much in each."""
LONGEST = 15.0
"""Seconds that a rush may put a round off."""
_DUTIES: tuple[Callable[[Node], int], ...] = (
    purchases.resume,
    purchases.collect,
    refunds.resume,
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
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="market", daemon=True)

    def start(self) -> None:
        """Begin with what the last run left."""
        self._thread.start()

    def close(self) -> None:
        """End after the round that is under way."""
        self._closing.set()
        self._node.market.work.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._node.market.work.clear()
            try:
                tend(self._node)
            except Exception:
                log.exception("fault", duty="market")
            if self._node.market.work.wait(EVERY):
                self._let_buyers_go_first()

    def _let_buyers_go_first(self) -> None:
        """Money that is held can be captured a little later; who waits to pay should not."""
        until = time.monotonic() + LONGEST
        self._closing.wait(GATHER)
        while self._node.market.buyers and time.monotonic() < until and not self._closing.wait(GATHER):
            pass
