"""`ledger-node provider-sandbox`: a wallet provider to try things out with, as a process of its own."""

import json
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ledger_node.cli.output import errors_in_one_line
from ledger_node.sandbox.faults import KINDS, read_faults
from ledger_node.services.errors import ServiceError

if TYPE_CHECKING:
    from ledger_node.sandbox.server import SandboxServer

PORT = 8450


class FaultList(click.ParamType[dict[str, int]]):
    """slow,lost/3"""

    name = "FAULTS"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, int]:
        """See click.ParamType."""
        try:
            return read_faults(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command("provider-sandbox")
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="Its folder.  [default: HOME/provider]")
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="0 = any free one.")
@click.option("--name", default="sandbox", show_default=True, help="What its receipts call it.")
@click.option(
    "--faults", type=FaultList(), default="", help=f"From the start: {', '.join(KINDS)}; /N = every Nth order."
)
@click.pass_obj
def provider_sandbox(node_home: Path, home: Path | None, port: int, name: str, faults: dict[str, int]) -> None:
    """Play the wallet provider at 127.0.0.1: accounts in cents, holds, captures, refunds, attestations, receipts.

    It has its own database and key, and no real money. Prints where it is and its public key, and serves until SIGTERM.

    \b
      ledger-node provider-sandbox --faults lost/3
      curl -s 127.0.0.1:8450/sandbox/accounts -d '{"account": "chan", "deposit": 500000}'
      curl -s 127.0.0.1:8450/sandbox/faults -d '{"faults": ""}'
      curl -s 127.0.0.1:8450/sandbox/books
    """
    folder = home or node_home / "provider"
    with errors_in_one_line():
        server = _open(folder, name, port)
    server.provider.faults.change(faults)
    stop = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: stop.set())
    server.start()
    about = {"url": server.url, "port": server.port, "provider": name, "public_key": server.provider.key.public.hex()}
    click.echo(json.dumps(about))
    stop.wait()
    server.stop()
    server.provider.close()


def _open(folder: Path, name: str, port: int) -> "SandboxServer":
    from ledger_node.cli.full_disk import full_disk_said  # noqa: PLC0415 - as below
    from ledger_node.sandbox.provider import Provider  # noqa: PLC0415 - the other commands start without a server
    from ledger_node.sandbox.server import SandboxServer  # noqa: PLC0415

    try:
        with full_disk_said(folder):
            provider = Provider(folder, name, os.urandom)
    except OSError as error:
        raise ServiceError("home", f"cannot use {folder}: {error.strerror}; name another with --home") from error
    try:
        return SandboxServer(provider, port)
    except OSError as error:
        provider.close()
        raise ServiceError("address", f"cannot listen at 127.0.0.1:{port} ({error.strerror}): see --port") from error
