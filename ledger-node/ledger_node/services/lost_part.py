"""What the operator declared lost for good, and the time until the gates have sent again what they have of it.

From the declaration on the node logs again, but grants no claim and gives out no list, until each gate that was
enrolled before has nothing left to send: a list made earlier would lack admissions. Gates that show a checkpoint of the
lost line are told, by the root key, from where the log goes on.
"""

import json
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import structlog

from ledger_node.key_files import write_whole
from ledger_node.log.ledger import Ledger
from ledger_node.log.port import Head
from ledger_node.services.errors import ServiceError
from scanner.verify.keys import SigningKey
from scanner.verify.lost import LostPart

FILE = "lost-parts.json"
CODE = "log-gathering"
log = structlog.get_logger()


class LostParts:
    """See the module. Any thread. Of a part are kept: size and root as in `LostPart`, the largest lost size, and
    every checkpoint of it that was shown.
    """

    def __init__(self, home: Path, ledger: Ledger, root: SigningKey, now: Callable[[], int]) -> None:
        self._path, self._ledger, self._root, self._now = home / FILE, ledger, root, now
        self._lock = threading.Lock()
        self._sent: set[str] = set()
        try:
            kept: dict[str, Any] = json.loads(self._path.read_bytes()) if self._path.exists() else {}
            self._parts: list[dict[str, Any]] = list(kept.get("parts", []))
            self._gathering = bool(kept.get("gathering"))
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise ServiceError("disk", f"{self._path} cannot be read ({error}): restore it", 503) from error

    def declare(self, shown: Iterable[Head]) -> None:
        """What these checkpoints are of and our log does not have is gone. Durable when this returns."""
        lost = {one.size: one.root.hex() for one in shown}
        with self._lock, self._ledger.view() as view:
            part = {"kept": view.size, "root": view.root.hex(), "lost": max(lost), "at": self._now()}
            self._keep([*self._parts, {**part, "shown": sorted(map(list, lost.items()))}], gathering=True)
            self._sent = set()

    def covers(self, size: int, root: bytes) -> bool:
        """Whether a checkpoint that our log does not have was declared lost: one that was shown by then, or while gates
        gather, who come with what they saw on the way there. After that a new one is news again: this node may have
        been put back a second time.
        """
        return self._part(size, root) is not None

    def statement(self, size: int, root: bytes) -> tuple[str, int]:
        """The root key's word that this checkpoint, which our log does not have, is lost, and the size from which the
        log goes on; "" if it is not. Who was told once is told again.
        """
        with self._lock:
            part = self._part(size, root)
            if part is None:
                return "", 0
            if [size, root.hex()] not in part["shown"]:
                told = {**part, "shown": [*part["shown"], [size, root.hex()]]}
                self._keep([*self._parts[:-1], told], gathering=self._gathering)
        kept = int(part["kept"])
        made = LostPart(kept, bytes.fromhex(part["root"]), size, root)
        return made.sign(self._ledger.origin, self._root), kept

    def _part(self, size: int, root: bytes) -> dict[str, Any] | None:
        exact = (one for one in reversed(self._parts) if [size, root.hex()] in one["shown"])
        newest = self._parts[-1] if self._gathering and size <= self._parts[-1]["lost"] else None
        return next(exact, newest)

    def require(self) -> None:
        """Raises ServiceError "log-gathering" while gates have still to send."""
        if self._gathering and self.waiting():
            raise ServiceError(
                CODE,
                "a part of the log was lost, and gates are sending again what they have of it: no list and no claim"
                " before all have (`ledger-node restore status` names them)",
                503,
            )

    def waiting(self) -> list[str]:
        """Devices that have still to send, as gate and device; ends the gathering if there are none."""
        with self._lock:
            if not self._gathering:
                return []
            before = self._parts[-1]["kept"]
            with self._ledger.view() as view:
                left = [
                    f"{one.gate} {one.device}"
                    for event in view.events()
                    for one in view.devices(event)
                    if one.revoked_at is None and one.position < before and one.device not in self._sent
                ]
            if not left:
                self._keep(self._parts, gathering=False)
                log.warning("gathered", size=self._ledger.size)
            return left

    def heard(self, device: str) -> None:
        """This device goes by our line, and has nothing left to send."""
        self._sent.add(device)

    def finish(self) -> list[str]:
        """End the gathering although these have not sent."""
        left = self.waiting()
        with self._lock:
            self._keep(self._parts, gathering=False)
        return left

    def _keep(self, parts: list[dict[str, Any]], *, gathering: bool) -> None:
        try:
            write_whole(self._path, json.dumps({"parts": parts, "gathering": gathering}).encode())
        except OSError as error:
            raise ServiceError("disk", f"{self._path} cannot be written ({error.strerror})", 503) from error
        self._parts, self._gathering = parts, gathering
