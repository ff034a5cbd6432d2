"""What gates ask for: enrolment, snapshot, changes, claims, uploads, receipts. Each handler gets a request whose
signature is good and whose nonce is spent (door.py); use cases are in services, waiting and threads are here.
"""

import asyncio
import base64
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from ledger_node.contract.outcome import Outcome, Rejected
from ledger_node.contract.records import CONTRADICTS
from ledger_node.contract.state import Device
from ledger_node.log.ledger import LedgerFault
from ledger_node.log.port import LogBehindFault
from ledger_node.log.precheck import Precheck
from ledger_node.log.writer import Submitted
from ledger_node.services import devices, records
from ledger_node.services.changes import PAGE, Page, log_behind, read_page
from ledger_node.services.cosigning import Cosigned
from ledger_node.services.errors import ServiceError
from ledger_node.services.newer_log import CODE
from ledger_node.services.node import Node, fault_as_error
from ledger_node.services.snapshot import SnapshotFile, Snapshots
from ledger_node.web.addresses import address_of, group_of
from ledger_node.web.door import Asked, refuse_revoked
from ledger_node.web.feed import Feed
from ledger_node.web.metrics import Metrics
from ledger_node.web.recalls import Answered, Recalls
from ledger_node.web.reply import OCTETS, Reply, reply
from ledger_node.web.reports import Reports
from ledger_node.web.schemas import Enrolment, Shown, read_json
from ledger_node.web.turns import give_back
from scanner.verify.entry import canonical
from scanner.verify.httpsig import digest_field
from scanner.verify.leases import OTHER_LEASE

log = structlog.get_logger()
LONGEST_WAIT = 30
MOST_QUORUM = 100
COSIGNED_WITHIN = 3.0
"""Seconds that an upload or a question waits for witnesses. Claims never wait for them."""
_LOOK = 0.05
DEADLINE = 5.0
"""Seconds for a commit. A gate gives up on a claim much earlier; its record is in the log all the same."""


