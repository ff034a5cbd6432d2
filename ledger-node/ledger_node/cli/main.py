"""The command line: what each command takes and teaches. The work is in services; how it is reached in operator.py."""

import os
import sys
from pathlib import Path

import click

from ledger_node import home_folder
from ledger_node.cli.groups import Group
from ledger_node.cli.lazy import LazyCommands
from ledger_node.cli.operator import operator
from ledger_node.cli.output import EXIT_STATUS, errors_in_one_line, show

PORT, GATES_PORT = 8440, 8444
_COMMANDS = {
    "accounts": "accounts:accounts",
    "activations": "people:activations",
    "actors": "market:actors",
    "alerts": "alerts:alerts",
    "audit": "audit:audit",
    "devices": "devices:devices",
    "event": "events:event",
    "evidence": "witness:evidence",
    "leases": "leases:leases",
    "orders": "orders:orders",
    "policy": "market:policy",
    "provider-sandbox": "sandbox:provider_sandbox",
    "refunds": "refunds:refunds",
    "resale": "market:resale",
    "restore": "restore:restore",
    "sale": "market:sale",
    "sponsors": "sponsors:sponsors",
    "tickets": "tickets:tickets",
    "transfers": "market:transfers",
    "vault": "people:vault",
    "witness": "witness:witness",
}
"""The commands that stand in a module of their own in ledger_node.cli. What a command imports at its top is what
`--help` waits for, so its services are imported where it is carried out.
"""


@click.group(
    cls=Group,
    commands=LazyCommands({name: f"ledger_node.cli.{place}" for name, place in _COMMANDS.items()}),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXIT_STATUS,
)
@click.version_option(package_name="ticketme-gate")
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="LEDGER_NODE_HOME",
    help="Folder of the node.  [default: $STATE_DIRECTORY, else ~/.local/share/ledger-node]",
)
@click.pass_context
def cli(context: click.Context, home: Path | None) -> None:
    """The ledger node: tickets on an append-only log, and what gates need of it.

    \b
    A show in four steps:
      ledger-node event create coliseum-1122 --name "Harbour Nights 海港之夜" --capacity 12500 \\
                  --doors "$(date -d '+30 days' +%F)T18:30" --starts "$(date -d '+30 days' +%F)T20:15"
      ledger-node tickets import coliseum-1122 tickets.csv
      ledger-node serve --pretty
      ledger-node devices code coliseum-1122 R1      then, at the gate: gate-scanner enrol URL

    Every command works while `serve` runs, too: it is then carried out by the running node, through a socket in the
    home folder. Whoever may write in that folder may give commands.
    """
    context.obj = home or home_folder.default_home(os.environ)


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; 0.0.0.0 for a LAN.")
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="0 = any free one.")
@click.option(
    "--gates-port",
    default=None,
    type=click.IntRange(0, 65535),
    help=f"Port for gates only, which no crowd of others slows.  [default: {GATES_PORT}, with --port 0 any free one]",
)
@click.option(
    "--witness",
    "witnesses",
    multiple=True,
    metavar="URL,VKEY",
    envvar="LEDGER_NODE_WITNESSES",
    help="A witness to ask for cosignatures; its key is at its URL.  [env: LEDGER_NODE_WITNESSES, with blanks between]",
)
@click.option(
    "--public-url",
    metavar="URL",
    envvar="LEDGER_NODE_PUBLIC_URL",
    help="Address of people's pages, https; kept.  [env: LEDGER_NODE_PUBLIC_URL; default: http://localhost:PORT]",
)
@click.option(
    "--proxy",
    "proxies",
    multiple=True,
    metavar="NETWORK",
    envvar="LEDGER_NODE_PROXIES",
    help="A proxy whose X-Forwarded-For is believed, besides this machine.  [env: LEDGER_NODE_PROXIES]",
)
@click.option("--pretty", is_flag=True, help="Log for people instead of JSON for journald.")
@click.pass_obj
def serve(
    home: Path,
    host: str,
    port: int,
    gates_port: int | None,
    witnesses: tuple[str, ...],
    public_url: str | None,
    proxies: tuple[str, ...],
    pretty: bool,  # noqa: FBT001 - click passes it so
) -> None:
    """Serve gates, at a port of their own, and the public until SIGTERM.

    \b
      ledger-node serve --host 0.0.0.0 --pretty
      curl -s http://127.0.0.1:8440/healthz
    """
    # The other commands start without the web framework.
    from ledger_node.cli.serving import Ports, serve_node  # noqa: PLC0415

    ports = Ports(host, port, gates_port if gates_port is not None else GATES_PORT if port else 0)
    serve_node(home, ports, witnesses, public_url, proxies, pretty=pretty)


