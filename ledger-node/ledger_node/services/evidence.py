"""Evidence that a log is not append-only or breaks its own rules: what it is, and whether it really proves that.

A fork is two checkpoints that the log itself signed, and a proof that the earlier is not how the later begins. Anybody
who has the log's key can check it and need not trust the witness that kept it. Pure; keeping it is witness_memory's.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from ledger_node.strict_json import parse_json
from scanner.verify.checkpoint import Checkpoint, VerifierKey, open_by_any
from scanner.verify.entry import Malformed
from scanner.verify.log_keys import LogKeys
from scanner.verify.merkle import leaf_hash, verify_consistency, verify_inclusion
from scanner.verify.statement import Stated, open_statement

Kind = Literal["fork", "contract", "state", "keys"]
Linked = tuple[bytes, tuple[bytes, ...]]
"""The root that the later log has at the earlier size, and the proof of it."""
_FIELDS = {"kind", "log", "reason", "found_at", "earlier", "later", "linked_root", "proof", "position", "entry", "ours"}
_LISTS = "lists"
"""Not in files of before there were any."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One finding. `earlier` and `later` are signed notes; bytes are base64 in JSON; `found_at` is unix seconds.

    fork: `proof` (RFC 9162 2.1.4) shows that `later` begins with `linked_root` at the size of `earlier`, whose signed
    root is another. At one and the same size no proof is needed.
    contract: `later` holds, by the inclusion `proof`, an `entry` at `position` that the contract refuses (`reason`).
    state: `earlier` is the log's signed statement of its state, and `ours` what a replay of the same entries gives.
    keys: `earlier` and `later` are two lists of the log's keys of one version.

    `lists` are the lists of the log's keys that were known when it was found, so that checkpoints by different keys can
    be checked, and by keys that are revoked.
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
    lists: tuple[str, ...] = ()

    def to_json(self) -> str:
        """For a file that a person can send by mail."""
        fields = asdict(self)
        fields |= {name: _encode(fields[name]) for name in ("linked_root", "entry")}
        return json.dumps(fields | {"proof": [_encode(part) for part in self.proof]}, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Evidence | Malformed":
        """Read what `to_json` wrote, strictly."""
        try:
            fields: Any = parse_json(text)
            if not isinstance(fields, dict) or fields.keys() - {_LISTS} != _FIELDS:
                return Malformed("not evidence: other fields")
            lists = tuple(str(note) for note in fields.get(_LISTS, ()))
            binary = {name: base64.b64decode(fields[name], validate=True) for name in ("linked_root", "entry")}
            proof = tuple(base64.b64decode(part, validate=True) for part in fields["proof"])
        except (ValueError, TypeError) as error:
            return Malformed(f"not evidence: {error}")
        return cls(**(fields | binary | {"proof": proof, _LISTS: lists}))


def judged(raw: bytes, key: str | None) -> tuple[bool, str]:
    """Whether a file of evidence proves something, and what; `key`: the log that it has to be about."""
    found = Evidence.from_json(raw)
    if isinstance(found, Malformed):
        return False, found.reason
    if key not in {None, found.log}:
        return False, f"it is about another log, {found.log}"
    said = check_evidence(found)
    return (False, said.reason) if isinstance(said, Malformed) else (True, said)


def check_evidence(evidence: Evidence) -> str | Malformed:
    """What the evidence proves of the log whose key it names, in a sentence; Malformed if it proves nothing.

    Whether that key is the log's is for the reader to know.
    """
    key = VerifierKey.parse(evidence.log)
    if isinstance(key, Malformed):
        return Malformed(f"the log's key: {key.reason}")
    if isinstance(known := _keys(evidence, key), Malformed):
        return known
    checks = {"fork": _check_fork, "contract": _check_inclusion, "state": _check_state, "keys": _check_keys}
    check = checks.get(evidence.kind)
    return Malformed(f"unknown kind {evidence.kind!r}") if check is None else check(evidence, key)


def _check_fork(evidence: Evidence, key: VerifierKey) -> str | Malformed:
    earlier, later = (_open(note, evidence, key) for note in (evidence.earlier, evidence.later))
    if isinstance(earlier, Malformed) or isinstance(later, Malformed):
        return Malformed("the checkpoints are not both signed by the log")
    revoked = _revoked(evidence, key, earlier, later)
    if earlier.size == later.size and earlier.root != later.root:
        return f"the log signed two different roots of size {earlier.size}{revoked}"
    linked = verify_consistency(earlier.size, later.size, evidence.linked_root, later.root, evidence.proof)
    if linked and evidence.linked_root != earlier.root:
        return (
            f"the log of size {later.size} does not begin with the log of size {earlier.size} that it signed before"
            f"{revoked}"
        )
    return Malformed("nothing shows that the two checkpoints contradict each other")


def _check_inclusion(evidence: Evidence, key: VerifierKey) -> str | Malformed:
    later, at = _open(evidence.later, evidence, key), evidence.position
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


def _check_keys(evidence: Evidence, key: VerifierKey) -> str | Malformed:
    earlier, later = (LogKeys.open(note, key) for note in (evidence.earlier, evidence.later))
    if isinstance(earlier, Malformed) or isinstance(later, Malformed):
        return Malformed("the lists are not both signed by the log's root key")
    if earlier.version != later.version or earlier.body == later.body:
        return Malformed("the two lists do not contradict each other")
    return f"the log's root key signed two different lists of its keys of version {earlier.version}"


def _keys(evidence: Evidence, root: VerifierKey) -> list[LogKeys] | Malformed:
    """Every list that the evidence carries, version 0 first."""
    opened = [LogKeys.unlisted(root), *(LogKeys.open(note, root) for note in evidence.lists)]
    good = [one for one in opened if isinstance(one, LogKeys)]
    return good if len(good) == len(opened) else Malformed("a list of the log's keys is not signed by its root key")


def _open(note: str, evidence: Evidence, root: VerifierKey) -> Checkpoint | Malformed:
    """The checkpoint, if it is signed by any key that the root key ever vouched for."""
    known = _keys(evidence, root)
    return (
        known if isinstance(known, Malformed) else open_by_any(note, {k for one in known for k in one.keys}, root.name)
    )


def _revoked(evidence: Evidence, root: VerifierKey, *checkpoints: Checkpoint) -> str:
    """What to add if one of the keys was revoked by the newest list: then a thief may have signed."""
    known = _keys(evidence, root)
    newest = max(known, key=lambda one: one.version) if isinstance(known, list) else LogKeys.unlisted(root)
    listed = {key.key_id for key in newest.keys}
    if all(listed & {line.key_id for line in one.signatures if line.name == root.name} for one in checkpoints):
        return ""
    return f"; one with a key that version {newest.version} of its keys revokes: ask whether that key was stolen"


def fork(
    log: VerifierKey,
    at: int,
    earlier: Checkpoint,
    later: Checkpoint,
    linked: Linked | None = None,
    lists: Sequence[str] = (),
) -> Evidence:
    """Evidence out of two contradicting checkpoints, with what links them unless their sizes are the same."""
    root, proof = linked or (b"", ())
    evidence = Evidence("fork", log.encode(), "", at, earlier.text(), later.text(), root, proof, lists=tuple(lists))
    said = check_evidence(evidence)
    assert isinstance(said, str), said
    return replace(evidence, reason=said)


def events_differ(theirs: Mapping[str, Stated], ours: Mapping[str, Stated]) -> list[str]:
    """The events, sorted, for which the two say different things."""
    return sorted(event for event in theirs.keys() | ours.keys() if theirs.get(event) != ours.get(event))


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()
