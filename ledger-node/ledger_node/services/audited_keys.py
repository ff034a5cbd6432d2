"""Which keys an auditor takes a log's checkpoints from: the log's lists, as far as its root key signed them.

An auditor who saw a list before, or elsewhere, names it: nothing below its version is believed. Nothing is remembered.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from scanner.verify.checkpoint import Checkpoint, VerifierKey, open_by_any
from scanner.verify.entry import Malformed
from scanner.verify.log_keys import NEWEST, TITLE, LogKeys, Suspicious, path_of

Source = Callable[[str], bytes | None]
_MOST_VERSIONS = 1000


@dataclass(frozen=True, slots=True)
class AuditedKeys:
    """`newest` is what counts; `all` are the lists that were good; `wrong` says what is wrong with others."""

    newest: LogKeys
    all: tuple[LogKeys, ...]
    wrong: tuple[str, ...]

    def open_seen(self, note: str) -> Checkpoint | Malformed:
        """A checkpoint from elsewhere, or from before: by any key that the root key ever vouched for."""
        return open_by_any(note, {key for one in self.all for key in one.keys}, self.newest.root.name)


def is_list(note: str) -> bool:
    """Whether this says that it is a list of a log's keys."""
    return note.startswith(f"{TITLE}\n")


def read_keys(read: Source, root: VerifierKey, seen: Sequence[str]) -> AuditedKeys:
    """The lists that the auditor has seen, then those that the log shows."""
    newest, good, wrong = LogKeys.unlisted(root), [LogKeys.unlisted(root)], []
    for where, note in [*(("seen elsewhere", note) for note in seen), *_shown(read, root)]:
        opened = LogKeys.open(note, root)
        if isinstance(opened, Malformed):
            wrong.append(f"the list of the log's keys, {where}: {opened.reason}")
            continue
        wrong += _contradictions(good, opened)
        good.append(opened)
        after = newest.newer(note)
        if isinstance(after, LogKeys):
            newest = after
        elif where == NEWEST and isinstance(after, Suspicious) and after.kind == "older":
            wrong.append(f"{where}: {after.reason}")
    return AuditedKeys(newest, tuple(good), tuple(wrong))


def _shown(read: Source, root: VerifierKey) -> Iterable[tuple[str, str]]:
    """The log's newest list, and those before it, which only older checkpoints need."""
    text = _read(read, NEWEST)
    if not text:
        return
    yield NEWEST, text
    newest = LogKeys.open(text, root)
    if isinstance(newest, LogKeys):
        for version in range(max(1, newest.version - _MOST_VERSIONS), newest.version):
            older = _read(read, path_of(version))
            if older:
                yield path_of(version), older


def _read(read: Source, path: str) -> str:
    return (read(path) or b"").decode(errors="replace")


def _contradictions(known: Iterable[LogKeys], one: LogKeys) -> list[str]:
    twice = any(other.version == one.version and other.body != one.body for other in known)
    return [f"the log's root key signed two different lists of its keys of version {one.version}"] if twice else []
