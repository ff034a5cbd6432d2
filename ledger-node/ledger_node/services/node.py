"""One running node: its ledger, keys, notes and clock, handed to every use case. Decides nothing itself."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger_node import config
from ledger_node.contract.entries import Operator
from ledger_node.contract.outcome import Outcome, Rejected
from ledger_node.contract.shape import NONCE_BYTES
from ledger_node.contract.state import Device, EventState
from ledger_node.home_folder import (
    ACCOUNTS_FILE,
    ACTIVATIONS_FILE,
    ALERTS_FILE,
    CHRONICLE_FILE,
    MARKET_FILE,
    VAULT_FILE,
)
from ledger_node.log.ledger import Ledger, LedgerFault, View
from ledger_node.log.port import LogBehindFault
from ledger_node.log.writer import Submitted
from ledger_node.services import alerts, chronicle
from ledger_node.services.accounts.tables import SCHEMA, AccountTables
from ledger_node.services.activation_links import ActivationLinks
from ledger_node.services.alerts import Alerts
from ledger_node.services.assurances import Assurances
from ledger_node.services.chronicle import Chronicle
from ledger_node.services.cosigning import Cosigning, WitnessAddress
from ledger_node.services.database import Database
from ledger_node.services.errors import ServiceError
from ledger_node.services.lost_part import LostParts
from ledger_node.services.market_book import MarketBook
from ledger_node.services.newer_log import CODE, NewerLog
from ledger_node.services.outside import NOBODY, Outside
from ledger_node.services.store import Store
from ledger_node.services.tally import Tally
from ledger_node.services.trail import Trail
from ledger_node.services.vault import Vault

Draw = Callable[[int], bytes]
"""Gives that many random bytes."""


@dataclass(frozen=True, slots=True)
class Books:
    """What the node keeps beside its ledger, each in a file of its own."""

    store: Store
    vault: Vault
    accounts: AccountTables
    trail: Trail
    activations: ActivationLinks
    market: MarketBook
    chronicle: Chronicle
    alerts: Alerts


class Node:
    """What the use cases need. `now` is unix seconds as a float; `draw` is the system's randomness."""

    def __init__(
        self,
        home: Path,
        keys: config.Keys,
        ledger: Ledger,
        books: Books,
        now: Callable[[], float],
        draw: Draw,
        witnesses: Sequence[WitnessAddress] = (),
    ) -> None:
        self.home = home
        self.keys = keys
        self.ledger = ledger
        self.store = books.store
        self.vault = books.vault
        self.accounts = books.accounts
        self.trail = books.trail
        self.activations = books.activations
        self.market = books.market
        self.tally = Tally(keys.node.seed, books.market.charges, now())
        self.chronicle = books.chronicle
        self.assurances = Assurances(books.chronicle)
        self.alerts = books.alerts
        self.outside: Outside = NOBODY
        """Whom this node works with; set by whoever puts the program together."""
        self.proxies: tuple[str, ...] = ()
        """Networks whose word on where a request comes from is believed, besides this machine's."""
        self.now = now
        self.jump: Callable[[], float] = lambda: 0.0
        """By how many seconds this machine's clock has jumped away from `now`; set by who puts the program together."""
        self.draw = draw
        self.heard: dict[str, int] = {}
        """By device, the size of the newest list with which it had nothing to send: it goes by that one or a later one,
        and what it admitted by earlier ones is in the log.
        """
        self.recall: Callable[[Sequence[Device], Sequence[int], float], Mapping[str, frozenset[int]]] = _no_gates
        """Has devices give uses up, see `leases.Recall`; set by whoever serves gates, and so is `listening`."""
        self.listening: Callable[[], Collection[str]] = tuple
        self.enrolling, self.leasing = threading.Lock(), threading.Lock()
        """Held by what looks at devices, or at who holds uses, and then logs what follows from it."""
        """The devices that hear at once when a use is called back."""
        self.lost = LostParts(home, ledger, keys.node, lambda: self.seconds)
        self.newer = NewerLog(home, ledger, lambda: self.keys.signers.newest, lambda: self.seconds, self.lost)
        self.cosigning = Cosigning(ledger, witnesses, lambda note, by: self.newer.show(note, "", by))

    @property
    def operator(self) -> Operator:
        """Makes and signs this node's entries."""
        return Operator(self.keys.node)

    @property
    def seconds(self) -> int:
        """Now, as entries carry it."""
        return int(self.now())

    @property
    def time_told(self) -> dict[str, int | bool]:
        """What answers to gates say of the time; while our clock has jumped, that they are not to go by it."""
        told: dict[str, int | bool] = {"time_ms": int(self.now() * 1000)}
        return {**told, "time_told": False} if self.jump() else told

    def commit(self, entries: Sequence[Submitted], *, whole: bool = False) -> list[Outcome]:
        """Log entries of the operator and wait until they are durable. Raises ServiceError for the first refusal."""
        with fault_as_error():
            answers = self.ledger.submit(entries, whole=whole).result()
        # In a whole, all but the culprit say "batch-refused"; the culprit is what the operator must hear of.
        refused = [answer for answer in answers if isinstance(answer, Rejected)]
        for culprit in sorted(refused, key=lambda answer: answer.code == "batch-refused"):
            raise ServiceError.of(culprit)
        return [answer for answer in answers if isinstance(answer, Outcome)]

    def nonce(self) -> bytes:
        """What makes the next act another entry than the same act a moment ago."""
        return self.draw(NONCE_BYTES)

    def commit_new(self, entry: bytes) -> Outcome:
        """Log an act that is to change something now. Raises ServiceError, also if the ledger knew these very bytes: it
        then answers what came of them before, whatever was done since.
        """
        outcome = self.commit([entry])[0]
        if not outcome.new:
            raise ServiceError("not-counted", f"this is entry {outcome.position} and changed nothing now: do it again")
        return outcome

    @contextmanager
    def view(self) -> Iterator[View]:
        """The ledger at one size."""
        with fault_as_error(), self.ledger.view() as view:
            yield view

    def event(self, view: View, event: str) -> EventState:
        """The event, or ServiceError "unknown-event"."""
        state = view.event(event)
        if state is None:
            raise ServiceError("unknown-event", f"there is no event {event!r}: see `ledger-node event list`", 404)
        return state


