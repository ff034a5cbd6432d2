"""From what each frame shows to what the gate is asked. PURE: no clock, no camera, no signature; `now` is passed in.

A code held in view is one scan, and so is its successor in the next time step, unless the gate said that the next one
counts (`expect_next`). Whether the ticket is good is not
decided here: `identify` says which ticket a text claims to be, and nothing more is asked of it.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field

FULL_PREFIX = "T2"


@dataclass(frozen=True, slots=True)
class Scan:
    """One ticket was shown: decide about this text."""

    text: str


@dataclass(frozen=True, slots=True)
class TwoTickets:
    """Two or more different tickets are in view: amber, "one at a time"."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotATicket:
    """A code is in view that is no gate code, and no ticket is near it."""

    text: str


Showing = Scan | TwoTickets | NotATicket
Identify = Callable[[str], Hashable | None]


@dataclass(slots=True)
class _Held:
    """Something in view: its newest text, since when, when last, and what the gate was asked about it."""

    text: str
    since: float
    last: float
    asked: bool = False
    asked_full: bool = False
    asked_text: str = ""
    asked_at: float = 0.0
    next_counts: bool = False


@dataclass(slots=True)
class Debounce:
    """The memory between frames of one gate. Times are monotonic seconds that never fall.

    `identify` gives the same key for all codes of one ticket (event tag, ticket index, owner_seq) and None for a text
    that is no gate code. `rearm` is how long a code must be out of view to count as shown anew. `together` bridges
    frames in which only one of two codes was read. `settle` is how long a code that is no ticket must stay, so that
    one printed beside a ticket gives no red before the ticket is read.
    """

    identify: Identify
    rearm: float = 1.5
    together: float = 0.3
    settle: float = 0.3
    _tickets: dict[Hashable, _Held] = field(default_factory=dict)
    _others: dict[str, _Held] = field(default_factory=dict)
    _crowd: float | None = None

    def see(self, texts: Iterable[str], now: float) -> Showing | None:
        """What to ask the gate about a frame that held `texts` (perhaps none); None when it is nothing new."""
        tickets, others = self._sorted(texts)
        self._prune(now)
        for key, text in tickets.items():
            _touch(self._tickets.setdefault(key, _Held(text, now, now)), text, now)
        for text in others:
            _touch(self._others.setdefault(text, _Held(text, now, now)), text, now)
        near = [held for held in self._tickets.values() if now - held.last <= self.together]
        if tickets:
            return self._two(near, now) if len(near) > 1 else self._one(near[0], now)
        return None if near else self._other(others, now)

    def forget(self) -> None:
        """Let the ticket in view be scanned again, as after "not passed, try again". Other codes stay known."""
        self._tickets.clear()
        self._crowd = None

    def expect_next(self, text: str) -> None:
        """The ticket's next code is a showing of its own, though this one is still in view."""
        held = self._tickets.get(self.identify(text))
        if held is not None:
            held.next_counts = True

    def _sorted(self, texts: Iterable[str]) -> tuple[dict[Hashable, str], list[str]]:
        tickets: dict[Hashable, str] = {}
        others: list[str] = []
        for text in texts:
            key = self.identify(text)
            if key is None:
                others.append(text)
            elif key not in tickets or text.startswith(FULL_PREFIX):
                tickets[key] = text
        return tickets, others

    def _prune(self, now: float) -> None:
        self._tickets = {key: held for key, held in self._tickets.items() if now - held.last <= self.rearm}
        self._others = {text: held for text, held in self._others.items() if now - held.last <= self.rearm}
        if self._crowd is not None and now - self._crowd > self.rearm:
            self._crowd = None

    def _two(self, near: list[_Held], now: float) -> TwoTickets | None:
        known, self._crowd = self._crowd, now
        return TwoTickets(tuple(held.text for held in near)) if known is None else None

    def _one(self, held: _Held, now: float) -> Scan | None:
        full = held.text.startswith(FULL_PREFIX)
        # Not sooner than by taking it away: a film of many old codes is not a verdict a frame.
        is_next = held.next_counts and held.text != held.asked_text and now - held.asked_at >= self.rearm
        if held.asked and not (full and not held.asked_full) and not is_next:
            return None
        held.asked, held.next_counts = True, False
        held.asked_text, held.asked_at = held.text, now
        held.asked_full = held.asked_full or full
        return Scan(held.text)

    def _other(self, others: list[str], now: float) -> NotATicket | None:
        for text in others:
            held = self._others[text]
            if not held.asked and now - held.since >= self.settle:
                held.asked = True
                return NotATicket(text)
        return None


def _touch(held: _Held, text: str, now: float) -> None:
    held.text, held.last = text, now
