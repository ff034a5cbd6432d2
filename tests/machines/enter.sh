#!/bin/sh
# Runs a command inside an unpacked root, as on a machine of its own but for the kernel and the network.
# usage: tests/machines/enter.sh FOLDER COMMAND [ARGUMENT...]
# It sees its own processes only, all of which end with it, and none of this machine's variables but pip's settings.
set -eu
root=$(cd "${1:?usage: enter.sh FOLDER COMMAND...}" && pwd)
shift

# What this machine needs to reach its package index is copied in: settings, and certificates beside the root's own.
cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
# Debian's installer writes this file, with the machine's name; mmdebstrap does not.
[ -e "$root/etc/hosts" ] || printf '127.0.0.1\tlocalhost\n::1\t\tlocalhost ip6-localhost ip6-loopback\n' > "$root/etc/hosts"
grep -qwF "$(uname -n)" "$root/etc/hosts" || printf '127.0.1.1\t%s\n' "$(uname -n)" >> "$root/etc/hosts"
for settings in /etc/pip.conf /etc/xdg/pip; do
    [ ! -e "$settings" ] || { mkdir -p "$root$(dirname "$settings")" && cp -rL "$settings" "$root$(dirname "$settings")/"; }
done
certificates=${PIP_CERT:-}
[ -n "$certificates" ] || [ ! -e /etc/pip.conf ] || certificates=$(sed -n 's/^ *cert *= *//p' /etc/pip.conf)
[ ! -f "$certificates" ] || cp -L "$certificates" "$root/etc/machine-certificates.crt"

exec env -i HOME=/root TERM="${TERM:-dumb}" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    DEBIAN_FRONTEND=noninteractive \
    $(env | grep -E '^(PIP_[A-Z_]+|https?_proxy|no_proxy)=[^ ]*$' | grep -v '^PIP_CERT=') \
    ${certificates:+PIP_CERT=/etc/machine-certificates.crt} \
    unshare --mount --pid --fork --kill-child --propagation private sh -eu -c '
        root=$1
        shift
        # It becomes the root, where chroot would only look like one: in that no program may make a namespace.
        mount --bind "$root" "$root"
        mount -t proc proc "$root/proc"
        mount --rbind --read-only /sys "$root/sys"
        mount --rbind /dev "$root/dev"
        cd "$root"
        pivot_root . .
        umount -l .
        cd /
        exec "$@"' enter "$root" "$@"
