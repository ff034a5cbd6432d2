"""The real lgpio inside the sandbox of the shipped unit, under a real systemd: the gate gets as far as the chip.

This machine has no GPIO chip, so that is where each command ends here; `make vm` goes on from there on a chip of the
kernel's. That this Python is no board is the one thing that is made up: a /proc/cpuinfo that has a board's revision.
"""

from importlib.util import find_spec

import pytest

from scanner.cli.enrol import enrol_device
from tests.fakes.booted import gate_as_installed, run_inside, why_not
from tests.fakes.running_node import open_home, serving, stage

# Found, not imported: to import it leaves a pipe in the working directory.
pytestmark = [
    pytest.mark.skipif(find_spec("lgpio") is None, reason="lgpio has no wheel for this Python"),
    pytest.mark.skipif(bool(why_not()), reason=why_not()),
]

AT_THE_CHIP = "can not open gpiochip"
OF_A_PI_4 = "Hardware\t: BCM2835\nRevision\t: c03114\n"
BOARD = "[Service]\nBindReadOnlyPaths=/opt/cpuinfo:/proc/cpuinfo\n"

SCRIPT = """
touch /run/begin
install -d -m 700 /var/lib/private && cp -r /opt/state /var/lib/private/gate-scanner
systemctl start gate-scanner
systemctl stop gate-scanner
echo "== run"; journalctl --sync; journalctl --unit gate-scanner --output cat
mkdir /tmp/person; cd /tmp/person
echo "== release-relay"; gate-scanner release-relay
echo "== doctor"; gate-scanner doctor
echo "== left"; find / -xdev -newer /run/begin -name '.lgd*'; find /run /dev/shm -name 'gate-pins*'; ls -A /tmp/person
echo "== end"
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each command said, of a gate that is enrolled and whose settings are the defaults."""
    folder = tmp_path_factory.mktemp("booted")
    config, state, cpuinfo, board = (folder / name for name in ("gate.toml", "state", "cpuinfo", "board.conf"))
    config.write_text(f'state = "{state}"\n')
    cpuinfo.write_text(OF_A_PI_4)
    board.write_text(BOARD)
    with open_home(folder / "node") as node:
        stage(node, 3)
        with serving(node) as running:
            enrol_device(running.url, running.code(), config)
    files = [*gate_as_installed(folder), (state, "/opt/state"), (cpuinfo, "/opt/cpuinfo")]
    files += [(board, f"/etc/systemd/system/{unit}.d/board.conf") for unit in ("gate-scanner.service", "run-.service")]
    parts = run_inside(folder, SCRIPT, files).split("== ")
    return {name: text for name, _, text in (part.partition("\n") for part in parts)}


def test_the_gate_finds_its_pins_under_its_own_unit(said: dict[str, str]) -> None:
    (fault,) = [line for line in said["run"].splitlines() if line.startswith("gate-scanner: ")]
    assert fault.startswith("gate-scanner: cannot open the GPIO chip")
    assert AT_THE_CHIP in fault


def test_the_relay_is_let_go_after_the_gate_has_ended(said: dict[str, str]) -> None:
    """ExecStopPost=, and by hand."""
    for part in ("run", "release-relay"):
        assert "the relay was not touched: cannot open the GPIO chip" in said[part], said
        assert AT_THE_CHIP in said[part], said
        assert "lgd-nfy" not in said[part], said


def test_doctor_by_hand_looks_at_the_pins(said: dict[str, str]) -> None:
    (pins,) = [line for line in said["doctor"].splitlines() if line.startswith("BAD  pins")]
    assert AT_THE_CHIP in pins


def test_nothing_of_the_library_is_left_lying_about(said: dict[str, str]) -> None:
    assert said["left"] == "", said
