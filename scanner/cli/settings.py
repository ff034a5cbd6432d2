"""The settings of a gate: what the TOML file may say, and where things are kept."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from scanner.camera.config import CameraConfig
from scanner.cli import setting_bounds as bounds
from scanner.cli.commands import CONFIG
from scanner.config import Fault, read
from scanner.hw.pins import PinConfig, check
from scanner.verify.checkpoint import COSIGNATURE, VerifierKey
from scanner.verify.entry import Malformed

_NAMED_ADDRESS = re.compile(r".+=(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class KioskSettings:
    """The staff's page. `host` other than 127.0.0.1 lets the network look at it."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = 8441


@dataclass(frozen=True, slots=True)
class MockSettings:
    """For `pins = "mock"`: how soon somebody walks through an opened turnstile; below 0 nobody does."""

    passage_s: float = 0.4


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """How to reach the ledger node; its address came with the enrolment. `ca`: a certificate file for https."""

    url: str = ""
    ca: str = ""


@dataclass(frozen=True, slots=True)
class TrustSettings:
    """Whose word about the log this gate wants beside the log's own: verifier keys of witnesses (each of another
    organisation), and how many of them must have cosigned a checkpoint before it is believed.
    """

    witnesses: tuple[str, ...] = ()
    quorum: int = 0

    def keys(self) -> tuple[VerifierKey, ...]:
        """The witnesses' keys, of settings that `faults` finds nothing wrong with."""
        return tuple(key for key in map(VerifierKey.parse, self.witnesses) if isinstance(key, VerifierKey))

    def faults(self) -> list[Fault]:
        """What is wrong with these settings."""
        found = []
        for text in self.witnesses:
            key = VerifierKey.parse(text)
            if isinstance(key, Malformed):
                found.append(Fault("trust.witnesses", f"{text!r} is not a verifier key: {key.reason}"))
            elif key.type != COSIGNATURE:
                found.append(Fault("trust.witnesses", f"{key.name} is a log's key, not a witness's"))
        if len({key.public_key for key in self.keys()}) < len(self.keys()):
            found.append(Fault("trust.witnesses", "one key stands twice: it would count as two"))
        if not 0 <= self.quorum <= len(self.witnesses):
            found.append(
                Fault("trust.quorum", f"must be from 0 to the number of trust.witnesses, {len(self.witnesses)}")
            )
        return found


@dataclass(frozen=True, slots=True)
class PeerSettings:
    """How the gates of the event speak to each other. `host` and `port`: where this one listens. `addresses`: of
    others, as "R2=10.8.0.22:8442" by gate or device, where the ledger node does not see the right one.
    """

    enabled: bool = True
    host: str = "0.0.0.0"  # noqa: S104 - the other gates are to reach it
    port: int = 8442
    addresses: tuple[str, ...] = ()

    def named(self) -> dict[str, str]:
        """The addresses, of settings that `faults` finds nothing wrong with."""
        return {name: address for name, _, address in (text.rpartition("=") for text in self.addresses)}

    def faults(self) -> list[Fault]:
        """What is wrong with these settings."""
        found = [
            Fault("peers.addresses", f"{text!r} is not GATE=HOST:PORT")
            for text in self.addresses
            if not _NAMED_ADDRESS.fullmatch(text)
        ]
        return [*found, *bounds.listener("peers", self.host, self.port)]


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the file may say. `state` and `runtime` default to what systemd gives the service."""

    state: str = ""
    runtime: str = ""
    camera: CameraConfig = field(default_factory=CameraConfig)
    pins: PinConfig | Literal["mock"] = field(default_factory=PinConfig)
    mock: MockSettings = field(default_factory=MockSettings)
    node: NodeSettings = field(default_factory=NodeSettings)
    trust: TrustSettings = field(default_factory=TrustSettings)
    peers: PeerSettings = field(default_factory=PeerSettings)
    kiosk: KioskSettings = field(default_factory=KioskSettings)

    @property
    def state_folder(self) -> Path:
        """What must survive: key, enrolment, journal, view."""
        default = Path.home() / ".local/state/gate-scanner"
        return Path(self.state or os.environ.get("STATE_DIRECTORY", "") or default)

    @property
    def runtime_folder(self) -> Path:
        """What need not: the status, for other programs to read."""
        return Path(self.runtime or os.environ.get("RUNTIME_DIRECTORY", "") or self.state_folder)

    @property
    def pin_config(self) -> PinConfig:
        """The wiring; a mock has the default one."""
        return PinConfig() if self.pins == "mock" else self.pins


def load(path: Path | None) -> Settings:
    """Read and check the file, or take the defaults if none is named and none is installed. Raises ConfigError."""
    if path is None and not CONFIG.exists():
        return Settings()
    path = path or CONFIG
    return read(path, Settings, _faults)


def _faults(settings: Settings) -> list[Fault]:
    """What is wrong with settings that could be read."""
    pins = [Fault(fault.key, fault.reason) for fault in check(settings.pin_config)]
    kiosk, peers, walk = settings.kiosk, settings.peers, settings.mock.passage_s
    found = [
        *pins,
        *bounds.camera(settings.camera),
        *bounds.within("mock.passage_s", walk, -3600, 3600),
        *bounds.node(settings.node.url, settings.node.ca),
        *settings.trust.faults(),
        *peers.faults(),
        *bounds.listener("kiosk", kiosk.host, kiosk.port),
    ]
    if kiosk.enabled and peers.enabled and kiosk.port == peers.port != 0:
        found.append(Fault("kiosk.port", f"{kiosk.port} is already peers.port: one port does one thing"))
    return found
