#!/bin/sh
# Takes in what lies in the folder `gate` of the boot partition, and removes each file once it is taken in:
#   wifi       three lines: network, passphrase, country     -> a connection of NetworkManager, once it stood
#   install    words of install.sh: --pi-camera, --kiosk     -> installed beside the rest
#   gate.toml  the settings                                  -> /etc/gate-scanner.toml
#   forget     empty, or --unsent                            -> the enrolment is ended, tried once a start
#   enrol      one line: URL CODE                            -> an enrolment; the code is worthless from then on
# and installs ticketme-gate.tar, or updates to it: it stays there, and its sum says whether it is new.
# What happened is in the journal and, for a gate without a screen, in report.txt beside them. A step that fails does
# not keep the others from being tried; then the exit status is 1, and the unit tries again.
set -u
case " $* " in *" --help "* | *" -h "*) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
[ $# = 0 ] || { echo "provision: takes no words; --help says what it does" >&2; exit 2; }
export LC_ALL=C
root=${GATE_ROOT:-}
for boot in "$root/boot/firmware" "$root/boot"; do [ -d "$boot/gate" ] && break; done
gate=$boot/gate
base=$root/opt/ticketme-gate
setup=$base/setup
run=$root/run/ticketme-gate
report=$gate/report.txt

# Tried every minute: what the last try said already is not written again.
say() {
    echo "$*"
    echo "$*" >> "$run/said"
    grep -qxF -e "$*" "$run/said.before" || echo "$(date -u +%FT%TZ) $*" >> "$report"
}
complain() { say "$*"; return 1; }
taken_in() { rm -f "$gate/$1"; sync "$gate"; }
# A laptop may have written the file with carriage returns, and an editor of Windows with a mark in front.
plain() { sed '1s/^\xef\xbb\xbf//; s/\r$//' "$gate/$1"; }
line() { plain "$1" | sed -n "$2p"; }
kept() { cat "$base/$1" 2>/dev/null; }
keep() { echo "$2" > "$base/$1.new" && sync "$base/$1.new" && mv "$base/$1.new" "$base/$1"; }
# Never in place of the lamps of a gate that runs: the program in the unit gets no pins then, and ends.
lamps_off() { systemctl stop 'gate-lamps@*' 2>/dev/null || true; }
lamps() { lamps_off; systemctl start --no-block "gate-lamps@$1" 2>/dev/null || true; }

wifi() {
    [ -e "$gate/wifi" ] || return 0
    # A try takes a connection that stands away for a while, so then not each minute.
    [ ! -e "$run/wifi-tried" ] || return 0
    again="each minute"
    ! nmcli connection show gate-wifi >/dev/null 2>&1 || { touch "$run/wifi-tried"; again="at the next start"; }
    name=$(line wifi 1) passphrase=$(line wifi 2) country=$(line wifi 3)
    [ -n "$name" ] && [ -n "$passphrase" ] ||
        complain "Wi-Fi: the file needs three lines: network, passphrase, country" || return
    [ -z "$country" ] || raspi-config nonint do_wifi_country "$country" >/dev/null ||
        say "Wi-Fi: the country $country could not be set"
    # Beside the connection in use, which goes on if the new one does not stand.
    nmcli connection delete gate-wifi-new >/dev/null 2>&1 || true
    is_passphrase "$passphrase" ||
        complain "Wi-Fi: $name is not tried: a passphrase has 8 to 63 characters of ASCII (line 2)" || return
    profile=$root/etc/NetworkManager/system-connections/gate-wifi-$(cat /proc/sys/kernel/random/uuid).nmconnection
    if ! why=$( (umask 077 && wifi_profile "$name" "$passphrase" > "$profile") && nmcli connection load "$profile" 2>&1); then
        rm -f "$profile"
        complain "Wi-Fi: $name is not tried: $(plain_wifi "$why")" || return
    fi
    if ! why=$(nmcli --wait 60 connection up gate-wifi-new 2>&1); then
        nmcli connection delete gate-wifi-new >/dev/null 2>&1 || true
        # Joined again at once, if there is one: NetworkManager alone would take its time.
        nmcli --wait 60 connection up gate-wifi >/dev/null 2>&1 || true
        complain "Wi-Fi: $name is not joined: $(plain_wifi "$why"). The file wifi stays and is tried again $again" || return
    fi
    nmcli connection delete gate-wifi >/dev/null 2>&1 || true
    nmcli connection modify gate-wifi-new connection.id gate-wifi connection.autoconnect yes ||
        complain "Wi-Fi: $name stands, but could not be kept for the next start" || return
    taken_in wifi
    say "Wi-Fi: $name"
}

# WPA's own rule: 8 to 63 printable characters of ASCII, or the key itself as 64 hex digits.
is_passphrase() {
    case $1 in *[!\ -~]*) return 1 ;; esac
    [ ${#1} -ge 8 ] && { [ ${#1} -le 63 ] || { [ ${#1} = 64 ] && case $1 in *[!0-9A-Fa-f]*) false ;; esac; }; }
}

# A connection as NetworkManager's file of it (nm-settings-keyfile). A passphrase that were an argument of nmcli could be
# read by every user of the machine; printf is the shell's own.
wifi_profile() {
    printf '[connection]\nid=gate-wifi-new\ntype=wifi\nautoconnect=false\nautoconnect-retries=0\n\n[wifi]\nssid=%s\n' \
        "$(printf %s "$1" | od -An -v -tu1 | tr -s ' \n' ';' | sed 's/^;//')"
    printf '\n[wifi-security]\nkey-mgmt=wpa-psk\npsk=%s\n' "$(printf %s "$2" | sed 's/\\/\\\\/g; s/ /\\s/g')"
}

# What NetworkManager says, as what to do. The numbers are its NMDeviceStateReason.
plain_wifi() {
    case $1 in
        *"(7)"* | *"(8)"* | *"(9)"* | *"(10)"* | *"(11)"* | *ecrets*) echo "the passphrase is wrong (line 2)" ;;
        *"(53)"* | *"could not be found"* | *"o network with SSID"*)
            echo "no network of this name is in reach (line 1; capital letters count; 5 GHz needs the country, line 3)" ;;
        *"o suitable device"*) echo "this board has no Wi-Fi, or it is switched off (line 3, the country, switches it on)" ;;
        *"(5)"* | *"(15)"* | *"(16)"* | *"(17)"*) echo "the network takes the passphrase and gives no address (DHCP)" ;;
        *imeout*) echo "no answer within 60 s: too far away, or no address is given (DHCP)" ;;
        *) echo "$1" ;;
    esac
}

