"""Turns templates into letters and sends each by mail or, to a person who gave no address, by SMS; a receipt the other
way round, so that a link and what its page asks for take two ways where there are two. Keeps nothing.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ledger_node.adapters import letters
from ledger_node.adapters.delivery import NotSent, Sent
from ledger_node.adapters.letters import Letter
from ledger_node.services.messenger import NotSentError, Reachable

Values = Mapping[str, str]
_LETTERS: Mapping[str, Callable[[Values], Letter]] = {
    "activation": lambda said: letters.activation(**_numbered(said, "tickets")),
    "transfer_offer": lambda said: letters.transfer_offer(**_numbered(said, "price")),
    "receipt": lambda said: letters.receipt(**_numbered(said, "tickets", "amount")),
    "invitation": lambda said: letters.invitation(**said),
}


_BY_PHONE_FIRST = frozenset({"receipt"})


class Mail(Protocol):
    """`adapters.mail.Mailer`."""

    def send(self, address: str, letter: Letter, key: str) -> Sent | NotSent:
        """Raises DeliveryError."""


class Sms(Protocol):
    """`adapters.sms.SmsSender`."""

    def send(self, number: str, text: str, key: str) -> Sent | NotSent:
        """Raises DeliveryError."""


class Post:
    """A `messenger.Messenger`. Raises DeliveryError when it may work later."""

    def __init__(self, mail: Mail | None, sms: Sms | None) -> None:
        self._mail = mail
        self._sms = sms

    def way(self, contact: Reachable, template: str) -> str:
        """See `messenger.Messenger`."""
        open_ = [("email", contact.email and self._mail), ("phone", contact.phone and self._sms)]
        ways = [name for name, good in open_ if good]
        return ways[-1 if template in _BY_PHONE_FIRST else 0] if ways else ""

    def send(self, contact: Reachable, template: str, values: Values, key: str | None = None) -> None:
        """See `messenger.Messenger`."""
        try:
            letter = _LETTERS[template](values)
        except (KeyError, TypeError, ValueError) as error:
            raise NotSentError(f"the letter {template} cannot be written: {error}") from error
        key = key or os.urandom(16).hex()
        way = self.way(contact, template)
        if way == "email" and contact.email and self._mail:
            outcome = self._mail.send(contact.email, letter, key)
        elif way == "phone" and contact.phone and self._sms:
            outcome = self._sms.send(contact.phone, letter.sms, key)
        else:
            raise NotSentError("this node has no way to whom it is for: mail or SMS is not set up")
        if isinstance(outcome, NotSent):
            raise NotSentError(outcome.reason)


def _numbered(values: Values, *names: str) -> dict[str, Any]:
    return {**values, **{name: int(values[name]) for name in names}}
