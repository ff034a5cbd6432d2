"""One step of a story: a command as its page prints it and what must come of it; the values that fill its examples."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Run:
    """A command that is run: it must end with `status` and print what `says` (a regular expression) finds.

    `before` is given first and must succeed. `until` ends a command that goes on, once it printed these words.
    `stays` is for a folder or a function that the commands behind it take for granted.
    """

    command: str
    says: str = ""
    status: int = 0
    fill: dict[str, str] = field(default_factory=dict)
    before: str = ""
    until: str = ""
    stays: bool = False


@dataclass(frozen=True)
class Elsewhere:
    """A command that needs what a scratch machine has not (`needs`); `test` is the file that runs its purpose."""

    command: str
    needs: str
    test: str


Step = Run | Elsewhere

CODE = "$(ledger-node devices code coliseum-1122 R1 2>/dev/null | grep -oE '([A-Z2-9]{4}-){3}[A-Z2-9]{4}')"
DEVICE = "$(ledger-node devices list coliseum-1122 | grep -oE 'R1-[0-9a-f]{8}' | head -1)"
VKEY = '$(ledger-node keys show | grep -oE \'"log": "[^"]+\' | cut -d\'"\' -f4)'
WITNESS_KEY = '$(curl -s http://WITNESS:8443/ | grep -oE \'"vkey": ?"[^"]+\' | cut -d\'"\' -f4)'
BARE = "/opt/ticketme-gate/current/bin/ledger-node"
NODE_KEY = '$(ledger-node keys show | grep -oE \'"node_key": "[^"]+\' | cut -d\'"\' -f4)'
# Not one that was renewed before: the list is in the order of ids, which are random.
LINK = "$(ledger-node activations list coliseum-1122 --json | jq -r 'map(select(.state != \"revoked\"))[0].link')"
PERSON = "$(ledger-node vault find phone 91234567 | jq -r '.[0]')"
DESK = "prepare desk"
PUBLIC = Run("ledger-node serve --public-url https://tickets.example.hk", until="https://tickets.example.hk")
SHOW = "prepare node && prepare event"
NIGHT = f"{SHOW} && prepare gate"
DATES = {
    "$(date -d '+30 days' +%F)T18:30": "$(date -d '10 minutes ago' +%FT%H:%M)",
    "$(date -d '+30 days' +%F)T20:15": "$(date -d '2 hours' +%FT%H:%M)",
}
INSTALLER = "tests/integration/test_systemd_units.py"
DEMO = "tests/integration/test_demo.py"
DOCUMENTED = "tests/integration/test_documented_commands.py"
SYSTEMD = "systemd"
