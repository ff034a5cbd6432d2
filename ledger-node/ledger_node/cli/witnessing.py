"""What `ledger-node witness` does: its name, its logs and their keys settled, then served until SIGTERM."""

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

from ledger_node import config, home_folder
from ledger_node.adapters.remote_log import RemoteLogError, http_source
from ledger_node.cli import logs
from ledger_node.cli.full_disk import full_disk_said
from ledger_node.cli.output import errors_in_one_line, read_as_usage
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import fault_as_error
from ledger_node.services.watch import WatchedLog
from ledger_node.services.witness import Witness
from ledger_node.web.witness import run_witness
from scanner.verify.checkpoint import LOG, VerifierKey
from scanner.verify.entry import Malformed
from scanner.verify.keys import SigningKey

_SETTINGS = "witness.json"


def serve_witness(
    home: Path,
    host: str,
    port: int,
    name: str | None,
    urls: Sequence[str],
    vkeys: Sequence[str],
    every: float,
    *,
    pretty: bool,
) -> None:
    """Watch and serve until SIGTERM."""
    logs.configure(pretty=pretty)
    with read_as_usage():
        if len(vkeys) > len(urls):
            raise ServiceError("keys", f"{len(vkeys)} keys for {len(urls)} logs: one --log for each URL, in order")
        for url, vkey in zip(urls, vkeys, strict=False):
            _watched(url, vkey)
    with errors_in_one_line(), home_folder.hold(home):
        with full_disk_said(home), fault_as_error():
            key = config.load_witness_key(home, home_folder.credentials_folder(os.environ), os.urandom)
            name, watched = _settle(home, key, name, urls, vkeys)
            running = Witness(home, name, key, watched, lambda: int(time.time()))
        try:
            run_witness(running, host, port, every)
        finally:
            running.close()


def _settle(
    home: Path, key: SigningKey, name: str | None, urls: Sequence[str], vkeys: Sequence[str]
) -> tuple[str, list[WatchedLog]]:
    """The witness's name and its logs, from the command line and from what was kept of earlier ones."""
    path = home / _SETTINGS
    try:
        kept = json.loads(path.read_text()) if path.exists() else {"name": None, "logs": {}}
        signs_as, logs_by_url = kept["name"], dict(kept["logs"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ServiceError("settings", f"{path} cannot be read ({error}): remove it and name the keys again") from error
    if name and signs_as and name != signs_as:
        raise ServiceError("name", f"this key signs as {signs_as}: for another name take another --home")
    name = name or signs_as or f"ticketme-gate/witness/{key.public.hex()[:16]}"
    own = VerifierKey.parse(VerifierKey(name, key.public).encode())
    if isinstance(own, Malformed):
        raise ServiceError("name", f"{name!r} cannot name a witness: no spaces, no plus, at most 255 characters")
    logs_by_url |= dict(zip(urls, vkeys, strict=False))
    watched = [_watched(url, logs_by_url.get(url)) for url in urls]
    config.write_settings(path, {"name": name, "logs": logs_by_url})
    return name, watched


def _watched(url: str, vkey: str | None) -> WatchedLog:
    if vkey is None:
        raise ServiceError("keys", f"which key has the log at {url}? ask its operator, and name it with --log VKEY")
    key = VerifierKey.parse(vkey)
    if isinstance(key, Malformed) or key.type != LOG:
        why = key.reason if isinstance(key, Malformed) else "type 4"
        sentence = f"{vkey} is not a log's key ({why}): that is the line `log` of its operator's `ledger-node keys`"
        raise ServiceError("keys", sentence)
    try:
        return WatchedLog(key, http_source(url))
    except RemoteLogError as error:
        raise ServiceError("url", str(error)) from error
