"""`make demo`: an evening at two gates in little more than a minute, in which all is real but the people.

A ledger node and two gate-scanner daemons run as they would at a venue; only phones, hands, light and turnstiles are
drawn. Ends with exit status 0 if every verdict was the expected one and the books balance, else 1.
"""

import argparse
import queue
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from types import FrameType

from tests.show.audience import Lane
from tests.show.cast import EVENT, NAME, Cast
from tests.show.closing import close_books
from tests.show.conduct import Conductor, Lines
from tests.show.house import House
from tests.show.outside import Outside
from tests.show.people import Company
from tests.show.place import full
from tests.show.script import BLUE_GATE, RED_GATE, Deals, Script
from tests.show.spool import Spool
from tests.show.stage import ShowError
from tests.show.table import Stage
from tests.show.venue import hall
from tests.show.webcam import CameraShow
from tests.show.weeks import Weeks

FOLDER, REPLAY = Path(".demo"), "replay"
HALLS = {RED_GATE: 1, BLUE_GATE: 4}
CATCH_UP_S, BACK_S, SETTLE_S = 20.0, 45.0, 30.0


@dataclass(frozen=True, slots=True)
class Size:
    """How long a show is: seats, seconds without a node, and whether the script is cut."""

    seats: int = 12_500
    outage_s: float = 12.0
    short: bool = False


SHORT = Size(seats=800, outage_s=5.0, short=True)


class Show:
    """One evening in `folder`. `play` gives every reason why it was not as it should be."""

    def __init__(self, folder: Path, size: Size, stage: Stage) -> None:
        self._size, self._stage = size, stage
        self._lines: Lines = queue.SimpleQueue()
        self._house = House(folder, self._lines.put)

    def play(self) -> list[str]:
        """Raises ShowError when it cannot go on. Whatever happens, no program is left running."""
        with ExitStack() as stack:
            stack.enter_context(self._stage)
            stack.enter_context(self._house)
            stack.enter_context(self._last_words())
            cast, outside = self._set_up()
            company = Company.of(cast)
            weeks = Weeks(self._house.folder, self._house.office, outside, company, self._stage)
            began = time.monotonic()
            lanes = self._before_the_show(weeks, stack)
            conductor = Conductor(self._house, self._lines, lanes, self._stage, time.time)
            script = Script(cast, company, Deals.of(cast), self._size.short)
            faults = self._evening(conductor, script)
            faults = [*faults, *close_books(self._house, self._stage, conductor, company, weeks.told)]
            self._tell(conductor, faults, time.monotonic() - began)
            return faults

    # Before the doors open

    def _set_up(self) -> tuple[Cast, Outside]:
        seats, stage, house = self._size.seats, self._stage, self._house
        stage.headline(NAME, [INTRODUCTION.format(seats=seats)])
        list_of_tickets = house.folder / "tickets.csv"
        with ThreadPoolExecutor(1) as pool:
            opening = pool.submit(self._create_event, seats)
            with stage.bar(f"{seats:,} holders make their keys", seats) as update:
                cast = Cast(seats, SystemRandom(), update)
            with stage.bar("each key proves that its holder has it", seats) as update:
                cast.write_csv(list_of_tickets, update)
            with stage.bar("a show is created; a wallet provider and a mail server open", None):
                outside = opening.result()
        with stage.bar("the ledger node checks and takes in the tickets", None):
            house.office.import_tickets(list_of_tickets)
        with stage.bar("the ledger node starts", None):
            house.open_node()
        stage.node("online")
        return cast, outside

    def _create_event(self, seats: int) -> Outside:
        self._house.office.create_event(seats, time.time())
        return self._house.open_outside()

    def _before_the_show(self, weeks: Weeks, stack: ExitStack) -> dict[str, Lane]:
        """Tickets find their holders, while the venue sets up its gates."""
        house, stage = self._house, self._stage
        lanes: dict[str, Lane] = {}
        stage.act("The weeks before: tickets find their holders", WEEKS)
        with _meanwhile(lambda: self._open_gates(lanes)):
            weeks.play(house.url)
        with stage.bar("both gates are enrolled, have their lists and are ready", None):
            for gate, lane in lanes.items():
                hall(HALLS[gate])
                lane.start()
                stack.callback(lane.close)
            house.wait("the gates are ready", lambda: all(map(house.ready, lanes)))
        for gate in lanes:
            stage.note(f"what staff see at {gate}: {house.gates[gate].page}")
        return lanes

    def _open_gates(self, lanes: dict[str, Lane]) -> None:
        """Enrol both by one-time codes, and start them. Shows nothing."""
        house = self._house
        for gate, seed in HALLS.items():
            frames = house.frames(gate)
            lanes[gate] = Lane(gate, Spool(frames), seed, seed)
            house.enrol(gate, f"follow:{frames}")
            house.open_gate(gate)

    # The evening

    def _evening(self, conductor: Conductor, script: Script) -> list[str]:
        stage = self._stage
        stage.act(
            "Doors are open", "Each gate claims a ticket at the ledger node before it opens, so nobody enters twice."
        )
        stage.legend()
        self._catch_up(conductor, *(held.ticket for held in script.company.all()))
        with _meanwhile(lambda: self._house.office.cancel(script.deals.cancelled)):
            conductor.play(script.opening())
        stage.note("meanwhile the box office has cancelled a ticket")
        self._catch_up(conductor, script.deals.cancelled)
        conductor.play(script.after_the_office())
        self._outage(conductor, script)
        conductor.play(script.returned())
        stage.note("waiting until each record of both gates has its receipt, with its proof")
        self._settle(conductor, SETTLE_S)
        return conductor.faults

    def _sell_one_more(self, deals: Deals) -> None:
        self._house.office.register(deals.sold_late, 0, deals.sold_late_to)
        deals.certificate = self._house.office.certificate(deals.sold_late)

    def _outage(self, conductor: Conductor, script: Script) -> None:
        stage, house, seconds = self._stage, self._house, self._size.outage_s
        stage.act(f"The ledger node dies (kill -9), for {seconds:.0f} s", ALONE)
        house.kill_node()
        stage.node("DEAD")
        died = time.monotonic()
        with _meanwhile(lambda: self._sell_one_more(script.deals)):
            conductor.play(script.alone())
        stage.note("meanwhile the box office has sold one more ticket; no gate can know of it")
        conductor.play(script.alone_after_the_sale())
        conductor.listen(lambda: time.monotonic() - died >= seconds, seconds)
        stage.act("The ledger node is back", "The gates send what they signed meanwhile, and hear what others did.")
        house.open_node()
        stage.note(
            "each gate tries again by itself, at random moments up to 10 s apart, so that they do not come at once"
        )
        stage.node("online")
        self._settle(conductor, BACK_S)
        self._catch_up(conductor, *script.entered_alone())

    def _settle(self, conductor: Conductor, patience: float) -> None:
        """Until both gates hear the node and owe it nothing."""
        conductor.listen(
            lambda: all(map(self._house.settled, HALLS)), patience, "both gates have settled their records"
        )

    def _catch_up(self, conductor: Conductor, *tickets: int) -> None:
        """Until both gates know what became of these tickets."""
        house, newest = self._house, max(map(self._house.changed, tickets))

        def known() -> bool:
            return all(house.knows(gate, newest) for gate in HALLS)

        conductor.listen(known, CATCH_UP_S, "both gates have heard what changed")

    def _tell(self, conductor: Conductor, faults: list[str], seconds: float) -> None:
        scans, tries = sum(len(played.scans) for played in conductor.played), conductor.second_tries()
        held_up = f"{len(conductor.played)} scenes, {scans} verdicts, {tries} held up a second time, {seconds:.0f} s"
        if faults:
            self._stage.verdict(f"NOT as it should be: {held_up}", [*full(self._house.folder), *faults])
        else:
            self._stage.verdict(f"All went as the script says, and the books balance: {held_up}", [])

    @contextmanager
    def _last_words(self) -> Iterator[None]:
        """If the show breaks off: what each program logged last."""
        try:
            yield
        except ShowError:
            for program in self._house.programs():
                self._stage.tail(program.name, program.tail())
            raise


