"""The node's home folder: where it is, what is in it, and the lock that says who writes there. No ledger logic here.

home/
  keys/node.key           the log's root key: signs entries of the operator, snapshots, the node's answers, the lists of
                          the log's keys, and checkpoints until the first rotation
  keys/log-<version>.key  signs checkpoints since a rotation (log_signers)
  log-keys/               every list of the log's keys
  keys/ledger-<kid>.key   signs ticket certificates; the highest kid is the one in use
  keys/vault.key          opens the vault, and what accounts keep secret; vault.key.old while it is being changed
  keys/...                the secrets that outside.toml names: passwords, the ticketing system's webhook secret
  outside.toml            whom the node works with (docs/adapters.md)
  ledger.sqlite3          the log and its state (ledger_node.log)
  node.sqlite3            what is the node's own business: enrolment codes, device reports, early nonces
  vault.sqlite3           personal data, encrypted for each person
  accounts.sqlite3        accounts of staff and partners, their sessions, and the audit trail of their acts
  activations.sqlite3     activation links, by hash
  market.sqlite3          purchases under way, orders and letters that wait, which events are sold here
  chronicle.sqlite3       where in the log each ticket is spoken of; made anew from the log if it is missing
  alerts.sqlite3          what monitoring raised, and how far it has followed the log
  snapshots/              one file an event, made anew when it is out of date
  public.sock             while `serve` runs: the public front's way to the ledger's process; the same holds of it
  admin.sock              while `serve` runs: operator commands; the file's permission is the access control

Keys found in a credentials folder (systemd's LoadCredential) are used first and never written.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

KEYS_FOLDER = "keys"
NODE_KEY_FILE = "node.key"
LEDGER_FILE = "ledger.sqlite3"
SOCKET_FILE = "admin.sock"
PUBLIC_SOCKET_FILE = "public.sock"
WITNESS_FILE = "witness.sqlite3"
VAULT_FILE = "vault.sqlite3"
ACCOUNTS_FILE = "accounts.sqlite3"
ACTIVATIONS_FILE = "activations.sqlite3"
MARKET_FILE = "market.sqlite3"
CHRONICLE_FILE = "chronicle.sqlite3"
ALERTS_FILE = "alerts.sqlite3"
LOCK_FILE = "lock"
_OURS = (
    LOCK_FILE,
    "*.lock",
    "*.sqlite3*",
    "*.json",
    "outside.toml",
    *(part for folder in (KEYS_FOLDER, "log-keys", "snapshots", "evidence") for part in (folder, f"{folder}/*")),
)
"""Names in a home folder. Others in the same place are not ours to change."""
_LEAST = 4 << 20
"""Bytes. A node's databases begin with less than that; with less left, this is what went wrong."""


class HomeError(Exception):
    """The home folder cannot be used; the text says what is wrong and what to do."""


class HomeInUseError(HomeError):
    """Another process has the home folder."""


def full_disk(home: Path) -> str:
    """What to say if the disk of the folder is full, which explains what else went wrong; "" if there is room."""
    there = next(place for place in (home.absolute(), *home.absolute().parents) if place.exists())
    left = shutil.disk_usage(there).free
    if left >= _LEAST:
        return ""
    return (
        f"the disk of {home} is full ({left >> 10} KB left): make room on it (`journalctl --vacuum-size=50M` ends old"
        " logs), then start again; nothing in the folder was lost"
    )


@contextmanager
def as_home_error(home: Path) -> Iterator[None]:
    """A fault of the disk, as the error that says which folder to see to."""
    try:
        yield
    except OSError as error:
        if full := full_disk(home):
            raise HomeError(full) from error
        raise HomeError(f"cannot use {home}: {error.strerror} ({error.filename}); name another with --home") from error


def default_home(environment: Mapping[str, str]) -> Path:
    """$STATE_DIRECTORY under systemd, ~/.local/share/ledger-node else."""
    given = environment.get("STATE_DIRECTORY")
    return Path(given.split(":")[0]) if given else Path.home() / ".local" / "share" / "ledger-node"


def require_node(home: Path, environment: Mapping[str, str]) -> None:
    """Raises HomeError if no node was made in this folder. Nothing is made there."""
    credentials = credentials_folder(environment)
    signs = [home / LEDGER_FILE, home / KEYS_FOLDER / NODE_KEY_FILE]
    if credentials:
        signs.append(credentials / NODE_KEY_FILE)
    with as_home_error(home):
        if not any(sign.exists() for sign in signs):
            raise HomeError(
                f"there is no node in {home}: name its folder with --home, or $LEDGER_NODE_HOME;"
                " `ledger-node event create` or `ledger-node serve` makes a new one"
            )


def credentials_folder(environment: Mapping[str, str]) -> Path | None:
    """Where systemd laid keys for this service, if it did."""
    given = environment.get("CREDENTIALS_DIRECTORY")
    return Path(given) if given else None


@contextmanager
def hold(home: Path) -> Iterator[None]:
    """Have the home folder to oneself; the lock goes with the process, however it ends. Raises HomeInUseError."""
    with as_home_error(home):
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(home / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise HomeInUseError(f"another ledger-node has {home} open: wait for it, or stop it") from None
    try:
        with as_home_error(home):
            _keep_private(home)
        yield
    finally:
        os.close(lock)


def _keep_private(home: Path) -> None:
    """Take from others what an earlier release, or an earlier folder of that name, let them do with our own files."""
    paths = [path for pattern in _OURS for path in home.glob(pattern)]
    if [path.name for path in home.iterdir()] == [LOCK_FILE]:
        paths.append(home)
    for path in paths:
        with suppress(FileNotFoundError):
            found = path.lstat()
            if found.st_uid == os.geteuid() and found.st_mode & 0o077 and not path.is_symlink():
                path.chmod(found.st_mode & 0o700)
