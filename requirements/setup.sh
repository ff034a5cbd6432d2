#!/bin/sh
# Makes .venv with both programs in it. Installs what the system lacks only where it may: as root, or with sudo that does not ask.
set -eu
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}

say() { printf '\033[1m%s\033[0m\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo -n "$@"
    else return 1
    fi
}

# need WHAT PACKAGE: a Debian package for something that no wheel brings.
need() {
    say "installing $2 ($1)"
    # An index from another day names files that are gone, so a first failure asks for a new one.
    as_root env DEBIAN_FRONTEND=noninteractive sh -c "
        command -v apt-get >/dev/null || exit 1
        apt-get install -y -q --no-install-recommends $2 >/dev/null 2>&1 ||
        { apt-get update -q >/dev/null && apt-get install -y -q --no-install-recommends $2 >/dev/null; }"
}

"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    fail "Python 3.11 or newer is needed, as 'python3' or named by PYTHON=... (found: $("$PYTHON" --version 2>&1 || echo none))"
"$PYTHON" -c 'import ensurepip' 2>/dev/null || need "virtual environments" python3-venv ||
    fail "Python has no venv module: run 'apt-get install python3-venv', then this again"
ldconfig -p 2>/dev/null | grep -q libzbar || need "the second QR decoder" libzbar0 ||
    say "note: libzbar0 is missing and could not be installed; the second look at hard frames stays off"
command -v chromedriver >/dev/null || need "the browser tests" "chromium chromium-driver" ||
    say "note: chromium and chromium-driver are missing and could not be installed; 'make test' will say so"
fc-list 2>/dev/null | grep -qi cjk || need "Chinese type for pages and screenshots" "fontconfig fonts-noto-cjk" ||
    say "note: fonts-noto-cjk is missing; screenshots will show boxes for Chinese"

say "making .venv"
[ -x .venv/bin/python ] || "$PYTHON" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
say "ready: .venv/bin/gate-scanner and .venv/bin/ledger-node"
