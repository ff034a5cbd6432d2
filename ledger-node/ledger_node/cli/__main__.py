"""So that `python -m ledger_node.cli` is the program, too."""

from ledger_node.cli.main import main

main()
