"""The thread that takes back what this node lost from its own witnesses, as soon as it knows that it lost it."""

import structlog

from ledger_node.adapters.remote_log import RemoteLogError, http_source
from ledger_node.log.port import LedgerFault
from ledger_node.services.background import Background
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.services.refeed import refeed
from ledger_node.services.witness_memory import short_name

EVERY = 1.0
"""Seconds between two looks at whether something is missing."""
PAUSE = 10.0
"""Seconds until witnesses that could not help are asked again."""
log = structlog.get_logger()


class Refeeder(Background):
    """See the module."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._said: dict[str, str] = {}
        super().__init__("refeeder", self._run)

    def _run(self) -> None:
        while not self.ended.wait(EVERY):
            if self._missing():
                self._ask_each()
                if self._missing():
                    self.ended.wait(PAUSE)

    def _missing(self) -> bool:
        behind = self._node.newer.behind
        return behind is not None and not behind.forked

    def _ask_each(self) -> None:
        for witness in self._node.cosigning.addresses:
            if not self._missing() or self.ended.is_set():
                return
            name = f"witness {witness.key.name}"
            try:
                read = http_source(f"{witness.url.rstrip('/')}/logs/{short_name(self._node.ledger.origin)}")
                refeed(self._node, read, name, ended=self.ended.is_set)
                self._said.pop(name, None)
            except (ServiceError, RemoteLogError, LedgerFault) as error:
                self._say(name, str(error))
            except Exception:
                # A witness that is broken must not end the asking of others.
                log.exception("refeed fault", source=name)

    def _say(self, name: str, problem: str) -> None:
        if self._said.get(name) != problem:
            self._said[name] = problem
            log.warning("not fed again", source=name, problem=problem)
