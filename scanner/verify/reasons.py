"""Why a gate said what it said: stable codes, the same in records, logs, receipts and on the screen.

The sentences that people read are in the kiosk's texts; the ones here are for logs and commands.
"""

from enum import StrEnum
from typing import Literal

Outcome = Literal["admit", "amber", "refuse"]
"""Green, amber and red."""


class Reason(StrEnum):
    """Every verdict has exactly one."""

    OK = "ok"
    REPEAT = "repeat"

    CLOCK_OFF = "clock-off"
    OLD_CODE = "old-code"
    SHOW_FULL_CODE = "show-full-code"
    WRONG_GATE = "wrong-gate"
    TOO_EARLY = "too-early"
    BEACON_MISSING = "beacon-missing"
    UPDATE_GATE = "update-gate"
    ONE_AT_A_TIME = "one-at-a-time"
    ASK_SUPERVISOR = "ask-supervisor"
    OTHER_LEASE = "other-lease"
    LIST_EXPIRED = "list-expired"

    NOT_A_CODE = "not-a-code"
    MALFORMED = "malformed"
    OTHER_EVENT = "other-event"
    UNSUPPORTED_VERSION = "unsupported-version"
    EXPIRED = "expired"
    SCREENSHOT = "screenshot"
    FORGED = "forged"
    TRANSFERRED = "transferred"
    UNTRUSTED_CERTIFICATE = "untrusted-certificate"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_OLDER = "certificate-older"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    BLOCKED = "blocked"
    ALREADY_USED = "already-used"
    EVENT_CANCELLED = "event-cancelled"
    ZONE_CLOSED = "zone-closed"
    USED_ELSEWHERE = "used-elsewhere"


NEXT_CODE_TELLS = frozenset(
    {Reason.CLOCK_OFF, Reason.OLD_CODE, Reason.EXPIRED, Reason.SCREENSHOT, Reason.BEACON_MISSING},
)
"""The holder is asked for another code of the same ticket, so it counts as soon as it is in view."""
