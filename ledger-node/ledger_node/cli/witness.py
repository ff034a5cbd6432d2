"""`ledger-node witness` watches other organisations' logs and cosigns them; `ledger-node evidence` checks a finding."""

import os
import sys
from pathlib import Path
from typing import BinaryIO

import click

from ledger_node.cli.output import errors_in_one_line, show

PORT = 8443


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
      curl -s http://127.0.0.1:8443/        the witness's own key, and how each log stands

    The keys are needed once; they are kept in the witness's home with its own key and all that it has signed.
    """
    from ledger_node.cli.witnessing import serve_witness  # noqa: PLC0415 - the others start without the web framework

    serve_witness(own_home or _home(context), host, port, name, urls, vkeys, every, pretty=pretty)


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--key", help="The log's verifier key, from a source that you trust.")
def evidence(file: BinaryIO, key: str | None) -> None:
    """Check what a witness found against a log: FILE is one of evidence/*.json in its home.

    Needs no network and no trust in the witness. Exit status 1 if it proves nothing.

    \b
      ledger-node evidence evidence/5f0c...-001.json --key VKEY
    """
    from ledger_node.services.evidence import judged  # noqa: PLC0415 - `--help` checks nothing

    with errors_in_one_line():
        proven, said = judged(file.read(), key)
    show({"proven": proven, "said": said})
    sys.exit(0 if proven else 1)


def _home(context: click.Context) -> Path:
    """The program's --home if it was given; else a place of the witness's own, so that it meets no node."""
    given = context.parent.params.get("home") if context.parent else None
    state = os.environ.get("STATE_DIRECTORY")
    return given or (Path(state.split(":")[0]) if state else Path.home() / ".local" / "share" / "ledger-witness")