@contextmanager
def open_node(
    home: Path,
    keys: config.Keys,
    now: Callable[[], float],
    draw: Draw,
    witnesses: Sequence[WitnessAddress] = (),
) -> Iterator[Node]:
    """The node in `home`, which the caller holds; closed at the end of the block. Serving it asks the witnesses."""
    with fault_as_error():
        ledger = Ledger.open(home, keys.node, keys.origin, lambda: int(now()))
    ledger.sign_with(keys.signers.keys, keys.signers.lists)
    with closing(ledger), _books(home, keys, draw) as books:
        yield Node(home, keys, ledger, books, now, draw, witnesses)


@contextmanager
def _books(home: Path, keys: config.Keys, draw: Draw) -> Iterator[Books]:
    with ExitStack() as stack:
        store = stack.enter_context(closing(Store(home / "node.sqlite3")))
        vault = stack.enter_context(closing(Vault(home / VAULT_FILE, keys.vault.key, draw, keys.vault.before)))
        accounts = stack.enter_context(closing(Database(home / ACCOUNTS_FILE, SCHEMA)))
        activations = stack.enter_context(closing(ActivationLinks(home / ACTIVATIONS_FILE)))
        market = stack.enter_context(closing(MarketBook(home / MARKET_FILE)))
        acts = stack.enter_context(closing(Database(home / CHRONICLE_FILE, chronicle.SCHEMA)))
        raised = stack.enter_context(closing(Database(home / ALERTS_FILE, alerts.SCHEMA)))
        if merged := vault.merged():
            # The vault was upgraded: what the other books call these people by has changed. A crash in here repeats it.
            market.take_over(merged)
            activations.take_over(merged)
            vault.forget_merged()
        staff = AccountTables(accounts, vault.locker), Trail(accounts, keys.node)
        yield Books(store, vault, *staff, activations, market, Chronicle(acts), Alerts(raised))


def _no_gates(_devices: Sequence[Device], _tickets: Sequence[int], _seconds: float) -> Mapping[str, frozenset[int]]:
    raise ServiceError("not-served", "gates reach a node that is being served: start it with `ledger-node serve`", 503)


@contextmanager
def fault_as_error() -> Iterator[None]:
    """A fault of the ledger, as the error that services let out."""
    try:
        yield
    except LogBehindFault as fault:
        raise ServiceError(CODE, str(fault), 503) from fault
    except LedgerFault as fault:
        # The fault's own sentence says what to do: it is not always the disk (a later format, a key that is gone).
        raise ServiceError("disk", str(fault), 503) from fault
