"""Each person's path, step by step, with the numbers of the ledger's entries.

What happened to a ticket is asked of the node (its public history), and every step is held against the log that the
auditor has verified; only whose key is whose is known from here. A path never rests on the script's memory.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from ledger_node.services.public_facts import FINGERPRINT, fingerprint
from scanner.verify.entry import Entry
from scanner.verify.merkle import leaf_hash
from tests.show.cast import EVENT
from tests.show.people import Held, Person, named_in
from tests.show.stage import ShowError
from tests.show.weeks import Told, cents

Source = Callable[[str], bytes | None]
_PASSAGES = frozenset({"admission", "void", "release"})
_CHANGES = frozenset({"transfer.accept", "resale.buy"})
_HAS_KEY = frozenset({"key.register", *_CHANGES})


@dataclass(frozen=True, slots=True)
class Step:
    """One entry on somebody's way: its number in the log, its type, and what it says in words."""

    position: int
    type: str
    words: str


@dataclass(frozen=True, slots=True)
class Path:
    """How a person came to a ticket, and what became of the two."""

    person: Person
    ticket: int
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Paths:
    """All paths in the order of the story, and every reason why they cannot be believed."""

    paths: tuple[Path, ...]
    faults: tuple[str, ...]


def read(source: Source, entries: Sequence[Entry], held: Sequence[Held], told: Told) -> Paths:
    """The paths of everybody who `held` a ticket, from the node behind `source`; `entries` are the audited log. Who has
    a ticket last must have entered with it.
    """
    faults = [f"entry {n} was said to be a {kind}" for n, kind in told.entries.items() if _type(entries, n) != kind]
    faults += [f"“{word}” stands in the log" for word in named_in(entry.raw for entry in entries)]
    found: dict[tuple[Person, int], list[Step]] = {}
    owners = {(one.ticket, one.owner_seq): one for one in held}
    offered = {deal[:FINGERPRINT]: person for deal, person in told.offered.items()}
    for ticket in dict.fromkeys(one.ticket for one in held):
        history = _history(source, ticket)
        faults += _doubts(history, entries, ticket)
        for person, step in _steps(history, ticket, owners, offered, faults):
            found.setdefault((person, ticket), []).append(step)
    paths = tuple(Path(person, ticket, tuple(steps)) for (person, ticket), steps in found.items())
    last = {one.ticket: one for one in sorted(held, key=lambda one: one.owner_seq)}
    faults += [f"{one.person.en} never entered" for one in last.values() if not _entered(paths, one)]
    return Paths(paths, tuple(faults))


def table(paths: Sequence[Path]) -> Table:
    """The paths, a line for each step."""
    made = Table(title="Everybody's path, from the log", title_style="bold", border_style="dim")
    for name in ("who", "ticket", "entry", "type", "what it says"):
        made.add_column(name, justify="right" if name in {"ticket", "entry"} else "left")
    for path in paths:
        for count, step in enumerate(path.steps):
            who, ticket = ("", "") if count else (path.person.name, str(path.ticket))
            style = "green" if step.type == "admission" else ""
            number, kind = Text(f"#{step.position}", style="bold"), Text(step.type, style="dim")
            made.add_row(who, ticket, number, kind, Text(step.words, style=style))
        made.add_section()
    return made


def _steps(
    history: Sequence[Mapping[str, Any]],
    ticket: int,
    owners: Mapping[tuple[int, int], Held],
    offered: Mapping[str, Person],
    faults: list[str],
) -> Iterator[tuple[Person, Step]]:
    """Whose step each entry is. An offer is also a step of whoever it was made to."""
    seq = 0
    for said in history:
        kind, facts = said["type"], said["facts"]
        seq = facts["owner_seq"] if kind in _CHANGES else seq
        holder = owners.get((ticket, facts.get("owner_seq", seq)))
        if holder is None:
            faults.append(f"entry {said['position']} speaks of an owner of ticket {ticket} whom nobody here is")
            continue
        if kind in _HAS_KEY and facts["key"] != fingerprint(holder.wallet.public):
            faults.append(f"entry {said['position']} gives ticket {ticket} to a key that is not {holder.person.en}'s")
        step = Step(said["position"], kind, _words(kind, facts))
        guest = offered.get(facts.get("deal", ""))
        if guest is not None and kind in {"transfer.offer", "transfer.reject"}:
            yield guest, step
        if kind not in {"ticket.issue", "transfer.reject"}:
            yield holder.person, step


def _words(kind: str, facts: Mapping[str, Any]) -> str:
    match kind:
        case "sale":
            return f"{cents(facts['price'])} by the {facts['paid_through']}"
        case "key.register" | "transfer.accept" | "resale.buy":
            return f"owner {facts['owner_seq']}, key {facts['key'][:8]}…"
        case "transfer.offer" | "resale.list":
            return cents(facts["price"]) if facts["price"] else "free of charge"
        case "admission" | "refusal":
            at = time.strftime("%H:%M:%S", time.localtime(facts["time_ms"] / 1000))
            done = "entered" if kind == "admission" else f"refused ({facts['reason']})"
            return f"{facts['gate']} {at}: {done}"
        case "identity.attest":
            return f"by the {facts['provider']} provider, level {facts['level']}"
        case "sponsor.allot":
            return str(facts["sponsor"])
    return _OTHERS.get(kind, "")


_OTHERS = {
    "seat.hold": "kept for some minutes",
    "activation": "a link went out by letter",
    "sponsor.grant": "a link went out by letter",
    "transfer.reject": "no, thanks",
    "payment.capture": "the money followed",
}


def _doubts(history: Sequence[Mapping[str, Any]], entries: Sequence[Entry], ticket: int) -> Iterator[str]:
    for said in history:
        position = said["position"]
        same = position < len(entries) and leaf_hash(entries[position].raw).hex() == said["leaf_hash"]
        if not same or entries[position].type != said["type"]:
            yield f"ticket {ticket}: entry {position} of its history is not the one in the audited log"


def _entered(paths: Sequence[Path], held: Held) -> bool:
    mine = [path for path in paths if (path.person, path.ticket) == (held.person, held.ticket)]
    passages = [step.type for path in mine for step in path.steps if step.type in _PASSAGES]
    return passages[-1:] == ["admission"]


def _history(source: Source, ticket: int) -> list[Mapping[str, Any]]:
    answer = source(f"v1/events/{EVENT}/tickets/{ticket}/history?proofs=1")
    if answer is None:
        raise ShowError(f"the node knows no ticket {ticket}, whose path is to be shown")
    found = json.loads(answer)
    if found["next"] is not None:
        raise ShowError(f"the history of ticket {ticket} is longer than anything that was done to it")
    steps: list[Mapping[str, Any]] = found["entries"]
    return steps


def _type(entries: Sequence[Entry], position: int) -> str:
    return entries[position].type if position < len(entries) else "nothing"
