"""`gate-scanner release-relay`, without what the other commands need: systemd waits for it at every stop."""

import os
from collections.abc import Mapping, Sequence

from scanner.hw.lgpio_door import load_lgpio
from scanner.hw.relay_pin import RelayPin, relay_pin
from scanner.hw.release import release_relay

CONFIG_FILE = "/etc/gate-scanner.toml"
CONFIG_VARIABLE = "GATE_SCANNER_CONFIG"


def release(config: str | None) -> tuple[str, bool]:
    """What was done about the relay of a gate that has ended, and whether it is at rest."""
    if config is None and not os.path.exists(CONFIG_FILE):  # noqa: PTH110 - pathlib alone takes as long as the rest
        pin: RelayPin | None = RelayPin()
    else:
        pin = relay_pin(config or CONFIG_FILE)
    if pin is None:
        return "pins are mock: nothing to release", True
    return release_relay(pin, load_lgpio)


def plainly_asked(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[bool, str | None]:
    """Whether this command line is `release-relay` with nothing but a settings file, and which file."""
    match list(arguments):
        case ["release-relay"]:
            return True, environment.get(CONFIG_VARIABLE) or None
        case ["release-relay", "--config", path] if path and not path.startswith("-"):
            return True, path
        case ["release-relay", option] if option.startswith("--config=") and len(option) > len("--config="):
            return True, option.removeprefix("--config=")
    return False, None
