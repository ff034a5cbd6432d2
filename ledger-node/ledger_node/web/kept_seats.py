"""How many holds of seats one network address may have at once, so that nobody empties a hall without paying.

In memory, bounded. A hold counts until it ends, is let go or is paid. An IPv6 address counts with its whole /64. Many
people may stand behind one address (a mobile network, an office), so the limit is for holds that nobody has paid, and
not a small one. Whose requests are counted is the caller's business.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field

from ledger_node.services.errors import ServiceError
from ledger_node.web.limits import group_of

CAPACITY = 50_000
"""Addresses; the ones that were longest without a new hold are forgotten first."""


@dataclass(eq=False, slots=True)
class Place:
    """A hold that counts until `until` (unix seconds); `token` once it is known, as a hash."""

    group: tuple[str, str]
    until: float
    token: bytes = field(default=b"", repr=False)


class KeptSeats:
    """The holds that count, by event and address. One event loop."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._places: OrderedDict[tuple[str, str], list[Place]] = OrderedDict()
        self._by_token: dict[bytes, Place] = {}

    def __len__(self) -> int:
        return len(self._places)

    def take(self, event: str, address: str, most: int, now: float, until: float) -> Place:
        """Count a hold before it is made, so that many at once are counted, too. ServiceError "too-many-holds"."""
        group = (event, group_of(address))
        places = self._places.setdefault(group, [])
        for ended in [one for one in places if one.until <= now]:
            self.free(ended)
        if len(places) >= most:
            sentence = f"{most} holds from this network are neither paid nor let go: pay, or wait until one ends"
            raise ServiceError("too-many-holds", sentence, 429)
        place = Place(group, until)
        places.append(place)
        self._places[group] = places
        self._places.move_to_end(group)
        if len(self._places) > self._capacity:
            for forgotten in self._places.popitem(last=False)[1]:
                self._by_token.pop(forgotten.token, None)
        return place

    def made(self, place: Place | None, token: str) -> None:
        """The hold is there, under this token."""
        if place is not None:
            place.token = _digest(token)
            self._by_token[place.token] = place

    def free(self, place: Place | None) -> None:
        """It does not count any more."""
        if place is None:
            return
        self._by_token.pop(place.token, None)
        places = self._places.get(place.group, [])
        if place in places:
            places.remove(place)
        if not places:
            self._places.pop(place.group, None)

    def over(self, token: str) -> None:
        """The hold with this token was paid or let go."""
        self.free(self._by_token.get(_digest(token)))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
