"""`make demo CAMERA=0`: one real gate with a real camera, and codes to hold up to it. Whoever holds them is the show.

Nothing is expected of anybody, so nothing is judged; it ends by Ctrl-C or after three minutes.
"""

import queue
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from random import SystemRandom

from rich.text import Text

from scanner.camera.config import CameraConfig
from scanner.camera.probe import probe
from tests.show.cards import Card, CardPage, terminal
from tests.show.cast import NAME, Cast
from tests.show.house import House
from tests.show.script import HOUR, MINUTE, RED_GATE
from tests.show.stage import Line, ShowError
from tests.show.table import Stage

SEATS = 1000
PATIENCE_S = 4.0
NEW_CODE_S = 10.0


class CameraShow:
    """One gate at camera `source`, in `folder`."""

    def __init__(self, folder: Path, source: str, stage: Stage, host: str, seconds: float = 3 * MINUTE) -> None:
        self._source, self._stage, self._host, self._seconds = source, stage, host, seconds
        self._lines: queue.SimpleQueue[Line] = queue.SimpleQueue()
        self._house = House(folder, self._lines.put)
        self._names: dict[int | None, str] = {}
        self._stopped = False

    def play(self) -> int:
        """How many verdicts the gate gave. Raises ShowError when there is no camera or no gate to show."""
        signal.signal(signal.SIGINT, self._stop)
        look = probe(CameraConfig(source=self._source), PATIENCE_S)
        if "frames a second" not in look.report:
            raise ShowError(f"{look.report}; or run `make demo` without CAMERA, which needs none")
        with ExitStack() as stack:
            stack.enter_context(self._stage)
            stack.enter_context(self._house)
            cards = self._set_up()
            page = CardPage(cards, self._host)
            stack.callback(page.close)
            self._stage.headline(
                NAME, [look.report, f"Open {page.url} and hold its codes up to the camera.", HOW_TO_END]
            )
            self._stage.legend()
            return self._watch(cards[0])

    def _set_up(self) -> list[Card]:
        stage, house = self._stage, self._house
        with stage.bar(f"a ledger node with {SEATS:,} tickets starts", None):
            house.office.create_event(SEATS, time.time())
            cast = Cast(SEATS, SystemRandom())
            cast.write_csv(house.folder / "tickets.csv")
            house.office.import_tickets(house.folder / "tickets.csv")
            house.office.cancel(cast.red(5))
            house.open_node()
        with stage.bar("the gate is enrolled and gets ready", None):
            house.enrol(RED_GATE, self._source)
            house.open_gate(RED_GATE)
            house.wait("the gate is ready", lambda: house.ready(RED_GATE))
        stage.node("online")
        stage.note(f"what staff see: {house.gates[RED_GATE].page}")
        return self._cards(cast)

    def _cards(self, cast: Cast) -> list[Card]:
        forger = cast.stranger()
        self._names = {
            **{cast.red(n): f"good ticket {n + 1}" for n in range(3)},
            cast.red(3): "a screenshot",
            cast.red(4): "a forged code",
            cast.red(5): "a cancelled ticket",
            cast.blue(0): "a ticket for the blue gates",
        }
        return [
            Card("good-1", "Good ticket 1", "green", lambda at: cast.compact(cast.red(0), at)),
            Card("good-2", "Good ticket 2", "green", lambda at: cast.compact(cast.red(1), at)),
            Card("good-3", "Good ticket 3", "green", lambda at: cast.compact(cast.red(2), at)),
            Card(
                "five", "Screenshot from 5 minutes ago", "amber", lambda at: cast.compact(cast.red(3), at - 5 * MINUTE)
            ),
            Card("blue", "Ticket for the blue gates", "amber", lambda at: cast.compact(cast.blue(0), at)),
            Card("hour", "Screenshot from an hour ago", "red", lambda at: cast.compact(cast.red(3), at - HOUR)),
            Card("forged", "Forged code", "red", lambda at: cast.compact(cast.red(4), at, holder=forger)),
            Card("cancelled", "Cancelled ticket", "red", lambda at: cast.compact(cast.red(5), at)),
            Card("other", "Ticket for another show", "red", lambda at: cast.other_show(cast.red(6), at)),
            Card("link", "A web link", "red", lambda _at: "https://example.org/the-long-night"),
        ]

    def _watch(self, card: Card) -> int:
        scans, until, next_code = 0, time.monotonic() + self._seconds, 0.0
        while time.monotonic() < until and not self._stopped:
            if time.monotonic() >= next_code:
                next_code = time.monotonic() + NEW_CODE_S
                self._stage.below(
                    card.title, [Text(row, style="black on white") for row in terminal(card.text(time.time()))]
                )
            scans += self._hear()
            self._house.check()
        return scans

    def _stop(self, *_: object) -> None:
        """Ctrl-C. An exception that meets the interpreter in mid-collection is lost, so it is also written down."""
        self._stopped = True
        raise KeyboardInterrupt

    def _hear(self) -> int:
        try:
            line = self._lines.get(timeout=0.2)
        except queue.Empty:
            return 0
        match line.fields.get("event"):
            case "sync":
                self._stage.online(line.who, bool(line.fields["online"]))
            case "camera" if line.fields["state"] != "ok":
                self._stage.note(f"the camera: {line.fields['state']} {line.fields['detail']}", style="bold yellow")
            case "scan":
                known = self._names.get(line.fields["ticket"], "something else")
                other = line.fields["reason"] in {"other-event", "not-a-code"}
                self._stage.scan("something else" if other else known, line.fields, good=True)
                return 1
        return 0


HOW_TO_END = "It ends by itself after three minutes, or with Ctrl-C."
