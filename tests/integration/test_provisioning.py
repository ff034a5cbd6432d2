"""A gate without a keyboard: what is put on the boot partition is taken in once, and nothing secret is left there.

The scripts run for real, on a root of their own (tests/fakes/gate_card.py). That the whole works under a running
systemd is not shown here.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fakes.gate_card import CODE, Card

needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")

TAKES_THE_CODE = f"""[ $1 = enrol ] || exit 0
read -r code; [ "$code" = {CODE} ] && echo enrolled: device R1-00"""


@pytest.fixture
def card(tmp_path: Path) -> Card:
    return Card(tmp_path)


@pytest.fixture
def gate(card: Card) -> Card:
    card.installed()
    return card


def test_a_bare_card_is_installed_and_restarted_once(card: Card) -> None:
    card.unpacked()
    assert card.provision().returncode == 0
    assert card.called("install.sh") == ["install.sh|gate"]
    assert card.called()[-1] == "systemctl|reboot"
    assert card.provision().returncode == 0
    assert len(card.called("install.sh")) == len(card.called("systemctl|reboot")) == 1


def test_the_lamps_tell_of_an_installation_and_of_its_failure(card: Card) -> None:
    card.unpacked()
    (card.root / "no-network").touch()
    assert card.provision().returncode == 1
    starts = [call for call in card.called("systemctl|start") if "gate-lamps" in call]
    assert starts == [f"systemctl|start --no-block gate-lamps@{pattern}" for pattern in ("installing", "failed")]
    assert "not installed: see above" in card.report()
    (card.root / "no-network").unlink()
    assert card.provision().returncode == 0
    assert card.called("systemctl")[-2:] == ["systemctl|stop gate-lamps@*", "systemctl|reboot"]


def test_an_enrolment_code_leaves_the_card_with_its_use(gate: Card) -> None:
    gate.stand_in("usr/local/bin/gate-scanner", TAKES_THE_CODE)
    gate.put("enrol", f"http://10.8.0.10:8440 {CODE}\r\n")
    assert gate.provision().returncode == 0
    assert gate.called("gate-scanner") == ["gate-scanner|enrol http://10.8.0.10:8440"]
    assert gate.files() == {"report.txt"}
    assert "enrolled: device R1-00" in gate.report()
    assert CODE not in gate.report()


def test_files_from_an_editor_of_windows_are_read(gate: Card) -> None:
    """With its mark in front, as gate.toml may have, and with its line ends."""
    gate.stand_in("usr/local/bin/gate-scanner", TAKES_THE_CODE)
    for name, text in (
        ("enrol", f"http://10.8.0.10:8440 {CODE}\r\n"),
        ("install", "--kiosk\r\n"),
        ("forget", "--unsent\r\n"),
    ):
        gate.put(name, "\ufeff" + text)
    assert gate.provision().returncode == 0, gate.report()
    assert gate.called("gate-scanner") == ["gate-scanner|forget --unsent", "gate-scanner|enrol http://10.8.0.10:8440"]
    assert gate.called("install.sh") == ["install.sh|add --kiosk"]


def test_a_code_that_failed_is_tried_again(gate: Card) -> None:
    gate.stand_in("usr/local/bin/gate-scanner", "echo the node cannot be reached; exit 2")
    gate.put("enrol", f"http://10.8.0.10:8440 {CODE}\n")
    for _ in range(3):
        assert gate.provision().returncode == 1
    assert gate.files() == {"enrol", "report.txt"}
    assert gate.report().count("not enrolled: the node cannot be reached") == 1


def test_wrong_settings_are_named_and_not_used(gate: Card) -> None:
    gate.put("gate.toml", "[pins]\nrelay = 99\n[camera]\nsauce = 1\n")
    assert gate.provision().returncode == 1
    assert "gate.toml:4: camera.sauce" in gate.report()
    assert not (gate.root / "etc/gate-scanner.toml").exists()
    assert "gate.toml" in gate.files()


def test_good_settings_are_taken_in(gate: Card) -> None:
    gate.put("gate.toml", 'pins = "mock"\r\n[camera]\r\nsource = "replay:/tmp"\r\n')
    assert gate.provision().returncode == 0, gate.report()
    assert "mock" in (gate.root / "etc/gate-scanner.toml").read_text()
    assert gate.called("systemctl")[-1] == "systemctl|--no-block try-restart gate-scanner"
    assert gate.files() == {"report.txt"}


def test_one_thing_that_is_wrong_does_not_keep_the_others_out(gate: Card) -> None:
    """A gate on a cable is enrolled although its Wi-Fi and its settings are wrong, and each is said once."""
    gate.put("wifi", "Nowhere\nsecret pass\nHK\n")
    gate.put("gate.toml", "sauce = 1\n")
    gate.put("enrol", f"http://10.8.0.10:8440 {CODE}\n")
    for _ in range(3):
        assert gate.provision().returncode == 1
    assert gate.files() == {"wifi", "gate.toml", "report.txt"}
    assert len(gate.report().splitlines()) == 3


def test_a_wifi_passphrase_leaves_the_boot_partition_when_it_stood(gate: Card) -> None:
    (gate.root / "air/Venue").write_text("secret pass")
    gate.put("wifi", "Venue\r\nsecret pass\r\nHK\r\n")
    assert gate.provision().returncode == 0
    assert (gate.root / "connections/gate-wifi").read_text() == "Venue\nsecret pass\n"
    assert gate.called("raspi-config") == ["raspi-config|nonint do_wifi_country HK"]
    assert gate.files() == {"report.txt"}
    assert "secret" not in gate.report()


@pytest.mark.parametrize(
    ("name", "passphrase"),
    [("Venue", "secret pass"), ("海港 5G; #1=", r" \s a\\b;'\"$x` "), ("[wifi]", "0" * 64)],
    ids=["plain", "odd", "key"],
)
def test_a_wifi_passphrase_is_no_argument_of_any_program(gate: Card, name: str, passphrase: str) -> None:
    """Attack: every user of the machine reads the arguments of every program."""
    (gate.root / "air" / name).write_text(passphrase)
    gate.put("wifi", f"{name}\n{passphrase}\nHK\n")
    assert gate.provision().returncode == 0, gate.report()
    assert (gate.root / "connections/gate-wifi").read_text() == f"{name}\n{passphrase}\n"
    assert passphrase not in "".join(gate.called())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Venue\nwrong pass\nHK\n", "the passphrase is wrong (line 2)"),
        ("Venoe\nsecret pass\nHK\n", "no network of this name is in reach"),
        ("Venue\nshort\nHK\n", "a passphrase has 8 to 63 characters of ASCII"),
        ("Venue\n密碼密碼密碼密碼\nHK\n", "a passphrase has 8 to 63 characters of ASCII"),
        (f"Venue\n{'x' * 64}\nHK\n", "a passphrase has 8 to 63 characters of ASCII"),
        ("Venue\n", "the file needs three lines"),
    ],
    ids=["passphrase", "name", "too-short", "not-ascii", "too-long", "too-few-lines"],
)
def test_a_wifi_that_does_not_stand_is_explained_and_kept(gate: Card, text: str, said: str) -> None:
    (gate.root / "air/Venue").write_text("secret pass")
    gate.put("wifi", text)
    assert gate.provision().returncode == 1
    assert said in gate.report()
    assert gate.files() == {"wifi", "report.txt"}
    assert not (gate.root / "connections/gate-wifi").exists()
    gate.put("wifi", "Venue\nsecret pass\nHK\n")
    assert gate.started_again().returncode == 0
    assert gate.files() == {"report.txt"}


def test_a_wrong_new_wifi_does_not_cost_the_one_that_stands(gate: Card) -> None:
    (gate.root / "air/Venue").write_text("secret pass")
    gate.put("wifi", "Venue\nsecret pass\nHK\n")
    gate.provision()
    gate.put("wifi", "Venue\nwrong pass\nHK\n")
    before = len(gate.called("nmcli|--wait 60 connection up"))
    assert [gate.provision().returncode for _ in range(3)] == [1, 0, 0]
    assert (gate.root / "connections/gate-wifi").read_text() == "Venue\nsecret pass\n"
    assert (gate.root / "joined").read_text() == "Venue\nsecret pass\n"
    tries = gate.called("nmcli|--wait 60 connection up")[before:]
    assert tries == [f"nmcli|--wait 60 connection up {name}" for name in ("gate-wifi-new", "gate-wifi")]


def test_an_enrolment_is_ended_from_the_card(gate: Card) -> None:
    gate.put("forget", "--unsent\r\n")
    gate.stand_in("usr/local/bin/gate-scanner", "echo forgotten")
    assert gate.provision().returncode == 0
    assert gate.called("gate-scanner") == ["gate-scanner|forget --unsent"]
    assert gate.files() == {"report.txt"}


def test_a_gate_that_owes_records_is_not_stopped_each_minute_to_forget(gate: Card) -> None:
    gate.put("forget", "")
    gate.stand_in("usr/local/bin/gate-scanner", "echo 3 records have not reached the ledger; exit 2")
    assert gate.provision().returncode == 1
    assert gate.called("systemctl")[-1] == "systemctl|--no-block start gate-scanner"
    assert gate.provision().returncode == 0
    assert gate.called("gate-scanner") == ["gate-scanner|forget"]
    assert "forget" in gate.files()
    assert gate.started_again().returncode == 1


def test_where_nothing_is_enrolled_the_file_is_used_up_and_the_report_says_so(gate: Card) -> None:
    gate.put("forget", "")
    gate.stand_in(
        "usr/local/bin/gate-scanner", "echo gate-scanner: nothing to forget: no gate is enrolled in here >&2; exit 1"
    )
    assert gate.provision().returncode == 0
    assert gate.files() == {"report.txt"}
    assert "nothing to forget: no gate is enrolled in here" in gate.report()


def test_nothing_happens_without_the_folder(card: Card) -> None:
    card.gate.rmdir()
    assert card.provision().returncode == 0
    assert card.called() == []


def signed_by(gate: Card, key: Path) -> None:
    """Sign the bundle on the card, as bundle.sh does."""
    total = gate.gate / "ticketme-gate.tar.sha256"
    total.with_suffix(".sha256.sig").unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-Y", "sign", "-q", "-n", "ticketme-gate", "-f", key, total], check=True, timeout=20)


@needs_ssh
@pytest.mark.parametrize("card_is", ["signed", "unsigned", "of another key", "signed for another bundle"])
def test_a_gate_that_knows_a_key_takes_updates_by_it_only(gate: Card, tmp_path: Path, card_is: str) -> None:
    """Attack: a card that is handed to venue IT with another program on it."""
    key, other = tmp_path / "key", tmp_path / "other"
    gate.bundle("2")
    for one in (other, key):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", one], check=True, timeout=20)
    signed_by(gate, other if card_is == "of another key" else key)
    (gate.base / "signer").write_text(f'gate namespaces="ticketme-gate" {key.with_suffix(".pub").read_text()}')
    if card_is == "unsigned":
        (gate.gate / "ticketme-gate.tar.sha256.sig").unlink()
    if card_is == "signed for another bundle":
        gate.bundle("3")
    good = card_is == "signed"
    assert gate.provision().returncode == (0 if good else 1), gate.report()
    assert gate.release() == ("2" if good else "1")
    assert ("make it with bundle.sh --sign and that key" in gate.report()) is not good
