"""Each way in which a ticket gets to a phone, and what beside its letter the phone's owner has to know: the table that
docs/activation.md shows, and that a test walks through real mail and SMS. A letter with a link never says the answer.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Way:
    """`letter` brings the link; its page asks `asks`, and the person knows that from `known_from`; "" = nothing."""

    name: str
    letter: str
    asks: str
    known_from: str


_NUMBER = "the order's number"
WAYS: Final = (
    Way("order feed", "activation", _NUMBER, "the ticketing system's own confirmation"),
    Way("direct sale", "activation", _NUMBER, "the shop's screen (`number`), and a receipt without a link"),
    Way("guest with a question", "invitation", "the sponsor's question", "the sponsor"),
    Way("guest with two addresses", "invitation", "the address that the letter does not go to", "themselves"),
    Way("renewed link", "as before", "as before", "as before"),
    Way("lost phone", "none: the help desk hands it over", "the help desk's question", "themselves"),
    Way("transfer", "transfer_offer", "", ""),
    Way("resale", "none", "", ""),
)
