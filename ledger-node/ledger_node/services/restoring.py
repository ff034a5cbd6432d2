"""What an operator can have done after an old copy of the node's folder was put back. Part of `operations`."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ledger_node.adapters.remote_log import RemoteLogError, http_source
from ledger_node.home_folder import LEDGER_FILE
from ledger_node.log.port import Head
from ledger_node.log.readers import Readers
from ledger_node.log.remote import Source
from ledger_node.log.sqlite import SqliteStore
from ledger_node.log.tiles import TilePath
from ledger_node.log.view import View
from ledger_node.services.audit import folder_source
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node, fault_as_error
from ledger_node.services.refeed import CHECKPOINT, refeed
from ledger_node.services.trail import CONSOLE, Actor
from ledger_node.services.witness_memory import short_name

Values = Mapping[str, Any]


def _status(node: Node, _values: Values) -> Any:
    behind = node.newer.behind
    if behind is None:
        waiting = node.lost.waiting()
        return {"whole": True, "size": node.ledger.size, **({"gathering": waiting} if waiting else {})}
    return {"whole": False, **behind.to_map(), "what": behind.sentence()}


def _seen(node: Node, values: Values) -> Any:
    news = node.newer.show(str(values["note"]), str(values.get("log_keys", "")), "the operator")
    return {"news": news, **_status(node, values)}


def _declare_lost(node: Node, values: Values) -> Any:
    if node.newer.behind is not None and values["newest"] != node.newer.behind.newest.size:
        raise ServiceError("changed", "a newer checkpoint was shown meanwhile: look at `restore status` again")
    behind = node.newer.declare_lost()
    node.trail.add(node.seconds, Actor(CONSOLE), "log.lost", f"{behind.size}-{behind.newest.size}")
    return {"lost": behind.missing, **_status(node, values)}


def _finish(node: Node, values: Values) -> Any:
    left = node.lost.finish()
    node.trail.add(node.seconds, Actor(CONSOLE), "log.gathered", f"without {len(left)} devices")
    return {"without": left, **_status(node, values)}


def _fetch(node: Node, values: Values) -> Any:
    source = str(values["source"])
    if "://" in source:
        fed = refeed(node, _log_at(source, node.ledger.origin), source)
    elif database := _database_in(Path(source)):
        with _opened(node, database) as view:
            fed = refeed(node, _paths_of(view), source, _goal(node, view, source, unproven=bool(values["unproven"])))
    elif Path(source).is_dir():
        fed = refeed(node, folder_source(Path(source)), source)
    else:
        raise ServiceError("no-log", f"{source} is no URL, folder or {LEDGER_FILE} that this node can read")
    return {"fetched": fed.entries, **_status(node, values)}


def _log_at(url: str, origin: str) -> Source:
    """The log at a mirror's address, or at that of one of our witnesses."""
    try:
        mirror = http_source(url)
        if mirror(CHECKPOINT) is not None:
            return mirror
        return http_source(f"{url.rstrip('/')}/logs/{short_name(origin)}")
    except RemoteLogError as error:
        raise ServiceError("no-log", str(error)) from error


def _database_in(path: Path) -> Path | None:
    """The ledger's database of another backup: the file, or the one in a node's folder."""
    if path.name == LEDGER_FILE and path.is_file():
        return path
    return path / LEDGER_FILE if (path / LEDGER_FILE).is_file() else None


@contextmanager
def _opened(node: Node, database: Path) -> Iterator[View]:
    """A copy of the database, which may have been left open and is not to be changed."""
    try:
        with tempfile.TemporaryDirectory(dir=node.home, prefix="restore-") as folder:
            copy = Path(folder) / LEDGER_FILE
            for end in ("", "-wal"):
                if (part := database.with_name(f"{database.name}{end}")).exists():
                    shutil.copyfile(part, f"{copy}{end}")
            with (
                fault_as_error(),
                closing(SqliteStore(copy, node.keys.node.public, node.ledger.origin)),
                closing(Readers(copy)) as readers,
                readers.view() as view,
            ):
                yield view
    except OSError as error:
        raise ServiceError("no-log", f"{database} cannot be read ({error.strerror}): may this node read it?") from error


def _paths_of(view: View) -> Source:
    def read(path: str) -> bytes | None:
        tile = TilePath.parse(path)
        return view.read(tile) if tile else None

    return read


def _goal(node: Node, view: View, source: str, *, unproven: bool) -> Head:
    """How far the database is the log by a checkpoint that was shown; all of it, if the operator vouches for it."""
    if unproven:
        return view.head
    proven = [one for one in node.newer.shown if one.size <= view.size and view.root_at(one.size) == one.root]
    if not proven:
        raise ServiceError(
            "unproven",
            f"{source} has {view.size} entries, and no checkpoint that was shown is of so few: if it is your own"
            " backup, do it again with --unproven, which takes all of them",
        )
    return Head(proven[-1].size, proven[-1].root)


RESTORING: Mapping[str, Callable[[Node, Values], Any]] = {
    "restore-status": _status,
    "restore-seen": _seen,
    "restore-fetch": _fetch,
    "restore-declare-lost": _declare_lost,
    "restore-finish": _finish,
}
