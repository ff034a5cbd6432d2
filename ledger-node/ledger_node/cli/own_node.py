"""A node that this process opens for itself, because no other one has the home folder."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ledger_node.adapters.kernel_clock import held_by_ntp, since_boot
from ledger_node.cli.full_disk import full_disk_said
from ledger_node.cli.operator import Progress
from ledger_node.config import load_keys
from ledger_node.home_folder import credentials_folder
from ledger_node.services.clock_guard import ClockGuard
from ledger_node.services.cosigning import WitnessAddress
from ledger_node.services.issue import import_file
from ledger_node.services.node import Node, open_node
from ledger_node.services.operations import perform
from ledger_node.services.orders import import_orders
from ledger_node.services.snapshot import export_snapshot


class Local:
    """A node that this process has opened for itself."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def do(self, operation: str, **values: Any) -> Any:
        """See Operator."""
        return perform(self._node, operation, values)

    def load(self, event: str, path: Path, progress: Progress) -> int:
        """See Operator."""
        return import_file(self._node, event, path, progress)

    def orders(self, event: str, path: Path, progress: Progress, *, whole: bool) -> Mapping[str, Any]:
        """See Operator."""
        return import_orders(self._node, event, path, whole=whole, progress=progress).to_map()

    def snapshot(self, event: str, out: Path) -> Mapping[str, int]:
        """See Operator."""
        made = export_snapshot(self._node, event, out)
        return {"size": made.size, "length": made.length}


@contextmanager
def own_node(home: Path, witnesses: Sequence[WitnessAddress] = ()) -> Iterator[Node]:
    """The node in `home`, which this process holds."""
    with ExitStack() as stack:
        with full_disk_said(home):
            keys = load_keys(home, credentials_folder(os.environ), os.urandom)
            guard = ClockGuard(time.time, since_boot, held_by_ntp)
            node = stack.enter_context(open_node(home, keys, guard.now, os.urandom, witnesses))
            node.jump = guard.jump
        yield node
