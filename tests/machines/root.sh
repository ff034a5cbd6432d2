#!/bin/sh
# Makes a bare Debian root for tests and prints the path of its tarball; the same request is answered from build/roots.
# usage: tests/machines/root.sh SUITE ARCH [PACKAGE...]      e.g. bookworm amd64 python3 make git
# The packages come from where this machine's apt gets its own. Ends with 77 and a reason where that cannot be done.
set -eu
suite=${1:?usage: root.sh SUITE ARCH [PACKAGE...]} arch=${2:?usage: root.sh SUITE ARCH [PACKAGE...]}
shift 2
cd "$(dirname "$0")/../.."

cannot() { echo "root.sh: $*" >&2; exit 77; }

# install PACKAGE...: an index from another day names files that are gone, so a first failure asks for a new one.
install() {
    [ "$(id -u)" = 0 ] || return 1
    apt-get install -y -q --no-install-recommends "$@" >&2 ||
        { apt-get update -q >&2 && apt-get install -y -q --no-install-recommends "$@" >&2; }
}

mirror() {
    . /etc/os-release
    apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Identifier: Packages' |
        awk -v release="$VERSION_CODENAME" '$1 == release && $2 == "main" {print $3; exit}'
}

[ "$(id -u)" = 0 ] || cannot "making and entering a root needs root"
command -v apt-get >/dev/null || cannot "this machine has no apt-get to take Debian's packages from"
command -v mmdebstrap >/dev/null || install mmdebstrap || cannot "mmdebstrap is missing and could not be installed"
if [ "$arch" != "$(dpkg --print-architecture)" ]; then
    { command -v qemu-aarch64-static && command -v update-binfmts && command -v arch-test; } >/dev/null ||
        install qemu-user-static binfmt-support arch-test || cannot "qemu-user-static is missing and could not be installed"
    mountpoint -q /proc/sys/fs/binfmt_misc || mount -t binfmt_misc none /proc/sys/fs/binfmt_misc 2>/dev/null ||
        cannot "this kernel has no binfmt_misc, so it cannot run programs of another machine"
    update-binfmts --enable >/dev/null 2>&1 || true
fi

# The root's name says all that it was made from.
asked=$(printf '%s\n' "$@" | sort | sha256sum | cut -c 1-12)
out=build/roots/$suite-$arch-$asked.tar
mkdir -p build/roots
exec 9> "$out.lock"
flock 9
if [ ! -s "$out" ]; then
    from=$(mirror)
    [ -n "$from" ] || cannot "apt's lists of this machine name no Debian release of its own"
    rm -f "$out.part"
    # A mirror that is a copy of an earlier day is good enough here where it is for this machine's own packages.
    valid=$(apt-config dump --format '%v' Acquire::Check-Valid-Until)
    mmdebstrap --quiet --aptopt="Acquire::Check-Valid-Until \"${valid:-true}\"" --mode=root --format=tar --variant=minbase --arch="$arch" \
        ${1:+"--include=$(echo "$*" | tr ' ' ,)"} "$suite" "$out.part" "deb $from $suite main" >&2
    mv "$out.part" "$out"
fi
echo "$PWD/$out"
