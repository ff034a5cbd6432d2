"""What this gate says to its peers and hears from them: the messages' meaning. No socket and no thread is here.

What is heard is on disk before it counts. An admission that asks peers first goes by one rule, the same at each gate:
its own pending record is durable before anybody is asked. A gate that then finds an admission of another gate steps
back, unless it knows that the other gate has its record, goes by its peers too and has not decided yet, and comes
second by time. The second steps back at once; the first waits for that as long as it may. So of two that can hear each
other exactly one enters, and what got lost on the way only ever makes a gate step back.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from scanner.errors import SyncError
from scanner.ports import Asking, Knowledge, OwnChain
from scanner.sync.peer_book import PeerBook
from scanner.sync.peer_message import MOST_RECORDS, Message, fill
from scanner.sync.peer_store import PeerStore
from scanner.verify.admit import effective_use
from scanner.verify.entry import Entry, Malformed
from scanner.verify.told import Peer, Told, read_told, shows_its_code, weigh

HEARD_S = 12.0
"""Seconds after which a peer that said nothing is not near any more."""


class WrongMessageError(SyncError):
    """A peer said something that it must not; nothing of the message was taken."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The last message of a peer: when it came (monotonic seconds), and what it said of our chain and of its own."""

    at: float
    have: int
    newest: int
    pending: int


