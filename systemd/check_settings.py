"""Say what is wrong with a settings file, as `gate-scanner run` would, and start nothing: exit status 1 if there is."""

import sys
from argparse import ArgumentParser
from pathlib import Path

from scanner.cli.settings import load
from scanner.errors import GateError

asked = ArgumentParser(description=__doc__)
asked.add_argument("file", type=Path)
try:
    load(asked.parse_args().file)
except GateError as error:
    print(error)
    sys.exit(1)
