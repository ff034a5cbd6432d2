"""The pages of organisers, integrators, the help desk, the regulator and witnesses."""

from tests.documented.steps import (
    BARE,
    DESK,
    INSTALLER,
    LINK,
    NIGHT,
    PERSON,
    PUBLIC,
    SHOW,
    SYSTEMD,
    VKEY,
    WITNESS_KEY,
    Elsewhere,
    Run,
    Step,
)

NODE: dict[str, list[Step]] = {
    "docs/accounts.md": [
        Run('ledger-node accounts invite ops "Duty manager"', "/account/join#", before=DESK),
        Run('ledger-node accounts invite sponsor "Bank events desk" --organisation harbour-bank', "/account/join#"),
        Run("ledger-node accounts list", "(?s)harbour-bank.*Duty manager"),
        Run('ledger-node accounts recover "Duty manager"', "/account/join#"),
        Run("ledger-node accounts trail", '(?s)"problem": null.*account.recover'),
        Run("ledger-node orders find coliseum-1122 U-100234", "U-100234"),
        Run("ledger-node activations list coliseum-1122", "U-100234"),
        Run("ledger-node activations unlock LINK", fill={"LINK": LINK}),
        Run("ledger-node activations renew LINK", fill={"LINK": LINK}),
        Run("ledger-node activations revoke LINK", fill={"LINK": LINK}),
        PUBLIC,
    ],
    "docs/holders.md": [
        Run("ledger-node activations list EVENT", "U-100234", fill={"EVENT": "coliseum-1122"}, before=DESK),
        PUBLIC,
    ],
    "docs/market.md": [
        Run(
            "ledger-node orders find EVENT NUMBER",
            "(?s)5.*6",
            fill={"EVENT NUMBER": "coliseum-1122 U-100234"},
            before=DESK,
        ),
        Run(
            "ledger-node sale open EVENT",
            "organiser_party",
            status=1,
            fill={"EVENT": "coliseum-1122"},
        ),
        Run("ledger-node refunds make coliseum-1122 17 18", "(?s)not-sold.*not-sold", status=1),
        Run('ledger-node event cancel coliseum-1122 --yes --reason "typhoon signal 10"', '"cancelled": true'),
        Run("ledger-node refunds event coliseum-1122 --report box-office.csv"),
        Run("ledger-node refunds list coliseum-1122", before="grep -q U-100234 box-office.csv"),
        Run("ledger-node tickets refund EVENT INDEX...", fill={"EVENT INDEX...": "coliseum-1122 5 6"}),
    ],
    "docs/privacy.md": [
        Run("ledger-node vault rotate-key", '"old_key_destroyed": true', before=DESK),
        Run("ledger-node vault find phone 91234567", "[0-9a-f]{8}"),
        Run("ledger-node vault export PERSON", "(?s)91234567.*U-100234|U-100234.*91234567", fill={"PERSON": PERSON}),
        Run("ledger-node vault forget PERSON", fill={"PERSON": PERSON}),
        Run("ledger-node vault expire --before \"$(date -I -d '90 days ago')\"", '"forgotten": 0'),
    ],
    "docs/adapters.md": [
        Run("cd ~/.local/share/ledger-node", before=DESK, stays=True),
        Run('(umask 077; echo "whsec_$(head -c 32 /dev/urandom | base64)" > keys/ticketing.whsec)'),
        Run("chown --reference=keys keys/ticketing.whsec"),
        Run(
            "ledger-node provider-sandbox --home ./provider --port 8450 > provider.json &",
            fill={
                "provider.json &": "provider.json 2> /run/log/sandbox & until [ -s provider.json ]; do sleep 0.2; done"
            },
        ),
        Run('at() { curl -s "127.0.0.1:8450/sandbox/$1" ${2:+-d "$2"}; }', stays=True),
        Run('at clients "{\\"public_key\\": \\"$(ledger-node keys | jq -r .node_key)\\"}"', r"^\{"),
        Run('at accounts \'{"account": "chan", "deposit": 500000, "level": 2}\'', "chan"),
        Run('at accounts \'{"account": "organiser", "merchant": true}\'', "organiser"),
        Run('at parties \'{"account": "chan", "event": "coliseum-1122"}\'', '"party": ?"[0-9a-f]{64}"'),
        Run(
            'at permissions \'{"account": "chan", "event": "coliseum-1122", "purpose": "pay", "most": 88000}\'',
            "authorisation",
        ),
        Run('at permissions \'{"account": "chan", "event": "coliseum-1122", "purpose": "identify"}\'', "authorisation"),
        Run("at books", "500000"),
        Run('ledger-node actors add coliseum-1122 sandbox provider "$(jq -r .public_key provider.json)"', "sandbox"),
        Run(
            'ledger-node policy set coliseum-1122 "organiser_party=$(at parties '
            '\'{"account": "organiser", "event": "coliseum-1122"}\' | jq -r .party)"',
            "organiser_party",
        ),
        Run("ledger-node sale open coliseum-1122"),
        Run('at faults \'{"faults": "lost/3,slow/5", "delay_ms": 2000}\'', '"lost": 3'),
        Run('at faults \'{"faults": ""}\''),
    ],
    "docs/monitoring.md": [
        Run("sudo ledger-node alerts list", "refusal-spike", before=f"{NIGHT} && prepare alert"),
        Run("sudo ledger-node alerts list --all --json", '"rule": "refusal-spike"'),
        Run("sudo ledger-node alerts ack 17", fill={"17": "1"}),
        Run("curl -s http://NODE:8440/metrics | grep ledger_alerts", 'ledger_alerts{.*rule="refusal-spike"'),
        Run("sudo ledger-node alerts close 17", fill={"17": "1"}),
        Run("sudo ledger-node tickets history coliseum-1122 4711", '"ticket.issue"'),
        Run("cd ~/.local/share/ledger-node", fill={"~/.local/share/ledger-node": "/var/lib/ledger-node"}, stays=True),
        Run('(umask 077; echo "whsec_$(head -c 32 /dev/urandom | base64)" > keys/alerts.secret)'),
        Run("chown --reference=keys keys/alerts.secret"),
    ],
    "docs/regulator.md": [
        Run('ledger-node accounts invite regulator "Licensing officer"', "/account/join#", before=SHOW),
        Run(
            "ledger-node audit http://NODE:8440 --key VKEY",
            '"good": true',
            fill={"VKEY": VKEY},
        ),
        Run("ledger-node event assurance coliseum-1122", '"issued": 20'),
        Run("ledger-node tickets history coliseum-1122 4711 --proofs", '"leaf_hash"'),
        Run("ledger-node audit /var/lib/ledger-node", '"good": true', before="systemctl stop ledger-node"),
    ],
    "docs/witness.md": [
        Elsewhere("sudo systemd/install.sh witness", SYSTEMD, INSTALLER),
        Run(
            "sudoedit /etc/ledger-witness.conf",
            # What later comes back, and grows another way, is the fork.
            before=f"{SHOW} && prepare witness",
        ),
        Run("sudo systemctl start ledger-witness"),
        Run("curl -s http://127.0.0.1:8443/", '"vkey": ?"wallet.example/w1'),
        Run(
            "ledger-node serve --witness http://WITNESS:8443,VKEY",
            fill={"ledger-node serve": f"{BARE} --home /var/lib/ledger-node serve", "VKEY": WITNESS_KEY},
            before="systemctl stop ledger-node",
            until='"serving"',
        ),
        Run(
            "ledger-node audit LOG --key LOGKEY --witness VKEY --quorum 1",
            '"good": true',
            fill={"LOGKEY": "$(cat /root/vkey)", "LOG": "http://NODE:8440", "VKEY": WITNESS_KEY},
            before=f"({BARE} --home /var/lib/ledger-node serve --host 0.0.0.0 --witness http://WITNESS:8443,{WITNESS_KEY}"
            " > /run/log/serve 2>&1 & echo $! > /run/serve.pid)"
            f" && until curl -sf http://NODE:8440/healthz > /dev/null; do sleep 0.2; done"
            " && until curl -s http://NODE:8440/checkpoint | grep -q wallet.example/w1; do sleep 0.2; done",
        ),
        Run(
            "ledger-node witness http://NODE:8440 --log VKEY --name wallet.example/w1 --home DIR",
            fill={
                "ledger-node witness": f"{BARE} witness",
                "VKEY": "$(cat /root/vkey)",
                "DIR": "/root/second --port 0",
            },
            until='"serving"',
        ),
        Run(
            "ledger-node evidence 5f0c2a9be1d47c33-001.json --key VKEY",
            '"proven": true',
            fill={
                "5f0c2a9be1d47c33-001.json": "$(ls /var/lib/ledger-witness/evidence/*.json)",
                "VKEY": "$(cat /root/vkey)",
            },
            before="prepare fork",
        ),
    ],
}
