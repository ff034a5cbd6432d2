"""The program gate-scanner: its commands, and the composition of a gate from its parts.

Only modules in here know the adapters. A command prints what it found to stdout and what went wrong to stderr; the exit
status is 0 for done, 1 for what is refused or not to be had and a gate that is not well, 2 for a wrong command line.
"""

from scanner.cli.entry import main

__all__ = ["main"]