@cli.command()
@click.argument("event")
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="File to write.")
@click.pass_obj
def snapshot(home: Path, event: str, out: Path) -> None:
    """Write EVENT's snapshot, as gates download it, to a file.

    \b
      ledger-node snapshot coliseum-1122 --out show.snapshot
      gate-scanner decide --snapshot show.snapshot --at 1795262400 T1...
    """
    with errors_in_one_line(), operator(home) as node:
        made = node.snapshot(event, out)
    show({"event": event, "file": str(out), **made})


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.pass_obj
def export(home: Path, folder: Path) -> None:
    """Write the whole log as static files into FOLDER: checkpoint, tiles, entries (C2SP tlog-tiles).

    Any web server can publish them (`chmod -R a+rX FOLDER` lets it read them), and `ledger-node audit FOLDER --key
    VKEY` checks them.
    """
    with errors_in_one_line(), operator(home) as node:
        show(node.do("log-export", folder=str(folder.absolute())))


@cli.group(
    cls=Group,
    commands=LazyCommands(
        {
            "rotate-log": "ledger_node.cli.log_keys:rotate_log",
            "end-overlap": "ledger_node.cli.log_keys:end_overlap",
        }
    ),
    invoke_without_command=True,
)
@click.pass_context
def keys(context: click.Context) -> None:
    """The node's public keys (`show`, which is what `keys` alone does), and changing the certificate key (`rotate`) or
    the key that signs the log's checkpoints (`rotate-log`).
    """
    if context.invoked_subcommand is None:
        context.invoke(show_keys)


@keys.command("show")
@click.pass_obj
def show_keys(home: Path) -> None:
    """The log's verifier key for auditors, the node's key, and the certificate keys by kid. Makes them on first use."""
    with errors_in_one_line(), operator(home, makes=True) as node:
        show(node.do("keys-show"))


@keys.command()
@click.option("--retire", is_flag=True, help="End the trust in the old keys: certificates they signed die.")
@click.pass_obj
def rotate(home: Path, retire: bool) -> None:  # noqa: FBT001 - click passes it so
    """Make a new certificate key and have every event trust it.

    Without --retire, certificates that wallets hold stay good until they expire.
    """
    with errors_in_one_line(), operator(home, makes=True) as node:
        show(node.do("keys-rotate", retire=retire))


def main() -> None:
    """The entry point. What is written is its owner's alone, under whatever umask the program was started."""
    os.umask(0o077)
    try:
        cli()
    except ModuleNotFoundError as missing:
        click.echo(_not_installed(missing), err=True)
        sys.exit(1)


def _not_installed(missing: ModuleNotFoundError) -> str:
    """What to do about a package that is not there. Raises it again if it is one of our own modules: that is a bug."""
    name = (missing.name or "").partition(".")[0]
    if name in {"", "ledger_node", "scanner"}:
        raise missing
    return (
        f"ledger-node: {name} is not installed here, and a ledger node needs it: was only a gate installed? "
        "In the source folder, pip install '.[ledger]' adds the node; on a node's machine, systemd/install.sh node does"
    )
