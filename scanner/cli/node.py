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
from scanner.ports import CONFLICT, Receipt, SyncHealth, Waiting
from scanner.sync.answers import Problem, RecordAnswer, Revoked
from scanner.sync.claims import ClaimDesk
from scanner.sync.client import Identity, NodeClient
from scanner.sync.recalls import RecallLine
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
        self._desk = ClaimDesk(self._ask_claim, self._late, lambda why: log.warning("claim", error=why))
        self._failed_at: float | None = None
        self._copied = journal.copied()
        self._wiped = False
        sync = client(Timeouts())
        self._recalls = RecallLine(sync, journal, random.random)
        self._worker = SyncWorker(sync, trust, journal, view, lambda: view.manifest, self._heard, random.random)
        journal.on_record(self._worker.wake)

    def start(self) -> None:
        """Begin to sync; a node that is away is waited for without an end."""
        self._worker.start()
        self._recalls.start()

    def stop(self) -> None:
        """Hang up. What was not settled is sent again next time."""
        self._claim_client.close()
        self._desk.close()
        self._recalls.stop()
        self._worker.stop()
        self._recalls.join(1.0)

    def health(self) -> SyncHealth:
        """For the screen."""
        status = self._status
        return SyncHealth(
            status.online, status.last_error, status.alarm, status.revoked, status.no_network, self._copied
        )

    def available(self) -> bool:
        """Whether the sync reached the node since a claim last went unanswered, and believes its log.

        A log that went back does not know what it granted, and would grant it once more.
        """
        status = self._status
        if not status.online or status.alarm:
            return False
        return self._failed_at is None or (status.last_success or 0.0) > self._failed_at

    def claim(self, record: Waiting, deadline_s: float) -> Receipt | None:
        """The node's word within the deadline; the first silence ends claims until the sync hears the node again."""
        receipt = self._desk.claim(record, deadline_s)
        if receipt is not None:
            self._look_for_a_copy(receipt)
        self._failed_at = time.monotonic() if receipt is None else None
        return receipt

    def _ask_claim(self, record: Waiting) -> RecordAnswer | Problem | Revoked:
        return self._claim_client.claim(record, self._worker.verified())

    def _late(self, receipt: Receipt) -> None:
        log.warning("a claim was answered too late", counter=receipt.counter, verdict=receipt.verdict)
        self._look_for_a_copy(receipt)

    def _look_for_a_copy(self, receipt: Receipt) -> None:
        """Until the record is uploaded and set aside, only this process knows; after it, every start does."""
        if receipt.verdict == CONFLICT and not self._copied:
            log.critical("card-copied", counter=receipt.counter, reason=receipt.reason)
            self._copied = True
            self._on_news()

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
        try:
            self._copied = self._copied or self._journal.copied()
            self._view.keep_time(self._clock.kept())
        except GateError as error:
            log.warning("the time could not be stored", error=str(error))
        self._on_news()
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
