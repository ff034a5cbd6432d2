"""A process that adds and forgets people until it is killed, and says each thing only once it is done."""

import itertools
import os
import sys
from pathlib import Path

from ledger_node.services.vault import Vault

KEY = bytes(range(32))


def main() -> None:
    vault = Vault(Path(sys.argv[1]), KEY, os.urandom)
    for number in itertools.count():
        kept = vault.add({"name": f"kept {number}", "phone": f"+8526{number:07d}"}, number, ["e"])
        print("kept", kept, number, flush=True)
        gone = vault.add({"name": f"gone {number}", "phone": f"+8529{number:07d}"}, number, ["e"])
        ((wrapped,),) = vault._database.read("SELECT key FROM persons WHERE person = ?", gone)
        print("doomed", gone, wrapped.hex(), flush=True)
        vault.forget(gone)
        print("gone", gone, wrapped.hex(), flush=True)


if __name__ == "__main__":
    main()
