"""Uses that are leased to gates, called back before another gate's claim for one is granted (docs/offline.md, Leases).

A gate that holds a use may spend it while it hears no node. So a claim of a gate that does not hold it is granted only
after every holder has said that it gave the use up, which it then has on disk. Nothing of this is kept here: a gate
that gave a use up says so again whenever it is asked.

Only a claim that could be granted calls a use back: a stolen gate has no code of a ticket that it did not see, and
cannot take that ticket's use from the gates that hold it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ledger_node.contract.records import would_enter
from ledger_node.contract.state import Device
from ledger_node.services import records
from ledger_node.services.leases import to_ask
from ledger_node.services.node import Node
from ledger_node.web.door import Asked
from ledger_node.web.feed import Feed
from ledger_node.web.reply import Reply, reply
from ledger_node.web.schemas import Uint, read_json
from ledger_node.web.turns import give_back

LONGEST_WAIT = 30
SHARE = 0.5
"""Of a gate's claim deadline, for the holders to answer: the rest is for the claim's way, and for its commit."""
SPENDING = 0.2
"""Of it, for the claim of a gate that is spending the use: its answer names the entry, and this one can only lose."""
_LOOK = 0.005
GAP_S = 1.0
"""Seconds between two polls of a gate for which it still counts as listening."""
MOST = 100
OF_RECALLS = {"wait": "seconds to wait for a use to be called back, at most 30"}

Tickets = Annotated[list[Uint], Field(max_length=MOST)]


class RecallAnswers(BaseModel):
    """What became of the uses that were called back: given up durably, or spent or about to be."""

    model_config = ConfigDict(extra="forbid", strict=True)

    given: Tickets
    kept: Tickets


class CalledBack(BaseModel):
    """Tickets whose use this gate is to give up."""

    model_config = ConfigDict(extra="forbid", strict=True)

    tickets: Tickets
    time_ms: Uint
    time_told: bool = True


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A claim for a use that other gates hold: their devices, for how many seconds they may be waited for, and whether
    it would be granted if they gave the use up.
    """

    holders: list[Device]
    wait: float
    good: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """What the devices said that hold a use: which keep it, and the ids of those that gave it up."""

    kept: Sequence[Device]
    given: frozenset[str] = frozenset()


@dataclass
class _Line:
    """One device: how many of its polls are open, when the last ended (the loop's time), and what it is asked."""

    polls: int = 0
    ended: float = float("-inf")
    asked: dict[int, "asyncio.Future[bool]"] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)


