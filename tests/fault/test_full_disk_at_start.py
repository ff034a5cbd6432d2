"""Started on a full disk, each program says that the disk is full, which one, and what to do."""

import os
import subprocess
from pathlib import Path

import pytest

from scanner.identity import Enrolled, Identities
from scanner.verify.checkpoint import VerifierKey
from tests.fakes.event import EVENT, NODE, key
from tests.show.stage import BIN

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
FILL = (
    'cp -r "$from"/. "$disk"; dd if=/dev/zero of="$disk/filler" bs=4k 2>"$from.dd" || :; rm -f "$disk/spare"; exec "$@"'
)
"""What is in `from` is on a small disk, and no room beside it."""


def on_a_full_disk(folder: Path, kib: int, *command: str | Path, given: str = "") -> tuple[int, str]:
    disk, source = folder / "disk", folder / "source"
    disk.mkdir()
    source.mkdir(exist_ok=True)
    (source / "spare").write_bytes(bytes(kib << 10))
    mount = f'mount -t tmpfs -o size=2m none "$disk"; {FILL}'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-euc", mount, "sh", *command],
        env=os.environ | {"disk": str(disk), "from": str(source)},
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


LOG = VerifierKey("log", key("log").public).encode()


@pytest.mark.parametrize("kib", [0, 12, 200])
def test_a_gate(tmp_path: Path, kib: int) -> None:
    """The disk is full at another write each time."""
    identities = Identities(tmp_path / "source", environ={})
    identities.made_key()
    identities.enrol(Enrolled("http://127.0.0.1:9", "A1-device", EVENT, "A1", NODE.public.hex(), LOG, "log"))
    config = tmp_path / "gate.toml"
    config.write_text(f'state = "{tmp_path / "disk"}"\npins = "mock"\n[camera]\nsource = "replay:{tmp_path}"\n')
    status, text = on_a_full_disk(tmp_path, kib, BIN / "gate-scanner", "run", "--config", config)
    assert (status, "Traceback" in text) == (1, False), text
    assert f"the disk of {tmp_path / 'disk'} is full" in text
    assert "make room on it" in text


def test_a_gate_that_is_enrolled(tmp_path: Path) -> None:
    """Before anything is asked: the code is not spent."""
    config = tmp_path / "gate.toml"
    config.write_text(f'state = "{tmp_path / "disk"}"\npins = "mock"\n')
    words = ("enrol", "http://127.0.0.1:9", "--config", config)
    status, text = on_a_full_disk(tmp_path, 0, BIN / "gate-scanner", *words, given="AAAA-BBBB-CCCC-DDDD\n")
    assert (status, "Traceback" in text) == (1, False), text
    assert f"the disk of {tmp_path / 'disk'} is full" in text


@pytest.mark.parametrize(
    ("kib", "command"),
    [
        (0, ("keys",)),
        (12, ("serve", "--port", "0")),
        (48, ("serve", "--port", "0")),
        (200, ("keys",)),
        (12, ("witness", "http://127.0.0.1:9", "--log", LOG, "--port", "0")),
        (12, ("provider-sandbox", "--port", "0")),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else str(value),
)
def test_a_ledger_node_a_witness_and_the_sandbox(tmp_path: Path, command: tuple[str, ...], kib: int) -> None:
    home = ("--home", tmp_path / "disk" / "home")
    words = (*command, *home) if command[0] in {"witness", "provider-sandbox"} else (*home, *command)
    status, text = on_a_full_disk(tmp_path, kib, BIN / "ledger-node", *words)
    assert (status, "Traceback" in text) == (1, False), text
    assert f"the disk of {tmp_path / 'disk' / 'home'} is full" in text
    assert "make room on it" in text
