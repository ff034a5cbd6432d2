#!/bin/sh
# Puts what only this board knows where systemd looks for credentials: /run/credstore, which is memory.
# The board's own key is never in a file: what is kept is its hash under a name of ours.
set -eu
case " $* " in *" --help "* | *" -h "*) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
[ $# = 0 ] || { echo "board-secret: takes no words; --help says what it does" >&2; exit 2; }
umask 077
tool=${BOARD_KEY_TOOL:-/usr/bin/rpi-otp-private-key}
store=${CREDSTORE:-/run/credstore}

if ! "$tool" -c >/dev/null 2>&1; then
    echo "this board has no key of its own: the gate's key is stored unlocked (docs/operations.md says how to make one)"
    exit 0
fi
key=$("$tool")
case $key in
    *[!0-9a-f]* | "") echo "the board's key cannot be read" >&2; exit 1 ;;
esac
mkdir -p "$store"
printf 'ticketme/v1/board-secret\n%s' "$key" | sha256sum | cut -c 1-64 > "$store/board-secret"
echo "the secret of this board is in place"