class Gates:
    """The handlers. One event loop."""

    def __init__(
        self, node: Node, feed: Feed, metrics: Metrics, reports: Reports, precheck: Precheck, recalls: Recalls
    ) -> None:
        self._node = node
        self._precheck = precheck
        self._feed = feed
        self._metrics = metrics
        self._reports = reports
        self._snapshots = Snapshots(node)
        self._building = asyncio.Lock()
        self._recalls = recalls

    async def enrol(self, asked: Asked) -> Reply:
        """A new device with its own key and a one-time code."""
        order = read_json(Enrolment, asked.body)
        if order.public_key != asked.public_key.hex():
            raise ServiceError("other-key", "sign the enrolment with the key that it names", 422)
        try:
            proof = bytes.fromhex(order.proof)
            device = await asyncio.to_thread(devices.enrol, self._node, order.code, asked.public_key, proof)
        except ServiceError as error:
            if error.code == devices.CODE_REFUSED:
                # Looked at first: a right code is taken however many others guess beside it.
                who = {"address": group_of(address_of(asked.request))}
                self._node.tally.take("wrong enrolment code", who, self._node.now())
            raise
        node = self._node
        return reply(
            {
                "device": device.device,
                "event": device.event,
                "gate": device.gate,
                "node_key": node.keys.node.public.hex(),
                "log": node.ledger.vkey,
                "origin": node.keys.origin,
                **self._node.time_told,
            }
        )

    async def snapshot(self, asked: Asked) -> Reply:
        """The newest snapshot of the device's event; for HEAD, only what it would be."""
        event, quorum = _own_event(asked), _quorum(asked)
        # Many gates ask at once when doors open: one builds, and the others wait here, where no thread waits with them.
        async with self._building:
            made = await asyncio.to_thread(self._snapshots.get, event, quorum, asked.who.position)
        self._reports.note(asked.who.device, int(self._node.now()))
        if asked.request.headers.get("if-none-match") == _etag(made):
            return Reply(304, b"", OCTETS, {"ETag": _etag(made)})
        headers = {
            "ETag": _etag(made),
            "Content-Length": str(made.length),
            "Content-Digest": digest_field(made.sha256),
        }
        return Reply(200, b"", OCTETS, headers, made.path if asked.request.method == "GET" else None)

    async def state(self, asked: Asked) -> Reply:
        """What witnesses state of the tickets at the newest size, for a gate to compare with what it made of ours."""
        quorum = _quorum(asked)
        size, statements = await asyncio.to_thread(self._stated, quorum) if quorum else (self._node.ledger.size, ())
        return reply({"size": size, "statements": list(statements), **self._node.time_told})

    def _stated(self, quorum: int) -> tuple[int, tuple[str, ...]]:
        with fault_as_error(), self._node.cosigning.stated_view(quorum) as (view, stated):
            return view.size, stated.statements

    async def changes(self, asked: Asked) -> Reply:
        """What changed since `from`; with `wait`, not before something did."""
        event, device = _own_event(asked), asked.who.device
        start = asked.number("from", 0)
        verified = asked.number("verified", start)
        wait = asked.number("wait", 0)
        queue = asked.number("queue", 0) if "queue" in asked.request.query_params else None
        self._reports.note(device, int(self._node.now()), start, queue)
        self._metrics.heard.labels(device).set(int(self._node.now()))
        if queue == 0 and start <= self._node.ledger.size:
            self._node.heard[device] = max(start, self._node.heard.get(device, 0))
        self._metrics.behind.labels(device).set(max(0, self._node.ledger.size - start))
        with self._metrics.waiting.track_inprogress():
            page = await self._page(asked, start, verified, min(wait, LONGEST_WAIT))
        return await asyncio.to_thread(_page_reply, event, replace(page, start=start), self._node.time_told)

    async def _page(self, asked: Asked, start: int, verified: int, wait: float) -> Page:
        until, quorum = asyncio.get_running_loop().time() + wait, _quorum(asked)
        while True:
            shown = await self._cosigned(quorum, max(start, verified)) if quorum else None
            seen = shown.head.size if shown else self._node.ledger.size
            page = await asyncio.to_thread(read_page, self._node, asked.who.event, start, verified, PAGE, shown)
            refuse_revoked(devices.find(self._node, asked.public_key))
            if not page.empty or self._feed.closed or not await self._grows(quorum, seen, until):
                return page
            # Refusals, and entries of other events, move no row: go on from where they end.
            start = page.to

    async def _grows(self, quorum: int, seen: int, until: float) -> bool:
        """Wait for the log, or its cosigned part, to be larger than `seen`; whether it is."""
        if not quorum:
            return await self._feed.beyond(seen, until)
        give_back()
        loop = asyncio.get_running_loop()
        while loop.time() < until and not self._feed.closed:
            best = self._node.cosigning.best(quorum)
            if best and best.head.size > seen:
                return True
            await asyncio.sleep(_LOOK)
        return False

    async def _cosigned(self, quorum: int, size: int) -> Cosigned:
        """The newest checkpoint with `quorum` cosignatures, at least `size` long; waits a little for it."""
        cosigning = self._node.cosigning
        cosigning.require(quorum)
        give_up = time.monotonic() + COSIGNED_WITHIN
        while True:
            best = cosigning.best(quorum)
            if best and best.head.size >= size:
                return best
            if time.monotonic() > give_up or self._feed.closed:
                raise cosigning.not_cosigned(quorum)
            give_back()
            await asyncio.sleep(_LOOK)

    async def claim(self, asked: Asked) -> Reply:
        """One admission, logged at once; the verdict says whether the ticket's use was still free."""
        event = _own_event(asked)
        if not records.is_claim(asked.body, event, asked.public_key):
            raise ServiceError("not-a-claim", f"a claim is an admission record of {event} by the device that asks", 422)
        self._not_before(asked.number("from", 0))
        self._node.lost.require()
        asked_back = await self._recalls.call_back(asked.who, asked.body)
        if asked_back and asked_back.kept and not await self._recalls.spent(asked.who, asked.body, asked_back.kept):
            raise self._kept(asked.who, asked.body, asked_back.kept)
        answer = (await self._submit([asked.body], urgent=True))[0]
        if isinstance(answer, Outcome) and answer.verdict == "accepted":
            # What stood against it may be gone since, or another device have come to hold the use.
            more = await self._recalls.call_back_more(asked.who, asked.body, asked_back or Answered(()))
            if more.kept:
                raise self._kept(asked.who, asked.body, more.kept)
        if isinstance(answer, Outcome) and not answer.new:
            answer = await asyncio.to_thread(self._as_it_stands, asked.body, answer)
        made = records.receipt(asked.body, answer)
        self._metrics.claims.labels(made["verdict"]).inc()
        self._reports.note(asked.who.device, int(self._node.now()))
        if isinstance(answer, Rejected):
            raise ServiceError.of(answer)
        return reply(made | self._node.time_told)

    def _as_it_stands(self, record: bytes, outcome: Outcome) -> Outcome:
        with self._node.view() as view:
            return records.claim_outcome(view, record, outcome)

    def _kept(self, who: Device, record: bytes, keepers: Sequence[Device]) -> ServiceError:
        ticket = records.ticket_of(record)
        self._metrics.claims.labels(OTHER_LEASE).inc()
        log.info("use kept", gate=who.gate, ticket=ticket, kept_by=[one.device for one in keepers])
        gates = ", ".join(dict.fromkeys(one.gate for one in keepers))
        named = ", ".join(one.device for one in keepers)
        return ServiceError(
            OTHER_LEASE,
            f"ticket {ticket} is leased to {gates}, and {named} did not give it up in time: go there,"
            " or revoke that device if it is out of service",
            409,
        )

    async def admit(self, asked: Asked) -> Reply:
        """A batch of records, each with a receipt. A record that cannot be logged does not hold up the others."""
        event = _own_event(asked)
        proofs, known = asked.number("proofs", 0, 1), asked.number("from", 0)
        self._not_before(known)
        batch = await asyncio.to_thread(records.open_batch, asked.body)
        answers = await self._submit(await asyncio.to_thread(self._precheck.look, batch))
        shown = await self._witnessed(_quorum(asked), known, answers)
        body, fresh = await asyncio.to_thread(self._receipts, batch, answers, proofs, known, shown)
        self._reports.note(asked.who.device, int(self._node.now()))
        for made in body["receipts"]:
            self._metrics.records.labels(made["verdict"]).inc()
            if (made.get("cause") or "").startswith(CONTRADICTS):
                _name_a_contradiction(asked.who, made)
        if fresh:
            await asyncio.to_thread(self._report_double_entries, event, fresh)
        return reply(body)

    async def _witnessed(self, quorum: int, known: int, answers: list[Outcome | Rejected]) -> Cosigned | None:
        """The cosigned checkpoint that proves these answers, if the gate wants one."""
        logged = [answer.position + 1 for answer in answers if isinstance(answer, Outcome)]
        return await self._cosigned(quorum, max([known, *logged])) if quorum else None

    def _report_double_entries(self, event: str, fresh: set[records.Ref]) -> None:
        try:
            self._metrics.incidents.inc(records.report_double_entries(self._node, event, fresh))
        except ServiceError as error:
            # The records are safe and their receipts must not wait; housekeeping reports what is left.
            log.warning("double entries not reported yet", problem=str(error))

    async def receipt(self, asked: Asked) -> Reply:
        """What became of a record, with the proof that it is in the log."""
        device, counter = asked.path("device"), asked.path("counter")
        if not counter.isdecimal() or len(counter) > 16:
            raise ServiceError("bad-counter", f"{counter!r} is not a counter", 400)
        known, quorum = asked.number("from", 0), _quorum(asked)
        shown = await self._cosigned(quorum, known) if quorum else None
        return reply(await asyncio.to_thread(self._receipt, device, int(counter), known, shown))

    async def revocation(self, asked: Asked) -> Reply:
        """The entry that revoked the device that asks, with the proof that it is in the log."""
        known, quorum = asked.number("from", 0), _quorum(asked)
        position, raw = await asyncio.to_thread(devices.revocation, self._node, asked.who)
        shown = await self._cosigned(quorum, max(known, position + 1)) if quorum else None
        proven = await asyncio.to_thread(self._proven, known, [], None, shown, position)
        return reply({"entry": raw.hex(), "position": position, **proven})

    async def newer(self, asked: Asked) -> Reply:
        """Show this node the newest checkpoint of its log that you have: one that it lost is how it knows that it did.
        Also for a key that is not enrolled: its enrolment may have been in what was lost.
        """
        shown = read_json(Shown, asked.body)
        node, quorum = self._node, _quorum(asked)
        by = f"device {asked.device.device}" if asked.device else f"key {asked.public_key.hex()[:16]}"
        news = await asyncio.to_thread(node.newer.show, shown.checkpoint, shown.log_keys, by)
        told = {"size": node.ledger.size, "news": news}
        said, base = await asyncio.to_thread(node.newer.statement, shown.checkpoint, shown.log_keys)
        if said and not news:
            cosigned = await self._cosigned(quorum, base) if quorum else None
            proven = await asyncio.to_thread(self._proven, base, [], None, cosigned)
            return reply({**told, "lost": said, **proven})
        if asked.device and not news and shown.queue == 0:
            node.lost.heard(asked.device.device)
        return reply({**told, **node.time_told})

    def _not_before(self, known: int) -> None:
        """Nothing is logged for a gate that has seen more of the log than this node has, nor while some is missing."""
        self._node.newer.require()
        if known > self._node.ledger.size:
            raise log_behind(known, self._node.ledger.size)

    async def _submit(self, batch: Sequence[Submitted], *, urgent: bool = False) -> list[Outcome | Rejected]:
        began = time.monotonic()
        future = asyncio.wrap_future(self._node.ledger.submit(batch, urgent=urgent))
        try:
            # Shielded: what was submitted is logged whether or not anybody waits for it.
            answers = await asyncio.wait_for(asyncio.shield(future), DEADLINE)
        except TimeoutError:
            future.add_done_callback(_ignore)
            raise ServiceError("busy", "the ledger is busy: send it again, it is counted once", 503) from None
        except LogBehindFault as fault:
            raise ServiceError(CODE, str(fault), 409) from fault
        except LedgerFault as fault:
            raise ServiceError("disk", f"the ledger cannot be written now ({fault}): send it again", 503) from fault
        self._metrics.commit.observe(time.monotonic() - began)
        return answers

    def _receipts(
        self,
        batch: list[bytes],
        answers: list[Outcome | Rejected],
        proofs: int,
        known: int,
        shown: Cosigned | None,
    ) -> tuple[dict[str, Any], set[records.Ref]]:
        made = [records.receipt(raw, answer) for raw, answer in zip(batch, answers, strict=True)]
        fresh = {
            (str(one["device"]), int(one["counter"]))
            for one, answer in zip(made, answers, strict=True)
            if isinstance(answer, Outcome) and answer.new and answer.verdict in {"duplicate", "stale"}
        }
        return {"receipts": made, **self._proven(known, made, batch if proofs else None, shown)}, fresh

    def _receipt(self, device: str, counter: int, known: int, shown: Cosigned | None) -> dict[str, Any]:
        with self._node.view() as view:
            outcome = view.record_outcome(device, counter)
            if outcome is None:
                raise ServiceError("no-such-record", f"{device} has no record {counter} in the log: send it", 404)
            raw = next(iter(view.entries(outcome.position, outcome.position + 1)))
        made: records.Receipt = {"device": device, "counter": counter, **records.receipt_of(outcome)}
        return {**self._proven(known, [made], [raw], shown), **made}

    def _proven(
        self,
        known: int,
        made: list[records.Receipt],
        raws: list[bytes] | None,
        shown: Cosigned | None,
        entry: int | None = None,
    ) -> dict[str, Any]:
        """What proves the receipts, or the entry at this position, with the checkpoint of the same moment."""
        node = self._node
        with node.view() as view:
            size = shown.head.size if shown else view.size
            if known > view.size:
                raise log_behind(known, view.size)
            if raws is not None:
                records.prove(view, made, raws, size)
            inclusion = {} if entry is None else {"inclusion": [part.hex() for part in view.inclusion(entry, size)]}
            return {
                **inclusion,
                **(shown.shown if shown else node.ledger.show(view.head)).fields(),
                "consistency": [part.hex() for part in view.consistency(known, size)] if known else [],
                **node.time_told,
            }


def _page_reply(event: str, page: Page, time_told: Mapping[str, int | bool]) -> Reply:
    return reply(
        {
            "event": event,
            "from": page.start,
            "to": page.to,
            **page.shown.fields(),
            "consistency": [part.hex() for part in page.consistency],
            "rows": [base64.b64encode(row).decode() for row in page.rows],
            "manifest": canonical(page.manifest.manifest.to_map()).hex() if page.manifest else None,
            **time_told,
            "wipe": False,
        }
    )


def _name_a_contradiction(who: Device, made: records.Receipt) -> None:
    log.warning(
        "a gate took one admission back in two ways",
        gate=who.gate,
        device=who.device,
        counter=made["counter"],
        cause=made["cause"],
    )


def _quorum(asked: Asked) -> int:
    """How many witnesses must have cosigned what this gate is shown; it checks which they are."""
    return asked.number("cosigned", 0, MOST_QUORUM)


def _own_event(asked: Asked) -> str:
    """The path's: the door lets no device of another one in."""
    return asked.who.event


def _etag(made: SnapshotFile) -> str:
    return f'"{made.size}"'


def _ignore(future: "asyncio.Future[Any]") -> None:
    if not future.cancelled():
        future.exception()
