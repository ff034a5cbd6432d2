"""The debounce as the loop uses it: which ticket a text claims to be, and what a showing means to a gate."""

from scanner.camera.debounce import Debounce, NotATicket, Scan, TwoTickets
from scanner.daemon import Seen
from scanner.verify.admit import Verdict
from scanner.verify.gatecode import GateCode, Unreadable, parse
from scanner.verify.reasons import Reason


def identify(text: str) -> tuple[bytes, int, int] | str | None:
    """Event tag, ticket and owner_seq that a text claims; a damaged or newer gate code stands for itself."""
    match parse(text):
        case GateCode(core):
            return core.event_tag, core.ticket, core.owner_seq
        case Unreadable("not-a-code"):
            return None
        case _:
            return text


class DebouncedEyes:
    """Implements daemon.Eyes."""

    def __init__(self) -> None:
        self._debounce = Debounce(identify)

    def look(self, texts: tuple[str, ...], now: float) -> Seen | None:
        """What is new in view, if anything."""
        match self._debounce.see(texts, now):
            case Scan(text) | NotATicket(text):
                return Seen(text)
            case TwoTickets():
                return Seen(verdict=Verdict("amber", Reason.ONE_AT_A_TIME))
            case None:
                return None

    def expect_next(self, text: str) -> None:
        """Let the next code of this text's ticket count as new."""
        self._debounce.expect_next(text)

    def forget(self) -> None:
        """Let a ticket that is still in view count as new."""
        self._debounce.forget()
