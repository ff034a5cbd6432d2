"""The ledger node as a gate has it: sync and claims over one identity, and what a revocation does."""

import random
import secrets
import time
from collections.abc import Callable
from dataclasses import replace

import structlog

from scanner.cli.settings import TrustSettings
from scanner.clock import TrustedClock
from scanner.errors import GateError
from scanner.identity import Enrolled, IdentityError
from scanner.journal import Journal
from scanner.ports import Receipt, SyncHealth, Waiting
from scanner.sync.claims import ClaimDesk
from scanner.sync.client import Identity, NodeClient
from scanner.sync.signed import Timeouts
from scanner.sync.status import SyncStatus
from scanner.sync.trust import LogTrust
from scanner.sync.worker import SyncWorker
from scanner.verify.checkpoint import VerifierKey
from scanner.verify.entry import Malformed
from scanner.verify.keys import SigningKey
from scanner.view import GateView

log = structlog.get_logger("sync")
CLAIM = Timeouts(connect=1.0, silence=2.0, total=3.0)


class Node:
    """Implements ports.Claims, and runs the sync. `wipe` is called once, when a revoked device owes nothing more."""

    def __init__(
        self,
        url: str,
        identity: Identity,
        trust: LogTrust,
        journal: Journal,
        view: GateView,
        clock: TrustedClock,
        wipe: Callable[[], None],
        on_news: Callable[[], None],
        ca: str | None,
    ) -> None:
        def client(timeouts: Timeouts) -> NodeClient:
            return NodeClient(
                url,
                identity,
                clock.now,
                lambda: secrets.token_hex(16),
                clock.observe,
                timeouts=timeouts,
                ca=ca,
                quorum=trust.quorum,
            )

        self._status = SyncStatus()
        self._journal, self._view, self._clock, self._wipe = journal, view, clock, wipe
        self._on_news = on_news
        self._claim_client = client(CLAIM)
        self._desk = ClaimDesk(self._claim_client.claim, _late, lambda why: log.warning("claim", error=why))
        self._failed_at: float | None = None
        self._wiped = False
        self._worker = SyncWorker(
            client(Timeouts()), trust, journal, view, lambda: view.manifest, self._heard, random.random
        )
        journal.on_record(self._worker.wake)

    def start(self) -> None:
        """Begin to sync; a node that is away is waited for without an end."""
        self._worker.start()

    def stop(self) -> None:
        """Hang up. What was not settled is sent again next time."""
        self._claim_client.close()
        self._desk.close()
        self._worker.stop()

    def health(self) -> SyncHealth:
        """For the screen."""
        status = self._status
        return SyncHealth(status.online, status.last_error, status.alarm, status.revoked)

    def available(self) -> bool:
        """Whether the sync reached the node since a claim last went unanswered."""
        status = self._status
        if not status.online:
            return False
        return self._failed_at is None or (status.last_success or 0.0) > self._failed_at

    def claim(self, record: Waiting, deadline_s: float) -> Receipt | None:
        """The node's word within the deadline; the first silence ends claims until the sync hears the node again."""
        receipt = self._desk.claim(record, deadline_s)
        self._failed_at = time.monotonic() if receipt is None else None
        return receipt

    def _heard(self, status: SyncStatus) -> None:
        before, self._status = self._status, status
        if replace(before, last_success=None, view_checked=None, queue=0) != replace(
            status, last_success=None, view_checked=None, queue=0
        ):
            log.info(
                "sync",
                online=status.online,
                error=status.last_error,
                alarm=status.alarm,
                queue=status.queue,
                view_size=status.view_size,
            )
        self._on_news()
        try:
            self._view.note_signed_time(int(self._clock.floor()))
        except GateError as error:
            log.warning("the signed time could not be stored", error=str(error))
        if status.revoked and not status.queue and not self._wiped:
            self._wiped = True
            log.critical("this device was revoked: its key, enrolment and view are wiped")
            self._wipe()


def trust_of(enrolled: Enrolled, settings: TrustSettings) -> LogTrust:
    """Which log this device was told to believe at enrolment, and which witnesses its own settings want for it."""
    key = VerifierKey.parse(enrolled.log_vkey)
    if isinstance(key, Malformed):
        raise IdentityError(f"enrolment.json names no usable log key ({key.reason}): enrol this device again")
    return LogTrust(enrolled.origin, key, settings.keys(), settings.quorum)


def identity_of(enrolled: Enrolled, key: SigningKey) -> Identity:
    """Who asks whom."""
    return Identity(enrolled.device, key, enrolled.event, bytes.fromhex(enrolled.node_key))


def _late(receipt: Receipt) -> None:
    log.warning("a claim was answered too late", counter=receipt.counter, verdict=receipt.verdict)
