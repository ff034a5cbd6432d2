"""Export: a static copy of the log, in the C2SP layout, for a web server, an archive or an auditor. Reads only."""

from collections.abc import Callable
from pathlib import Path

from ledger_node.log.ledger import Ledger
from ledger_node.log.tiles import tiles_of


def export(ledger: Ledger, folder: Path, progress: Callable[[int, int], None] = lambda _done, _all: None) -> int:
    """Write checkpoint, tiles and entry bundles of the newest size into `folder`; the size. The checkpoint comes last,
    so that whoever reads meanwhile finds all that the one they see speaks of. `progress` counts files.
    """
    with ledger.view() as view:
        paths = list(tiles_of(view.size))
        for done, path in enumerate(paths):
            progress(done, len(paths))
            data = view.read(path)
            assert data is not None, "a view has every tile of its size"
            file = folder / str(path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / "checkpoint.part"
        temporary.write_text(ledger.checkpoint(view))
        temporary.replace(folder / "checkpoint")
        progress(len(paths), len(paths))
        return view.size
