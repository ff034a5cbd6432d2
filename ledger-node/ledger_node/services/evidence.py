"""Evidence that a log is not append-only or breaks its own rules: what it is, and whether it really proves that.

A fork is two checkpoints that the log itself signed, and a proof that the earlier is not how the later begins. Anybody
who has the log's key can check it and need not trust the witness that kept it. Pure; keeping it is witness_memory's.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ledger_node.log.statement import open_statement
from scanner.verify.checkpoint import Checkpoint, VerifierKey, open_checkpoint
from scanner.verify.entry import Malformed
from scanner.verify.merkle import leaf_hash, verify_consistency, verify_inclusion

Kind = Literal["fork", "contract", "state"]
Linked = tuple[bytes, tuple[bytes, ...]]
"""The root that the later log has at the earlier size, and the proof of it."""
_FIELDS = {"kind", "log", "reason", "found_at", "earlier", "later", "linked_root", "proof", "position", "entry", "ours"}


@dataclass(frozen=True, slots=True)
class Evidence:
    """One finding. `earlier` and `later` are signed notes; bytes are base64 in JSON; `found_at` is unix seconds.

    fork: `proof` (RFC 9162 2.1.4) shows that `later` begins with `linked_root` at the size of `earlier`, whose signed
    root is another. At one and the same size no proof is needed.
    contract: `later` holds, by the inclusion `proof`, an `entry` at `position` that the contract refuses (`reason`).
    state: `earlier` is the log's signed statement of its state, and `ours` what a replay of the same entries gives.
    """

    kind: Kind
    log: str
    reason: str
    found_at: int
    earlier: str = ""
    later: str = ""
    linked_root: bytes = b""
    proof: tuple[bytes, ...] = ()
    position: int | None = None
    entry: bytes = b""
    ours: str = ""

    def to_json(self) -> str:
        """For a file that a person can send by mail."""
        fields = asdict(self)
        fields |= {name: _encode(fields[name]) for name in ("linked_root", "entry")}
        return json.dumps(fields | {"proof": [_encode(part) for part in self.proof]}, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Evidence | Malformed":
        """Read what `to_json` wrote, strictly."""
        try:
            fields: Any = json.loads(text)
            if not isinstance(fields, dict) or fields.keys() != _FIELDS:
                return Malformed("not evidence: other fields")
            binary = {name: base64.b64decode(fields[name], validate=True) for name in ("linked_root", "entry")}
            proof = tuple(base64.b64decode(part, validate=True) for part in fields["proof"])
        except (ValueError, TypeError) as error:
            return Malformed(f"not evidence: {error}")
        return cls(**(fields | binary | {"proof": proof}))


def check_evidence(evidence: Evidence) -> str | Malformed:
    """What the evidence proves of the log whose key it names, in a sentence; Malformed if it proves nothing.

    Whether that key is the log's is for the reader to know.
    """
    key = VerifierKey.parse(evidence.log)
    if isinstance(key, Malformed):
        return Malformed(f"the log's key: {key.reason}")
    checks = {"fork": _check_fork, "contract": _check_inclusion, "state": _check_state}
    check = checks.get(evidence.kind)
    return Malformed(f"unknown kind {evidence.kind!r}") if check is None else check(evidence, key)


def _check_fork(evidence: Evidence, key: VerifierKey) -> str | Malformed:
    earlier, later = (open_checkpoint(note, key, key.name) for note in (evidence.earlier, evidence.later))
    if isinstance(earlier, Malformed) or isinstance(later, Malformed):
        return Malformed("the checkpoints are not both signed by the log")
    if earlier.size == later.size and earlier.root != later.root:
        return f"the log signed two different roots of size {earlier.size}"
    linked = verify_consistency(earlier.size, later.size, evidence.linked_root, later.root, evidence.proof)
    if linked and evidence.linked_root != earlier.root:
        return f"the log of size {later.size} does not begin with the log of size {earlier.size} that it signed before"
    return Malformed("nothing shows that the two checkpoints contradict each other")


def _check_inclusion(evidence: Evidence, key: VerifierKey) -> str | Malformed:
    later, at = open_checkpoint(evidence.later, key, key.name), evidence.position
    if isinstance(later, Malformed) or at is None:
        return Malformed("no checkpoint that the log signed, or no position")
    if not verify_inclusion(leaf_hash(evidence.entry), at, later.size, evidence.proof, later.root):
        return Malformed(f"the entry is not proven to stand at position {at}")
    return f"the log signed entry {at}; replay it to see that the contract refuses it ({evidence.reason})"


def _check_state(evidence: Evidence, key: VerifierKey) -> str | Malformed:
    theirs = open_statement(evidence.earlier, key)
    if isinstance(theirs, Malformed):
        return Malformed(f"the log's statement: {theirs.reason}")
    return f"the log signed this state of size {theirs.size}; replay the log to that size to see that it is another"


def fork(log: VerifierKey, at: int, earlier: Checkpoint, later: Checkpoint, linked: Linked | None = None) -> Evidence:
    """Evidence out of two contradicting checkpoints, with what links them unless their sizes are the same."""
    root, proof = linked or (b"", ())
    evidence = Evidence("fork", log.encode(), "", at, earlier.text(), later.text(), root, proof)
    said = check_evidence(evidence)
    assert isinstance(said, str), said
    return Evidence("fork", log.encode(), said, at, earlier.text(), later.text(), root, proof)


def digests_differ(theirs: Mapping[str, bytes], ours: Mapping[str, bytes]) -> list[str]:
    """The events, sorted, for which the two say different things."""
    return sorted(event for event in theirs.keys() | ours.keys() if theirs.get(event) != ours.get(event))


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()