INTRODUCTION = (
    "A ledger node with {seats:,} tickets, and two gates: R1 (red) and B1 (blue). Each gate is a program of its own,"
    " with a camera, a signed journal and a turnstile. Phones, hands and light before the cameras are drawn, and the"
    " turnstiles are pretended; all else is real: a code on a phone is signed by its holder's key and lives for some"
    " seconds, a verdict comes from a camera's frame, an admission is on disk and in the ledger. Before that, six"
    " people come by their tickets: over the node's API, with letters over SMTP and money at a wallet provider."
)
WEEKS = "The ledger's contract rules on each step (#: the entry's number). It never learns a name."

ALONE = "Each gate goes on alone: it admits tickets whose one use is leased to its group, and sends others to theirs."


@contextmanager
def _meanwhile(work: Callable[[], None]) -> Iterator[None]:
    """Do it beside the block; what goes wrong in it is raised at the block's end."""
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(work)
        yield
        done.result()


def _asked_to_stop(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _stopped_by_hand(number: int, _frame: FrameType | None) -> None:
    # Once: a second Ctrl-C would break off the stopping of the programs.
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _with_camera(chosen: argparse.Namespace, stage: Stage) -> int:
    """Ctrl-C is how that show ends."""
    try:
        CameraShow(chosen.folder.absolute(), chosen.camera, stage, chosen.page_host).play()
    except KeyboardInterrupt:
        stage.note("the gate and the node have stopped")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="demo", description=f"An evening at two gates ({EVENT}).")
    parser.add_argument("--camera", default=REPLAY, help="replay (drawn phones), or a webcam: 0, /dev/video0, ...")
    parser.add_argument(
        "--folder",
        type=Path,
        default=FOLDER,
        help="where node and gates live: a new or empty one, or an earlier show's, which is emptied",
    )
    parser.add_argument("--page-host", default="127.0.0.1", help="with a webcam: 0.0.0.0 lets a phone open the codes")
    parser.add_argument("--short", action="store_true", help="fewer scenes, fewer seats, a short outage")
    chosen = parser.parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _asked_to_stop)
    signal.signal(signal.SIGINT, _stopped_by_hand)
    stage, folder = Stage(), chosen.folder.absolute()
    try:
        if chosen.camera != REPLAY:
            return _with_camera(chosen, stage)
        faults = Show(folder, SHORT if chosen.short else Size(), stage).play()
    except (ShowError, OSError) as error:
        stage.verdict("The show broke off", [*full(folder), str(error)])
        return 1
    except KeyboardInterrupt:
        stage.verdict("Stopped by hand", ["every program of the show was stopped"])
        return 130
    return 1 if faults else 0
