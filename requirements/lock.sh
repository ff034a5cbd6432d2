#!/bin/sh
# Solves setup.cfg into three locks with hashes, universal over x86-64 and aarch64, Python 3.11 and newer. Each holds the
# one before it: runtime.lock is what a gate or a node installs, demo.lock what `make demo` adds, dev.lock the tools.
set -eu
cd "$(dirname "$0")/.."
tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
"${PYTHON:-python3}" -m venv "$tool"
"$tool/bin/pip" --quiet install uv
# setuptools is here because the programs are installed without build isolation: no download that is not hashed.
echo 'setuptools>=77' > "$tool/build.in"
solve() {
    out=requirements/$1.lock
    shift
    "$tool/bin/uv" --quiet pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
        --no-annotate setup.cfg "$tool/build.in" --extra scanner --extra ledger --output-file "$out" "$@"
}
solve runtime
solve demo --extra demo --constraint requirements/runtime.lock
solve dev --extra demo --extra dev --constraint requirements/demo.lock
