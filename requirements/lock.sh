#!/bin/sh
# Solves setup.cfg into two locks with hashes, universal over x86-64 and aarch64, Python 3.11 and newer.
# runtime.lock is what a gate or a node installs; dev.lock is runtime.lock and the tools.
set -eu
cd "$(dirname "$0")/.."
tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
"${PYTHON:-python3}" -m venv "$tool"
"$tool/bin/pip" --quiet install uv
solve() {
    "$tool/bin/uv" --quiet pip compile --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-header --no-annotate "$@"
}
# setuptools is here because the programs are installed without build isolation: no download that is not hashed.
echo 'setuptools>=77' > "$tool/build.in"
solve setup.cfg "$tool/build.in" --extra scanner --extra ledger --output-file requirements/runtime.lock
solve setup.cfg "$tool/build.in" --extra scanner --extra ledger --extra dev --constraint requirements/runtime.lock \
    --output-file requirements/dev.lock
