#!/bin/sh
# The command `ledger-node` on a node's machine: asks the running service, through the socket in its folder. Without the
# service root would open the ledger itself and leave files that the service cannot read.
# It ends as the program does: 1 for what is refused or not to be had, 2 for a wrong command line.
program=${GATE_ROOT:-}/opt/ticketme-gate/current/bin/ledger-node
home=/var/lib/ledger-node
refuse() { echo "ledger-node: $*" >&2; exit 1; }

if [ ! -x "$program" ]; then
    case " $* " in *" --help "* | *" -h "*) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
    refuse "$program is not installed: sudo systemd/install.sh node"
fi
case " $* " in *" --help "* | *" -h "*) exec "$program" "$@" ;; esac
case ${1:-} in
    serve) refuse "here systemd runs it: systemctl start ledger-node" ;;
    witness) refuse "here systemd runs it: systemctl start ledger-witness" ;;
    event | tickets | devices | keys | snapshot | export | accounts | vault | activations | alerts) ;;
    policy | actors | orders | sale | transfers | resale | restore | sponsors | refunds | leases) ;;
    *) exec "$program" "$@" ;;
esac
[ "$(id -u)" = 0 ] || refuse "the node's socket belongs to the service: sudo ledger-node $*"
systemctl is-active --quiet ledger-node || refuse "first systemctl start ledger-node"
exec "$program" --home "$home" "$@"
