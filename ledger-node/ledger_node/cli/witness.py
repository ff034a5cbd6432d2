"""`ledger-node witness` watches other organisations' logs and cosigns them; `ledger-node evidence` checks a finding."""

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import click

from ledger_node import config
from ledger_node.adapters.remote_log import RemoteLogError, http_source
from ledger_node.cli import logs
from ledger_node.cli.output import errors_in_one_line, show
from ledger_node.services.errors import ServiceError
from ledger_node.services.evidence import Evidence, check_evidence
from ledger_node.services.node import fault_as_error
from ledger_node.services.watch import WatchedLog
from ledger_node.services.witness import Witness
from scanner.verify.checkpoint import LOG, VerifierKey
from scanner.verify.entry import Malformed
from scanner.verify.keys import SigningKey

PORT = 8442
_SETTINGS = "witness.json"


@click.command()
@click.argument("urls", metavar="URL...", nargs=-1, required=True)
@click.option("--home", "own_home", type=click.Path(path_type=Path, file_okay=False), help="Folder of the witness.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; 0.0.0.0 for a LAN.")
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="0 = any free one.")
@click.option("--name", help="What it signs as, for good: a URL without a scheme.  [default: from its key]")
@click.option("--log", "vkeys", multiple=True, metavar="VKEY", help="A log's verifier key, in the order of the URLs.")
@click.option(
    "--every", default=5.0, show_default=True, type=click.FloatRange(0.05, 3600), help="Seconds between looks."
)
@click.option("--pretty", is_flag=True, help="Log for people instead of JSON for journald.")
@click.pass_context
def witness(
    context: click.Context,
    urls: tuple[str, ...],
    own_home: Path | None,
    host: str,
    port: int,
    name: str | None,
    vkeys: tuple[str, ...],
    every: float,
    pretty: bool,  # noqa: FBT001 - click passes it so
) -> None:
    """Watch the logs at URL...: replay them, compare them with the past, cosign what is good. For another organisation
    than the one whose logs these are.

    \b
      ledger-node witness http://NODE:8440 --log "$(ssh NODE ledger-node keys | jq -r .log)" --name wallet.example/w1
      curl -s http://127.0.0.1:8442/        the witness's own key, and how each log stands

    The keys are needed once; they are kept in the witness's home with its own key and all that it has signed.
    """
    from ledger_node.web.witness import run_witness  # noqa: PLC0415 - the other commands start without the web framework

    logs.configure(pretty=pretty)
    home = own_home or _home(context)
    with errors_in_one_line(), config.hold(home):
        key = config.load_witness_key(home, config.credentials_folder(os.environ), os.urandom)
        name, watched = _settle(home, key, name, urls, vkeys)
        with fault_as_error():
            running = Witness(home, name, key, watched, lambda: int(time.time()))
        try:
            run_witness(running, host, port, every)
        finally:
            running.close()


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--key", help="The log's verifier key, from a source that you trust.")
def evidence(file: BinaryIO, key: str | None) -> None:
    """Check what a witness found against a log: FILE is one of evidence/*.json in its home.

    Needs no network and no trust in the witness. Exit status 1 if it proves nothing.

    \b
      ledger-node evidence evidence/5f0c...-001.json --key VKEY
    """
    with errors_in_one_line():
        found = Evidence.from_json(file.read())
        said = found if isinstance(found, Malformed) else check_evidence(found)
        if isinstance(said, str) and isinstance(found, Evidence) and key not in {None, found.log}:
            said = Malformed(f"it is about another log, {found.log}")
    proven = isinstance(said, str)
    show({"proven": proven, "said": said if isinstance(said, str) else said.reason})
    sys.exit(0 if proven else 1)


def _home(context: click.Context) -> Path:
    """The program's --home if it was given; else a place of the witness's own, so that it meets no node."""
    given = context.parent.params.get("home") if context.parent else None
    state = os.environ.get("STATE_DIRECTORY")
    return given or (Path(state.split(":")[0]) if state else Path.home() / ".local" / "share" / "ledger-witness")


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
    if len(vkeys) > len(urls):
        raise ServiceError("keys", f"{len(vkeys)} keys for {len(urls)} logs: one --log for each URL, in the same order")
    logs_by_url |= dict(zip(urls, vkeys, strict=False))
    watched = [_watched(url, logs_by_url.get(url)) for url in urls]
    config.write_settings(path, {"name": name, "logs": logs_by_url})
    return name, watched


def _watched(url: str, vkey: str | None) -> WatchedLog:
    if vkey is None:
        raise ServiceError("keys", f"which key has the log at {url}? ask its operator, and name it with --log VKEY")
    key = VerifierKey.parse(vkey)
    if isinstance(key, Malformed) or key.type != LOG:
        raise ServiceError(
            "keys", f"{vkey} is not a log's key ({key.reason if isinstance(key, Malformed) else 'type 4'})"
        )
    try:
        return WatchedLog(key, http_source(url))
    except RemoteLogError as error:
        raise ServiceError("url", str(error)) from error
