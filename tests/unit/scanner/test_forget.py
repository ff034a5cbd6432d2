"""Ending an enrolment: nothing unsent is lost by mistake, the key is gone, the records are kept."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from scanner.cli.commands import cli
from scanner.cli.lock import only_gate
from scanner.errors import GateError
from scanner.identity import Enrolled, Identities
from scanner.journal import Journal
from scanner.ports import Receipt
from tests.fakes.event import compact_code, scan_of, stamp_at
from tests.fakes.whole_gate import IDENTITY


@pytest.fixture
def config(tmp_path: Path) -> Path:
    state = tmp_path / "state"
    identities = Identities(state, environ={})
    identities.made_key()
    identities.enrol(Enrolled("http://127.0.0.1:1", "d", "show", "A1", "aa", "vkey", "origin"))
    with Journal.open(state / "journal.db", IDENTITY, stamp_at) as journal:
        journal.refuse(scan_of(compact_code(7), "refuse", "expired"), stamp_at())
    path = tmp_path / "gate.toml"
    path.write_text(f'state = "{state}"\n')
    return path


def run(config: Path, *options: str) -> str:
    result = CliRunner().invoke(cli, ["forget", *options, "--config", str(config)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_unsent_records_are_not_forgotten_by_mistake(config: Path) -> None:
    with pytest.raises(GateError, match=r"1 records have not reached the ledger.*--unsent"):
        run(config)
    assert Identities(config.parent / "state", environ={}).enrolled().device == "d"


def test_the_key_goes_and_the_records_stay(config: Path) -> None:
    state = config.parent / "state"
    seed = (state / "device.key").read_bytes()
    with Journal.open(state / "journal.db", IDENTITY, stamp_at) as journal:
        journal.settle([Receipt(1, "accepted", 5)], 6)
    assert "forgotten" in run(config)
    (kept,) = state.glob("before-*")
    with Journal.open(kept / "journal.db", IDENTITY, stamp_at) as journal:
        assert len(list(journal.records())) == 1
    assert not [path for path in state.rglob("*") if path.is_file() and seed in path.read_bytes()]


def test_a_running_gate_is_not_pulled_from_under(config: Path) -> None:
    with only_gate(config.parent / "state"), pytest.raises(GateError, match="already runs"):
        run(config, "--unsent")


@pytest.mark.parametrize("left", [(), ("lock",), ("lock", "status.json")], ids=lambda left: "+".join(left) or "empty")
def test_where_nothing_is_enrolled_there_is_nothing_to_forget(config: Path, left: tuple[str, ...]) -> None:
    """And no empty folder is left of it: after the first time, on a card that never was a gate, and with no folder."""
    state = config.parent / "state"
    assert "forgotten" in run(config, "--unsent")
    before = set(state.iterdir())
    for _ in range(2):
        with pytest.raises(GateError, match=f"nothing to forget: no gate is enrolled in {state}"):
            run(config)
    assert set(state.iterdir()) == before
    config.write_text(f'state = "{config.parent / "other"}"\n')
    if left:
        (config.parent / "other").mkdir()
        for name in left:
            (config.parent / "other" / name).touch()
    with pytest.raises(GateError, match="nothing to forget"):
        run(config)
    assert {path.name for path in (config.parent / "other").glob("*")} == set(left)


def test_a_key_of_a_failed_enrolment_goes_and_leaves_no_folder(config: Path) -> None:
    state = config.parent / "other"
    config.write_text(f'state = "{state}"\n')
    Identities(state, environ={}).made_key()
    assert run(config) == "forgotten: there was a key, and no journal yet\n"
    assert [path.name for path in state.iterdir()] == ["lock"]
