"""The entry point of gate-scanner: which part of the program a command line needs."""

import os
import sys

from scanner.cli.release import plainly_asked, release


def main() -> None:
    """Run the command. The relay is let go without the other commands: they may be broken, and take time to import.

    What is written is its owner's alone, under whatever umask the program was started.
    """
    os.umask(0o077)
    plain, config = plainly_asked(sys.argv[1:], os.environ)
    if plain:
        said, done = release(config)
        print(said, flush=True)
        sys.exit(0 if done else 1)
    try:
        from scanner.cli.commands import run_commands  # noqa: PLC0415

        run_commands()
    except ModuleNotFoundError as missing:
        print(not_installed(missing), file=sys.stderr)
        sys.exit(1)


def not_installed(missing: ModuleNotFoundError) -> str:
    """What to do about a package that is not there. Raises it again if it is one of our own modules: that is a bug."""
    name = (missing.name or "").partition(".")[0]
    if name in {"", "scanner"}:
        raise missing
    return (
        f"gate-scanner: {name} is not installed here, and a gate needs it: was only a ledger node installed? "
        "In the source folder, pip install '.[scanner]' adds the gate; on a gate's board, systemd/install.sh gate does"
    )
