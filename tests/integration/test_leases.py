"""A use that a gate holds: no other gate spends it before the holder has given it up, over HTTP and with real journals.

The attack: a ticket shown at the gate that holds its use, which is cut off, and at another one, which is online.
"""

import asyncio
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from ledger_node.contract.state import Device
from ledger_node.services import devices, leases
from ledger_node.services.errors import ServiceError
from ledger_node.services.logged import read_logged
from ledger_node.services.monitoring import Thresholds, Windows, judge
from ledger_node.services.operations import perform
from ledger_node.services.signs import signs_of
from ledger_node.web.recalls import Answered, Recalls
from scanner.journal import Identity, Journal
from scanner.sync.answers import RecallAnswer
from scanner.sync.recalls import RecallLine
from scanner.verify.leases import lease_holders
from scanner.verify.policy import Policy
from scanner.verify.record import FIRST_PREVIOUS
from tests.fakes.clockwork import wait_until
from tests.fakes.event import DEVICE, compact_code, holder, scan_of, stamp_at
from tests.fakes.gate_client import GateClient
from tests.fakes.running_node import EVENT, Running, open_home, serving, stage
from tests.fakes.wallet import Wallet

TICKETS = 40
PATIENT = Policy(lease="gate", claim_deadline_ms=10_000)
"""Long enough that what is seen is the rule and not how busy this machine is."""
GRANTED, REFUSED = (200, "accepted"), (409, "other-lease")


@dataclass
class Holder:
    """R1, which spends the uses that it holds by its own journal alone."""

    client: GateClient
    journal: Journal

    def recalls(self, given: list[int], kept: list[int], wait: int) -> RecallAnswer:
        body = json.dumps({"given": given, "kept": kept}).encode()
        answer = self.client.ask("POST", f"/v1/events/{EVENT}/recalls?wait={wait}", body, "application/json")
        assert answer.status == 200, answer.json
        return RecallAnswer(tickets=tuple(answer.json["tickets"]))

    def opens(self, ticket: int) -> bool:
        """As `Admission` does it while nobody answers the gate."""
        with self.journal.use_at_hand(ticket) as mine:
            if mine:
                self.journal.admit(scan_of(compact_code(ticket)), holder(ticket).public, stamp_at(), "alone")
            return mine


@dataclass
class Venue:
    """A node, and the holders' wallets; every ticket is of the red group (R1 to R4), leased to one gate of it."""

    running: Running
    wallets: list[Wallet]
    stack: ExitStack

    def client(self, gate: str) -> GateClient:
        made = GateClient(self.running.url, self.running.node.keys.node.public, EVENT)
        self.stack.callback(made.close)
        assert made.enrol(self.running.code(gate)).status == 200
        return made

    def listen(self, r1: Holder) -> None:
        line = RecallLine(r1, r1.journal, lambda: 0.0, wait=1)
        self.stack.callback(lambda: (line.stop(), line.join(10.0)))
        line.start()

    def claim(self, client: GateClient, ticket: int) -> tuple[int, str]:
        code = self.wallets[ticket - 1].compact(EVENT, ticket, 0, time.time()).raw
        answer = client.claim(client.admission(ticket, code))
        return answer.status, answer.json.get("verdict") or answer.json["code"]

    def of_r1(self) -> list[int]:
        """The tickets that are leased to R1."""
        with self.running.node.view() as view:
            manifest = view.event(EVENT).manifest
        return [one for one in range(1, TICKETS + 1) if lease_holders(one, 1, 0, manifest) == ["R1"]]


@pytest.fixture
def venue(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Venue]:
    policy = getattr(request, "param", PATIENT)
    with open_home(tmp_path / "node") as node, ExitStack() as stack:
        wallets = stage(node, TICKETS, policy=policy)
        yield Venue(stack.enter_context(serving(node)), wallets, stack)


@pytest.fixture
def r1(venue: Venue, tmp_path: Path) -> Holder:
    identity = Identity("r1-device", "R1", EVENT, DEVICE)
    journal = venue.stack.enter_context(Journal.open(tmp_path / "r1.db", identity, stamp_at))
    return Holder(venue.client("R1"), journal)


def test_what_a_gate_that_is_cut_off_holds_no_other_gate_spends(venue: Venue, r1: Holder) -> None:
    r2, tickets = venue.client("R2"), venue.of_r1()
    assert [venue.claim(r2, ticket) for ticket in tickets] == [REFUSED] * len(tickets)
    assert all(r1.opens(ticket) for ticket in tickets)


