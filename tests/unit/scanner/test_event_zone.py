"""The event's time zone at a gate: from the list that it holds, and checked by `doctor`."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from scanner.cli.doctor import _view as examine_view
from scanner.cli.settings import Settings
from scanner.event_zone import in_words
from scanner.identity import Enrolled, Identities
from scanner.view import GateView, Trust
from scanner.view_file import stored_zone
from tests.fakes.event import EVENT, NODE, NOON, event_manifest, row, write_snapshot_file


def gate_with(folder: Path, zone: str) -> Settings:
    Identities(folder).enrol(Enrolled("http://127.0.0.1:9", "A1-device", EVENT, "A1", NODE.public.hex(), "", ""))
    download = write_snapshot_file(folder / "d", [row(1)], 100, manifest=replace(event_manifest(), zone=zone))
    with closing(GateView(folder / "view", Trust(NODE.public, EVENT), "test")) as view:
        view.install(download)
    return Settings(state=str(folder))


@pytest.mark.parametrize("zone", ["Asia/Hong_Kong", "Europe/London"])
def test_the_zone_is_that_of_the_list_and_doctor_is_content(tmp_path: Path, zone: str) -> None:
    settings = gate_with(tmp_path, zone)
    assert stored_zone(tmp_path / "view") == zone
    assert examine_view(settings).good


def test_a_zone_that_the_machine_does_not_know_is_said(tmp_path: Path) -> None:
    found = examine_view(gate_with(tmp_path, "Mars/Olympus"))
    assert not found.good
    assert "Mars/Olympus" in found.report
    assert "tzdata" in found.advice


def test_a_gate_without_a_list_tells_hong_kongs_time(tmp_path: Path) -> None:
    assert stored_zone(tmp_path / "view") == "Asia/Hong_Kong"
    assert in_words(NOON, "Asia/Hong_Kong") == "2026-09-21 22:13:20 HKT"
