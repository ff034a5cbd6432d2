"""What `status` prints: of the gate that this device is now, and of other gates by names that tell them apart."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from scanner.cli.commands import cli
from scanner.cli.lock import only_gate
from scanner.cli.neighbour_names import names_of
from scanner.cli.status import StatusFile, show_status
from scanner.errors import GateError
from scanner.identity import Enrolled, Identities
from scanner.ports import GateStatus, PeerHealth, SyncHealth

READY = GateStatus(
    "R1", "Live", state="ready", view_age=2.0, view_limit=900.0, sync=SyncHealth(online=True), clock_trusted=True
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Of a gate that has run, and is closed."""
    identities = Identities(tmp_path / "state", environ={})
    identities.made_key()
    identities.enrol(Enrolled("http://127.0.0.1:1", "R1-aa", "show", "R1", "aa", "vkey", "origin"))
    peers = (
        PeerHealth("R1-bb", "R1", heard_age=40.0, note="refused the connection"),
        PeerHealth("R1-cc", "R1", note="no address of it is known"),
        PeerHealth("R2-dd", "R2", note="no address of it is known"),
    )
    StatusFile(tmp_path / "run").publish(replace(READY, peers=peers))
    path = tmp_path / "gate.toml"
    path.write_text(f'state = "{tmp_path / "state"}"\nruntime = "{tmp_path / "run"}"\n')
    return path


def test_other_gates_that_share_a_gate_are_told_apart(config: Path) -> None:
    text, _ = show_status(config, as_json=False)
    assert "0 of 3 others heard; R1-bb: silent for 40 s, refused the connection; R1-cc: no" in text
    assert "; R2: no address of it is known" in text


def test_a_gate_is_named_by_its_device_only_where_it_must_be() -> None:
    assert names_of("R1", [("R2", "R2-aa"), ("R3", "R3-bb"), ("R3", "R3-cc")]) == ["R2", "R3-bb", "R3-cc"]
    assert names_of("R1", [("R1", "R1-aa")]) == ["R1-aa"]


@pytest.mark.parametrize("as_json", [False, True])
def test_after_forget_nothing_is_said_of_the_gate_that_was(config: Path, *, as_json: bool) -> None:
    assert "forgotten" in CliRunner().invoke(cli, ["forget", "--config", str(config)]).output
    with pytest.raises(GateError, match="this device is not enrolled: run `gate-scanner enrol URL`"):
        show_status(config, as_json=as_json)


def test_a_gate_that_was_revoked_while_it_runs_is_still_shown(config: Path) -> None:
    Identities(config.parent / "state", environ={}).forget()
    with only_gate(config.parent / "state"):
        assert "state    ready" in show_status(config, as_json=False)[0]
    with pytest.raises(GateError, match="not enrolled"):
        show_status(config, as_json=False)