def test_a_gate_that_holds_a_use_is_granted_it_at_once(venue: Venue, r1: Holder) -> None:
    ticket = venue.of_r1()[0]
    assert venue.claim(r1.client, ticket) == GRANTED


def test_a_use_is_granted_after_its_holder_gave_it_up_on_disk(venue: Venue, r1: Holder) -> None:
    venue.listen(r1)
    r2, tickets = venue.client("R2"), venue.of_r1()
    assert [granted(venue, r2, ticket) for ticket in tickets] == [GRANTED] * len(tickets)
    assert not any(r1.opens(ticket) for ticket in tickets)


def test_a_use_that_its_holder_spent_alone_is_not_granted(venue: Venue, r1: Holder) -> None:
    venue.listen(r1)
    r2, (spent, free, *_) = venue.client("R2"), venue.of_r1()
    assert r1.opens(spent)
    assert granted(venue, r2, free) == GRANTED
    assert venue.claim(r2, spent) == REFUSED


def test_one_that_was_released_may_be_given_up(venue: Venue, r1: Holder) -> None:
    venue.listen(r1)
    ticket = venue.of_r1()[0]
    assert r1.opens(ticket)
    (admission,) = r1.journal.unsettled()
    r1.journal.release(admission.counter, "not-turned", stamp_at())
    assert granted(venue, venue.client("R2"), ticket) == GRANTED


def test_the_holder_and_another_gate_in_one_moment_let_one_in(venue: Venue, r1: Holder) -> None:
    venue.listen(r1)
    r2, (first, *tickets) = venue.client("R2"), venue.of_r1()
    assert granted(venue, r2, first) == GRANTED
    for ticket in tickets:
        start, found = threading.Barrier(2), []

        def show(ticket: int = ticket, start: threading.Barrier = start, found: list[str] = found) -> None:
            start.wait()
            if r1.opens(ticket):
                found.append("R1")

        thread = threading.Thread(target=show)
        thread.start()
        start.wait()
        if venue.claim(r2, ticket) == GRANTED:
            found.append("R2")
        thread.join()
        assert len(found) == 1, found


def test_a_holder_that_was_revoked_holds_nothing(venue: Venue, r1: Holder) -> None:
    r2, ticket = venue.client("R2"), venue.of_r1()[0]
    assert venue.claim(r2, ticket) == REFUSED
    devices.revoke(venue.running.node, EVENT, r1.client.device, "out of service")
    assert venue.claim(r2, ticket) == GRANTED


def move(venue: Venue, *tickets: int, to: str = "R2") -> leases.Moved:
    return leases.move(venue.running.node, leases.Move(EVENT, to, "R1 is crowded", tickets=frozenset(tickets)))


def moved(venue: Venue, *tickets: int) -> leases.Moved:
    """Until R1's line is open, nothing moves."""
    found: list[leases.Moved] = []

    def ask() -> bool:
        try:
            found.append(move(venue, *tickets))
        except ServiceError as error:
            assert error.code == "lease-held"  # noqa: PT017 - until it listens
        return bool(found)

    wait_until(ask, "R1 gives its uses up")
    return found[0]


def test_a_use_moves_when_its_gate_has_given_it_up_on_disk(venue: Venue, r1: Holder) -> None:
    venue.listen(r1)
    tickets = venue.of_r1()
    assert moved(venue, *tickets).tickets == tuple(tickets)
    assert not any(r1.opens(ticket) for ticket in tickets)
    r2 = venue.client("R2")
    assert [venue.claim(r2, ticket) for ticket in tickets] == [GRANTED] * len(tickets)


def test_no_use_of_a_gate_that_is_cut_off_moves(venue: Venue, r1: Holder) -> None:
    tickets = venue.of_r1()
    with pytest.raises(ServiceError, match=f"{r1.client.device} at R1 did not give these uses up"):
        move(venue, *tickets)
    assert all(r1.opens(ticket) for ticket in tickets)


def test_what_a_gate_has_spent_stays_with_it(venue: Venue, r1: Holder) -> None:
    venue.listen(r1)
    spent, *others = venue.of_r1()
    assert r1.opens(spent)
    done = moved(venue, spent, *others)
    assert (done.kept, done.tickets) == ((spent,), tuple(others))
    assert venue.claim(venue.client("R2"), spent) == REFUSED


