"""Long work says how far it is: a bar on a terminal, lines where nobody looks at one, and the true numbers on both."""

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ledger_node.cli.output import progress
from ledger_node.services.export import export
from ledger_node.services.issue import read_rows
from tests.fakes.life_story import open_ruled, tell


def test_on_a_pipe_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("auditing", None, every=0) as update:
        update(250, 1_000)
        update(1_000, 1_000)
        update(12_000)
    assert capsys.readouterr().err.splitlines() == [
        "auditing: 250 of 1,000 (25 %)",
        "auditing: 1,000 of 1,000 (100 %)",
        "auditing: 12,000",
    ]


def test_what_is_done_at_once_says_nothing_on_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("auditing", 10) as update:
        update(10)
    assert capsys.readouterr().err == ""


def test_an_audit_draws_a_bar_on_a_terminal(tmp_path: Path) -> None:
    with open_ruled(tmp_path / "home") as node:
        tell(node)
        export(node.ledger, tmp_path / "copy")
        key, size = node.ledger.vkey, node.ledger.size
    theirs, ours = os.openpty()
    shown: list[bytes] = []
    reader = threading.Thread(target=_read, args=(theirs, shown))
    reader.start()
    command = [sys.executable, "-m", "ledger_node.cli", "audit", str(tmp_path / "copy"), "--key", key]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=ours, env={**os.environ, "TERM": "xterm", "COLUMNS": "100"}, check=False
    )
    os.close(ours)
    reader.join()
    os.close(theirs)
    assert done.returncode == 0
    drawn = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", b"".join(shown)).decode()
    assert "auditing" in drawn
    assert f"{size}/{size}" in drawn


def _read(terminal: int, shown: list[bytes]) -> None:
    """Until the other side is closed, which a terminal reports as an error."""
    try:
        while data := os.read(terminal, 1 << 16):
            shown.append(data)
    except OSError:
        return


def test_an_import_tells_how_much_of_the_file_it_has_read(tmp_path: Path) -> None:
    file = tmp_path / "tickets.csv"
    rows = "".join(f"{index},{index},0,0,100,,\n" for index in range(1, 25_001))
    file.write_text(f"index,seat,category,gate_group,face_value,holder_key,proof\n{rows}")
    told: list[int] = []
    assert sum(1 for _ in read_rows(file, told.append)) == 25_000
    size = file.stat().st_size
    assert [round(read / size, 1) for read in told] == [0.4, 0.8]
