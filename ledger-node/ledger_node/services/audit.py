"""The audit: re-checks a whole log that it knows only by its public key. Believes nothing that the log's node says.

Reads the C2SP paths (checkpoint, tile/<L>/<N>, tile/entries/<N>) of a folder or of anything that answers for them,
checks every hash up to the signed root and replays every entry through the contract, which checks each signature and
rule. Whether another copy of the log was shown to somebody else, others can say: name the witnesses whose cosignatures
the checkpoint must have, or give checkpoints of this log that were seen elsewhere or before.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from ledger_node.contract.memory import MemoryState
from ledger_node.contract.outcome import Outcome, Rejected
from ledger_node.log.helper_process import helper
from ledger_node.log.looks import ALONE
from ledger_node.log.replay import replay, uncollected
from ledger_node.log.tiles import WIDTH, TilePath, grow, unbundle
from ledger_node.services.assurance import Assurance
from ledger_node.services.assurances import Counts
from ledger_node.services.audited_keys import is_list, read_keys
from ledger_node.services.chains import Chains
from scanner.verify.checkpoint import Checkpoint, VerifierKey, cosigned_at
from scanner.verify.entry import Entry, Malformed
from scanner.verify.log_keys import LogKeys
from scanner.verify.merkle import HASH_BYTES, Frontier, leaf_hash
from scanner.verify.snapshot import StateDigest

Source = Callable[[str], bytes | None]
"""Gives the bytes at a C2SP path, or None if there are none."""
Progress = Callable[[int, int], None]
"""Told how many entries are done, of how many."""
_MOST_FINDINGS = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong: with the entry at `position`, or (None) with what is named."""

    position: int | None
    what: str

    def __str__(self) -> str:
        return self.what if self.position is None else f"entry {self.position}: {self.what}"


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit found: nothing, or the first hundred findings. `notes` are no faults (a gate that has not uploaded
    everything yet). `digests` are the state digests at `size`, by event: what a snapshot of that size must carry.
    `assurance` has each event's promises in numbers, counted from the entries alone. `log_keys` is the version of the
    list of keys by which the checkpoint is good.
    """

    origin: str
    size: int
    root: bytes
    checked: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    digests: dict[str, bytes]
    assurance: dict[str, Assurance] = field(default_factory=dict)
    log_keys: int = 0

    @property
    def good(self) -> bool:
        """Whether the whole log was checked and nothing is wrong with it."""
        return not self.findings and self.checked == self.size


def folder_source(folder: Path) -> Source:
    """Reads a static copy, as `export` writes it."""

    def read(path: str) -> bytes | None:
        file = folder / path
        return file.read_bytes() if file.is_file() else None

    return read


@dataclass(frozen=True, slots=True)
class Quorum:
    """How many of these witnesses must have cosigned the checkpoint."""

    witnesses: tuple[VerifierKey, ...] = ()
    count: int = 0

    def missing(self, checkpoint: Checkpoint) -> str:
        """What is missing, in a sentence; empty if nothing is."""
        signed = sum(cosigned_at(checkpoint, witness) is not None for witness in self.witnesses)
        if signed >= self.count:
            return ""
        return f"checkpoint: {signed} of the {len(self.witnesses)} witnesses cosigned it, {self.count} must"


def audit(
    source: Source | Path,
    vkey: str,
    progress: Progress = lambda _done, _all: None,
    quorum: Quorum = Quorum(),
    seen: Sequence[str] = (),
    alone: int = ALONE,
) -> AuditReport:
    """Check the log behind `source`, whose root key (a C2SP verifier key) is `vkey`. Bad input is a finding; only what
    `source` raises comes through. `seen` are notes of this log from elsewhere or before: it must go through each of the
    checkpoints, and its keys must not be older than those of the lists (scanner.verify.log_keys) among them. The
    signatures of a log of more than `alone` entries are checked by another process, with the same findings.
    """
    read = folder_source(source) if isinstance(source, Path) else source
    key = VerifierKey.parse(vkey)
    if isinstance(key, Malformed):
        return _hopeless("", f"the verifier key is unusable: {key.reason}; it is the line `log` of `ledger-node keys`")
    keys = read_keys(read, key, [note for note in seen if is_list(note)])
    checkpoint = _checkpoint(read, keys.newest)
    if isinstance(checkpoint, Malformed):
        return _hopeless(key.name, *keys.wrong, f"checkpoint: {checkpoint.reason}")
    known = [keys.open_seen(note) for note in seen if not is_list(note)]
    wrong = [Finding(None, f"a checkpoint seen elsewhere: {one.reason}") for one in known if isinstance(one, Malformed)]
    missing = quorum.missing(checkpoint)
    work = _Audit(read, key, checkpoint, [one for one in known if isinstance(one, Checkpoint)])
    with helper() if checkpoint.size > alone else nullcontext() as pool, uncollected():
        report = work.run(progress, pool)
    before = [*(Finding(None, what) for what in keys.wrong), *([Finding(None, missing)] if missing else []), *wrong]
    return replace(report, findings=(*before, *report.findings), log_keys=keys.newest.version)


class _Audit:
    def __init__(self, read: Source, key: VerifierKey, checkpoint: Checkpoint, seen: Sequence[Checkpoint]) -> None:
        self._read = read
        self._checkpoint = checkpoint
        self._seen: defaultdict[int, set[bytes]] = defaultdict(set)
        for one in seen:
            self._seen[one.size].add(one.root)
        self._state = MemoryState(key.public_key)
        self._chains = Chains()
        self._counts = Counts(self._face_value)
        self._from_entries = Frontier()
        self._from_tiles: Frontier | None = None
        """As soon as it is another one."""
        self._unlike: list[int] = []
        self._uppers: dict[int, list[bytes]] = {}
        self._findings: list[Finding] = []
        self._rules: list[Finding] = []

    def run(self, progress: Progress, pool: Executor | None) -> AuditReport:
        size = self._checkpoint.size
        progress(0, size)
        replayed = replay(self._state, self._hashed(), pool=pool, logged=True)
        for position, (entry, answer) in enumerate(replayed):
            self._check_rules(position, entry, answer)
            if (position + 1) % WIDTH == 0 or position + 1 == size:
                progress(position + 1, size)
        self._check_longest(size)
        if self._from_entries.size == size:
            self._check_hashes()
            self._rules += [Finding(position, what) for position, what in self._chains.breaks()]
            broken = "a promise was broken, though the contract took it: see its assurance"
            counted = self._counts.results().items()
            self._rules += [Finding(None, f"{event}: {broken}") for event, numbers in counted if not numbers.holds]
        return self._report()

    def _hashed(self) -> Iterator[bytes]:
        """The entries, each with its hashes taken: all, or those before a bundle that cannot be read at all."""
        for n in range(-(-self._checkpoint.size // WIDTH)):
            width = min(WIDTH, self._checkpoint.size - n * WIDTH)
            entries, hashes = self._entries(n, width), self._hashes(0, n, width)
            if isinstance(entries, Malformed) or isinstance(hashes, Malformed):
                reasons = [part.reason for part in (entries, hashes) if isinstance(part, Malformed)]
                self._findings.append(Finding(n * WIDTH, "; ".join(reasons)))
                return
            for raw, stored in zip(entries, hashes, strict=True):
                self._check_hash(raw, stored)
                yield raw

    def _check_hash(self, raw: bytes, stored: bytes) -> None:
        leaf = leaf_hash(raw)
        if leaf != stored:
            self._unlike.append(self._from_entries.size)
            self._from_tiles = self._from_tiles or self._from_entries.copy()
        if self._from_tiles is not None:
            self._from_tiles.append(stored)
        for level, _, subtree in grow(self._from_entries, leaf)[1:]:
            self._uppers.setdefault(level, []).append(subtree)
        if self._from_entries.size in self._seen:
            self._check_seen(self._from_entries.size)

    def _check_rules(self, position: int, entry: Entry | Malformed, answer: Outcome | Rejected) -> None:
        if isinstance(answer, Rejected):
            self._rules.append(Finding(position, f"breaks the contract: {answer.code}: {answer.sentence()}"))
        elif not answer.new:
            self._rules.append(Finding(position, f"is entry {answer.position} once more"))
        else:
            assert isinstance(entry, Entry), "the contract takes nothing else"
            self._chains.add(position, entry)
            self._counts.add(position, answer.at, entry)

    def _check_seen(self, size: int) -> None:
        """Whether the log goes through the checkpoints of this size that were seen elsewhere."""
        for root in self._seen[size] - {self._from_entries.root()}:
            what = f"fork: the log signed another root of size {size} elsewhere ({root.hex()[:16]}...)"
            self._findings.append(Finding(None, f"{what}: an entry before {size} was rewritten, or dropped"))

    def _check_longest(self, size: int) -> None:
        longest = max(self._seen, default=0)
        if longest > size:
            what = f"rollback: elsewhere the log was {longest} entries long, here it has {size}"
            self._findings.append(Finding(None, what))

    def _check_hashes(self) -> None:
        """Which of entries and tiles is what was signed, and where the others differ from it."""
        root = self._checkpoint.root
        if self._from_entries.root() == root:
            what = "the hash of it in its tile is another, though the entry is what was signed"
        elif self._from_tiles is not None and self._from_tiles.root() == root:
            what = "is not what was signed: its hash is another"
        else:
            what = "its hash and the one in its tile differ, and neither leads to the signed root"
            self._findings.append(Finding(None, "entries and tiles do not lead to the signed root: it was rewritten"))
        self._findings += [Finding(position, what) for position in self._unlike]
        for level, hashes in self._uppers.items():
            self._check_upper(level, hashes)

    def _check_upper(self, level: int, hashes: list[bytes]) -> None:
        for n in range(-(-len(hashes) // WIDTH)):
            ours = hashes[n * WIDTH : (n + 1) * WIDTH]
            theirs = self._hashes(level, n, len(ours))
            if isinstance(theirs, Malformed):
                self._findings.append(Finding(None, theirs.reason))
                continue
            for place, (our, their) in enumerate(zip(ours, theirs, strict=True), n * WIDTH):
                if our != their:
                    span = WIDTH**level
                    what = f"tile level {level} has another hash for it and the {span - 1} entries after it"
                    self._findings.append(Finding(place * span, what))

    def _entries(self, n: int, width: int) -> list[bytes] | Malformed:
        path = TilePath(None, n, width)
        data = self._fetch(path)
        entries = unbundle(data) if isinstance(data, bytes) else data
        if isinstance(entries, Malformed):
            return Malformed(f"{path}: {entries.reason}")
        if len(entries) < width:
            return Malformed(f"{path}: holds {len(entries)} entries, not {width}")
        return entries[:width]

    def _hashes(self, level: int, n: int, width: int) -> list[bytes] | Malformed:
        path = TilePath(level, n, width)
        data = self._fetch(path)
        if isinstance(data, Malformed) or len(data) < width * HASH_BYTES:
            return Malformed(f"{path}: {data.reason if isinstance(data, Malformed) else 'is too short'}")
        return [data[at : at + HASH_BYTES] for at in range(0, width * HASH_BYTES, HASH_BYTES)]

    def _fetch(self, path: TilePath) -> bytes | Malformed:
        """The tile, or the full one that a partial tile has grown into since the checkpoint."""
        data = self._read(str(path))
        if data is None and path.width < WIDTH:
            data = self._read(str(TilePath(path.level, path.n)))
        return Malformed("is missing") if data is None else data

    def _report(self) -> AuditReport:
        return AuditReport(
            self._checkpoint.origin,
            self._checkpoint.size,
            self._checkpoint.root,
            self._from_entries.size,
            # An entry that is not what was signed makes others break rules, so what the hashes say comes first.
            tuple([*self._findings, *self._rules][:_MOST_FINDINGS]),
            tuple(self._chains.gaps()),
            dict(self._digests()),
            self._counts.results(),
        )

    def _face_value(self, event: str, index: int) -> int:
        ticket = self._state.ticket(event, index)
        assert ticket is not None, "the contract accepts offers only of tickets that there are"
        return ticket.face_value

    def _digests(self) -> Iterator[tuple[str, bytes]]:
        for event in self._state.events():
            known = self._state.event(event)
            assert known is not None, "it was listed"
            digest = StateDigest(event, self._checkpoint.size, known.issued)
            for ticket in self._state.tickets(event):
                digest.update(ticket.row.pack())
            yield event, digest.digest()


def _checkpoint(read: Source, keys: LogKeys) -> Checkpoint | Malformed:
    data = read("checkpoint")
    if data is None:
        return Malformed("there is none: this is not a tile log")
    try:
        return keys.open_checkpoint(data.decode())
    except UnicodeDecodeError:
        return Malformed("not UTF-8")


def _hopeless(origin: str, *what: str) -> AuditReport:
    return AuditReport(origin, 0, b"", 0, tuple(Finding(None, one) for one in what), (), {})
