"""`gate-scanner decide`: the decision on a snapshot file, with no gate around it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from scanner.errors import GateError
from scanner.verify.admit import Now, Verdict, View
from scanner.verify.admit import decide as decide_code
from scanner.verify.gatecode import GateCode, parse
from scanner.verify.manifest import EventManifest
from scanner.view_file import load_snapshot_file


def decisions(snapshot: Path, at: int, gate: str | None, texts: Iterable[str], *, trusted: bool) -> Iterator[str]:
    """One JSON object for each text. Raises GateError if the snapshot or the gate cannot be used."""
    header, rows = load_snapshot_file(snapshot)
    manifest, gate = _at_gate(header.event_manifest, gate)
    now = Now(at, trusted)
    for text in texts:
        code = parse(text)
        row = rows.find(code.core.ticket) if isinstance(code, GateCode) else None
        yield as_json(decide_code(code, manifest, View(header.size, row), now, None, gate))


def as_json(verdict: Verdict) -> str:
    """What the command prints."""
    fields = {
        "verdict": verdict.outcome,
        "reason": str(verdict.reason),
        "ticket": verdict.ticket,
        "owner_seq": verdict.owner_seq,
        "detail": verdict.detail,
        "marks": list(verdict.marks),
        "gate_group": verdict.gate_group,
        "category": verdict.category,
        "seat": verdict.seat,
    }
    return json.dumps(fields, ensure_ascii=False)


def _at_gate(manifest: EventManifest, gate: str | None) -> tuple[EventManifest, str | None]:
    """A gate by its name; or any gate of a group, by the group's number."""
    if gate is None or gate in manifest.gates():
        return manifest, gate
    group = manifest.group(int(gate)) if gate.isdecimal() else None
    if group is None:
        known = ", ".join(manifest.gates()) or "none"
        raise GateError(f"{manifest.event} has no gate {gate}; its gates are: {known}")
    if group.gates:
        return manifest, group.gates[0]
    groups = tuple(replace(g, gates=(gate,)) if g is group else g for g in manifest.gate_groups)
    return replace(manifest, gate_groups=groups), gate
