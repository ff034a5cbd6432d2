"""The chains of the devices' records, for an audit: each record names the hash of the one before it. Reads entries that
the contract has accepted; a gap may close when the gate uploads, a break never does.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from scanner.verify.entry import Entry
from scanner.verify.record import FIRST_PREVIOUS, TYPES, record_hash


@dataclass(frozen=True, slots=True)
class _Link:
    position: int
    previous: bytes
    digest: bytes


class Chains:
    """All devices' chains, filled in log order."""

    def __init__(self) -> None:
        self._links: defaultdict[str, dict[int, _Link]] = defaultdict(dict)

    def add(self, position: int, entry: Entry) -> None:
        """Take in an accepted entry; those that are no device's record are passed over."""
        if entry.type not in TYPES or "previous" not in entry.body:
            return
        link = _Link(position, entry.body["previous"], record_hash(entry.raw))
        self._links[entry.body["device"]][entry.body["counter"]] = link

    def breaks(self) -> Iterator[tuple[int, str]]:
        """Records that do not continue the one before: (log position, what is wrong)."""
        for device, links in sorted(self._links.items()):
            for counter, link in sorted(links.items()):
                before = links.get(counter - 1)
                expected = before.digest if before else (FIRST_PREVIOUS if counter == 1 else link.previous)
                if link.previous != expected:
                    yield link.position, f"record {counter} of device {device} does not continue the one before it"

    def gaps(self) -> Iterator[str]:
        """Devices whose records are not all here."""
        for device, links in sorted(self._links.items()):
            missing = max(links) - len(links)
            if missing:
                yield f"device {device}: {missing} of {max(links)} records are not in the log (yet)"
