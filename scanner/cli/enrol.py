"""`gate-scanner enrol`: this device's key and a one-time code become an enrolment in the state folder."""

import os
import secrets
from pathlib import Path

from scanner.cli.settings import load
from scanner.identity import Enrolled, Identities
from scanner.sync.enrol import enrol
from scanner.sync.signed import Signer, Timeouts
from scanner.system_clock import system_clock


def enrol_device(url: str, code: str, config: Path | None) -> str:
    """What to tell the person at the keyboard. Raises GateError with what to do."""
    settings = load(config)
    identities = Identities(settings.state_folder)
    signer = Signer(identities.key(), system_clock(0).now, lambda: secrets.token_hex(16))
    told = enrol(url, code, signer, Timeouts(), settings.node.ca or None)
    identities.enrol(
        Enrolled(
            url=told.url,
            device=told.device,
            event=told.event,
            gate=told.gate,
            node_key=told.node_key.hex(),
            log_vkey=told.log.encode(),
            origin=told.origin,
        )
    )
    locked = "locked to this board" if identities.key_is_locked else "not locked to the board: see gate-scanner doctor"
    return (
        f"enrolled: device {told.device} at gate {told.gate} of {told.event}\n"
        f"the key is in {settings.state_folder}{os.sep}, {locked}"
    )
