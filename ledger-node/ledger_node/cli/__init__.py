"""The program ledger-node: its commands, and the composition of a node from its parts.

A command prints what it found to stdout and what went wrong to stderr, in one line that says what to do; the exit
status is 0 for done, 1 for refused or failed, 2 for a command line that cannot be read.
"""

from ledger_node.cli.main import main

__all__ = ["main"]
