#!/bin/sh
# Makes the folder `gate` for the boot partition of a gate's card.
# usage: systemd/bundle.sh FOLDER [--wheels]
#   FOLDER    the mounted boot partition of a freshly written Raspberry Pi OS card (it holds cmdline.txt), or any folder
#   --wheels  put the packages in, so that the gate needs no internet; run this on a Pi with the gate's version of Python
set -eu
out=${1:?usage: systemd/bundle.sh FOLDER [--wheels]}
source=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$out/gate"
for part in setup.cfg pyproject.toml README.md LICENSE requirements scanner ledger-node systemd; do
    cp -r "$source/$part" "$work/"
done
find "$work" \( -name __pycache__ -o -name node_modules -o -name '*.egg-info' \) -prune -exec rm -rf {} +
if [ "${2:-}" = --wheels ]; then
    [ "$(uname -m)" = aarch64 ] || { echo "--wheels: run this on a Pi, this machine is $(uname -m)" >&2; exit 1; }
    python3 -m venv "$work/.venv"
    "$work/.venv/bin/pip" --quiet download --require-hashes -r "$source/requirements/runtime.lock" -d "$work/wheels"
    rm -rf "$work/.venv"
fi
tar -cf "$out/gate/ticketme-gate.tar" --owner=0 --group=0 -C "$work" .
cp "$source/systemd/first-boot.sh" "$out/gate/first-boot.sh"
[ -e "$out/gate/gate.toml" ] || cp "$source/systemd/gate.toml" "$out/gate/gate.toml"

if [ -e "$out/cmdline.txt" ] && ! grep -q systemd.run= "$out/cmdline.txt"; then
    once="systemd.run=/boot/firmware/gate/first-boot.sh systemd.run_success_action=reboot"
    sed -i "1s|\$| $once systemd.unit=kernel-command-line.target|" "$out/cmdline.txt"
fi
echo "now: edit $out/gate/gate.toml, and write the line 'URL CODE' into $out/gate/enrol"
