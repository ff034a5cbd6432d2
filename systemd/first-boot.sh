#!/bin/sh
# Runs once, from the boot partition, before a bare Raspberry Pi OS starts in earnest (bundle.sh put its name into
# cmdline.txt): unpacks the program and arranges that the next start installs it. Needs no network.
set -eu
gate=$(dirname "$(readlink -f "$0")")
boot=$(dirname "$gate")
setup=/opt/ticketme-gate/setup

sed -i 's| systemd\.run[^ ]*||g; s| systemd\.unit=kernel-command-line\.target||' "$boot/cmdline.txt"
rm -rf "$setup"
mkdir -p "$setup" /usr/local/lib/ticketme-gate
tar -xf "$gate/ticketme-gate.tar" -C "$setup" --no-same-owner
install -m 755 "$setup/systemd/provision.sh" /usr/local/lib/ticketme-gate/provision.sh
install -m 644 "$setup/systemd/gate-provision.service" /etc/systemd/system/gate-provision.service
systemctl enable gate-provision.service
echo "$(date -u +%FT%TZ) unpacked; installing after the next start" >> "$gate/report.txt"
