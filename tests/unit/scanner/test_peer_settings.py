"""How the gates reach each other, as the settings say it: a slip is found at the start, not in an outage."""

from dataclasses import replace
from pathlib import Path

import pytest

from scanner.cli.settings import PeerSettings, Settings, load
from scanner.errors import ConfigError


def settings(tmp_path: Path, lines: str) -> Settings:
    path = tmp_path / "gate.toml"
    path.write_text(f'pins = "mock"\n[peers]\n{lines}\n')
    return load(path)


def test_gates_speak_to_each_other_unless_told_otherwise(tmp_path: Path) -> None:
    assert settings(tmp_path, "").peers == PeerSettings(enabled=True, host="0.0.0.0", port=8442, addresses=())
    assert not settings(tmp_path, "enabled = false").peers.enabled


def test_addresses_are_named_by_gate_or_device(tmp_path: Path) -> None:
    told = settings(tmp_path, 'addresses = ["R2=10.8.0.22:8442", "R3-00ff=[fd00::3]:9000", "a=b=gate-3.lan:1"]').peers
    assert told.named() == {"R2": "10.8.0.22:8442", "R3-00ff": "[fd00::3]:9000", "a=b": "gate-3.lan:1"}
    assert replace(told, addresses=()).named() == {}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("port = -1", "gate.toml:3: peers.port: must be from 0 to 65535"),
        ("port = 65536", "peers.port"),
        ('addresses = ["10.8.0.22:8442"]', "gate.toml:3: peers.addresses: '10.8.0.22:8442' is not GATE=HOST:PORT"),
        ('addresses = ["R2=10.8.0.22"]', "peers.addresses"),
        ('addresses = ["R2=http://10.8.0.22:1"]', "peers.addresses"),
        ('addresses = "R2=10.8.0.22:8442"', "peers.addresses"),
        ("ports = 1", "peers.ports"),
    ],
)
def test_a_slip_is_named_with_its_line(tmp_path: Path, lines: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        settings(tmp_path, lines)
    assert said in str(raised.value)
