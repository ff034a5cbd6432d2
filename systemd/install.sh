#!/bin/sh
# Installs or updates a gate or a ledger node on Raspberry Pi OS or Debian (12 or 13), from this folder's checkout.
# usage: sudo systemd/install.sh gate [--pi-camera] [--kiosk] | node | witness
# Every package is checked against the hashes of requirements/runtime.lock; from the folder `wheels` if it is here, else
# from the package index. The release in use is replaced at once, by a link; the one before it is kept for `rollback`.
# usage: sudo systemd/install.sh rollback [RELEASE]    to the release before, with its units
# usage: sudo systemd/install.sh add [--pi-camera] [--kiosk]    to the gate's release as it is
set -eu
case " $* " in *" --help "* | *" -h "*) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
umask 022
here=$(cd "$(dirname "$0")" && pwd)
source=$(dirname "$here")
root=${GATE_ROOT:-}
base=$root/opt/ticketme-gate
lib=$root/usr/local/lib/ticketme-gate
units=$root/etc/systemd/system

usage="sudo systemd/install.sh gate [--pi-camera] [--kiosk] | add OPTION... | node | witness | rollback [RELEASE]"
fail() { echo "install: $*" >&2; exit 1; }
misused() { echo "install: $*; usage: $usage" >&2; exit 2; }

