"""The private keys in a node's or a witness's home folder: read, made on first use, added."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ledger_node import vault_key
from ledger_node.home_folder import (
    KEYS_FOLDER,
    LEDGER_FILE,
    NODE_KEY_FILE,
    VAULT_FILE,
    WITNESS_FILE,
    HomeError,
    as_home_error,
)
from ledger_node.key_files import find_key, make_key
from ledger_node.log_signers import LogSigners, load_signers
from ledger_node.vault_key import VaultKeys
from scanner.verify.keys import SigningKey

_WITNESS_KEY = "witness.key"
_CERTIFICATE_KEY = re.compile(r"ledger-(\d{1,3})\.key")
_MOST_KID = 255


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


def load_keys(home: Path, credentials: Path | None, draw: Callable[[int], bytes]) -> Keys:
    """The keys, made with `draw` on first use. Raises HomeError when a ledger is there and its key is not."""
    folder = home / KEYS_FOLDER
    with as_home_error(home):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        node = find_key(NODE_KEY_FILE, folder, credentials)
        if node is None:
            if (home / LEDGER_FILE).exists():
                raise HomeError(
                    f"{folder / NODE_KEY_FILE} is missing but the ledger it signed is there: restore the key"
                )
            node = make_key(folder / NODE_KEY_FILE, draw)
        vault = vault_key.load(folder, credentials, draw, home / VAULT_FILE)
        certificates = _certificates(folder, credentials)
        if not certificates:
            certificates = {1: make_key(folder / "ledger-1.key", draw)}
    keys = Keys(node, certificates, vault)
    return replace(keys, log=load_signers(home, credentials, node, keys.origin))


def load_witness_key(home: Path, credentials: Path | None, draw: Callable[[int], bytes]) -> SigningKey:
    """A witness's key, made with `draw` on first use. Raises HomeError in a node's home, or when the key is gone."""
    folder = home / KEYS_FOLDER
    if (home / LEDGER_FILE).exists() or (folder / NODE_KEY_FILE).exists():
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
        made = make_key(home / KEYS_FOLDER / f"ledger-{kid}.key", draw)
    return replace(keys, certificates={**keys.certificates, kid: made})


def _certificates(folder: Path, credentials: Path | None) -> dict[int, SigningKey]:
    names = {path.name for place in (folder, credentials) if place for path in place.iterdir()}
    found = {}
    for name in names:
        match = _CERTIFICATE_KEY.fullmatch(name)
        key = find_key(name, folder, credentials) if match else None
        if match and key:
            found[int(match[1])] = key
    return found
