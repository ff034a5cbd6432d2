#!/bin/sh
# The lamps while no gate runs: `lamps.sh installing`, `lamps.sh failed` (gate-lamps@.service), `lamps.sh off` before the
# gate takes them. With the release in use, and before there is one with the system's own Python, if that has gpiozero.
set -eu
case " $* " in *" --help "* | *" -h "*) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
[ $# = 1 ] || { echo "lamps: usage: lamps.sh installing | failed | off" >&2; exit 2; }
root=${GATE_ROOT:-}
base=$root/opt/ticketme-gate

if [ "$1" = off ]; then
    exec systemctl stop 'gate-lamps@*.service'
fi
# The settings that wait on the card count for a gate that has none yet.
settings=
for file in "$root/boot/gate/gate.toml" "$root/boot/firmware/gate/gate.toml" "$root/etc/gate-scanner.toml"; do
    [ ! -f "$file" ] || settings=$file
done
if [ -x "$base/current/bin/python" ]; then
    exec "$base/current/bin/python" -P -m scanner.hw.beacon "$1" ${settings:+"$settings"}
fi
cd "$base/setup"
exec python3 -m scanner.hw.beacon "$1" ${settings:+"$settings"}
