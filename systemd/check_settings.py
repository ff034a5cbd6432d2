"""Say what is wrong with a settings file, as `gate-scanner run` would, and start nothing: exit status 1 if there is."""

import sys
from pathlib import Path

from scanner.cli.settings import load
from scanner.errors import GateError

try:
    load(Path(sys.argv[1]))
except GateError as error:
    print(error)
    sys.exit(1)