# A wrong command line is told before anything else is looked at, and changes nothing.
understood() {
    what=${1:-}
    [ $# = 0 ] || shift
    case $what in
        gate | add)
            for option in "$@"; do
                case $option in
                    --pi-camera | --kiosk) ;;
                    *) misused "unknown option $option" ;;
                esac
            done
            [ "$what" = gate ] || [ $# -gt 0 ] || misused "add what? --pi-camera, --kiosk"
            ;;
        node | witness) [ $# = 0 ] || misused "$what takes no more words" ;;
        rollback) [ $# -le 1 ] || misused "one release, not $*" ;;
        '') misused "what is this machine to be?" ;;
        *) misused "$what is not known here" ;;
    esac
}
understood "$@"
[ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "run it with sudo"

need() {
    missing=
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    echo "apt:$missing"
    export DEBIAN_FRONTEND=noninteractive
    # Another program may be installing on a first start (cloud-init), and an index from another day names files that
    # are gone.
    get="apt-get -o DPkg::Lock::Timeout=300 -q"
    $get install -y --no-install-recommends $missing >/dev/null 2>&1 ||
        { $get update >/dev/null && $get install -y --no-install-recommends $missing >/dev/null; }
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
    $pip --require-hashes --no-deps --only-binary :all: $from -r "$source/requirements/runtime.lock"
    $pip --no-deps --no-index --no-build-isolation "$work"
    "$release/bin/gate-scanner" --version >/dev/null
    trap - EXIT
    rm -rf "$work"
    # A release is turned back to with the units that it was made with.
    cp -r "$here" "$release/systemd"
    before=$(readlink "$base/current" || true)
    sync
    # Of an update from the card that is not proven yet (provision.sh).
    from=$(cut -d ' ' -f 1 "$base/update-from" 2>/dev/null || true)
    use "$release"
    for old in "$base"/releases/*; do
        [ "$old" = "$release" ] || [ "$old" = "$before" ] || [ "$old" = "$from" ] || rm -rf "$old"
    done
}

put_units() {
    install -d "$lib"
    for unit in "$@"; do install -D -m 644 "$here/$unit" "$units/$unit"; done
    install -D -m 644 "$here/journald.conf" "$root/etc/systemd/journald.conf.d/ticketme-gate.conf"
    install -D -m 644 "$here/hardware-watchdog.conf" "$root/etc/systemd/system.conf.d/ticketme-gate.conf"
}

# What the gate has beside the usual: kept, so that a later update has it too.
options() {
    kept=$base/options
    for option in "$@"; do
        grep -qxF -e "$option" "$kept" 2>/dev/null || { mkdir -p "$base"; echo "$option" >> "$kept"; }
    done
    packages="python3-venv libzbar0" kiosk=
    for option in $(cat "$kept" 2>/dev/null); do
        case $option in
            --pi-camera) packages="$packages python3-picamera2" ;;
            --kiosk) packages="$packages cage chromium fonts-noto-cjk" kiosk=gate-kiosk.service ;;
        esac
    done
    need $packages
    # The lock has a wheel of lgpio up to Python 3.12; for a later one there is Raspberry Pi OS's package.
    python3 -c 'import sys; sys.exit(sys.version_info >= (3, 13))' || need python3-lgpio ||
        fail "python3-lgpio, which drives the pins, could not be installed. Raspberry Pi OS 13 has it, plain Debian 13" \
            "has not: use Raspberry Pi OS, or Debian 12, whose Python needs no package for it"
}

gate_files() {
    put_units gate-scanner.service gate-board-secret.service gate-provision.service gate-lamps@.service $kiosk
    install -m 755 "$here/board-secret.sh" "$here/provision.sh" "$here/lamps.sh" "$lib/"
    install -m 644 "$here/check_settings.py" "$lib/"
    install -D -m 644 "$here/gate-scanner.sysusers" "$root/etc/sysusers.d/gate-scanner.conf"
    install -D -m 644 "$here/gate-scanner.modules" "$root/etc/modules-load.d/gate-scanner.conf"
    install -D -m 644 "$here/gate-scanner.rules" "$root/etc/udev/rules.d/60-gate-scanner.rules"
    install -D -m 755 "$here/gate-scanner.sh" "$root/usr/local/bin/gate-scanner"
    [ -z "$kiosk" ] || install -D -m 644 "$here/gate-kiosk.sysusers" "$root/etc/sysusers.d/gate-kiosk.conf"
}

node_files() {
    put_units ledger-node.service
    install -D -m 755 "$here/ledger-node.sh" "$root/usr/local/bin/ledger-node"
}

# A line of a file on the boot partition, added once.
boot_line() {
    for file in "$root/boot/firmware/$1" "$root/boot/$1"; do
        [ ! -f "$file" ] || { grep -qxF "$2" "$file" || printf '\n[all]\n%s\n' "$2" >> "$file"; return 0; }
    done
}

gate() {
    options "$@"
    # picamera2 and a later Python's lgpio are packages of the system, so the environment must see the system's packages.
    new_release --system-site-packages
    gate_files
    systemd-sysusers
    boot_line config.txt dtparam=strict_gpiod
    systemctl daemon-reload
    udevadm control --reload 2>/dev/null && udevadm trigger --subsystem-match=gpio --subsystem-match=dma_heap || true
    systemctl enable --quiet gate-board-secret gate-provision gate-scanner $kiosk
    systemctl restart gate-board-secret
    systemctl restart --no-block gate-scanner
    echo "installed: next, sudo gate-scanner enrol URL, then sudo gate-scanner status"
    echo "restart once, so that strict_gpiod and the hardware watchdog take effect"
}

add() {
    [ -e "$base/current" ] || fail "there is no gate to add to: sudo systemd/install.sh gate $*"
    options "$@"
    gate_files
    systemd-sysusers
    systemctl daemon-reload
    [ -z "$kiosk" ] || { systemctl enable --quiet $kiosk; systemctl restart --no-block $kiosk; }
    systemctl restart --no-block gate-scanner
    echo "added $*"
}

node() {
    need python3-venv
    new_release
    node_files
    systemctl daemon-reload
    systemctl enable --quiet ledger-node
    systemctl restart ledger-node
    echo "installed and serving on port 8440, gates on 8444: next, sudo ledger-node event create --help"
}

witness() {
    need python3-venv
    new_release
    settings=$root/etc/ledger-witness.conf
    # The first releases listened on 8442, which is the gates': nodes that know this witness ask it there.
    if grep -q -e "--port 8442" "$units/ledger-witness.service" 2>/dev/null && ! grep -q -e --port "$settings"; then
        sed -i 's/^LEDGER_WITNESS=/&--port 8442 /' "$settings"
        echo "this witness stays on port 8442, where its nodes know it: $settings"
    fi
    put_units ledger-witness.service
    [ -e "$settings" ] || printf 'LEDGER_WITNESS=--name %s\n' "$(hostname)/witness" > "$settings"
    systemctl daemon-reload
    systemctl enable --quiet ledger-witness
    if grep -q :// "$settings"; then
        systemctl restart ledger-witness
        port=$(sed -n 's/^LEDGER_WITNESS=.*--port[ =]\([0-9]*\).*/\1/p' "$settings")
        echo "installed and serving on port ${port:-8443}"
    else
        echo "installed: next, name the log in $settings (docs/witness.md), then sudo systemctl start ledger-witness"
    fi
}

# Every database must be one that the release in the folder $1 may open: its header says which is the oldest, as "T" and
# three bytes from byte 68 on. What a gate keeps of an enrolment before is not opened by any.
opens_all() {
    version=$(basename "$1")
    version=${version%%-*}
    for state in gate-scanner ledger-node ledger-witness; do
        [ ! -d "$root/var/lib/$state/" ] || find "$root/var/lib/$state/" -name 'before-*' -prune -o \
            \( -name '*.db' -o -name '*.sqlite3' \) -print
    done | while read -r file; do
        bytes=$(od -An -tu1 -j68 -N4 "$file")
        set -- $bytes
        [ "${1:-}" = 84 ] || continue
        oldest=$2.$3.$4
        [ "$(printf '%s\n' "$oldest" "$version" | sort -V | head -n 1)" = "$oldest" ] ||
            fail "$file can be opened by release $oldest or newer, not by $version: nothing was changed"
    done
}

rollback() {
    now=$(readlink "$base/current") || fail "nothing is installed"
    before=${1:-}
    if [ -z "$before" ]; then
        for release in "$base"/releases/*; do
            [ "$release" = "$now" ] || before=$release
        done
    fi
    [ -n "$before" ] || fail "there is no release to go back to"
    [ -d "$before" ] || fail "$before is not there"
    opens_all "$before"
    use "$before"
    if [ -d "$before/systemd" ]; then
        here=$before/systemd kiosk=
        [ ! -e "$units/gate-kiosk.service" ] || kiosk=gate-kiosk.service
        [ ! -e "$units/gate-scanner.service" ] || gate_files
        [ ! -e "$units/ledger-node.service" ] || node_files
        [ ! -e "$units/ledger-witness.service" ] || put_units ledger-witness.service
        systemctl daemon-reload
    fi
    systemctl try-restart gate-scanner ledger-node ledger-witness
    echo "back to $before"
}

# Each word that `understood` knows is the name of what does it.
"$@"