class PeerDesk:
    """See the module. Any thread may call. `event` and `device` are this gate's own."""

    def __init__(
        self,
        event: str,
        device: str,
        chain: OwnChain,
        view: Knowledge,
        store: PeerStore,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._event, self._device = event, device
        self._chain, self._view, self._store, self._monotonic = chain, view, store, monotonic
        self._book: PeerBook = store.book()
        self._heard: dict[str, Heard] = {}
        self._waited_for: set[str] = set()
        self._open = False
        self._closed = 0
        self.ring: Callable[[], None] = lambda: None
        """Called when peers are to hear at once where this gate stands: it wakes what exchanges messages with them."""
        self._taking = threading.Lock()
        self._news = threading.Condition()

    # What is said and heard

    def compose(self, peer: Peer, after: int | None = None) -> Message:
        """What to say to this peer now, with our records above `after`; None = without any, to learn what it has."""
        with self._news:
            have = self._book.chain(peer.device).have
        page = self._chain.page(after or 0, 0 if after is None else MOST_RECORDS)
        with self._news:
            # Read last: a peer that is told "pending" knows that we decide after having heard what `have` says.
            pending = page.pending if self._open and page.pending > self._closed else 0
        return Message(
            event=self._event,
            to=peer.device,
            have=have,
            newest=page.newest,
            settled=page.settled,
            position=page.position,
            pending=pending,
            records=fill(page.records),
        )

    def absorb(self, peer: Peer, message: Message) -> None:
        """Take in what this peer said. Raises WrongMessageError, or SyncError if the disk does not take it."""
        if (message.event, message.to) != (self._event, self._device):
            raise WrongMessageError(f"{peer.gate} speaks to {message.to} of {message.event}, which is not this gate")
        entries = [self._read(peer, raw) for raw in message.records]
        with self._taking:
            plan = self._book.plan(peer.device, entries, message.settled, message.position, self._shows_its_code)
            known = self._book.chain(peer.device)
            if plan.chain != known or plan.told or plan.undone:
                # A record must outlive a power cut once its gate hears that we have it; that the ledger has it, too,
                # we would be told again.
                self._store.add(plan, soon=(plan.chain.head, plan.chain.fault) == (known.head, known.fault))
            with self._news:
                self._book.apply(plan)
                self._heard[peer.device] = Heard(self._monotonic(), message.have, message.newest, message.pending)
                self._news.notify_all()

    def heard(self, peer: Peer) -> Heard | None:
        """Its last message, if there was one since the start."""
        return self._heard.get(peer.device)

    def has_of(self, peer: Peer) -> int:
        """The highest counter of its chain that we have."""
        return self._book.chain(peer.device).have

    def fault_of(self, peer: Peer) -> str:
        """What is wrong with its chain, "" if nothing is."""
        return self._book.chain(peer.device).fault

    def answers(self, peer: Peer, *, well: bool) -> None:
        """Whether our last exchange with this peer went well: only such a peer is waited for."""
        with self._news:
            if well:
                self._waited_for.add(peer.device)
            else:
                self._waited_for.discard(peer.device)
            self._news.notify_all()

    # What the decision asks (ports.Neighbours)

    def told(self, ticket: int) -> Sequence[Told]:
        """The admissions of this ticket that others told of, released or not."""
        with self._news:
            return self._book.of(ticket)

    def near(self) -> bool:
        """Whether any peer was heard lately, whoever of us asked."""
        oldest = self._monotonic() - HEARD_S
        with self._news:
            return any(heard.at >= oldest for heard in self._heard.values())

    def have(self, counter: int) -> bool:
        """Whether any peer has said that it has our record with this counter."""
        with self._news:
            return any(heard.have >= counter for heard in self._heard.values())

    @contextmanager
    def asking(self, *, told: bool = False) -> Iterator[Asking]:
        """For one admission: recorded as pending inside the block, or before it if it is `told`; then asked about, then
        decided.
        """
        with self._news:
            self._open = True
        if told:
            # Now it is told as undecided.
            self.ring()
        try:
            yield self._ask
        finally:
            with self._news:
                self._open = False

    def _ask(self, counter: int, ticket: int, time_ms: int, deadline_s: float) -> Told | None:
        until = self._monotonic() + deadline_s
        with self._news:
            while self._may_change(self._rival(counter, ticket, time_ms), counter, time_ms):
                left = until - self._monotonic()
                if left <= 0 or not self._news.wait(left):
                    break
            # Who did not answer in time is not waited for again before an exchange with it went well.
            self._waited_for -= self._behind(counter)
            rival = self._rival(counter, ticket, time_ms)
            self._closed = counter
        return rival

    def _may_change(self, rival: Told | None, counter: int, time_ms: int) -> bool:
        """Whether to wait: a rival that comes second will step back; without a rival, one may yet be told."""
        return bool(self._behind(counter)) if rival is None else (time_ms, self._device) < rival.order

    def _behind(self, counter: int) -> set[str]:
        return {device for device in self._waited_for if self._has_ours(device) < counter}

    def _has_ours(self, device: str) -> int:
        heard = self._heard.get(device)
        return heard.have if heard else 0

    def _rival(self, counter: int, ticket: int, time_ms: int) -> Told | None:
        """The admission elsewhere before which ours must step back; see the module."""
        size, manifest, known = self._view.size, self._view.manifest, self._book.of(ticket)
        # What cannot be checked is no reason to step back: whoever makes it up would stop everybody.
        proven = (
            [one for one in weigh(known, manifest, self._view.of(ticket).row) if not one.code] if manifest else known
        )
        for told in proven:
            if told.released or (told.until and size > told.until):
                continue
            heard = self._heard.get(told.device)
            knows = heard is not None and heard.have >= counter and heard.pending == told.counter
            if not (knows and (time_ms, self._device) < told.order):
                return told
        return None

    # Housekeeping

    def only(self, devices: Sequence[str]) -> tuple[str, ...]:
        """These are the gates of the event now: forget what any other told. Raises SyncError for the disk."""
        with self._taking:
            with self._news:
                gone = self._book.forget_others(devices)
                self._heard = {device: heard for device, heard in self._heard.items() if device in devices}
                self._waited_for &= set(devices)
            if gone:
                self._store.forget(gone)
        return gone

    def tidy(self, now_ms: int) -> None:
        """Note what the view shows of what was told, and drop what it has shown for long. Raises SyncError."""
        with self._taking:
            seen = self._book.seen(self._listed)
            stale = self._book.stale(self._view.size, now_ms)
            self._store.note_seen(seen)
            self._store.drop(stale)
            # Only this moment holds up a decision.
            with self._news:
                self._book.tidy(seen, stale)

    def _listed(self, told: Told) -> int:
        view, manifest = self._view.of(told.ticket), self._view.manifest
        use = effective_use(view, None, manifest) if manifest else None
        return view.size if use and (use.gate, use.at) == (told.gate, told.at) else 0

    def _read(self, peer: Peer, raw: bytes) -> Entry:
        entry = read_told(raw, peer, self._event)
        if isinstance(entry, Malformed):
            raise WrongMessageError(f"{peer.gate} tells a record that is not one of its own: {entry.reason}")
        return entry

    def _shows_its_code(self, admission: Entry) -> bool | None:
        manifest = self._view.manifest
        if manifest is None:
            return None
        return shows_its_code(admission, manifest, self._view.of(admission.body["ticket"]).row)