# The words of the file `install`, one blank between them. Unknown ones are refused, as install.sh would.
words() {
    [ -e "$gate/install" ] || return 0
    found=
    for word in $(plain install | sed 's/#.*//'); do
        case $word in
            --pi-camera | --kiosk) found="$found$word " ;;
            *) say "install: $word is not known here; there are --pi-camera and --kiosk" >&2; return 1 ;;
        esac
    done
    echo "$found"
}

# A gate that was installed from a signed card knows the key; it takes nothing else from a card that lay elsewhere.
signed() {
    [ -e "$base/signer" ] || return 0
    command -v ssh-keygen >/dev/null || complain "the bundle is not used: ssh-keygen is missing (openssh-client)" || return
    ssh-keygen -Y verify -q -f "$base/signer" -I gate -n ticketme-gate -s "$gate/ticketme-gate.tar.sha256.sig" \
        < "$gate/ticketme-gate.tar.sha256" >/dev/null 2>&1 ||
        complain "the bundle on this card is not used: it is not signed by the key of this gate's first card;" \
            "make it with bundle.sh --sign and that key"
}

unpack() {
    (cd "$gate" && sha256sum --check --status ticketme-gate.tar.sha256) ||
        complain "the bundle on this card is damaged: run bundle.sh again, and let the computer eject the card" || return
    signed || return
    rm -rf "$setup.new"
    mkdir -p "$setup.new" && tar -xf "$gate/ticketme-gate.tar" -C "$setup.new" --no-same-owner &&
        chmod -R a+rX "$setup.new" && echo "$1" > "$setup.new/bundle" && sync && rm -rf "$setup" && mv "$setup.new" "$setup" ||
        complain "the bundle could not be unpacked: is the disk full?"
}

# Install what first-boot.sh unpacked, or update to what is new on the card.
bundle() {
    wanted=$(cut -d ' ' -f 1 "$gate/ticketme-gate.tar.sha256" 2>/dev/null || cat "$setup/bundle" 2>/dev/null)
    if [ -e "$base/current" ]; then
        [ -n "$wanted" ] && [ "$wanted" != "$(kept bundle)" ] && [ "$wanted" != "$(kept bundle-failed)" ] || return 0
    fi
    [ -z "$wanted" ] || [ "$wanted" = "$(cat "$setup/bundle" 2>/dev/null)" ] || unpack "$wanted" || return
    version=$(sed -n 's/^version = //p' "$setup/setup.cfg" 2>/dev/null)
    options=$(words) || return
    if [ -e "$base/current" ]; then update; else first; fi
}

first() {
    lamps installing
    say "installing $version"
    # shellcheck disable=SC2086 # words
    sh "$setup/systemd/install.sh" gate $options >> "$report" 2>&1 || complain "not installed: see above" || return
    settled
    say "installed"
    keep restart-due yes
}

