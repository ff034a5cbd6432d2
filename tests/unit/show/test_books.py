import json
from dataclasses import replace
from random import Random

import pytest

from ledger_node.log.tiles import TilePath, bundle
from scanner.verify.entry import Entry, open_entry, seal
from scanner.verify.keys import SigningKey
from scanner.verify.merkle import Frontier, leaf_hash, verify_inclusion
from scanner.verify.record import (
    ADMISSION,
    FIRST_PREVIOUS,
    INCIDENT,
    RELEASE,
    GateIncident,
    Link,
    Scan,
    Settlement,
    Stamp,
    record_hash,
    sign_record,
)
from tests.show.books import Audited, Books, admitted, compare, inclusion_path, promises
from tests.show.cast import EVENT

KEY = SigningKey(bytes(31) + b"\x07")
AT = 1_790_000_000_000


class Gate:
    """Signs records in a chain, as a gate does."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def admits(self, ticket: int) -> None:
        self._sign(ADMISSION, Scan(ticket, 0, bytes(80), "admit", "ok"))

    def releases(self, counter: int) -> None:
        self._sign(RELEASE, Settlement(counter, "not-turned"))

    def reports(self) -> None:
        self._sign(INCIDENT, GateIncident("passage-without-admission"))

    def _sign(self, kind: str, what: Scan | Settlement | GateIncident) -> None:
        previous = record_hash(self.entries[-1].raw) if self.entries else FIRST_PREVIOUS
        link = Link("device-1", "R1", len(self.entries) + 1, previous)
        stamp = Stamp(AT + len(self.entries) * 1000, True, 5, 25)
        entry = open_entry(sign_record(kind, EVENT, link, stamp, what, KEY))
        assert isinstance(entry, Entry)
        self.entries.append(entry)


def log_of(raws: list[bytes], verdict: str = "accepted") -> tuple[dict[str, bytes], Audited]:
    """The paths that a node would answer for, and what an auditor finds."""
    frontier, histories = Frontier(), dict[int, list[dict[str, object]]]()
    for position, raw in enumerate(raws):
        frontier.append(leaf_hash(raw))
        entry = open_entry(raw)
        if isinstance(entry, Entry) and entry.type == ADMISSION:
            histories.setdefault(entry.body["ticket"], []).append({"position": position, "verdict": verdict})
    paths = {f"v1/events/{EVENT}/tickets/{n}": json.dumps({"admissions": h}).encode() for n, h in histories.items()}
    paths[str(TilePath(None, 0, len(raws)))] = bundle(raws)
    return paths, Audited(len(raws), frontier.root(), good=True, findings=(), notes=())


def balanced(gate: Gate, raws: list[bytes] | None = None, verdict: str = "accepted") -> Books:
    paths, audited = log_of([entry.raw for entry in gate.entries] if raws is None else raws, verdict)
    return compare(paths.get, audited, [gate.entries])


@pytest.fixture
def gate() -> Gate:
    made = Gate()
    for ticket in (4, 8, 15):
        made.admits(ticket)
    return made


def test_books_that_balance_have_a_line_for_each_admission(gate: Gate) -> None:
    books = balanced(gate)
    assert books.faults == ()
    assert [(line.ticket, line.position, line.proven) for line in books.lines] == [
        (4, 0, True),
        (8, 1, True),
        (15, 2, True),
    ]


def test_an_admission_that_was_released_is_none(gate: Gate) -> None:
    gate.releases(2)
    gate.admits(8)
    assert [entry.body["counter"] for entry in admitted(gate.entries)] == [1, 3, 5]
    assert balanced(gate).faults == ()


def test_a_double_entry_does_not_balance(gate: Gate) -> None:
    gate.admits(8)
    assert "ticket 8 entered twice" in balanced(gate).faults


def test_a_record_that_the_log_lacks_does_not_balance(gate: Gate) -> None:
    gate.entries, raws = list(gate.entries), [entry.raw for entry in gate.entries]
    gate.admits(16)
    paths, audited = log_of(raws)
    paths[f"v1/events/{EVENT}/tickets/16"] = b'{"admissions": []}'
    faults = compare(paths.get, audited, [gate.entries]).faults
    assert "1 records of the gates are not in the log" in faults
    assert "record 4 of R1 has no proof" in faults


def test_a_record_that_no_gate_made_does_not_balance(gate: Gate) -> None:
    stranger = Gate()
    stranger.admits(23)
    raws = [entry.raw for entry in (*gate.entries, *stranger.entries)]
    assert "1 records in the log are in no gate's journal" in balanced(gate, raws).faults


def test_another_root_proves_nothing(gate: Gate) -> None:
    paths, audited = log_of([entry.raw for entry in gate.entries])
    books = compare(paths.get, replace(audited, root=bytes(32)), [gate.entries])
    assert not any(line.proven for line in books.lines)
    assert len(books.faults) == 3


def test_what_the_ledger_did_not_accept_does_not_balance(gate: Gate) -> None:
    assert "record 1 of R1: duplicate" in balanced(gate, verdict="duplicate").faults


def test_an_incident_and_the_auditors_findings_are_told(gate: Gate) -> None:
    gate.reports()
    paths, audited = log_of([entry.raw for entry in gate.entries])
    audited = replace(audited, findings=("entry 3: something",), good=False)
    faults = compare(paths.get, audited, [gate.entries]).faults
    assert faults == ("the auditor: entry 3: something", "R1: incident passage-without-admission")


def test_a_double_entry_that_the_node_reports_does_not_balance(gate: Gate) -> None:
    report = seal(INCIDENT, EVENT, AT // 1000, {"kind": "double-entry", "counter": 1, "device": "device-1"}, KEY)
    assert balanced(gate, [*(entry.raw for entry in gate.entries), report]).faults == (
        "the node: incident double-entry",
    )


def test_broken_promises_do_not_balance() -> None:
    numbers = {
        "holds": False, "capacity": {"issued": 2, "licensed": 1}, "sponsors": {"allotted": 0, "allowed": 0},
        "resales": {"completed": 1},
    }  # fmt: skip
    sentence, faults = promises({f"v1/events/{EVENT}/assurance": json.dumps(numbers).encode()}.get)
    assert "2 issued, 1 licensed" in sentence
    assert len(faults) == 1
    kept = json.dumps({**numbers, "holds": True}).encode()
    assert promises({f"v1/events/{EVENT}/assurance": kept}.get)[1] == []


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 60, 257])
def test_each_leaf_has_a_path_to_the_root(size: int) -> None:
    rng, frontier = Random(size), Frontier()
    leaves = [leaf_hash(rng.randbytes(9)) for _ in range(size)]
    for leaf in leaves:
        frontier.append(leaf)
    for position, leaf in enumerate(leaves):
        assert verify_inclusion(leaf, position, size, inclusion_path(leaves, position), frontier.root())
