"""One ticket, two gates and a node, whose next step a test chooses: what comes, is late, cut, crashes or restarts.

The parts are the real ones: each gate's journal, admission and line for recalls; the node's log, contract and handlers.
What lies between them are messages that wait until the test lets them go: a gate's thread stands still in each question
to the node. The node's handlers run on an event loop whose time passes only when the test says so.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from ledger_node.contract.state import Device
from ledger_node.log.ledger import DATABASE
from ledger_node.log.precheck import Precheck
from ledger_node.services import devices, leases, records
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.web.door import Asked
from ledger_node.web.feed import Feed
from ledger_node.web.gates import Gates
from ledger_node.web.metrics import Metrics
from ledger_node.web.recalls import Recalls
from ledger_node.web.reply import Reply
from ledger_node.web.reports import Reports
from scanner.admission import Admission, Decision
from scanner.clock import ClockReading
from scanner.errors import SyncError
from scanner.journal import Identity, Journal
from scanner.ports import Receipt, Waiting
from scanner.sync.answers import RecallAnswer
from scanner.sync.recalls import RecallLine
from scanner.verify.admit import View
from scanner.verify.enrolment import seal_code
from scanner.verify.leases import OTHER_LEASE, lease_holders
from scanner.verify.manifest import EventManifest
from scanner.verify.policy import Policy
from scanner.verify.possession import device_message
from scanner.verify.record import Stamp
from tests.fakes.event import key
from tests.fakes.running_node import DOORS, EVENT, open_home, stage
from tests.fakes.stepped import PATIENCE, Actor, Crash, Loop
from tests.fakes.wallet import Wallet

BEGIN = DOORS + 600


@dataclass
class Known:
    """Implements ports.Knowledge: the list as it was before anything happened."""

    manifest: EventManifest
    view: View
    at: int

    @property
    def size(self) -> int:
        return self.view.size

    tickets: int = 1
    unheard: float = 0.0

    def of(self, _ticket: int) -> View:
        return self.view


@dataclass
class Hall:
    """A node and two gates that many worlds use, each with a ticket of its own; R1 holds the uses of `tickets`."""

    node: Node
    wallets: list[Wallet]
    gates: dict[str, tuple[Device, Journal]]
    tickets: list[int]
    loop: Loop
    feed: Feed
    time: list[float]
    counted: tuple[Metrics, Reports, Precheck]
    to: str


@contextmanager
def hall(folder: Path, lease: str, other: str, tickets: int) -> Iterator[Hall]:
    """R1 holds the uses, by itself or with its group; `other` is a gate that holds none of them, and may admit all."""
    now, group = [float(BEGIN)], 1 if lease == "gate" else 0
    with open_home(folder / "node", lambda: now[0]) as node:
        policy = Policy(lease=lease, offline="refuse")
        wallets = stage(node, tickets, policy=policy, group=group)
        with node.view() as view:
            event = view.event(EVENT)
        assert event is not None
        loop = Loop()
        asyncio.set_event_loop(loop)
        try:
            feed = loop.run_until_complete(_feed(node))
            gates = {name: _enrolled(node, name, folder) for name in ("R1", other)}
            held = [one for one in range(1, tickets + 1) if "R1" in lease_holders(one, group, 0, event.manifest)]
            counted = Metrics(node.ledger), Reports(node.store), Precheck(node.home / DATABASE)
            yield Hall(node, wallets, gates, held, loop, feed, now, counted, other if lease == "gate" else "4")
            feed.close()
            loop.settle()
            for _, journal in gates.values():
                journal.close()
        finally:
            asyncio.set_event_loop(None)
            loop.close()


async def _feed(node: Node) -> Feed:
    return Feed(node.ledger)


def _enrolled(node: Node, name: str, folder: Path) -> tuple[Device, Journal]:
    secret = key(f"device of {name}")
    joins = secret.sign(device_message(node.keys.node.public, secret.public))
    sealed = seal_code(devices.make_code(node, EVENT, name), secret.public, node.keys.node.public)
    device = devices.enrol(node, sealed, secret.public, joins)
    identity = Identity(device.device, name, EVENT, secret)
    return device, Journal.open(folder / f"{name}.db", identity, lambda: _stamp(BEGIN))


def _stamp(seconds: float) -> Stamp:
    return Stamp(int(seconds * 1000), trusted=True, error_ms=5, view_size=1)


@dataclass
class Gate:
    """A gate of one world. `up`: its cable; `hopes`: whether it counts on the node; `scan`: the one in its claim, and
    `deciding` the thread that a claim asks through; `claims`: its requests at the node; `poll`, `listening`: the line
    for recalls, at the gate and at the node.
    """

    name: str
    device: Device
    journal: Journal
    known: Known
    up: bool = True
    hopes: bool = True
    scan: Actor | None = None
    deciding: Actor | None = None
    claims: list["asyncio.Task[Reply]"] = field(default_factory=list)
    sent: bool = False
    line: RecallLine | None = None
    poll: Actor | None = None
    listening: "asyncio.Task[Reply] | None" = None
    open_admission: int = 0
    said: list[str] = field(default_factory=list)

    def available(self) -> bool:
        """Implements ports.Claims."""
        return self.hopes

    def claim(self, record: Waiting, _deadline_s: float) -> Receipt | None:
        """Implements ports.Claims: asked of the test."""
        assert self.deciding is not None
        return cast("Receipt | None", self.deciding.ask(record))


class World:
    """One ticket's story. `enabled` names what may happen next, `happen` has it happen."""

    def __init__(self, hall: Hall, ticket: int, most: Mapping[str, int]) -> None:
        self._hall, self._ticket, self._left = hall, ticket, dict(most)
        self.inside = 0
        self._moving: asyncio.Task[Any] | None = None
        self._handlers = self._start_node()
        with hall.node.view() as view:
            event, held = view.event(EVENT), view.ticket(EVENT, ticket)
            assert event is not None
            assert held is not None
            self._known = Known(event.manifest, View(view.size, held.row), int(hall.time[0]))
        self._order = leases.Move(EVENT, hall.to, "crowded", tickets=frozenset({ticket}))
        self.gates = {name: self._start_gate(name) for name in hall.gates}
        for gate in self.gates.values():
            self._polls(gate)

    # What may happen

    def enabled(self) -> list[str]:
        """Each of these may be the next thing to happen."""
        found = []
        for gate in self.gates.values():
            found += [f"{gate.name} {act}" for act, may in self._of_gate(gate) if may]
        if any(not claim.done() for gate in self.gates.values() for claim in gate.claims) or (
            self._moving and not self._moving.done()
        ):
            found.append("node waited")
        if self._left["restart"]:
            found.append("node restart")
        if self._left["move"] and self._moving is None:
            found.append("node recall")
        if self._moving and self._moving.done():
            found.append("node move")
        return found

    def _of_gate(self, gate: Gate) -> list[tuple[str, bool]]:
        asks = gate.scan is not None
        return [
            ("scan", not asks and self._left[f"scan {gate.name}"] > 0),
            ("request", asks and not gate.sent and gate.up),
            ("answer", asks and gate.sent and gate.up and bool(gate.claims) and gate.claims[-1].done()),
            ("deadline", asks),
            ("poll", gate.poll is None and gate.up),
            ("recall", gate.up and gate.listening is not None and gate.listening.done()),
            ("break", gate.poll is not None and self._left["break"] > 0),
            ("cut", gate.up and self._left["cut"] > 0),
            ("mend", not gate.up or not gate.hopes),
            ("crash", self._left["crash"] > 0),
            ("turned away", bool(gate.open_admission) and self._left["turned away"] > 0),
            ("upload", gate.up and bool(gate.journal.waiting(1))),
            ("hear", gate.up and self._lease != gate.known.view.row.lease),  # type: ignore[union-attr]
        ]

    def happen(self, name: str) -> None:
        """One of those that are enabled."""
        who, _, act = name.partition(" ")
        does = getattr(self, f"_{act.replace(' ', '_')}" if who != "node" else f"_node_{act}")
        does(*(() if who == "node" else (self.gates[who],)))

    # At a gate

    def _start_gate(self, name: str) -> Gate:
        gate = Gate(name, *self._hall.gates[name], known=replace(self._known))
        gate.line = RecallLine(_Asks(gate), gate.journal, lambda: 0.0)
        return gate

    def _now(self) -> Stamp:
        return _stamp(self._hall.time[0])

    def _scan(self, gate: Gate) -> None:
        self._left[f"scan {gate.name}"] -= 1
        self._hall.time[0] += 11.0
        now, ticket = self._hall.time[0], self._ticket
        text = self._hall.wallets[ticket - 1].compact(EVENT, ticket, 0, now).text()
        admission = Admission(gate.name, gate.known, gate.journal, gate)
        reading = ClockReading(now, trusted=True, error_s=0.005, source="test")

        def run(actor: Actor) -> Decision:
            gate.deciding = actor
            return admission.decide(text, reading)

        gate.sent = False
        self._after(gate, Actor(run))

    def _after(self, gate: Gate, actor: Actor) -> None:
        """The scan stands in its claim, or has come to a verdict."""
        gate.scan = None if actor.ended else actor
        if not actor.ended:
            return
        decision: Decision = actor.result
        gate.said.append(f"{decision.verdict.outcome} {decision.verdict.reason}")
        if decision.opens:
            assert decision.counter is not None
            self.inside += 1
            gate.open_admission = decision.counter

    def _request(self, gate: Gate) -> None:
        assert gate.scan is not None
        gate.sent = True
        handler = self._handlers.claim(self._asked(gate, gate.scan.asked.raw))
        gate.claims.append(self._task(handler))

    def _answer(self, gate: Gate) -> None:
        assert gate.scan is not None
        actor, task = gate.scan, gate.claims.pop()
        actor.answer(_receipt(actor.asked.counter, task))
        self._after(gate, actor)

    def _deadline(self, gate: Gate) -> None:
        assert gate.scan is not None
        actor = gate.scan
        gate.hopes = gate.up
        actor.answer(None)
        self._after(gate, actor)

    def _turned_away(self, gate: Gate) -> None:
        self._left["turned away"] -= 1
        gate.journal.release(gate.open_admission, "not-turned", self._now())
        gate.open_admission, self.inside = 0, self.inside - 1

    def _upload(self, gate: Gate) -> None:
        waiting = gate.journal.waiting(50)
        answers = self._hall.node.ledger.submit([one.raw for one in waiting]).result(PATIENCE)
        for one, answer in zip(waiting, answers, strict=True):
            made = records.receipt(one.raw, answer)
            receipt = Receipt(one.counter, str(made["verdict"]), cast("int | None", made["position"]))
            gate.journal.settle([receipt], self._hall.node.ledger.size)

    def _hear(self, gate: Gate) -> None:
        """The list of this moment, which says where the use was moved to."""
        with self._hall.node.view() as view:
            held = view.ticket(EVENT, self._ticket)
            assert held is not None
            gate.known.view = View(view.size, held.row)

    def _crash(self, gate: Gate) -> None:
        """All that was only in memory is gone. How a journal opens after that is tested elsewhere, and slow."""
        self._left["crash"] -= 1
        self._stop(gate)
        gate.journal.settle_restart(self._now())
        gate.line = RecallLine(_Asks(gate), gate.journal, lambda: 0.0)
        gate.hopes, gate.open_admission = False, 0

    def _stop(self, gate: Gate) -> None:
        for actor in (gate.scan, gate.poll):
            if actor:
                actor.answer(Crash())
        gate.scan = gate.poll = gate.listening = None

    # Its line for recalls

    def _poll(self, gate: Gate) -> None:
        self._polls(gate)

    def _polls(self, gate: Gate) -> None:
        assert gate.line is not None
        line = gate.line

        def run(actor: Actor) -> None:
            gate.poll = actor
            line.step()

        gate.poll = Actor(run)
        gate.listening = self._task(self._recalls.recalls(self._asked(gate, gate.poll.asked, wait=30)))

    def _recall(self, gate: Gate) -> None:
        assert gate.poll is not None
        assert gate.listening is not None
        actor, task = gate.poll, gate.listening
        gate.poll = gate.listening = None
        actor.answer(RecallAnswer(tickets=tuple(json.loads(task.result().body)["tickets"])))
        assert actor.ended

    def _break(self, gate: Gate) -> None:
        """The connection is gone at the gate's side; the node does not know that yet."""
        self._left["break"] -= 1
        assert gate.poll is not None
        actor, gate.poll, gate.listening = gate.poll, None, None
        actor.answer(SyncError("the connection broke"))

    def _cut(self, gate: Gate) -> None:
        self._left["cut"] -= 1
        gate.up = False

    def _mend(self, gate: Gate) -> None:
        gate.up = gate.hopes = True

    # At the node

    def _start_node(self) -> Gates:
        node, hall = self._hall.node, self._hall
        self._recalls = Recalls(node, hall.feed)
        return Gates(cast("Node", _Prompt(node)), hall.feed, *hall.counted, self._recalls)

    def _node_waited(self) -> None:
        """All that the node would wait for, for the sake of claims or of a use that moves, did not come."""
        waiting = [claim for gate in self.gates.values() for claim in gate.claims if not claim.done()]
        waiting += [self._moving] if self._moving and not self._moving.done() else []
        while not any(one.done() for one in waiting) and self._hall.loop.advance():
            pass

    def _node_recall(self) -> None:
        """Operators move the use, and first have it given up; they are told if it is spent."""
        self._left["move"] -= 1
        with suppress(ServiceError):
            self._plan = leases.planned(self._hall.node, self._order)
            self._moving = self._task(
                self._recalls.recall(self._plan.wanted[self._ticket], [self._ticket], leases.WAIT)
            )

    def _node_move(self) -> None:
        """If it was, it moves."""
        assert self._moving is not None
        task, self._moving = self._moving, None
        with suppress(ServiceError, asyncio.CancelledError):
            leases.carry_out(self._hall.node, self._order, self._plan, task.result())

    @property
    def _lease(self) -> int:
        with self._hall.node.view() as view:
            held = view.ticket(EVENT, self._ticket)
        assert held is not None
        return held.row.lease

    def _node_restart(self) -> None:
        """What the node had only in memory is gone, and so are the requests that were with it."""
        self._left["restart"] -= 1
        if self._moving:
            self._moving.cancel()
            self._moving = None
        for gate in self.gates.values():
            for task in [*gate.claims, *([gate.listening] if gate.listening else [])]:
                task.cancel()
            gate.claims.clear()
            if gate.poll:
                actor, gate.poll, gate.listening = gate.poll, None, None
                actor.answer(SyncError("the node went away"))
        self._hall.loop.settle()
        self._handlers = self._start_node()

    def _asked(self, gate: Gate, body: bytes, **query: int) -> Asked:
        request = SimpleNamespace(
            path_params={"event": EVENT}, query_params={name: str(value) for name, value in query.items()}
        )
        return Asked(cast("Any", request), body, gate.device.public_key, gate.device)

    def _task(self, handler: Any) -> "asyncio.Task[Reply]":
        task = self._hall.loop.create_task(handler)
        self._hall.loop.settle()
        return task

    # What it has come to

    def fingerprint(self) -> tuple[Any, ...]:
        """Two worlds with the same go on alike."""
        with self._hall.node.view() as view:
            held = view.ticket(EVENT, self._ticket)
        assert held is not None
        used = held.used_by[0] if held.used_by else ""
        lines = {name: (line.polls, sorted(line.asked)) for name, line in self._recalls._lines.items()}
        return (
            used,
            tuple(sorted((name, polls, bool(asked)) for name, (polls, asked) in lines.items())),
            tuple(sorted(self._left.items())),
            self.inside,
            held.row.lease,
            self._moving and self._moving.done() and bool(self._moving.result()),
            self._moving is not None,
            *(self._of(gate) for gate in self.gates.values()),
        )

    def _of(self, gate: Gate) -> tuple[Any, ...]:
        journal = gate.journal
        with journal.use_at_hand(self._ticket) as mine:
            pass
        use = journal.use_of(self._ticket)
        lives = [str(one[0]) for one in self._lives(journal)]
        line = gate.line
        assert line is not None
        return (
            gate.up,
            gate.hopes,
            gate.scan is not None,
            gate.sent,
            tuple(_claim_state(claim) for claim in gate.claims),
            gate.poll is not None,
            gate.listening.done() if gate.listening else None,
            bool(line._given),
            bool(line._kept),
            mine,
            use and (use.gate, use.released),
            tuple(lives),
            bool(gate.open_admission),
            gate.known.view.row and gate.known.view.row[-4:],
            len(journal.waiting(9)),
        )

    def _lives(self, journal: Journal) -> list[tuple[Any, ...]]:
        query = "SELECT outcome FROM admission WHERE ticket = ? ORDER BY counter"
        return cast("list[tuple[Any, ...]]", journal._db.execute(query, (self._ticket,)).fetchall())

    def close(self) -> None:
        """Let all threads and requests go."""
        for gate in self.gates.values():
            self._stop(gate)
        for task in asyncio.all_tasks(self._hall.loop):
            task.cancel()
        self._hall.loop.settle()
        for gate in self.gates.values():
            gate.journal.settle_restart(self._now())
            while gate.journal.waiting(1):
                self._upload(gate)


