#!/bin/sh
# Takes in what lies in the folder `gate` of the boot partition, and removes each file once it is taken in:
#   wifi       three lines: network, passphrase, country     -> a connection of NetworkManager
#   gate.toml  the settings                                  -> /etc/gate-scanner.toml
#   enrol      one line: URL CODE                            -> an enrolment; the code is worthless from then on
# What happened is in the journal and, for a gate without a screen, in report.txt beside them.
set -eu
root=${GATE_ROOT:-}
for boot in "$root/boot/firmware" "$root/boot"; do [ -d "$boot/gate" ] && break; done
gate=$boot/gate
[ -d "$gate" ] || exit 0

report=$gate/report.txt
say() {
    echo "$*"
    # Tried every minute: what is still the same is not written again.
    [ "$(tail -n 1 "$report" 2>/dev/null | cut -d ' ' -f 2-)" = "$*" ] || echo "$(date -u +%FT%TZ) $*" >> "$report"
}
fail() { say "$*"; exit 1; }
taken_in() { rm -f "$gate/$1"; sync "$gate"; }
# A laptop may have written the file with carriage returns.
line() { sed -n "$2{s/\r\$//;p;}" "$gate/$1"; }

if [ -e "$gate/wifi" ]; then
    name=$(line wifi 1) country=$(line wifi 3)
    [ -z "$country" ] || raspi-config nonint do_wifi_country "$country" || say "the Wi-Fi country $country could not be set"
    nmcli connection delete gate-wifi >/dev/null 2>&1 || true
    nmcli connection add type wifi con-name gate-wifi ssid "$name" wifi-sec.key-mgmt wpa-psk \
        wifi-sec.psk "$(line wifi 2)" connection.autoconnect-retries 0 >/dev/null || fail "Wi-Fi: $name was not accepted"
    taken_in wifi
    say "Wi-Fi: $name"
    nmcli --wait 60 connection up gate-wifi >/dev/null || fail "Wi-Fi: $name cannot be joined; is the passphrase right?"
fi

if [ ! -e "$root/opt/ticketme-gate/current" ]; then
    say "installing"
    sh "$root/opt/ticketme-gate/setup/systemd/install.sh" gate >> "$report" 2>&1 || fail "not installed: see above"
    say "installed"
    touch "$root/opt/ticketme-gate/restart-due"
fi

if [ -e "$gate/gate.toml" ]; then
    found=$("$root/opt/ticketme-gate/current/bin/python" -P "$root/usr/local/lib/ticketme-gate/check_settings.py" \
        "$gate/gate.toml") || fail "gate.toml is not used: $found"
    install -D -m 644 "$gate/gate.toml" "$root/etc/gate-scanner.toml"
    taken_in gate.toml
    say "settings: taken in"
    # Not waited for: a gate that is not enrolled yet cannot start.
    systemctl --no-block try-restart gate-scanner
fi

if [ -e "$gate/enrol" ]; then
    read -r url code < "$gate/enrol" || true
    said=$("$root/usr/local/bin/gate-scanner" enrol "$url" "$(echo "$code" | tr -d '\r')" 2>&1) || fail "not enrolled: $said"
    taken_in enrol
    say "$said"
    systemctl --no-block restart gate-scanner
fi

if [ -e "$root/opt/ticketme-gate/restart-due" ]; then
    rm "$root/opt/ticketme-gate/restart-due"
    say "restarting once: strict_gpiod and the hardware watchdog take effect"
    systemctl reboot
fi
