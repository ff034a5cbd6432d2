"""One witness as the node has it: what it is asked, and which of its answers is a good cosignature.

Keeps what is known of the witness between two questions. When to ask, and whom, is for cosigning.
"""

from dataclasses import dataclass
from http import HTTPStatus

from ledger_node.adapters.witness_client import TIMEOUT, WitnessError, ask_checkpoint, ask_state, ask_witness
from ledger_node.log.ledger import Ledger
from ledger_node.log.port import Head
from ledger_node.log.witness_protocol import AddCheckpoint, read_size
from ledger_node.services.errors import ServiceError
from ledger_node.services.witness_memory import short_name
from scanner.verify.checkpoint import COSIGNATURE, VerifierKey, cosigned_at, parse_checkpoint
from scanner.verify.entry import Malformed
from scanner.verify.statement import open_statement

_TRIES = 3


@dataclass(frozen=True, slots=True)
class WitnessAddress:
    """A witness: where it takes checkpoints, and the key that it signs with."""

    url: str
    key: VerifierKey


def witness_of(text: str) -> WitnessAddress:
    """From `URL,VKEY`. Raises ServiceError that says what is wrong."""
    url, _, vkey = text.partition(",")
    key = VerifierKey.parse(vkey)
    if not url.startswith(("http://", "https://")):
        raise ServiceError("witness", f"{text!r} is not URL,VKEY with a URL of http:// or https://")
    if isinstance(key, Malformed) or key.type != COSIGNATURE:
        why = key.reason if isinstance(key, Malformed) else "it is a log's key"
        raise ServiceError("witness", f"{vkey!r} is no witness's key ({why}): ask the witness for it (GET {url})")
    return WitnessAddress(url, key)


class AheadError(WitnessError):
    """The witness has signed a log of ours that is longer than this node's."""


@dataclass(slots=True)
class WitnessPeer:
    """What is known of one witness: the size that it signed last, and when to ask again after a failure.

    One thread at a time asks; `busy` says that one does.
    """

    address: WitnessAddress
    signed: int = 0
    pause: float = 0.0
    again_at: float = 0.0
    problem: str = ""
    busy: bool = False

    def ask(self, ledger: Ledger, head: Head, note: str) -> str:
        """Its good cosignature line of the checkpoint `note`, asked for with a proof from the size that it signed last.

        Raises WitnessError if it gives none, LedgerFault if no proof can be read.
        """
        for _ in range(_TRIES):
            if self.signed > head.size:
                raise WitnessError(f"it has signed size {self.signed} already, which is newer than {head.size}")
            with ledger.view() as view:
                proof = tuple(view.consistency(self.signed, head.size))
            answer = ask_witness(self.address.url, AddCheckpoint(self.signed, proof, note).encode())
            if answer.status == HTTPStatus.OK:
                self.signed = head.size
                return _good_line(answer.body.decode(errors="replace"), note, self.address.key)
            size = read_size(answer.body) if answer.status == HTTPStatus.CONFLICT else None
            if size is None:
                raise WitnessError(f"{self.address.url} answers {answer.status}: {answer.reason}")
            self._believe(size, ledger.size)
        raise WitnessError("it contradicts itself about the size that it signed last")

    def state(self, origin: str, head: Head) -> str:
        """Its good statement of the state at this size, which it has just signed. Raises WitnessError if none comes."""
        answer = ask_state(self.address.url, short_name(origin), head.size)
        if answer.status != HTTPStatus.OK:
            raise WitnessError(f"it states no tickets of size {head.size} ({answer.status}: {answer.reason})")
        note = answer.body.decode(errors="replace")
        stated = open_statement(note, self.address.key)
        if isinstance(stated, Malformed):
            raise WitnessError(f"its statement of the tickets cannot be used: {stated.reason}")
        if (stated.origin, stated.size, stated.root) != (origin, head.size, head.root):
            raise WitnessError(f"it states the tickets of another log, or of size {stated.size} and not {head.size}")
        return note

    def newest(self, origin: str, timeout: float = TIMEOUT) -> str:
        """The newest checkpoint of ours that it signed, as it shows it; empty before the first. Raises WitnessError."""
        answer = ask_checkpoint(self.address.url, short_name(origin), timeout)
        if answer.status == HTTPStatus.NOT_FOUND:
            return ""
        if answer.status != HTTPStatus.OK:
            raise WitnessError(f"{self.address.url} answers {answer.status}: {answer.reason}")
        return answer.body.decode(errors="replace")

    def _believe(self, size: int, ours: int) -> None:
        """Start from the size that the witness names, unless that is what it was told already."""
        if size == self.signed:
            raise WitnessError(f"it says that it has seen another log of size {size}: compare the two checkpoints")
        if size > ours:
            raise AheadError(f"it has seen size {size}, we have {ours}: was this node restored from a backup?")
        self.signed = size


def _good_line(text: str, note: str, key: VerifierKey) -> str:
    """The first line in the answer that is `key`'s good cosignature of this checkpoint."""
    for line in text.split("\n"):
        checkpoint = parse_checkpoint(f"{note}{line}\n")
        if line and not isinstance(checkpoint, Malformed) and cosigned_at(checkpoint, key) is not None:
            return f"{line}\n"
    raise WitnessError(f"it answered no good cosignature of {key.name}: is that its key?")
