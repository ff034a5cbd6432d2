"""What devices report of themselves with each poll, kept in memory and written down now and then."""

from ledger_node.services.store import Report, Store


class Reports:
    """The newest report of each device. Used on the event loop; `flush` may run on any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._fresh: dict[str, Report] = {}

    def note(self, device: str, seen_at: int, view_size: int | None = None, queue: int | None = None) -> None:
        """The device has just been heard of; what it did not say stays as it was."""
        old = self._fresh.get(device)
        view_size = (old.view_size if old else 0) if view_size is None else view_size
        queue = (old.queue if old else 0) if queue is None else queue
        self._fresh[device] = Report(device, seen_at, view_size, queue)

    def flush(self) -> None:
        """Write what is new to the store."""
        fresh, self._fresh = self._fresh, {}
        for report in fresh.values():
            self._store.report(report)
