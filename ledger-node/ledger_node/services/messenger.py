"""The port through which holders and guests are written to. Mail and SMS stand behind it, in tests a recorder."""

from collections.abc import Mapping
from typing import Protocol

from ledger_node.adapters.delivery import NotSent, Sent


class Reachable(Protocol):
    """Whom to write to: at least one of phone (E.164) and email is there."""

    @property
    def phone(self) -> str | None:
        """E.164."""

    @property
    def email(self) -> str | None:
        """An address."""


class Messenger(Protocol):
    """Delivers letters. Any thread; blocks until the next station has taken the message."""

    def send(self, contact: Reachable, template: str, values: Mapping[str, str], key: str) -> Sent | NotSent:
        """Write to somebody; `template` is the letter's name, `values` what it is filled with, by its own names.

        `key` names this message for good: the same key again is the same message. Raises DeliveryError when nobody
        knows whether it went out: send it again.
        """
