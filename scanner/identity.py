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
_ENROLMENT = "enrolment.json"
_PLAIN, _LOCKED = "device.key", "device.key.locked"
_BOARD = "device.board"
_SERIAL = Path("/sys/firmware/devicetree/base/serial-number")
ENROL = "run `gate-scanner enrol URL` (it asks for the code of `ledger-node devices code`)"
NOT_ENROLLED = f"this device is not enrolled: {ENROL}"


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


class NotEnrolledError(IdentityError):
    """Nobody has enrolled this device yet."""


class Identities:
    """The state folder's key and enrolment. `random` gives so many random bytes."""

    def __init__(
        self,
        folder: Path,
        random: Callable[[int], bytes] = os.urandom,
        environ: Mapping[str, str] = os.environ,
        serial: Path = _SERIAL,
    ) -> None:
        self._folder, self._random, self._serial = folder, random, serial
        self._secret = _board_secret(environ)

    @property
    def key_is_locked(self) -> bool:
        """Whether the key on the card is useless without this board."""
        return (self._folder / _LOCKED).exists()

    def key(self) -> SigningKey:
        """This device's key. Raises IdentityError if there is none, if it can't be opened, or on another board."""
        found = self._found()
        if found is None:
            raise IdentityError(f"there is no device key in {self._folder}: {NOT_ENROLLED}")
        return found

    def made_key(self) -> SigningKey:
        """This device's key, made if there is none: only enrolment may. Raises IdentityError if it can't be opened."""
        found = self._found()
        if found is not None:
            return found
        seed = self._random(SEED_BYTES)
        if self._secret:
            self._write(_LOCKED, lock_secret(seed, self._secret, self._random(_NONCE_BYTES)))
        else:
            self._write(_PLAIN, seed)
        return SigningKey(seed)

    @property
    def are_told(self) -> bool:
        """Whether there is an enrolment, whole or damaged."""
        return (self._folder / _ENROLMENT).exists()

    def enrolled(self) -> Enrolled:
        """What enrolment told. Raises IdentityError if there was none."""
        try:
            return Enrolled(**json.loads((self._folder / _ENROLMENT).read_text()))
        except FileNotFoundError as error:
            raise NotEnrolledError(NOT_ENROLLED) from error
        except (ValueError, TypeError) as error:
            raise IdentityError(
                f"enrolment.json is damaged ({error}): `gate-scanner forget`, then enrol this device anew"
            ) from error

    def enrol(self, told: Enrolled) -> None:
        """Keep what the node told, and on which board."""
        self._write(_BOARD, self._board())
        self._write(_ENROLMENT, json.dumps(asdict(told), indent=1).encode())

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
        for name in (_PLAIN, _LOCKED, _ENROLMENT, _BEGUN, _BOARD):
            (self._folder / name).unlink(missing_ok=True)
        sync_folder(self._folder)

    def _found(self) -> SigningKey | None:
        if self._is_elsewhere():
            raise IdentityError(
                "this card was enrolled on another board, and two cards with one key must not run: put it back, or"
                " `gate-scanner forget` and enrol anew, and revoke the device that it was"
            )
        locked, plain = self._folder / _LOCKED, self._folder / _PLAIN
        if locked.exists():
            return self._unlock(locked)
        return _from_seed(plain.read_bytes(), plain) if plain.exists() else None

    def _is_elsewhere(self) -> bool:
        """Where a board has no serial number, and of a card from before it was kept, it cannot be known."""
        kept = self._folder / _BOARD
        enrolled_on, here = kept.read_bytes() if kept.exists() else b"", self._board()
        return bool(enrolled_on and here) and enrolled_on != here

    def _board(self) -> bytes:
        try:
            return self._serial.read_bytes().strip(b"\0\n ")
        except OSError:
            return b""

    def _unlock(self, path: Path) -> SigningKey:
        seed = unlock_secret(path.read_bytes(), self._secret) if self._secret else None
        if seed is None:
            raise IdentityError(
                "the device key is locked to another board, or the credential board-secret is missing: "
                "start through systemd on the board that enrolled, or `gate-scanner forget` and enrol anew"
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
        raise IdentityError(f"{path.name} is damaged: `gate-scanner forget`, then enrol this device anew")
    return SigningKey(seed)
