"""Do the books balance? The gates' journals against the ledger's log, each admission proven to stand in it.

The log is believed only as far as the auditor's root goes: this module makes each inclusion proof from the log's
entries and checks it against the root and size that `ledger-node audit` has verified.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger_node.adapters.remote_log import http_source
from ledger_node.log.tiles import WIDTH, TilePath, unbundle
from scanner.verify.entry import Entry, Malformed, open_entry
from scanner.verify.merkle import Frontier, leaf_hash, verify_inclusion
from scanner.verify.record import ADMISSION, INCIDENT, RELEASE, TYPES, VOID
from tests.show.cast import EVENT
from tests.show.stage import ShowError, tool

Source = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True)
class Audited:
    """What the auditor found the log to be: its size and root, and how many findings."""

    size: int
    root: bytes
    good: bool
    findings: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One admission that counts. `at` is unix seconds, `verdict` what the ledger made of it."""

    gate: str
    counter: int
    at: float
    ticket: int
    verdict: str
    position: int | None
    proven: bool


@dataclass(frozen=True, slots=True)
class Books:
    """The log's entries, the admissions that count in the order of time, and every reason why they do not balance."""

    log: Audited
    entries: tuple[Entry, ...]
    lines: tuple[Line, ...]
    faults: tuple[str, ...]


def audit(url: str, vkey: str) -> Audited:
    """Run the auditor, who knows only the log's public key."""
    report = json.loads(tool("ledger-node", "audit", url, "--key", vkey, statuses=(0, 1)))
    root = bytes.fromhex(report["root"])
    return Audited(report["size"], root, report["good"], tuple(report["findings"]), tuple(report["notes"]))


def balance(url: str, audited: Audited, journals: Sequence[list[Entry]]) -> Books:
    """Compare the journals of the gates to the audited log of the node at `url`."""
    return compare(http_source(url), audited, journals)


def compare(source: Source, audited: Audited, journals: Sequence[list[Entry]]) -> Books:
    """The same for anything that answers for the node's paths."""
    log = _Log(_entries(source, audited.size), audited)
    faults = [f"the auditor: {finding}" for finding in (*audited.findings, *audited.notes)]
    if not audited.good and not audited.findings:
        faults.append("the auditor did not get to the end of the log")
    lines = [_line(entry, log, source) for entries in journals for entry in admitted(entries)]
    faults += list(_doubts(lines, log, journals))
    return Books(audited, tuple(log.entries), tuple(sorted(lines, key=lambda line: line.at)), tuple(faults))


def promises(source: Source) -> tuple[str, list[str]]:
    """The organiser's promises as the ledger recounts them, in a sentence, and what was broken."""
    answer = source(f"v1/events/{EVENT}/assurance")
    if answer is None:
        raise ShowError(f"the node does not recount {EVENT}")
    said = json.loads(answer)
    capacity, sponsors, resales = said["capacity"], said["sponsors"], said["resales"]
    sentence = (
        f"recounted from the log: {capacity['issued']:,} issued, {capacity['licensed']:,} licensed; sponsors have"
        f" {sponsors['allotted']} and may have {sponsors['allowed']}; {resales['completed']} resold, all within the cap"
    )
    return sentence, [] if said["holds"] else [f"the ledger's promises are broken: {said}"]


def journal_of(config: Path) -> list[Entry]:
    """All of a gate's records, after `gate-scanner journal verify` found signatures and chain good."""
    tool("gate-scanner", "journal", "verify", "--config", config)
    exported = tool("gate-scanner", "journal", "export", "--config", config)
    return [_entry(bytes.fromhex(json.loads(line)["raw"])) for line in exported.splitlines()]


def admitted(entries: Sequence[Entry]) -> list[Entry]:
    """The admissions that were neither voided nor released afterwards."""
    undone = {entry.body["of"] for entry in entries if entry.type in {VOID, RELEASE}}
    return [entry for entry in entries if entry.type == ADMISSION and entry.body["counter"] not in undone]


def inclusion_path(leaves: Sequence[bytes], position: int) -> list[bytes]:
    """PATH(position, D[n]) of RFC 6962 2.1.1 from all leaf hashes, lowest first."""
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if position < split:
        return [*inclusion_path(leaves[:split], position), _root(leaves[split:])]
    return [*inclusion_path(leaves[split:], position - split), _root(leaves[:split])]


class _Log:
    """The entries of the audited log, by position."""

    def __init__(self, raws: list[bytes], audited: Audited) -> None:
        self._audited = audited
        self._leaves = [leaf_hash(raw) for raw in raws]
        self._positions = {raw: position for position, raw in enumerate(raws)}
        self.entries = [_entry(raw) for raw in raws]
        # The node's own incidents are entries too, but no device's records.
        self.records = [entry for entry in self.entries if entry.type in TYPES and "previous" in entry.body]

    def position(self, entry: Entry) -> int | None:
        return self._positions.get(entry.raw)

    def proves(self, entry: Entry) -> bool:
        position, size, root = self.position(entry), self._audited.size, self._audited.root
        if position is None:
            return False
        path = inclusion_path(self._leaves, position)
        return verify_inclusion(leaf_hash(entry.raw), position, size, path, root)


def _line(entry: Entry, log: _Log, source: Source) -> Line:
    body, position = entry.body, log.position(entry)
    history = _history(source, body["ticket"])
    verdict = next((said["verdict"] for said in history if said["position"] == position), "unknown")
    counter, at = body["counter"], body["time_ms"] / 1000
    return Line(body["gate"], counter, at, body["ticket"], verdict, position, log.proves(entry))


def _doubts(lines: list[Line], log: _Log, journals: Sequence[list[Entry]]) -> list[str]:
    faults = [f"record {line.counter} of {line.gate} has no proof" for line in lines if not line.proven]
    faults += [f"record {line.counter} of {line.gate}: {line.verdict}" for line in lines if line.verdict != "accepted"]
    twice = [ticket for ticket, count in Counter(line.ticket for line in lines).items() if count > 1]
    faults += [f"ticket {ticket} entered twice" for ticket in twice]
    incidents = [entry.body for entry in log.entries if entry.type == INCIDENT]
    faults += [f"{body.get('gate', 'the node')}: incident {body['kind']}" for body in incidents]
    in_journals = {entry.raw for entries in journals for entry in entries}
    in_log = {entry.raw for entry in log.records}
    if missing := len(in_journals - in_log):
        faults.append(f"{missing} records of the gates are not in the log")
    if strange := len(in_log - in_journals):
        faults.append(f"{strange} records in the log are in no gate's journal")
    return faults


def _history(source: Source, ticket: int) -> list[dict[str, Any]]:
    answer = source(f"v1/events/{EVENT}/tickets/{ticket}")
    if answer is None:
        raise ShowError(f"the node knows no ticket {ticket}, which was admitted")
    found: list[dict[str, Any]] = json.loads(answer)["admissions"]
    return found


def _entries(source: Source, size: int) -> list[bytes]:
    raws: list[bytes] = []
    for n in range(-(-size // WIDTH)):
        width = min(WIDTH, size - n * WIDTH)
        data = source(str(TilePath(None, n, width)))
        found = Malformed("is missing") if data is None else unbundle(data)
        if isinstance(found, Malformed):
            raise ShowError(f"entries {n * WIDTH} and following of the log: {found.reason}")
        raws += found
    return raws


def _entry(raw: bytes) -> Entry:
    entry = open_entry(raw)
    if isinstance(entry, Malformed):
        raise ShowError(f"an entry cannot be read: {entry.reason}")
    return entry


def _root(leaves: Sequence[bytes]) -> bytes:
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()
