"""Who this device is: its key and what enrolment told it, in the state folder.

The key never leaves the device. With a board secret (a systemd credential that comes from the board, not from the card)
it is stored locked, so a stolen card carries nothing that signs; without one it is stored plain, and `doctor` says so.
Talking to the node that enrols is scanner.sync's part.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from scanner.errors import GateError
from scanner.store import sync_folder
from scanner.verify.keys import SEED_BYTES, SigningKey, lock_secret, unlock_secret

BOARD_SECRET = "board-secret"  # noqa: S105 - the name of a credential, not a secret
_NONCE_BYTES = 24
_BEGUN = "device.begun"


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What the node told this device at enrolment; keys in hex."""

    url: str
    device: str
    event: str
    gate: str
    node_key: str
    log_vkey: str
    origin: str


class IdentityError(GateError):
    """The device has no usable identity; the text says what to do."""


class Identities:
    """The state folder's key and enrolment. `random` gives so many random bytes."""

    def __init__(
        self, folder: Path, random: Callable[[int], bytes] = os.urandom, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._folder, self._random = folder, random
        self._secret = _board_secret(environ)

    @property
    def key_is_locked(self) -> bool:
        """Whether the key on the card is useless without this board."""
        return (self._folder / "device.key.locked").exists()

    def key(self) -> SigningKey:
        """This device's key; made on the first call. Raises IdentityError if it is there but can't be opened."""
        locked, plain = self._folder / "device.key.locked", self._folder / "device.key"
        if locked.exists():
            return self._unlock(locked)
        if plain.exists():
            return _from_seed(plain.read_bytes(), plain)
        seed = self._random(SEED_BYTES)
        if self._secret:
            self._write(locked.name, lock_secret(seed, self._secret, self._random(_NONCE_BYTES)))
        else:
            self._write(plain.name, seed)
        return SigningKey(seed)

    def enrolled(self) -> Enrolled:
        """What enrolment told. Raises IdentityError if there was none."""
        try:
            return Enrolled(**json.loads((self._folder / "enrolment.json").read_text()))
        except FileNotFoundError as error:
            raise IdentityError(
                "this device is not enrolled: run `gate-scanner enrol URL CODE` (CODE: `ledger-node devices code`)"
            ) from error
        except (ValueError, TypeError) as error:
            raise IdentityError(f"enrolment.json is damaged ({error}): enrol this device again") from error

    def enrol(self, told: Enrolled) -> None:
        """Keep what the node told."""
        self._write("enrolment.json", json.dumps(asdict(told), indent=1).encode())

    @property
    def has_begun(self) -> bool:
        """Whether this device has had a journal."""
        return (self._folder / _BEGUN).exists()

    def begin(self) -> None:
        """It has one from here on; kept apart from the journal, so that its loss is noticed."""
        if not self.has_begun:
            self._write(_BEGUN, b"")

    def forget(self) -> None:
        """A revoked device keeps no key and no enrolment."""
        for name in ("device.key", "device.key.locked", "enrolment.json", _BEGUN):
            (self._folder / name).unlink(missing_ok=True)
        sync_folder(self._folder)

    def _unlock(self, path: Path) -> SigningKey:
        seed = unlock_secret(path.read_bytes(), self._secret) if self._secret else None
        if seed is None:
            raise IdentityError(
                "the device key is locked to another board, or the credential board-secret is missing: "
                "start through systemd on the board that enrolled, or remove device.key.locked and enrol again"
            )
        return _from_seed(seed, path)

    def _write(self, name: str, content: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        new = self._folder / f"{name}.new"
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(handle, content)
            os.fsync(handle)
        finally:
            os.close(handle)
        new.replace(self._folder / name)
        sync_folder(self._folder)


def _board_secret(environ: Mapping[str, str]) -> bytes:
    folder = environ.get("CREDENTIALS_DIRECTORY")
    path = Path(folder) / BOARD_SECRET if folder else None
    return path.read_bytes() if path and path.exists() else b""


def _from_seed(seed: bytes, path: Path) -> SigningKey:
    if len(seed) != SEED_BYTES:
        raise IdentityError(f"{path.name} is damaged: remove it and enrol this device again")
    return SigningKey(seed)
