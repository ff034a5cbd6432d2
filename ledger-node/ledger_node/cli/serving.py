"""`ledger-node serve`: the node, whom it works with, and the web server, put together."""

import sys
from collections.abc import Sequence
from pathlib import Path

from ledger_node.cli import logs
from ledger_node.cli.operator import held
from ledger_node.cli.output import errors_in_one_line, read_as_usage
from ledger_node.cli.outside import surroundings
from ledger_node.cli.own_node import own_node
from ledger_node.services.accounts.site import Site, set_site
from ledger_node.services.cosigning import witness_of
from ledger_node.web.addresses import networks
from ledger_node.web.front_keeper import FrontKeeper
from ledger_node.web.server import Fronting, Ports, run

__all__ = ["Ports", "serve_node"]


def serve_node(
    home: Path,
    ports: Ports,
    witnesses: Sequence[str],
    public_url: str | None,
    proxies: tuple[str, ...],
    *,
    pretty: bool,
) -> None:
    """Serve until SIGTERM."""
    logs.configure(pretty=pretty)
    with read_as_usage():
        asked = [witness_of(text) for text in witnesses]
        networks(proxies)
        if public_url:
            Site.parse(public_url)
    with errors_in_one_line(), held(home), own_node(home, asked) as node, surroundings(node) as outside:
        node.keys.signers.require()
        node.outside, node.proxies = outside, proxies
        if public_url:
            set_site(node, public_url)
        run(node, ports, _front(home, pretty=pretty))


def _front(home: Path, *, pretty: bool) -> Fronting:
    """In a process of its own."""
    command = [sys.executable, "-m", "ledger_node.cli.front", str(home.absolute()), "pretty" if pretty else "json"]
    return lambda listener, _home: FrontKeeper(command, listener)
