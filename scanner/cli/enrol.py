"""`gate-scanner enrol`: this device's key and a one-time code become an enrolment in the state folder."""

import os
import secrets
from pathlib import Path

from scanner.cli.full_disk import full_disk_said
from scanner.cli.settings import load
from scanner.errors import GateError
from scanner.identity import Enrolled, Identities, IdentityError
from scanner.sync.address import address_fault
from scanner.sync.enrol import enrol
from scanner.sync.signed import Signer, Timeouts
from scanner.system_clock import system_clock
from scanner.verify.enrolment import EnrolmentCode
from scanner.verify.entry import Malformed


def enrol_device(url: str, code: str, config: Path | None) -> str:
    """What to tell the person at the keyboard. Raises GateError with what to do."""
    if faults := _faults(url, code):
        raise GateError("; ".join(faults))
    settings = load(config)
    identities = Identities(settings.state_folder)
    _refuse_another_node(identities, code)
    with full_disk_said(settings.state_folder):
        key = identities.made_key()
    signer = Signer(key, system_clock().now, lambda: secrets.token_hex(16))
    told = enrol(url, code, signer, Timeouts(), settings.node.ca or None)
    with full_disk_said(settings.state_folder):
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


def _faults(url: str, code: str) -> list[str]:
    """What is wrong with the two words, each said of the one that it is true of. A code is not repeated in it."""
    like = (
        "`gate-scanner enrol http://10.8.0.10:8444` asks for the code, and a card's file has both in one line, like "
        "http://10.8.0.10:8444 ABCD-EFGH-IJKL-MNOP"
    )
    if isinstance(EnrolmentCode.parse(url), EnrolmentCode):
        if code and not address_fault(code):
            return [f"address and code stand in the wrong order: {like}"]
        return [f"the address of the ledger node is missing before the code: {like}"]
    if not url:
        return [f"the address of the ledger node and the code are missing: {like}"]
    parsed = EnrolmentCode.parse(code)
    missing = "the code is missing: `gate-scanner enrol URL` asks for it, and in a card's file it is behind the address"
    wrong = (parsed.reason if code.strip() else missing) if isinstance(parsed, Malformed) else ""
    return [fault for fault in (address_fault(url), wrong) if fault]


def _refuse_another_node(identities: Identities, code_text: str) -> None:
    """Before anything is sent: another node would spend the code on this key, and the journal is the first one's. What
    the node itself knows (another gate or event of its own), it refuses without spending the code.
    """
    code = EnrolmentCode.parse(code_text)
    if not identities.are_told or not isinstance(code, EnrolmentCode):
        return
    try:
        enrolled = identities.enrolled()
    except IdentityError:
        return
    if not code.names(bytes.fromhex(enrolled.node_key)):
        raise GateError(
            f"this device is enrolled at gate {enrolled.gate} of {enrolled.event}, at another ledger node than the one "
            "that gave this code: `gate-scanner forget` ends that, then enrol with the same code"
        )