class _Asks:
    """Implements recalls.Asks for a gate: the question is the test's to answer."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def recalls(self, given: Sequence[int], kept: Sequence[int], _wait: int) -> RecallAnswer:
        assert self._gate.poll is not None
        body = json.dumps({"given": list(given), "kept": list(kept)}).encode()
        return cast("RecallAnswer", self._gate.poll.ask(body))


class _Prompt:
    """The node, whose log has taken what is handed to it when it says that it will."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.ledger = _PromptLedger(node)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)


class _PromptLedger:
    def __init__(self, node: Node) -> None:
        self._ledger = node.ledger

    def submit(self, *given: Any, **more: Any) -> "Future[Any]":
        future = self._ledger.submit(*given, **more)
        future.result(PATIENCE)
        return future

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)


def _receipt(counter: int, task: "asyncio.Task[Reply]") -> Receipt | None:
    """As a gate reads the answer to its claim."""
    try:
        told = json.loads(task.result().body)
    except ServiceError as error:
        return Receipt(counter, OTHER_LEASE, None) if error.code == OTHER_LEASE else None
    first = (told["first"]["gate"], told["first"]["time_ms"] // 1000) if told.get("first") else None
    return Receipt(counter, told["verdict"], told["position"], first)


def _claim_state(task: "asyncio.Task[Reply]") -> str:
    if not task.done():
        return "waits"
    receipt = _receipt(0, task)
    return receipt.verdict if receipt else "refused"
