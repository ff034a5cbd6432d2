"""bundle.sh makes a card that installs itself, whatever Raspberry Pi Imager wrote on it, or says that it does not.

The card's first start runs for real as far as scripts go: the boot partition lies where the system mounts it, in a
mount namespace of its own, and what the kernel's command line names is executed. systemctl is a stand-in.
"""

import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.fakes.gate_card import UNITS

# Written by Imager 1.9 and 2.0 for Raspberry Pi OS 12, shortened in the middle.
IMAGER_SCRIPT = """#!/bin/bash

set +e

echo imager >>"$GATE_ROOT/order"
rm -f /boot/firstrun.sh
sed -i 's| systemd.run.*||g' /boot/cmdline.txt
exit 0
"""
IMAGER_WORDS = "systemd.run=/boot/firstrun.sh systemd.run_success_action=reboot systemd.unit=kernel-command-line.target"
PLAIN = "console=tty1 root=PARTUUID=1-02 rootfstype=ext4 fsck.repair=yes rootwait quiet"
# What Imager 2.0 adds on Raspberry Pi OS 13, whose settings it writes into user-data for cloud-init.
CLOUD_INIT = f"{PLAIN} resize ds=nocloud;i=rpi-imager-1780302854544 cfg80211.ieee80211_regdom=HK"

namespaces = ["unshare", "--mount", "--map-root-user"]
needs_namespaces = pytest.mark.skipif(
    shutil.which("unshare") is None or subprocess.run([*namespaces, "true"], check=False, timeout=20).returncode != 0,
    reason="no mount namespaces here",
)

needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")


@pytest.fixture
def boot(tmp_path: Path) -> Path:
    folder = tmp_path / "bootfs"
    folder.mkdir()
    (folder / "cmdline.txt").write_text(PLAIN + "\n")
    return folder


