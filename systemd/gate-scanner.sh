#!/bin/sh
# The command `gate-scanner` on a gate. What reads or writes the gate's own files runs as the service would: the same
# user, the same folders, the same board secret. Otherwise root would leave files that the service cannot read.
# It ends as the program does: 1 for what is refused or not to be had, 2 for a wrong command line.
program=${GATE_ROOT:-}/opt/ticketme-gate/current/bin/gate-scanner
refuse() { echo "gate-scanner: $*" >&2; exit 1; }

if [ ! -x "$program" ]; then
    case " $* " in *" --help "* | *" -h "*) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
    refuse "$program is not installed: sudo systemd/install.sh gate"
fi
case " $* " in *" --help "* | *" -h "*) exec "$program" "$@" ;; esac
case ${1:-} in
    run) refuse "on a gate, systemd runs it: systemctl start gate-scanner" ;;
    enrol | forget | status | doctor | journal | clock | release-relay) ;;
    *) exec "$program" "$@" ;;
esac
[ "$(id -u)" = 0 ] || refuse "the gate's files belong to the service: sudo gate-scanner $*"
if [ "$1" = doctor ] && systemctl is-active --quiet gate-scanner; then
    refuse "the gate has camera and pins: systemctl stop gate-scanner, look, systemctl start gate-scanner"
fi
exec systemd-run --quiet --pipe --wait --collect --service-type=exec \
    -p DynamicUser=yes -p User=gate-scanner -p "SupplementaryGroups=gpio video" \
    -p StateDirectory=gate-scanner -p StateDirectoryMode=0700 \
    -E HOME=/var/lib/gate-scanner -E RUNTIME_DIRECTORY=/run/gate-scanner \
    -p UMask=0077 -p LimitCORE=0 -p LoadCredential=board-secret -p ProtectProc=invisible -p NoNewPrivileges=yes \
    "$program" "$@"