def test_a_claim_that_began_before_a_use_moved_asks_the_gate_that_holds_it_now(
    venue: Venue, r1: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue.listen(r1)
    ticket, r2 = venue.of_r1()[0], venue.client("R2")
    began = Recalls.call_back

    async def slow(self: Recalls, who: Device, record: bytes) -> Answered | None:
        answered = await began(self, who, record)
        await asyncio.to_thread(moved, venue, ticket)
        return answered

    monkeypatch.setattr(Recalls, "call_back", slow)
    assert venue.claim(r1.client, ticket) == REFUSED, "R2 holds it, and does not listen"
    assert r2.device


def test_a_gate_that_is_out_of_service_frees_its_uses_and_its_late_admissions_are_named(
    venue: Venue, r1: Holder
) -> None:
    node, r2, ticket = venue.running.node, venue.client("R2"), venue.of_r1()[0]
    assert venue.claim(r2, ticket) == REFUSED
    told = perform(node, "devices-out-of-service", {"event": EVENT, "gate": "R1", "reason": "fell"})
    assert told["revoked"] == [r1.client.device]
    assert "Switch it off" in told["note"]
    assert venue.claim(r2, ticket) == GRANTED
    code = venue.wallets[ticket - 1].compact(EVENT, ticket, 0, time.time()).raw
    assert r1.client.upload([r1.client.admission(ticket, code)]).json["receipts"][0]["verdict"] == "revoked"
    with node.view() as view:
        (entry,) = view.entries(view.size - 1, view.size)
        (sign,) = signs_of(view, view.size - 1, read_logged(entry), node.seconds)
    (raised,) = judge(Thresholds(), Windows(), sign)
    assert (raised.rule, raised.subject, raised.detail["device"]) == ("out-of-service", "gate R1", r1.client.device)


def test_how_many_tickets_hang_on_a_gate(venue: Venue, r1: Holder) -> None:
    tickets = venue.of_r1()
    assert venue.claim(r1.client, tickets[0]) == GRANTED
    told = perform(venue.running.node, "leases-show", {"event": EVENT})
    of_r1 = next(one for one in told["gates"] if one["gate"] == "R1")
    assert of_r1 == {
        "gate": "R1",
        "tickets": len(tickets) - 1,
        "devices": [r1.client.device],
        "away": [r1.client.device],
    }
    venue.listen(r1)
    wait_until(lambda: r1.client.device in venue.running.node.listening(), "R1 listens")
    of_r1 = next(
        one for one in perform(venue.running.node, "leases-show", {"event": EVENT})["gates"] if one["gate"] == "R1"
    )
    assert of_r1["away"] == []


def test_a_gate_that_is_one_device_takes_no_second_one_before_the_first_is_revoked(venue: Venue, r1: Holder) -> None:
    node, code = venue.running.node, venue.running.code("R1")
    spare = GateClient(venue.running.url, node.keys.node.public, EVENT)
    venue.stack.callback(spare.close)
    refused = spare.enrol(code)
    assert (refused.status, refused.json["code"]) == (409, "gate-taken")
    assert r1.client.device in refused.json["detail"]
    devices.revoke(node, EVENT, r1.client.device, "broken")
    assert spare.enrol(code).status == 200, "the code was not spent"


def test_of_codes_for_one_gate_that_are_used_at_once_one_makes_a_device(venue: Venue) -> None:
    """Attack: two devices of one gate hold the same uses, and each spends them alone."""
    node = venue.running.node
    codes = [venue.running.code("R1") for _ in range(4)]
    spares = [GateClient(venue.running.url, node.keys.node.public, EVENT) for _ in codes]
    for one in spares:
        venue.stack.callback(one.close)
    with ThreadPoolExecutor(len(codes)) as pool:
        answers = list(pool.map(lambda one, code: one.enrol(code), spares, codes))
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
    with node.view() as view:
        assert len([one for one in view.devices(EVENT) if one.gate == "R1"]) == 1


def test_uses_move_by_one_order_at_a_time(venue: Venue, r1: Holder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: while one order waits for a gate, another gives one of its tickets to a holder whom it did not ask."""
    venue.listen(r1)
    node, ticket = venue.running.node, venue.of_r1()[0]
    asked, seen = node.recall, []

    def recall(devices: Sequence[Device], tickets: Sequence[int], wait: float) -> Mapping[str, frozenset[int]]:
        seen.append(node.leasing.locked())
        return asked(devices, tickets, wait)

    monkeypatch.setattr(node, "recall", recall)
    moved(venue, ticket)
    assert set(seen) == {True}


def test_a_use_that_is_there_already_is_not_given_up(venue: Venue, r1: Holder) -> None:
    """A gate that gave its own use up would not get it back."""
    venue.listen(r1)
    wait_until(lambda: r1.client.device in venue.running.node.listening(), "R1 listens")
    tickets = venue.of_r1()
    with pytest.raises(ServiceError, match="leased there already"):
        move(venue, *tickets, to="R1")
    assert all(r1.opens(ticket) for ticket in tickets)


def test_a_misspelt_ticket_moves_nothing(venue: Venue, r1: Holder) -> None:
    venue.listen(r1)
    wait_until(lambda: r1.client.device in venue.running.node.listening(), "R1 listens")
    with pytest.raises(ServiceError, match="ticket 999999; nothing was moved"):
        move(venue, venue.of_r1()[0], 999_999)
    assert r1.opens(venue.of_r1()[0])


def test_a_device_that_joins_is_shown_what_was_granted_before(venue: Venue) -> None:
    r2, ticket = venue.client("R2"), venue.of_r1()[0]
    before = size_of(r2)
    assert venue.claim(r2, ticket) == GRANTED, "R1 has no device yet"
    assert size_of(r2) == before, "a list that is a moment old is shown again"
    late = venue.client("R1")
    with venue.running.node.view() as view:
        assert size_of(late) > view.device(late.device).position


@pytest.mark.parametrize("venue", [Policy(lease="gate", offline="admit-marked")], indirect=True)
def test_where_the_policy_promises_nothing_nothing_is_called_back(venue: Venue, r1: Holder) -> None:
    assert venue.claim(venue.client("R2"), venue.of_r1()[0]) == GRANTED
    assert r1.opens(venue.of_r1()[0])


def test_a_stolen_gate_without_a_tickets_code_takes_no_use_from_its_gate(venue: Venue, r1: Holder) -> None:
    venue.listen(r1)
    stolen, (first, *tickets) = venue.client("R2"), venue.of_r1()
    assert granted(venue, stolen, first) == GRANTED, "R1 listens"
    thief = Wallet.new(Random(1))
    for ticket in tickets:
        forged = thief.compact(EVENT, ticket, 0, time.time()).raw
        answer = stolen.claim(stolen.admission(ticket, forged))
        assert (answer.status, answer.json["verdict"]) == (200, "unknown")
    assert all(r1.opens(ticket) for ticket in tickets)


@pytest.mark.parametrize("cut_off", [True, False], ids=["cut off", "listening"])
def test_a_copied_card_is_told_so_whatever_gate_holds_the_use(venue: Venue, r1: Holder, *, cut_off: bool) -> None:
    """`other-lease` would send its visitors on, one by one, and leave the copy open; the use stays with its gate."""
    r2, (first, held, *_) = venue.client("R2"), venue.of_r1()
    if cut_off:
        assert r2.upload([r2.admission(first, bytes(80))]).status == 200
    else:
        venue.listen(r1)
        assert granted(venue, r2, first) == GRANTED
    copy = replace(r2, counter=r2.counter - 1, previous=FIRST_PREVIOUS)
    assert venue.claim(copy, held) == (422, "conflict")
    assert r1.opens(held)


@pytest.mark.parametrize("end", ["void", "release"])
def test_an_admission_that_was_taken_back_calls_no_use_back(venue: Venue, r1: Holder, end: str) -> None:
    venue.listen(r1)
    r2, (first, held, *_) = venue.client("R2"), venue.of_r1()
    assert granted(venue, r2, first) == GRANTED, "R1 listens"
    code = venue.wallets[held - 1].compact(EVENT, held, 0, time.time()).raw
    admission = r2.admission(held, code)
    assert r2.upload([getattr(r2, end)(r2.counter)]).status == 200
    assert r2.claim(admission).json["verdict"] == "stale"
    assert r1.opens(held)


def test_a_screenshot_of_a_used_ticket_is_told_where_it_was_used(venue: Venue, r1: Holder) -> None:
    ticket = venue.of_r1()[0]
    assert venue.claim(r1.client, ticket) == GRANTED
    assert venue.claim(venue.client("R2"), ticket) == (200, "duplicate")


def size_of(client: GateClient) -> int:
    """How much of the log the list shows that this gate is given."""
    answer = client.ask("GET", f"/v1/events/{EVENT}/snapshot")
    assert answer.status == 200
    return int(answer.headers["etag"].strip('"'))


def granted(venue: Venue, client: GateClient, ticket: int) -> tuple[int, str]:
    """Until R1's line is open, the node does not wait for it."""
    answers: list[tuple[int, str]] = []

    def ask() -> bool:
        answers.append(venue.claim(client, ticket))
        return answers[-1] == GRANTED

    wait_until(ask, f"ticket {ticket} is granted")
    return answers[-1]