def bundle(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(UNITS / "bundle.sh"), str(folder), *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def imager(boot: Path) -> None:
    (boot / "cmdline.txt").write_text(f"{PLAIN} {IMAGER_WORDS}\n")
    (boot / "firstrun.sh").write_text(IMAGER_SCRIPT)


def initramfs(boot: Path) -> None:
    """What Raspberry Pi OS 12 does to Imager's files in its initramfs: where the card's own partition is has moved."""
    line, script = boot / "cmdline.txt", boot / "firstrun.sh"
    if "systemd.run=/boot/firstrun.sh" not in line.read_text():
        return
    line.write_text(line.read_text().replace("/boot/", "/boot/firmware/"))
    kept: list[str] = []
    for text in script.read_text().splitlines():
        if re.search(r"rm.*firstrun\.sh$", text):
            break
        kept.append(text)
    kept += ["rm -f /boot/firmware/firstrun.sh", r"sed -i 's| systemd\.[^ ]*||g' /boot/firmware/cmdline.txt", "exit 0"]
    script.write_text("\n".join(kept) + "\n")


def start(root: Path, boot: Path) -> subprocess.CompletedProcess[str]:
    """Start the card: execute what its command line names, with the boot partition where it is mounted."""
    initramfs(boot)
    named = re.findall(r"systemd\.run=(\S+)", (boot / "cmdline.txt").read_text())
    programs = root / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    (programs / "systemctl").write_text('#!/bin/sh\necho "gate $*" >> "$GATE_ROOT/order"\n')
    (programs / "systemctl").chmod(0o755)
    mounts = f"mount -t tmpfs none /boot && mkdir /boot/firmware && mount --bind '{boot}' /boot/firmware"
    runs = "".join(f" && sh {name}" for name in named)
    environment = os.environ | {"GATE_ROOT": str(root), "PATH": f"{programs}:{os.environ['PATH']}"}
    return subprocess.run(
        [*namespaces, "sh", "-c", mounts + runs],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def prepared(root: Path) -> bool:
    """Whether the next start installs the gate."""
    return (root / "opt/ticketme-gate/setup/systemd/install.sh").exists() and (
        root / "etc/systemd/system/gate-provision.service"
    ).exists()


@needs_namespaces
@pytest.mark.parametrize("line", [PLAIN, CLOUD_INIT], ids=["plain", "cloud-init"])
def test_a_card_prepares_itself_and_takes_its_words_out_again(tmp_path: Path, boot: Path, line: str) -> None:
    (boot / "cmdline.txt").write_text(line + "\n")
    for _ in range(2):
        assert bundle(boot).returncode == 0
    written = (boot / "cmdline.txt").read_text()
    assert written.startswith(line + " systemd.run=")
    assert (written.count("systemd.run="), written.count("\n")) == (1, 1)
    done = start(tmp_path / "root", boot)
    assert done.returncode == 0, done.stderr
    assert prepared(tmp_path / "root")
    assert (boot / "cmdline.txt").read_text() == line + "\n"


@needs_namespaces
def test_imagers_own_script_runs_and_then_ours(tmp_path: Path, boot: Path) -> None:
    imager(boot)
    for _ in range(2):
        done = bundle(boot)
        assert done.returncode == 0, done.stderr
    assert "Imager's own settings of this card run first" in done.stdout
    root = tmp_path / "root"
    done = start(root, boot)
    assert done.returncode == 0, done.stderr
    assert (root / "order").read_text().splitlines() == ["imager", "gate enable gate-provision.service"]
    assert prepared(root)
    assert (boot / "cmdline.txt").read_text() == PLAIN + "\n"
    assert not (boot / "firstrun.sh").exists()


@needs_namespaces
def test_a_power_cut_while_unpacking_is_made_good_by_the_next_start(tmp_path: Path, boot: Path) -> None:
    """The words stay in cmdline.txt until all is on the disk."""
    bundle(boot)
    root = tmp_path / "root"
    (boot / "gate/ticketme-gate.tar").rename(boot / "gate/aside")
    assert start(root, boot).returncode != 0
    assert "the bundle on this card is damaged" in (boot / "gate/report.txt").read_text()
    assert "systemd.run=" in (boot / "cmdline.txt").read_text()
    (boot / "gate/aside").rename(boot / "gate/ticketme-gate.tar")
    assert start(root, boot).returncode == 0
    assert prepared(root)


@pytest.mark.parametrize("folder", ["nowhere", "empty"])
def test_what_is_no_boot_partition_is_refused_and_not_made(tmp_path: Path, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    done = bundle(tmp_path / folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no cmdline.txt in it. Nothing was written" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty"]
    assert list((tmp_path / "empty").iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("systemd.run=/usr/bin/mine", "of a program that is not known here"),
        (IMAGER_WORDS, "firstrun.sh, which is not there"),
    ],
)
def test_a_command_line_that_cannot_be_followed_is_said_and_left_alone(boot: Path, words: str, said: str) -> None:
    (boot / "cmdline.txt").write_text(f"{PLAIN} {words}\n")
    done = bundle(boot)
    assert done.returncode == 1
    assert said in done.stderr
    assert [path.name for path in boot.iterdir()] == ["cmdline.txt"]


def test_a_misspelt_option_is_refused(boot: Path) -> None:
    done = bundle(boot, "--wheel")
    assert done.returncode == 2
    assert "unknown option --wheel" in done.stderr


def test_a_bundle_holds_what_the_installer_needs(boot: Path) -> None:
    assert bundle(boot).returncode == 0
    with tarfile.open(boot / "gate/ticketme-gate.tar") as tar:
        names = {name.removeprefix("./") for name in tar.getnames()}
    assert {"setup.cfg", "requirements/runtime.lock", "systemd/install.sh", "scanner/cli/run.py"} <= names
    assert not [name for name in names if "__pycache__" in name or "egg-info" in name]
    assert {path.name for path in (boot / "gate").iterdir()} == {
        "ticketme-gate.tar",
        "ticketme-gate.tar.sha256",
        "first-boot.sh",
        "gate.toml",
        "install",
    }


def signing_key(folder: Path) -> Path:
    key = folder / "gate-updates"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True, timeout=20)
    return key


@needs_namespaces
@needs_ssh
def test_a_signed_card_tells_the_gate_whose_updates_it_takes(tmp_path: Path, boot: Path) -> None:
    key = signing_key(tmp_path)
    done = bundle(boot, "--sign", str(key))
    assert (done.returncode, done.stderr) == (0, "")
    assert "not signed" not in done.stdout
    root = tmp_path / "root"
    assert start(root, boot).returncode == 0
    signer = (root / "opt/ticketme-gate/signer").read_text()
    assert " ".join(key.with_suffix(".pub").read_text().split()[:2]) in signer
    bundle(boot, "--sign", str(signing_key(boot)))
    assert start(root, boot).returncode == 1
    assert (root / "opt/ticketme-gate/signer").read_text() == signer
    assert key.read_text() not in "".join(path.read_text(errors="replace") for path in (boot / "gate").iterdir())


@needs_namespaces
@needs_ssh
def test_a_card_whose_bundle_was_replaced_after_signing_is_not_unpacked(tmp_path: Path, boot: Path) -> None:
    """Attack: another program, with a sum that fits it, on a card that lay on a desk."""
    bundle(boot, "--sign", str(signing_key(tmp_path)))
    tar = boot / "gate/ticketme-gate.tar"
    tar.write_bytes(tar.read_bytes() + bytes(1024))
    said = subprocess.run(["sha256sum", tar.name], cwd=tar.parent, check=True, capture_output=True)
    (boot / "gate/ticketme-gate.tar.sha256").write_bytes(said.stdout)
    assert start(tmp_path / "root", boot).returncode == 1
    assert "not signed by the key that this gate takes updates by" in (boot / "gate/report.txt").read_text()
    assert not prepared(tmp_path / "root")


@needs_ssh
def test_a_card_that_is_signed_no_more_names_no_key(tmp_path: Path, boot: Path) -> None:
    bundle(boot, "--sign", str(signing_key(tmp_path)))
    done = bundle(boot)
    assert "not signed (--sign)" in done.stdout
    assert not {path.name for path in (boot / "gate").iterdir()} & {"signer", "ticketme-gate.tar.sha256.sig"}


@pytest.mark.parametrize(
    ("words", "status", "said"), [(("--sign",), 2, "which key?"), (("--sign", "nothing"), 1, "is no SSH key")]
)
def test_a_key_that_is_not_there_is_said_before_anything_is_written(
    boot: Path, words: tuple[str, ...], status: int, said: str
) -> None:
    done = bundle(boot, *words)
    assert (done.returncode, said in done.stderr) == (status, True), done.stderr
    assert [path.name for path in boot.iterdir()] == ["cmdline.txt"]


def test_a_card_that_was_in_a_gate_keeps_its_settings(boot: Path) -> None:
    """The defaults of the sample would be taken in at the next start, in place of the gate's own."""
    (boot / "gate").mkdir()
    (boot / "gate/report.txt").write_text("2026-11-22T10:00:00Z settings: taken in\n")
    done = bundle(boot)
    assert done.returncode == 0
    assert "it keeps its settings and enrolment" in done.stdout
    assert not (boot / "gate/gate.toml").exists()
    assert not (boot / "gate/install").exists()
