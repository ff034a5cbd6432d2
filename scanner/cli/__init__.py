"""The program gate-scanner: its commands, and the composition of a gate from its parts.

Only modules in here know the adapters. A command prints what it found to stdout and what went wrong to stderr; the exit
status is 0 for done, 1 for a gate that is not well, 2 for input that cannot be used.
"""

from scanner.cli.main import main

__all__ = ["main"]
