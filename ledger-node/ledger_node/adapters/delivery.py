"""What sending a message comes to, by mail or SMS: values for what was said to us, an error when nobody can say.

No text here holds an address, so all may be logged; but `Sent.id`, which is of the other side's making.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sent:
    """The next station took the message. `id` is its name for it, to ask after it; not for a log."""

    id: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """The message will never be taken as it is: a bad address, a refusal for good. `reason` may be logged."""

    reason: str


class DeliveryError(Exception):
    """Not sent, or nobody knows: the network, a time-out, "come back later". Send it again with the same key."""
