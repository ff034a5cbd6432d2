"""`python -m ledger_node.cli.front HOME LOG LISTENER TETHER`: the public front, as `serve` starts it.

LOG is "json" or "pretty", LISTENER and TETHER are descriptors that the ledger's process has handed on.
"""

import os
import socket
import sys
from pathlib import Path

from ledger_node.cli import logs
from ledger_node.web.front_process import run_front


def main() -> None:
    """Serve until the ledger's process is gone."""
    os.umask(0o077)
    home, looks, listener, tether = sys.argv[1:]
    logs.configure(pretty=looks == "pretty")
    with socket.socket(fileno=int(listener)) as public, socket.socket(fileno=int(tether)) as other:
        run_front(public, other, Path(home))


if __name__ == "__main__":
    main()
