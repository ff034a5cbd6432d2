#!/bin/sh
# The command `gate-scanner` on a gate. What reads or writes the gate's own files runs as the service would: the same
# user, the same folders, the same board secret. Otherwise root would leave files that the service cannot read.
program=/opt/ticketme-gate/current/bin/gate-scanner

case ${1:-} in
    run) echo "gate-scanner: on a gate, systemd runs it: systemctl start gate-scanner" >&2; exit 2 ;;
    enrol | forget | status | doctor | journal | release-relay) ;;
    *) exec "$program" "$@" ;;
esac
case " $* " in *" --help "* | *" -h "*) exec "$program" "$@" ;; esac
[ "$(id -u)" = 0 ] || { echo "gate-scanner: the gate's files belong to the service: sudo gate-scanner $*" >&2; exit 2; }
if [ "$1" = doctor ] && systemctl is-active --quiet gate-scanner; then
    echo "gate-scanner: the gate has camera and pins: systemctl stop gate-scanner, look, systemctl start gate-scanner" >&2
    exit 2
fi
exec systemd-run --quiet --pipe --wait --collect --service-type=exec \
    -p DynamicUser=yes -p User=gate-scanner -p "SupplementaryGroups=gpio video" \
    -p StateDirectory=gate-scanner -p StateDirectoryMode=0700 \
    -E HOME=/var/lib/gate-scanner -E RUNTIME_DIRECTORY=/run/gate-scanner \
    -p UMask=0077 -p LimitCORE=0 -p LoadCredential=board-secret -p ProtectProc=invisible -p NoNewPrivileges=yes \
    "$program" "$@"
