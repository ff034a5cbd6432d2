#!/bin/sh
# The command `ledger-node` on a node's machine: asks the running service, through the socket in its folder. Without the
# service root would open the ledger itself and leave files that the service cannot read.
program=/opt/ticketme-gate/current/bin/ledger-node
home=/var/lib/ledger-node

case ${1:-} in
    serve) echo "ledger-node: here systemd runs it: systemctl start ledger-node" >&2; exit 2 ;;
    witness) echo "ledger-node: here systemd runs it: systemctl start ledger-witness" >&2; exit 2 ;;
    event | tickets | devices | keys | snapshot | export | accounts | vault | activations | alerts) ;;
    policy | actors | orders | sale | transfers | resale | sponsors | refunds) ;;
    *) exec "$program" "$@" ;;
esac
case " $* " in *" --help "* | *" -h "*) exec "$program" "$@" ;; esac
[ "$(id -u)" = 0 ] || { echo "ledger-node: the node's socket belongs to the service: sudo ledger-node $*" >&2; exit 2; }
systemctl is-active --quiet ledger-node || { echo "ledger-node: first systemctl start ledger-node" >&2; exit 2; }
exec "$program" --home "$home" "$@"
