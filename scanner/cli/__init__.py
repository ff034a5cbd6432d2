"""The program gate-scanner: its commands, and the composition of a gate from its parts."""


def main() -> None:
    """Run the command line."""
