"""Export: a static copy of the log, in the C2SP layout, for a web server, an archive or an auditor. Reads only."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger_node.log.ledger import Ledger, Shown, View
from ledger_node.log.tiles import tiles_of
from ledger_node.services.cosigning import Cosigning
from scanner.verify.log_keys import NEWEST, path_of


def export(
    ledger: Ledger,
    folder: Path,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    cosigning: Cosigning | None = None,
) -> int:
    """Write checkpoint, lists of the log's keys, tiles and entry bundles of the newest size into `folder`; the size.

    The checkpoint comes last, so that whoever reads meanwhile finds all that the one they see speaks of. With
    `cosigning` it has the signatures of all witnesses that sign now. `progress` counts files.
    """
    with _shown(ledger, cosigning) as (view, shown):
        paths = list(tiles_of(view.size))
        for done, path in enumerate(paths):
            progress(done, len(paths))
            data = view.read(path)
            assert data is not None, "a view has every tile of its size"
            file = folder / str(path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        folder.mkdir(parents=True, exist_ok=True)
        for one in ledger.lists:
            _replace(folder / path_of(one.version), one.note)
        if shown.log_keys:
            _replace(folder / NEWEST, shown.log_keys)
        _replace(folder / "checkpoint", shown.checkpoint)
        progress(len(paths), len(paths))
        return view.size


@contextmanager
def _shown(ledger: Ledger, cosigning: Cosigning | None) -> Iterator[tuple[View, Shown]]:
    willing = cosigning.willing() if cosigning else 0
    if cosigning and willing:
        with cosigning.witnessed_view(willing) as shown:
            yield shown
        return
    with ledger.view() as view:
        yield view, ledger.show(view.head)


def _replace(path: Path, note: str) -> None:
    temporary = path.with_name(f"{path.name}.part")
    temporary.write_text(note)
    temporary.replace(path)
