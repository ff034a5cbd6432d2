#!/bin/sh
# Runs once, from the boot partition, before a bare Raspberry Pi OS starts in earnest (bundle.sh put its name into
# cmdline.txt, or into the firstrun.sh of Raspberry Pi Imager): unpacks the program and arranges that the next start
# installs it. Needs no network. May be run again: its name is taken out when everything else is on the disk.
set -eu
case " $* " in *" --help "* | *" -h "*) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
[ $# = 0 ] || { echo "first-boot: takes no words; --help says what it does" >&2; exit 2; }
root=${GATE_ROOT:-}
gate=$(dirname "$(readlink -f "$0")")
boot=$(dirname "$gate")
base=$root/opt/ticketme-gate
lib=$root/usr/local/lib/ticketme-gate

say() { echo "$*"; echo "$(date -u +%FT%TZ) $*" >> "$gate/report.txt"; sync "$gate"; }
cd "$gate"
if ! sha256sum --check --status ticketme-gate.tar.sha256; then
    say "the bundle on this card is damaged: run bundle.sh again, and let the computer eject the card before you take it out"
    exit 1
fi
# A gate that was installed from a signed card goes by the key of that card, not by one that this card names.
signer=$base/signer
[ -e "$signer" ] || signer=signer
if [ -e "$signer" ] && ! ssh-keygen -Y verify -q -f "$signer" -I gate -n ticketme-gate -s ticketme-gate.tar.sha256.sig \
    < ticketme-gate.tar.sha256 >/dev/null 2>&1; then
    say "the bundle on this card is not signed by the key that this gate takes updates by: make it with bundle.sh --sign and that key"
    exit 1
fi
rm -rf "$base/setup.new"
mkdir -p "$base/setup.new" "$lib"
tar -xf ticketme-gate.tar -C "$base/setup.new" --no-same-owner
# What a laptop's umask made of them must not keep the lamps' own user out.
chmod -R a+rX "$base/setup.new"
cut -d ' ' -f 1 ticketme-gate.tar.sha256 > "$base/setup.new/bundle"
# From now on this gate takes updates by this key only; a card that was made without one leaves it open.
[ ! -e signer ] || [ "$signer" = "$base/signer" ] || cp signer "$base/signer"
sync
rm -rf "$base/setup"
mv "$base/setup.new" "$base/setup"
install -m 755 "$base/setup/systemd/provision.sh" "$base/setup/systemd/lamps.sh" "$lib/"
for unit in gate-provision.service gate-lamps@.service; do
    install -D -m 644 "$base/setup/systemd/$unit" "$root/etc/systemd/system/$unit"
done
systemctl enable gate-provision.service
sync
say "unpacked; installing after the next start"
# Where Imager's script called this one, that script takes its own words out.
sed -i 's| systemd\.run=[^ ]*/gate/first-boot\.sh systemd\.run_success_action=reboot systemd\.unit=kernel-command-line\.target||' \
    "$boot/cmdline.txt"
sync
