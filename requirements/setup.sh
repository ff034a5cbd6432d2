#!/bin/sh
# Makes .venv with both programs in it, and installs from Debian what no wheel brings where it may: as root, or with a
# sudo that does not ask. Does nothing if all is there. A folder at a time: a second set-up waits for the first.
# usage: requirements/setup.sh demo    what `make demo` needs
#        requirements/setup.sh dev     that, the tools of `make test` and `make lint`, and a browser
set -eu
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}

"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    found=$("$PYTHON" --version 2>/dev/null) || found=none
    echo "setup: Python 3.11 or newer is needed, as 'python3' or named by PYTHON=... (found: $found)" >&2
    exit 1
}
exec "$PYTHON" requirements/environment.py "$@"
