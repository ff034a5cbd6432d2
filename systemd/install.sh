#!/bin/sh
# Installs or updates a gate or a ledger node on Raspberry Pi OS or Debian (12 or 13), from this folder's checkout.
# usage: sudo systemd/install.sh gate [--pi-camera] [--kiosk] | node | witness
# Every package is checked against the hashes of requirements/runtime.lock; from the folder `wheels` if it is here, else
# from the package index. The release in use is replaced at once, by a link; the one before it is kept for `rollback`.
# usage: sudo systemd/install.sh rollback
set -eu
umask 022
here=$(cd "$(dirname "$0")" && pwd)
source=$(dirname "$here")
base=/opt/ticketme-gate
lib=/usr/local/lib/ticketme-gate

fail() { echo "install: $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || fail "run it with sudo"

need() {
    missing=
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    echo "apt:$missing"
    export DEBIAN_FRONTEND=noninteractive
    # An index from another day names files that are gone.
    apt-get install -y -q --no-install-recommends $missing >/dev/null 2>&1 ||
        { apt-get update -q >/dev/null && apt-get install -y -q --no-install-recommends $missing >/dev/null; }
}

# Make the release that $1 names the one that the units start.
use() {
    ln -sfn "$1" "$base/next"
    mv -T "$base/next" "$base/current"
}

new_release() {
    version=$(sed -n 's/^version = //p' "$source/setup.cfg")
    release=$base/releases/$version-$(date -u +%Y%m%dT%H%M%SZ)
    echo "release: $release"
    mkdir -p "$base/releases"
    work=$(mktemp -d)
    trap 'rm -rf "$work" "$release"' EXIT
    cp -r "$source/setup.cfg" "$source/pyproject.toml" "$source/README.md" "$source/LICENSE" "$source/scanner" \
        "$source/ledger-node" "$work/"
    python3 -m venv "$@" "$release"
    from=
    [ ! -d "$source/wheels" ] || from="--no-index --find-links $source/wheels"
    pip="$release/bin/pip --quiet --disable-pip-version-check install"
    $pip --require-hashes --only-binary :all: $from -r "$source/requirements/runtime.lock"
    $pip --no-deps --no-index --no-build-isolation "$work"
    "$release/bin/gate-scanner" --version >/dev/null
    trap - EXIT
    rm -rf "$work"
    before=$(readlink "$base/current" || true)
    use "$release"
    for old in "$base"/releases/*; do
        [ "$old" = "$release" ] || [ "$old" = "$before" ] || rm -rf "$old"
    done
}

units() {
    install -d "$lib"
    for unit in "$@"; do install -m 644 "$here/$unit" "/etc/systemd/system/$unit"; done
    install -D -m 644 "$here/journald.conf" /etc/systemd/journald.conf.d/ticketme-gate.conf
    install -D -m 644 "$here/hardware-watchdog.conf" /etc/systemd/system.conf.d/ticketme-gate.conf
}

# A line of a file on the boot partition, added once.
boot_line() {
    for file in "/boot/firmware/$1" "/boot/$1"; do
        [ ! -f "$file" ] || { grep -qxF "$2" "$file" || printf '\n[all]\n%s\n' "$2" >> "$file"; return 0; }
    done
}

gate() {
    packages="python3-venv libzbar0" kiosk=
    [ "$(uname -m)" != aarch64 ] || packages="$packages python3-lgpio"
    for option in "$@"; do
        case $option in
            --pi-camera) packages="$packages python3-picamera2" ;;
            --kiosk) packages="$packages cage chromium fonts-noto-cjk" kiosk=gate-kiosk.service ;;
            *) fail "unknown option $option" ;;
        esac
    done
    need $packages
    # lgpio and picamera2 are Debian's, so the environment must see the system's packages.
    new_release --system-site-packages
    units gate-scanner.service gate-board-secret.service gate-provision.service $kiosk
    install -m 755 "$here/board-secret.sh" "$here/provision.sh" "$lib/"
    install -m 644 "$here/check_settings.py" "$lib/"
    install -D -m 644 "$here/gate-scanner.sysusers" /etc/sysusers.d/gate-scanner.conf
    install -D -m 644 "$here/gate-scanner.modules" /etc/modules-load.d/gate-scanner.conf
    install -D -m 644 "$here/gate-scanner.rules" /etc/udev/rules.d/60-gate-scanner.rules
    install -m 755 "$here/gate-scanner.sh" /usr/local/bin/gate-scanner
    [ -z "$kiosk" ] || install -D -m 644 "$here/gate-kiosk.sysusers" /etc/sysusers.d/gate-kiosk.conf
    systemd-sysusers
    boot_line config.txt dtparam=strict_gpiod
    systemctl daemon-reload
    udevadm control --reload 2>/dev/null && udevadm trigger --subsystem-match=gpio --subsystem-match=dma_heap || true
    systemctl enable --quiet gate-board-secret gate-provision gate-scanner $kiosk
    systemctl restart gate-board-secret
    systemctl restart --no-block gate-scanner
    echo "installed: next, sudo gate-scanner enrol URL CODE, then sudo gate-scanner status"
    echo "restart once, so that strict_gpiod and the hardware watchdog take effect"
}

node() {
    need python3-venv
    new_release
    units ledger-node.service
    install -m 755 "$here/ledger-node.sh" /usr/local/bin/ledger-node
    systemctl daemon-reload
    systemctl enable --quiet ledger-node
    systemctl restart ledger-node
    echo "installed and serving on port 8440: next, sudo ledger-node event create --help"
}

witness() {
    need python3-venv
    new_release
    units ledger-witness.service
    settings=/etc/ledger-witness.conf
    [ -e "$settings" ] || printf 'LEDGER_WITNESS=--name %s\n' "$(hostname)/witness" > "$settings"
    systemctl daemon-reload
    systemctl enable --quiet ledger-witness
    if grep -q :// "$settings"; then
        systemctl restart ledger-witness
        echo "installed and serving on port 8442"
    else
        echo "installed: next, name the log in $settings (docs/witness.md), then sudo systemctl start ledger-witness"
    fi
}

rollback() {
    now=$(readlink "$base/current") || fail "nothing is installed"
    for release in "$base"/releases/*; do
        [ "$release" = "$now" ] || before=$release
    done
    use "${before:?there is no release to go back to}"
    systemctl try-restart gate-scanner ledger-node ledger-witness
    echo "back to $before"
}

what=${1:-}
[ $# = 0 ] || shift
case $what in
    gate) gate "$@" ;;
    node) node ;;
    witness) witness ;;
    rollback) rollback ;;
    *) fail "usage: sudo systemd/install.sh gate [--pi-camera] [--kiosk] | node | witness | rollback" ;;
esac
