"""The pages of venue IT, gate staff and ops."""

from tests.documented.steps import CODE, DATES, DEVICE, DOCUMENTED, INSTALLER, NIGHT, SYSTEMD, Elsewhere, Run, Step

GATE: dict[str, list[Step]] = {
    "docs/gate-staff.md": [
        Elsewhere(
            "chromium --kiosk --autoplay-policy=no-user-gesture-required --noerrdialogs "
            "--disable-session-crashed-bubble http://127.0.0.1:8441/",
            "a screen",
            "tests/browser/test_kiosk.py",
        ),
    ],
    "docs/hardware.md": [
        Run("sudo systemctl kill -s KILL gate-scanner", before=NIGHT),
    ],
    "docs/operations.md": [
        Elsewhere("sudo systemd/install.sh node", SYSTEMD, INSTALLER),
        Run(
            'sudo ledger-node event create coliseum-1122 --name "Harbour Nights 海港之夜" --capacity 12500 '
            """--doors "$(date -d '+30 days' +%F)T18:30" --starts "$(date -d '+30 days' +%F)T20:15\"""",
            '"capacity": 12500',
            fill=DATES,
            before="prepare node",
        ),
        Run("sudo ledger-node tickets import coliseum-1122 tickets.csv", "20", before="prepare tickets tickets.csv"),
        Run("sudo ledger-node keys show", '"log": "ticketme-gate/ledger/'),
        Elsewhere("sh systemd/bundle.sh /media/$USER/bootfs", "a card", "tests/integration/test_provisioning.py"),
        Run("sudo ledger-node devices code coliseum-1122 R1 --minutes 240", "once: gate-scanner enrol"),
        Elsewhere("sudo systemd/install.sh gate", SYSTEMD, INSTALLER),
        Run("sudo nano /etc/gate-scanner.toml", before="prepare camera"),
        Run(
            "sudo gate-scanner enrol http://10.8.0.10:8444 <<< K4YT-7U3L-UE5D-6K7B",
            "enrolled",
            fill={"K4YT-7U3L-UE5D-6K7B": CODE},
        ),
        Elsewhere("sudo reboot", "a board", "tests/fault/test_kill_scanner.py"),
        Elsewhere(
            'sudo rpi-otp-private-key -c || sudo rpi-otp-private-key -w "$(openssl rand -hex 32)"', "a board", INSTALLER
        ),
        Elsewhere(
            "sudo systemctl restart gate-board-secret && journalctl -o cat -u gate-board-secret -n 2",
            "a board",
            INSTALLER,
        ),
        Run("sudo systemctl restart gate-scanner"),
        Elsewhere("sudo systemctl edit gate-scanner", "an editor of systemd", INSTALLER),
        Elsewhere("systemctl edit ledger-node", "an editor of systemd", INSTALLER),
        Run("sudo gate-scanner status", "state +ready", before="prepare ready"),
        Run("journalctl -o cat -u gate-scanner -f", until='"event": "camera"'),
        Run("journalctl -u gate-scanner", '"event": "camera"'),
        Run("systemctl status gate-scanner", "running"),
        Run(
            "sudo systemctl stop gate-scanner && sudo gate-scanner doctor; sudo systemctl start gate-scanner",
            "camera",
            before="prepare scan 4711",
        ),
        Elsewhere("git pull && sudo systemd/install.sh gate", SYSTEMD, INSTALLER),
        Elsewhere("sudo systemd/install.sh rollback", SYSTEMD, INSTALLER),
        Run("sudo ledger-node devices code coliseum-1122 R1 --minutes 15", "once: gate-scanner enrol"),
        Run("sudo systemctl stop gate-scanner"),
        Run("sudo gate-scanner journal export > coliseum-1122-R1.jsonl"),
        Run("sudo gate-scanner forget", "forgotten", before="test -s coliseum-1122-R1.jsonl"),
        Run(
            "sudo gate-scanner enrol http://10.8.0.10:8444 <<< CODE && sudo systemctl start gate-scanner",
            "enrolled",
            fill={"CODE": CODE},
        ),
        Run("sudo ledger-node leases show coliseum-1122", "R1"),
        Run(
            'sudo ledger-node devices out-of-service coliseum-1122 R3 --reason "does not start"',
            "R3 has no device in service",
            status=1,
        ),
        Elsewhere(
            'sudo ledger-node leases move coliseum-1122 2 --from 1 --reason "group 1 is crowded"',
            "gates that give their uses up",
            "tests/integration/test_leases.py",
        ),
        Run("sudo ledger-node devices revoke coliseum-1122 DEVICE --reason stolen", fill={"DEVICE": DEVICE}),
        Run(
            "sudo gate-scanner enrol http://10.8.0.10:8444 <<< CODE",
            "enrolled",
            fill={"CODE": CODE},
            before="systemctl stop gate-scanner && gate-scanner forget",
        ),
        Run("ledger-node export FOLDER", fill={"FOLDER": "/root/log"}),
        Elsewhere(
            "sudo ledger-node restore fetch SOURCE",
            "a node that lost a part of its log",
            "tests/unit/ledger_node/test_refeed.py",
        ),
        Elsewhere(
            "sudo ledger-node restore seen FILE",
            "a checkpoint that somebody else kept",
            "tests/unit/ledger_node/test_newer_log.py",
        ),
        Run("sudo systemctl stop ledger-node", before="test -s /root/log/checkpoint"),
        Run("sudo tar -C /var/lib/private -cpf ledger-node.tar ledger-node"),
        Run("sudo systemctl start ledger-node"),
    ],
    "docs/ops-log.md": [
        Run(
            "journalctl -o cat -u gate-scanner --since today",
            '"event": "scan"',
            before=f"{NIGHT} && prepare scan 4711 && prepare scan 9999",
        ),
        Run("journalctl -o cat -u ledger-node --since today", '"event": "serving"'),
        Run("sudo ledger-node devices list coliseum-1122", "R1"),
        Run(
            "curl -s http://NODE:8440/metrics | grep ledger_device_behind_entries",
            r"ledger_device_behind_entries\{device",
        ),
        Run(
            'journalctl -o cat -u gate-scanner | jq -rR \'fromjson? | select(.event == "sync") | [.timestamp, .online, '
            ".queue, .view_size, .alarm + .error] | @tsv'",
            r"\ttrue\t0\t",
        ),
        Run(
            'journalctl -o cat -u gate-scanner | jq -rR \'fromjson? | select(.event == "scan") | [.verdict, .reason] | '
            "@tsv' | sort | uniq -c | sort -rn",
            r"1 admit\tok",
        ),
        Run(
            'journalctl -o cat -u gate-scanner | jq -rR \'fromjson? | select(.event == "scan" and .ticket == 4711) | '
            "[.timestamp, .verdict, .reason, (.detail | tojson)] | @tsv'",
            r"\tadmit\tok\t\{\}",
        ),
        Run(
            'journalctl -o cat -u gate-scanner | jq -nR \'[inputs | fromjson? | select(.event == "scan" and .pulse) '
            "| .ms] | sort | {admissions: length, median_ms: .[length / 2 | floor], worst_ms: .[-1]}'",
            '"admissions": 1',
        ),
        Run(
            'journalctl -o cat -u gate-scanner | jq -rR \'fromjson? | select(.event == "settled after a restart") | '
            "[.timestamp, .ticket, .was] | @tsv'",
        ),
        Run(
            'sudo gate-scanner journal export | jq -r \'select(.body.kind? == "pulse-in-doubt") | [.body.counter, '
            ".body.detail.ticket] | @tsv'",
        ),
        Run(
            "sudo sqlite3 -readonly /var/lib/private/gate-scanner/journal.db "
            '"SELECT verdict, count(*) FROM receipt GROUP BY verdict"',
            r"accepted\|2",
        ),
        Run(
            "sudo sqlite3 -readonly /var/lib/private/gate-scanner/journal.db "
            "\"SELECT * FROM receipt WHERE verdict = 'duplicate'\"",
        ),
        Run("curl -s http://NODE:8440/v1/events/coliseum-1122/tickets/4711", '"gate":"R1"'),
        Run(
            "sudo sqlite3 -readonly /var/lib/private/gate-scanner/journal.db "
            '"SELECT counter, aside FROM outbox WHERE aside IS NOT NULL"',
        ),
        Elsewhere("journalctl -o cat -u ledger-witness", "a witness: docs/witness.md's story starts one", DOCUMENTED),
    ],
}
