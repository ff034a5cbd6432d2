"""A new bundle on the card updates an installed gate, beside the old release, and is turned back if it is not ready."""

from pathlib import Path

import pytest

from tests.fakes.gate_card import SYSTEMCTL, UNITS, Card


@pytest.fixture
def gate(tmp_path: Path) -> Card:
    card = Card(tmp_path)
    card.installed("1")
    return card


def test_a_new_bundle_updates_an_installed_gate_once(gate: Card) -> None:
    gate.bundle("2")
    assert gate.provision().returncode == 0
    assert gate.release() == "2"
    assert "updated to 2: it is ready" in gate.report()
    installs = len(gate.called("install.sh"))
    assert gate.started_again().returncode == 0
    assert len(gate.called("install.sh")) == installs


def test_a_bundle_that_does_not_become_ready_is_turned_back_and_not_tried_again(gate: Card) -> None:
    gate.bundle("2", broken=True)
    assert gate.provision().returncode == 0
    assert gate.release() == "1"
    assert "the release 2 did not become ready" in gate.report()
    assert "back to the release before, which is ready" in gate.report()
    installs = len(gate.called("install.sh"))
    assert gate.started_again().returncode == 0
    assert len(gate.called("install.sh")) == installs
    gate.bundle("3")
    assert gate.provision().returncode == 0
    assert gate.release() == "3"


def test_a_power_cut_in_the_update_does_not_lose_the_way_back(gate: Card) -> None:
    """The broken release is in use already when the power goes: the next start must still know the proven one."""
    gate.bundle("2", broken=True)
    gate.stand_in("bin/systemctl", 'case "$1 $2" in "restart gate-scanner") kill -9 $PPID ;; esac')
    assert gate.provision().returncode == -9
    assert gate.release() == "2"
    gate.stand_in("bin/systemctl", SYSTEMCTL)
    gate.started_again()
    assert gate.release() == "1"


def test_a_gate_that_was_not_ready_before_keeps_the_new_release(gate: Card) -> None:
    """It is not enrolled, or its old release is what is broken: turning back would help in neither case."""
    (gate.root / "not-enrolled").touch()
    gate.bundle("2")
    assert gate.provision().returncode == 0
    assert gate.release() == "2"
    assert "it is not ready, as the one before was not" in gate.report()


def test_an_update_without_network_is_tried_again(gate: Card) -> None:
    gate.bundle("2")
    (gate.root / "no-network").touch()
    assert gate.provision().returncode == 1
    assert gate.release() == "1"
    assert "not updated: see above" in gate.report()
    (gate.root / "no-network").unlink()
    assert gate.provision().returncode == 0
    assert gate.release() == "2"


def test_a_damaged_bundle_touches_nothing(gate: Card) -> None:
    gate.bundle("2")
    tar = gate.gate / "ticketme-gate.tar"
    tar.write_bytes(tar.read_bytes()[:-600])
    assert gate.provision().returncode == 1
    assert gate.release() == "1"
    assert "the bundle on this card is damaged" in gate.report()
    assert (gate.base / "setup/setup.cfg").read_text().endswith("version = 1\n")


def test_words_on_the_card_reach_the_installer(tmp_path: Path) -> None:
    card = Card(tmp_path)
    card.unpacked()
    card.put("install", "# what the gate has\r\n--pi-camera\r\n--kiosk # a screen\r\n")
    assert card.provision().returncode == 0
    assert card.called("install.sh") == ["install.sh|gate --pi-camera --kiosk"]
    assert "install" not in card.files()


def test_an_installed_gate_gets_a_camera_or_a_screen_from_the_card(gate: Card) -> None:
    gate.put("install", "--kiosk\n")
    assert gate.provision().returncode == 0
    assert gate.called("install.sh") == ["install.sh|add --kiosk"]
    assert gate.release() == "1"
    assert "install" not in gate.files()


def test_a_word_that_is_not_known_is_named_and_nothing_is_added(gate: Card) -> None:
    gate.put("install", "--kisok\n")
    assert gate.provision().returncode == 1
    assert "install: --kisok is not known here; there are --pi-camera and --kiosk" in gate.report()
    assert gate.called("install.sh") == []


def test_the_words_are_the_installers() -> None:
    """The sample on the card names each option of install.sh, switched off."""
    sample = (UNITS / "gate.install").read_text()
    for word in ("--pi-camera", "--kiosk"):
        assert f"\n# {word}\n" in sample
        assert f"{word})" in (UNITS / "install.sh").read_text()
    assert [line for line in sample.splitlines() if not line.startswith("#")] == []


def test_turning_back_brings_the_units_of_the_release_back(tmp_path: Path) -> None:
    """install.sh itself: a release is run by the units that it was made with."""
    card = Card(tmp_path)
    for version, unit in (("1", "old"), ("2", "new")):
        systemd = card.base / f"releases/{version}/systemd"
        systemd.mkdir(parents=True)
        for path in UNITS.iterdir():
            (systemd / path.name).write_bytes(path.read_bytes())
        (systemd / "gate-scanner.service").write_text(unit)
    units = card.root / "etc/systemd/system"
    units.mkdir(parents=True)
    (units / "gate-scanner.service").write_text("new")
    (card.base / "current").symlink_to(card.base / "releases/2")
    done = card.run(card.base / "releases/2/systemd/install.sh", "rollback")
    assert done.returncode == 0, done.stderr
    assert card.release() == "1"
    assert (units / "gate-scanner.service").read_text() == "old"
    assert not (units / "gate-kiosk.service").exists()
    assert not (units / "ledger-node.service").exists()