class Recalls:
    """See the module. One event loop."""

    def __init__(self, node: Node, feed: Feed) -> None:
        self._node, self._feed = node, feed
        self._lines: dict[str, _Line] = {}
        feed.on_close(self._let_go)

    def serve_operators(self) -> None:
        """Let operators' threads have uses called back. Called on the loop."""
        loop = asyncio.get_running_loop()

        def recall(devices: Sequence[Device], tickets: Sequence[int], seconds: float) -> Mapping[str, frozenset[int]]:
            return asyncio.run_coroutine_threadsafe(self.recall(devices, tickets, seconds), loop).result()

        def listening() -> frozenset[str]:
            return asyncio.run_coroutine_threadsafe(self._listening(), loop).result()

        self._node.recall, self._node.listening = recall, listening

    async def recall(
        self, devices: Sequence[Device], tickets: Sequence[int], seconds: float
    ) -> dict[str, frozenset[int]]:
        """What each device gave up of these tickets, durably, within so many seconds; see `leases.Recall`."""
        lines = {one.device: self._lines.get(one.device) for one in devices}
        calls = {
            (name, ticket): self._call(line, ticket)
            for name, line in lines.items()
            if line is not None and self._listens(line)
            for ticket in tickets
        }
        if calls:
            await asyncio.wait(calls.values(), timeout=seconds)
        for (name, ticket), call in calls.items():
            if not call.done():
                self._lines[name].asked.pop(ticket, None)
        return {
            name: frozenset(ticket for ticket in tickets if (name, ticket) in calls and _given(calls[name, ticket]))
            for name in lines
        }

    async def _listening(self) -> frozenset[str]:
        return frozenset(name for name, line in self._lines.items() if self._listens(line))

    async def recalls(self, asked: Asked) -> Reply:
        """The tickets whose use the asking gate is to give up, once there are any; the body answers the last ones."""
        device = asked.who.device
        answers = read_json(RecallAnswers, asked.body)
        line = self._lines.setdefault(device, _Line())
        for tickets, given in ((answers.given, True), (answers.kept, False)):
            for ticket in tickets:
                _answer(line.asked.pop(ticket, None), given)
        tickets = await self._wait(line, min(asked.number("wait", 0), LONGEST_WAIT))
        return reply({"tickets": tickets, **self._node.time_told})

    async def call_back(self, who: Device, record: bytes) -> Answered | None:
        """Call the use back for this claim of `who`; None if no other gate holds it.

        One that the ledger would not grant now is not called back.
        """
        claimed = self._claimed(who, record)
        if claimed is None:
            return None
        return await self._ask(claimed.holders, claimed.wait, record) if claimed.good else Answered(())

    async def call_back_more(self, who: Device, record: bytes, before: Answered) -> Answered:
        """The same for a claim that is logged as accepted: from the devices that did not give the use up `before`."""
        claimed = self._claimed(who, record)
        more = [one for one in claimed.holders if one.device not in before.given] if claimed else []
        return await self._ask(more, claimed.wait, record) if claimed and more else Answered(())

    async def _ask(self, holders: list[Device], wait: float, record: bytes) -> Answered:
        lines = [(one, self._lines.get(one.device)) for one in holders]
        away = [one for one, line in lines if line is None or not self._listens(line)]
        if away:
            return Answered(away)
        ticket = records.ticket_of(record)
        calls = {one.device: self._call(line, ticket) for one, line in lines if line is not None}
        await asyncio.wait(calls.values(), timeout=wait)
        kept = [one for one in holders if not _given(calls[one.device])]
        for one in kept:
            self._lines[one.device].asked.pop(ticket, None)
        return Answered(kept, frozenset(calls) - {one.device for one in kept})

    async def spent(self, who: Device, record: bytes, keepers: Sequence[Device]) -> bool:
        """Whether the ticket is used, or is in a moment: a gate that keeps a use while it listens is spending it."""
        listening = all(one.device in self._lines and self._listens(self._lines[one.device]) for one in keepers)
        ticket, loop = records.ticket_of(record), asyncio.get_running_loop()
        until = loop.time() + (self._deadline(who) * SPENDING if listening else 0.0)
        while not (used := self._used(who, ticket)) and loop.time() < until:
            await asyncio.sleep(_LOOK)
        return used

    def _used(self, who: Device, ticket: int) -> bool:
        with self._node.view() as view:
            held = view.ticket(who.event, ticket)
        return held is not None and held.used_by is not None

    def _deadline(self, who: Device) -> float:
        with self._node.view() as view:
            event = view.event(who.event)
        return event.manifest.policy.claim_deadline_ms / 1000 if event else 0.0

    def _claimed(self, who: Device, record: bytes) -> _Claimed | None:
        """None if `who` stands at a gate that holds the use, or where the policy promises nothing."""
        ticket = records.ticket_of(record)
        with self._node.view() as view:
            event, held = view.event(who.event), view.ticket(who.event, ticket)
            if event is None or held is None or event.manifest.policy.offline != "refuse":
                return None
            holders = to_ask(view, event, held, self._node.heard, who)
            if not holders:
                return None
            sound = records.is_sound(view, record)
        wait = event.manifest.policy.claim_deadline_ms / 1000 * SHARE
        return _Claimed(holders, wait, sound and would_enter(event, held, record))

    def _let_go(self) -> None:
        for line in self._lines.values():
            line.news.set()

    def _listens(self, line: _Line) -> bool:
        return line.polls > 0 or asyncio.get_running_loop().time() - line.ended < GAP_S

    def _call(self, line: _Line, ticket: int) -> "asyncio.Future[bool]":
        """Ask for it; claims for one ticket share the answer."""
        known = line.asked.get(ticket)
        if known is None:
            known = line.asked[ticket] = asyncio.get_running_loop().create_future()
            line.news.set()
        return known

    async def _wait(self, line: _Line, seconds: float) -> list[int]:
        loop, until = asyncio.get_running_loop(), asyncio.get_running_loop().time() + seconds
        line.polls += 1
        give_back()
        try:
            while not line.asked and not self._feed.closed:
                line.news.clear()
                async with asyncio.timeout_at(until):
                    await line.news.wait()
        except TimeoutError:
            pass
        finally:
            line.polls -= 1
            line.ended = loop.time()
        return list(line.asked)[:MOST]


def _answer(call: "asyncio.Future[bool] | None", given: bool) -> None:  # noqa: FBT001 - the answer itself
    if call is not None and not call.done():
        call.set_result(given)


def _given(call: "asyncio.Future[bool]") -> bool:
    return call.done() and not call.cancelled() and call.result()
