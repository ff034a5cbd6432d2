"""The port through which holders and guests are written to. Mail and SMS stand behind it, in tests a recorder."""

from collections.abc import Mapping
from typing import Protocol


class Reachable(Protocol):
    """Whom to write to: at least one of phone (E.164) and email is there."""

    @property
    def phone(self) -> str | None:
        """E.164."""

    @property
    def email(self) -> str | None:
        """An address."""


class NotSentError(Exception):
    """The message will never be taken as it is: a bad address, a refusal for good. The text names no contact."""


class Messenger(Protocol):
    """Delivers letters. Any thread; blocks until the next station has taken the message."""

    def way(self, contact: Reachable, template: str) -> str:
        """By which of the two a letter of this kind goes to them, "phone" or "email"; "" = by neither."""

    def send(self, contact: Reachable, template: str, values: Mapping[str, str], key: str | None = None) -> None:
        """Write to somebody; `template` is the letter's name, `values` what it is filled with, by its own names.

        `key` names this message for good: the same key again is the same message; without one, each call is another.
        Raises NotSentError, and DeliveryError (adapters) when nobody knows whether it went out: send it again.
        """
