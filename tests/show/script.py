"""The scenes of the show in their order: what is held up where, and the verdict that the gates owe it.

Only words and tickets are here; drawing, reading and judging are elsewhere. In a beat each gate has one visitor.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.fakes.wallet import Wallet
from tests.show.cast import Cast
from tests.show.people import Company, Held

RED_GATE, BLUE_GATE = "R1", "B1"
MINUTE, HOUR = 60, 3600

Said = tuple[str, str]
"""Outcome and reason, as a gate logs them."""
ADMIT: Said = ("admit", "ok")
GONE: Said = ("refuse", "transferred")
USED: frozenset[Said] = frozenset({("refuse", "already-used"), ("refuse", "used-elsewhere")})


@dataclass(frozen=True, slots=True)
class Scene:
    """Somebody at `gate`. `show` gives the text of each phone held up at a unix second; `expect` what may be said."""

    gate: str
    held_up: str
    expect: frozenset[Said]
    show: Callable[[float], tuple[str, ...]]
    ticket: int | None = None


@dataclass(frozen=True, slots=True)
class Beat:
    """Scenes at the same time. `one_enters`: exactly one of them. `short`: also in the short show."""

    scenes: tuple[Scene, ...]
    one_enters: bool = False
    short: bool = False


@dataclass
class Deals:
    """What the box office does during the show. The certificate is there once the last ticket is sold."""

    cancelled: int
    sold_late: int
    sold_late_to: Wallet
    certificate: tuple[str, str] = ("", "")

    @staticmethod
    def of(cast: Cast) -> "Deals":
        return Deals(cast.red(10), cast.unsold(5), cast.stranger())


@dataclass(frozen=True, slots=True)
class Script:
    """The acts. `short` leaves out what the others show as well."""

    cast: Cast
    company: Company
    deals: Deals
    short: bool = False

    def opening(self) -> list[Beat]:
        """Both gates online."""
        cast, who = self.cast, self.company
        return self._cut(
            Beat((self._person(RED_GATE, who.chan, "bought"), self._good(BLUE_GATE, cast.blue(0))), short=True),
            Beat((self._old(RED_GATE, 5 * MINUTE, "5 minutes", ("amber", "old-code")), self._other_show())),
            Beat((self._forged(RED_GATE), self._old(BLUE_GATE, HOUR, "an hour", ("refuse", "expired"))), short=True),
            Beat((self._web_link(), self._wrong_gate(BLUE_GATE, cast.red(2)))),
            Beat((self._good(RED_GATE, cast.red(2)), self._good(BLUE_GATE, cast.blue(4)))),
        )

    def after_the_office(self) -> list[Beat]:
        """Both gates online, after the box office cancelled a ticket."""
        cast, who = self.cast, self.company
        cancelled = self._code(RED_GATE, "a cancelled ticket", self.deals.cancelled, ("refuse", "cancelled"))
        anywhere = self._good(RED_GATE, cast.anywhere(0), "a ticket for any gate")
        return self._cut(
            Beat((cancelled, self._person(BLUE_GATE, who.wong_before, "sold it", GONE)), short=True),
            Beat((anywhere, self._person(BLUE_GATE, who.ho, "bought it")), short=True),
            Beat((self._two_at_once(), self._used(BLUE_GATE, cast.anywhere(0), "that ticket at the other gate"))),
            Beat((self._shared(RED_GATE), self._shared(BLUE_GATE)), one_enters=True, short=True),
        )

    def alone(self) -> list[Beat]:
        """No ledger node answers."""
        cast, who = self.cast, self.company
        elsewhere = "a ticket for any gate, offline"
        lee, lam = self._person(RED_GATE, who.lee, "got it"), self._person(BLUE_GATE, who.lam, "guest")
        return self._cut(
            Beat((lee, lam), short=True),
            Beat(
                (
                    self._code(RED_GATE, elsewhere, cast.anywhere(2), ("amber", "other-lease")),
                    self._used(BLUE_GATE, cast.blue(0), "a ticket that entered before"),
                ),
                short=True,
            ),
        )

    def alone_after_the_sale(self) -> list[Beat]:
        """Still no node; the box office sold one more ticket, which no gate can have heard of."""
        cast = self.cast
        sent_here = self._good(BLUE_GATE, cast.anywhere(2), "the visitor whom R1 sent here")
        if self.short:
            return [Beat((self._late_buyer_in_full(), sent_here))]
        return [
            Beat((self._late_buyer(), sent_here)),
            Beat((self._late_buyer_in_full(), self._forged(BLUE_GATE))),
        ]

    def returned(self) -> list[Beat]:
        """The node is back and both gates have heard it."""
        at_red = self._used(RED_GATE, self.cast.anywhere(2), "a ticket that entered at B1")
        old_code = self._person(BLUE_GATE, self.company.chan_before, "old code", GONE)
        return [Beat((at_red, old_code))]

    def entered_alone(self) -> tuple[int, ...]:
        """Tickets that one gate admitted alone and that the other is asked about afterwards."""
        return (self.cast.anywhere(2), self.deals.sold_late)

    # Scenes

    def _good(self, gate: str, ticket: int, held_up: str = "a good ticket") -> Scene:
        return self._code(gate, held_up, ticket, ADMIT)

    def _code(self, gate: str, held_up: str, ticket: int, said: Said) -> Scene:
        return Scene(gate, held_up, frozenset({said}), lambda at: (self.cast.compact(ticket, at),), ticket)

    def _person(self, gate: str, held: Held, part: str, said: Said = ADMIT) -> Scene:
        return Scene(gate, f"{held.person.name}, {part}", frozenset({said}), lambda at: (held.code(at),), held.ticket)

    def _used(self, gate: str, ticket: int, held_up: str) -> Scene:
        return Scene(gate, held_up, USED, lambda at: (self.cast.compact(ticket, at),), ticket)

    def _old(self, gate: str, seconds: int, ago: str, said: Said) -> Scene:
        ticket = self.cast.red(1) if gate == RED_GATE else self.cast.blue(2)
        held_up = f"a screenshot from {ago} ago"
        return Scene(gate, held_up, frozenset({said}), lambda at: (self.cast.compact(ticket, at - seconds),), ticket)

    def _other_show(self) -> Scene:
        ticket = self.cast.blue(3)
        said = frozenset({("refuse", "other-event")})
        return Scene(BLUE_GATE, "a ticket for another show", said, lambda at: (self.cast.other_show(ticket, at),))

    def _web_link(self) -> Scene:
        said = frozenset({("refuse", "not-a-code")})
        return Scene(RED_GATE, "a QR with a web link", said, lambda _at: ("https://example.org/the-long-night",))

    def _forged(self, gate: str) -> Scene:
        ticket = self.cast.red(3) if gate == RED_GATE else self.cast.blue(5)
        forger, said = self.cast.stranger(), frozenset({("refuse", "forged")})
        return Scene(gate, "a forged code", said, lambda at: (self.cast.compact(ticket, at, holder=forger),), ticket)

    def _two_at_once(self) -> Scene:
        tickets, said = (self.cast.red(4), self.cast.red(5)), frozenset({("amber", "one-at-a-time")})
        return Scene(
            RED_GATE,
            "two phones at once",
            said,
            lambda at: (self.cast.compact(tickets[0], at), self.cast.compact(tickets[1], at)),
        )

    def _wrong_gate(self, gate: str, ticket: int) -> Scene:
        return self._code(gate, "a ticket for the red gates", ticket, ("amber", "wrong-gate"))

    def _shared(self, gate: str) -> Scene:
        ticket = self.cast.anywhere(1)
        held_up = "one ticket at two gates at once"
        # The gate that does not hold its use may send the holder to the one that does.
        said = USED | {ADMIT, ("amber", "other-lease")}
        return Scene(gate, held_up, said, lambda at: (self.cast.compact(ticket, at),), ticket)

    def _late_buyer(self) -> Scene:
        deals, said = self.deals, frozenset({("amber", "show-full-code")})
        return Scene(
            RED_GATE,
            "sold since then: short code",
            said,
            lambda at: (self.cast.compact(deals.sold_late, at, holder=deals.sold_late_to),),
            deals.sold_late,
        )

    def _late_buyer_in_full(self) -> Scene:
        deals = self.deals
        return Scene(
            RED_GATE,
            "the same ticket, its full code",
            frozenset({ADMIT}),
            lambda at: (self.cast.full(deals.sold_late, at, deals.sold_late_to, *deals.certificate),),
            deals.sold_late,
        )

    def _cut(self, *beats: Beat) -> list[Beat]:
        return [beat for beat in beats if beat.short or not self.short]
