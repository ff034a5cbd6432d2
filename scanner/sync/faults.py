"""Where the node's refusals and reconcile's verdicts become exceptions, so that a side of the sync reads straight on.

What is retried soon, slowly or not at all follows from the class: see loop.py.
"""

from typing import TypeVar

from scanner.errors import SyncError
from scanner.sync.answers import Problem, Revoked
from scanner.sync.trust import Alarm
from scanner.verify.entry import Malformed

T = TypeVar("T")


class AlarmError(SyncError):
    """The log is not what it was: nothing is believed, nothing is dropped, people must look."""


class ToldRevokedError(SyncError):
    """The node says that this device was revoked: to be proven by the log before anything follows from it."""


class RevokedError(SyncError):
    """The log says that this device was revoked: it must wipe what it holds."""


def granted(answer: T | Problem | Revoked) -> T:
    """What the node answered, if it did not refuse."""
    if isinstance(answer, Revoked):
        raise ToldRevokedError(f"the ledger node says: {answer.detail}")
    if isinstance(answer, Problem):
        if answer.code == "log-behind":
            raise AlarmError(f"the log went back: {answer.detail}")
        if answer.code == "not-cosigned":
            raise AlarmError(f"the log's witnesses are missing: {answer.detail}")
        raise SyncError(answer.sentence())
    return answer


def proven(verdict: T | Malformed | Alarm, what: str) -> T:
    """What reconcile found good; `what` was being checked."""
    if isinstance(verdict, Alarm):
        raise AlarmError(verdict.reason)
    if isinstance(verdict, Malformed):
        raise SyncError(f"the ledger node's {what} cannot be believed: {verdict.reason}")
    return verdict
