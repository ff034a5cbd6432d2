"""Opens the journal, and if there is none, finds out whether there has been one: by this device's own note, and by the
ledger node's word, if it can be had quickly. Whether a journal is whole, it says itself.
"""

import secrets
from collections.abc import Callable
from pathlib import Path

import structlog

from scanner.clock import TrustedClock
from scanner.errors import SyncError
from scanner.identity import Identities
from scanner.journal import Identity, Journal
from scanner.sync.client import Identity as Asking
from scanner.sync.counter import last_counter
from scanner.sync.signed import Signer
from scanner.verify.record import Stamp

log = structlog.get_logger("journal")
LastCounter = Callable[[], int]
"""The highest counter of this device on the ledger; raises SyncError when nobody says."""


def open_journal(
    path: Path, who: Identity, stamp: Callable[[], Stamp], identities: Identities, asked: LastCounter
) -> Journal:
    """The journal at `path`. Where it is gone, the new one begins behind every counter that may have been used, so that
    no record is refused for one that the ledger has. Raises JournalError.
    """
    there = path.exists() and path.stat().st_size > 0
    used = 0 if there else _used(identities, asked)
    journal = Journal.open(path, who, stamp, used=used)
    identities.begin()
    return journal


def node_asked(url: str, asking: Asking, clock: TrustedClock, ca: str | None) -> LastCounter:
    """Asks the ledger node at `url`."""
    signer = Signer(asking.key, clock.now, lambda: secrets.token_hex(16))
    return lambda: last_counter(url, asking, signer, ca=ca)


def _used(identities: Identities, asked: LastCounter) -> int:
    # 1 is enough to say "some": a journal that is gone leaves a wide gap behind what is known of it.
    known = int(identities.has_begun)
    try:
        told = asked()
    except SyncError as error:
        log.warning("counter not asked", problem=str(error))
        told = 0
    return max(known, told)
