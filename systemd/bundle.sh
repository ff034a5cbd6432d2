#!/bin/sh
# Makes the folder `gate` on the boot partition of a gate's card: of a freshly written one, or of a gate that is to be
# updated. usage: systemd/bundle.sh FOLDER [--wheels] [--sign KEY]
#   FOLDER    the mounted boot partition of a Raspberry Pi OS card (it holds cmdline.txt)
#   --wheels  put the packages in, so that the gate needs no internet; run this on a Pi with the gate's version of Python
#   --sign    with this SSH key (KEY.pub beside it). A gate that was installed from a signed card takes updates by that key
#             only. `ssh-keygen -t ed25519 -f gate-updates` makes one; keep it, and a copy of it
set -eu
case " $* " in *" --help "* | *" -h "*) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
fail() { echo "bundle: $*" >&2; exit 1; }
misused() { echo "bundle: $*; usage: systemd/bundle.sh FOLDER [--wheels] [--sign KEY]" >&2; exit 2; }

out='' wheels='' key=''
while [ $# -gt 0 ]; do
    case $1 in
        --wheels) wheels=$1 ;;
        --sign) [ $# -gt 1 ] || misused "--sign: which key?"; key=$2; shift ;;
        -*) misused "unknown option $1" ;;
        *) [ -z "$out" ] || misused "one folder, not $out and $1"; out=$1 ;;
    esac
    shift
done
if [ -n "$key" ]; then
    command -v ssh-keygen >/dev/null || fail "--sign needs ssh-keygen (Debian: openssh-client). Nothing was written"
    [ -f "$key" ] && [ -f "$key.pub" ] || fail "$key is no SSH key with its $key.pub beside it. Nothing was written." \
        "\`ssh-keygen -t ed25519 -f $key\` makes both"
fi
[ -n "$out" ] || misused "name the folder of the card"
if [ ! -f "$out/cmdline.txt" ]; then
    seen=
    for file in /media/*/*/cmdline.txt /run/media/*/*/cmdline.txt /Volumes/*/cmdline.txt /mnt/*/cmdline.txt; do
        [ ! -f "$file" ] || seen="$seen ${file%/cmdline.txt}"
    done
    fail "$out is not the boot partition of a Raspberry Pi OS card: there is no cmdline.txt in it. Nothing was written." \
        "Put the card in, let the system mount it (it is named bootfs), and name that folder.${seen:+ Mounted here:$seen}"
fi
source=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# How the first start comes to us is settled before anything is written: a card that would never run it is no success.
run=$(grep -o 'systemd\.run=[^ ]*' "$out/cmdline.txt" || true)
case $run in
    '' | systemd.run=/boot/firmware/gate/first-boot.sh) how=alone ;;
    systemd.run=*/firstrun.sh) how=imager ;;
    *) fail "$out/cmdline.txt has $run already, of a program that is not known here. Nothing was written." \
        "Write the card anew, or remove that word, then repeat" ;;
esac
[ "$how" = alone ] || [ -f "$out/firstrun.sh" ] ||
    fail "$out/cmdline.txt starts firstrun.sh, which is not there: write the card anew with Raspberry Pi Imager"

mkdir -p "$out/gate"
for part in setup.cfg pyproject.toml README.md LICENSE requirements scanner ledger-node systemd; do
    cp -r "$source/$part" "$work/"
done
find "$work" \( -name __pycache__ -o -name node_modules -o -name '*.egg-info' \) -prune -exec rm -rf {} +
if [ "$wheels" = --wheels ]; then
    [ "$(uname -m)" = aarch64 ] || fail "--wheels: run this on a Pi, this machine is $(uname -m)"
    python3 -m venv "$work/.venv"
    "$work/.venv/bin/pip" --quiet download --require-hashes --no-deps --only-binary :all: \
        -r "$source/requirements/runtime.lock" -d "$work/wheels"
    rm -rf "$work/.venv"
fi
# The sum last: a card that is pulled out too early has none that fits, and the gate says so.
rm -f "$out/gate/ticketme-gate.tar.sha256" "$out/gate/ticketme-gate.tar.sha256.sig" "$out/gate/signer"
tar -cf "$out/gate/ticketme-gate.tar" --owner=0 --group=0 -C "$work" .
cp "$source/systemd/first-boot.sh" "$out/gate/first-boot.sh"
(cd "$out/gate" && sha256sum ticketme-gate.tar) > "$work/ticketme-gate.tar.sha256"
if [ -n "$key" ]; then
    ssh-keygen -Y sign -q -n ticketme-gate -f "$key" "$work/ticketme-gate.tar.sha256" ||
        fail "$key did not sign, so the card holds no bundle that a gate takes: repeat with the right passphrase"
    cp "$work/ticketme-gate.tar.sha256.sig" "$out/gate/"
    echo "gate namespaces=\"ticketme-gate\" $(cut -d ' ' -f 1,2 "$key.pub")" > "$out/gate/signer"
fi
cp "$work/ticketme-gate.tar.sha256" "$out/gate/"

# A gate that took its settings in keeps them: only a new card gets the defaults to begin with.
if [ ! -e "$out/gate/report.txt" ]; then
    [ -e "$out/gate/gate.toml" ] || cp "$source/systemd/gate.toml" "$out/gate/gate.toml"
    [ -e "$out/gate/install" ] || cp "$source/systemd/gate.install" "$out/gate/install"
fi

if [ "$how" = imager ]; then
    # Raspberry Pi OS 12 cuts firstrun.sh off at the line that removes it and writes an end of its own
    # (raspberrypi-sys-mods, imager_fixup), and changes each /boot/ in cmdline.txt: so ours stands before that line.
    grep -q gate/first-boot.sh "$out/firstrun.sh" || {
        call='for gate in /boot/firmware/gate /boot/gate; do [ ! -f $gate/first-boot.sh ] || sh $gate/first-boot.sh; done'
        awk -v call="$call" '!put && (/rm.*firstrun\.sh$/ || /^exit/) { print call; put = 1 } { print }
            END { if (!put) print call }' "$out/firstrun.sh" > "$work/firstrun.sh"
        cp "$work/firstrun.sh" "$out/firstrun.sh"
    }
elif [ -z "$run" ]; then
    once="systemd.run=/boot/firmware/gate/first-boot.sh systemd.run_success_action=reboot"
    sed "1s|[[:space:]]*\$| $once systemd.unit=kernel-command-line.target|" "$out/cmdline.txt" > "$work/cmdline.txt"
    cp "$work/cmdline.txt" "$out/cmdline.txt"
fi
sync
[ "$how" = alone ] || echo "Raspberry Pi Imager's own settings of this card run first, then the gate's"
[ ! -e "$out/gate/report.txt" ] || echo "this card was in a gate: it keeps its settings and enrolment, and takes the new release"
[ -n "$key" ] || echo "not signed (--sign): a gate that was installed from a signed card does not take this bundle"
echo "now: edit $out/gate/gate.toml and $out/gate/install, and write the line 'URL CODE' into $out/gate/enrol"
