"""The node's home folder: where it is, the keys in it, and the lock that says who writes there. No ledger logic here.

home/
  keys/node.key           the log's root key: signs entries of the operator, snapshots, the node's answers, the lists of
                          the log's keys, and checkpoints until the first rotation
  keys/log-<version>.key  signs checkpoints since a rotation (log_signers)
  log-keys/               every list of the log's keys
  keys/ledger-<kid>.key   signs ticket certificates; the highest kid is the one in use
  keys/vault.key          opens the vault, and what accounts keep secret; vault.key.old while it is being changed
  ledger.sqlite3          the log and its state (ledger_node.log)
  node.sqlite3            what is the node's own business: enrolment codes, device reports, early nonces
  vault.sqlite3           personal data, encrypted for each person
  accounts.sqlite3        accounts of staff and partners, their sessions, and the audit trail of their acts
  activations.sqlite3     activation links, by hash
  market.sqlite3          purchases under way, orders and letters that wait, which events are sold here
  chronicle.sqlite3       where in the log each ticket is spoken of; made anew from the log if it is missing
  alerts.sqlite3          what monitoring raised, and how far it has followed the log
  snapshots/              one file an event, made anew when it is out of date
  admin.sock              while `serve` runs: operator commands; the file's permission is the access control

Keys found in a credentials folder (systemd's LoadCredential) are used first and never written.
"""

import contextlib
import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ledger_node import vault_key
from ledger_node.key_files import HomeError as HomeError  # noqa: PLC0414 - this module's error, too
from ledger_node.key_files import as_home_error, find_key, make_key
from ledger_node.log_signers import LogSigners, load_signers
from ledger_node.vault_key import VaultKeys
from scanner.verify.keys import SigningKey

LEDGER_FILE = "ledger.sqlite3"
SOCKET_FILE = "admin.sock"
WITNESS_FILE = "witness.sqlite3"
VAULT_FILE = "vault.sqlite3"
ACCOUNTS_FILE = "accounts.sqlite3"
ACTIVATIONS_FILE = "activations.sqlite3"
MARKET_FILE = "market.sqlite3"
CHRONICLE_FILE = "chronicle.sqlite3"
ALERTS_FILE = "alerts.sqlite3"
_NODE_KEY = "node.key"
_WITNESS_KEY = "witness.key"
_CERTIFICATE_KEY = re.compile(r"ledger-(\d{1,3})\.key")
_MOST_KID = 255


class HomeInUseError(HomeError):
    """Another process has the home folder."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The node's private keys. `certificates` is by kid and never empty;"""

    node: SigningKey
    certificates: Mapping[int, SigningKey]
    vault: VaultKeys
    log: LogSigners | None = None
    """What signs checkpoints, if a rotation was made; else the node's key does."""

    @property
    def signers(self) -> LogSigners:
        """What signs the log's checkpoints."""
        return self.log or LogSigners.of_root(self.node, self.origin)

    @property
    def kid(self) -> int:
        """The certificate key in use."""
        return max(self.certificates)

    @property
    def origin(self) -> str:
        """The log's name in its checkpoints (C2SP tlog-checkpoint): it belongs to the key, so it needs no setting."""
        return f"ticketme-gate/ledger/{self.node.public.hex()[:16]}"


def default_home(environment: Mapping[str, str]) -> Path:
    """$STATE_DIRECTORY under systemd, ~/.local/share/ledger-node else."""
    given = environment.get("STATE_DIRECTORY")
    return Path(given.split(":")[0]) if given else Path.home() / ".local" / "share" / "ledger-node"


def credentials_folder(environment: Mapping[str, str]) -> Path | None:
    """Where systemd laid keys for this service, if it did."""
    given = environment.get("CREDENTIALS_DIRECTORY")
    return Path(given) if given else None


def load_keys(home: Path, credentials: Path | None, draw: Callable[[int], bytes]) -> Keys:
    """The keys, made with `draw` on first use. Raises HomeError when a ledger is there and its key is not."""
    folder = home / "keys"
    with as_home_error(home):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        node = find_key(_NODE_KEY, folder, credentials)
        if node is None:
            if (home / LEDGER_FILE).exists():
                raise HomeError(f"{folder / _NODE_KEY} is missing but the ledger it signed is there: restore the key")
            node = make_key(folder / _NODE_KEY, draw)
        vault = vault_key.load(folder, credentials, draw, home / VAULT_FILE)
        certificates = _certificates(folder, credentials)
        if not certificates:
            certificates = {1: make_key(folder / "ledger-1.key", draw)}
    keys = Keys(node, certificates, vault)
    return replace(keys, log=load_signers(home, credentials, node, keys.origin))


def load_witness_key(home: Path, credentials: Path | None, draw: Callable[[int], bytes]) -> SigningKey:
    """A witness's key, made with `draw` on first use. Raises HomeError in a node's home, or when the key is gone."""
    folder = home / "keys"
    if (home / LEDGER_FILE).exists() or (folder / _NODE_KEY).exists():
        raise HomeError(f"{home} is a ledger node's: give the witness a home of its own with --home")
    with as_home_error(home):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = find_key(_WITNESS_KEY, folder, credentials)
        if key is None and (home / WITNESS_FILE).exists():
            raise HomeError(f"{folder / _WITNESS_KEY} is missing but what it signed is there: restore the key")
        return key or make_key(folder / _WITNESS_KEY, draw)


def write_settings(path: Path, settings: Mapping[str, object]) -> None:
    """Replace a small JSON file, whole or not at all. Raises HomeError."""
    new = path.with_name(f"{path.name}.new")
    with as_home_error(path.parent):
        new.write_text(json.dumps(settings, indent=1, ensure_ascii=False))
        new.replace(path)


def add_certificate_key(home: Path, keys: Keys, draw: Callable[[int], bytes], used: int = 0) -> Keys:
    """The keys with one more certificate key, which is the one in use from now on; its kid is above `used`, too."""
    kid = max(keys.kid, used) + 1
    if kid > _MOST_KID:
        raise HomeError(f"kid {_MOST_KID} is the last: start a new ledger")
    with as_home_error(home):
        made = make_key(home / "keys" / f"ledger-{kid}.key", draw)
    return replace(keys, certificates={**keys.certificates, kid: made})


@contextlib.contextmanager
def hold(home: Path) -> Iterator[None]:
    """Have the home folder to oneself; the lock goes with the process, however it ends. Raises HomeInUseError."""
    with as_home_error(home):
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise HomeInUseError(f"another ledger-node has {home} open: wait for it, or stop it") from None
    try:
        yield
    finally:
        os.close(lock)


def _certificates(folder: Path, credentials: Path | None) -> dict[int, SigningKey]:
    names = {path.name for place in (folder, credentials) if place for path in place.iterdir()}
    found = {}
    for name in names:
        match = _CERTIFICATE_KEY.fullmatch(name)
        key = find_key(name, folder, credentials) if match else None
        if match and key:
            found[int(match[1])] = key
    return found