# The old release stays beside the new one until that is ready. What counts as ready is the unit's own word: only a
# gate that was ready before can be lost by an update.
update() {
    if [ ! -e "$base/update-from" ]; then
        ready=no
        ! systemctl start gate-scanner >/dev/null 2>&1 || ready=yes
        keep update-from "$(readlink "$base/current") $ready" || return
    fi
    read -r from ready < "$base/update-from"
    lamps installing
    say "updating to $version"
    # shellcheck disable=SC2086 # words
    sh "$setup/systemd/install.sh" gate $options >> "$report" 2>&1 ||
        complain "not updated: see above; the release before goes on" || return
    if systemctl restart gate-scanner >/dev/null 2>&1; then
        settled
        say "updated to $version: it is ready"
    elif [ "$ready" = yes ]; then
        back
    else
        settled
        say "updated to $version: it is not ready, as the one before was not: $(last_words)"
    fi
}

back() {
    say "the release $version did not become ready: $(last_words)"
    sh "$setup/systemd/install.sh" rollback "$from" >> "$report" 2>&1 || complain "not turned back: see above" || return
    keep bundle-failed "$wanted" && rm -f "$base/update-from"
    if systemctl restart gate-scanner >/dev/null 2>&1; then
        say "back to the release before, which is ready; this bundle is not tried again"
    else
        say "back to the release before, which is not ready either: $(last_words); this bundle is not tried again"
    fi
}

settled() {
    [ -z "$wanted" ] || keep bundle "$wanted"
    rm -f "$base/update-from" "$base/bundle-failed"
    [ -z "$options" ] || taken_in install
}

# The program's own, not what systemd says of it.
last_words() {
    journalctl _SYSTEMD_UNIT=gate-scanner.service -n 3 -o cat 2>/dev/null | tr '\n' ' ' | cut -c 1-400
}

# On a gate whose release stays as it is.
options() {
    options=$(words) || return
    [ -n "$options" ] || return 0
    say "adding $options"
    adding=$base/current/systemd/install.sh
    [ -e "$adding" ] || adding=$setup/systemd/install.sh
    # shellcheck disable=SC2086 # words
    sh "$adding" add $options >> "$report" 2>&1 || complain "not added: see above" || return
    taken_in install
    say "added"
}

settings() {
    [ -e "$gate/gate.toml" ] || return 0
    found=$("$base/current/bin/python" -P "$root/usr/local/lib/ticketme-gate/check_settings.py" "$gate/gate.toml") ||
        complain "gate.toml is not used: $found" || return
    install -D -m 644 "$gate/gate.toml" "$root/etc/gate-scanner.toml" && sync "$root/etc/gate-scanner.toml" ||
        complain "gate.toml could not be copied: is the disk full?" || return
    taken_in gate.toml
    say "settings: taken in"
    # Not waited for: a gate that is not enrolled yet cannot start.
    systemctl --no-block try-restart gate-scanner
}

forget() {
    [ -e "$gate/forget" ] || return 0
    # The gate stands still meanwhile, so not each minute.
    [ ! -e "$run/forget-tried" ] || return 0
    touch "$run/forget-tried"
    unsent=$(line forget 1)
    systemctl stop gate-scanner
    said=$("$root/usr/local/bin/gate-scanner" forget ${unsent:+"$unsent"} 2>&1)
    status=$?
    systemctl --no-block start gate-scanner
    # Where there is nothing to forget, there will not be later: the file is used up.
    case $said in *"nothing to forget"*) status=0 ;; esac
    [ $status = 0 ] || complain "not forgotten: $said" || return
    taken_in forget
    say "$said"
}

enrol() {
    [ -e "$gate/enrol" ] || return 0
    read -r url code <<END
$(line enrol 1)
END
    said=$(echo "$code" | "$root/usr/local/bin/gate-scanner" enrol "$url" 2>&1) ||
        complain "not enrolled: $said" || return
    taken_in enrol
    say "$said"
    systemctl --no-block restart gate-scanner
}

restart() {
    [ -e "$base/restart-due" ] || return 0
    rm "$base/restart-due"
    say "restarting once: strict_gpiod and the hardware watchdog take effect"
    systemctl reboot
}

main() {
    [ -d "$gate" ] || exit 0
    mkdir -p "$run"
    touch "$run/said"
    mv "$run/said" "$run/said.before"
    touch "$run/said"
    failed=0
    wifi || failed=1
    bundle || failed=1
    if [ ! -e "$base/current" ]; then
        lamps failed
        exit 1
    fi
    lamps_off
    for step in options settings forget enrol restart; do "$step" || failed=1; done
    exit $failed
}

main
