"""The machine's clocks can be asked, whatever the machine is."""

from pathlib import Path

from scanner.kept_time import Kept
from scanner.system_clock import boot_id, clock_chip, ntp_bound, system_clock


def test_the_machine_clock_can_be_asked() -> None:
    bound = ntp_bound()
    assert bound is None or 0 <= bound <= 16
    floor = 5_000_000_000.0
    assert system_clock(Kept(floor)).now().seconds >= floor


def test_the_start_of_the_machine_has_a_name() -> None:
    assert boot_id() == boot_id() != ""


def test_a_clock_chip_is_read_or_is_none(tmp_path: Path) -> None:
    (tmp_path / "since_epoch").write_text("1795343400\n")
    assert clock_chip(tmp_path / "since_epoch") == 1_795_343_400.0
    assert clock_chip(tmp_path / "none") is None
    (tmp_path / "since_epoch").write_text("")
    assert clock_chip(tmp_path / "since_epoch") is None
