"""What a ledger node answers, as values. The shape is checked here; whether to believe it is reconcile's business.

Everything here came in an answer that the node signed for a request of ours; nothing of it is proven yet.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from scanner.ports import CONFLICT, Receipt
from scanner.verify.entry import U64, Malformed
from scanner.verify.merkle import HASH_BYTES


def _hex(value: object) -> bytes | None:
    if value is not None and not isinstance(value, str):
        raise ValueError("not a text in hex")
    return None if value is None else bytes.fromhex(value)


def _base64(value: object) -> bytes:
    try:
        return base64.b64decode(str(value), validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from error


Uint = Annotated[int, Field(ge=0, le=U64)]
Hash = Annotated[bytes, BeforeValidator(_hex), Field(min_length=HASH_BYTES, max_length=HASH_BYTES)]
Proof = Annotated[tuple[Hash, ...], Field(max_length=64)]


class Answer(BaseModel):
    """Strict in what it reads; fields that a newer node adds are passed over."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    @classmethod
    def parse(cls, body: bytes) -> Self | Malformed:
        """From JSON; Malformed names the first field that is wrong."""
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "the whole"
            return Malformed(f"{where}: {first['msg']}")


class First(Answer):
    """The use that came first: which gate, at which unix second."""

    gate: str
    at: Uint


class RecordAnswer(Answer):
    """What became of one record. `position` is None for "rejected"; `inclusion` is empty where no proof was asked.

    Only bytes that are no record at all have no device and counter.
    """

    device: str | None
    counter: Uint | None
    verdict: Literal["accepted", "duplicate", "stale", "revoked", "unknown", "rejected"]
    position: Uint | None = None
    first: First | None = None
    inclusion: Proof = ()
    reason: str | None = Field(default=None, validation_alias=AliasChoices("reason", "cause"))
    error: str | None = None

    def receipt(self, counter: int) -> Receipt:
        """As the journal keeps it; whether it is proven is another matter."""
        first = (self.first.gate, self.first.at) if self.first else None
        verdict = CONFLICT if self.error == CONFLICT else self.verdict
        return Receipt(counter, verdict, self.position, first, self.reason or "")


class Uploaded(Answer):
    """The answer to a batch: a receipt a record.

    `consistency` leads from the size asked with to the checkpoint's.
    """

    receipts: tuple[RecordAnswer, ...]
    checkpoint: str
    log_keys: str = ""
    consistency: Proof
    time_ms: Uint


class ChangesAnswer(Answer):
    """Rows that changed from `start` up to `to`; `consistency` leads from the verified size to the checkpoint's."""

    event: str
    start: Uint = Field(validation_alias="from")
    to: Uint
    checkpoint: str
    log_keys: str = ""
    consistency: Proof
    rows: tuple[Annotated[bytes, BeforeValidator(_base64)], ...]
    manifest: Annotated[bytes | None, BeforeValidator(_hex)] = None
    time_ms: Uint
    wipe: bool = False


class RevocationAnswer(Answer):
    """The entry that revoked this device, where it stands, and the log that it stands in."""

    entry: Annotated[bytes, BeforeValidator(_hex)]
    position: Uint
    inclusion: Proof
    checkpoint: str
    log_keys: str = ""
    consistency: Proof


class StateAnswer(Answer):
    """What witnesses state of the tickets at one size of the log, each in a signed note."""

    size: Uint
    statements: Annotated[tuple[str, ...], Field(max_length=100)]


class RecallAnswer(Answer):
    """Tickets whose use, leased to this gate, another gate claims."""

    tickets: Annotated[tuple[Uint, ...], Field(max_length=1000)]


class Heard(Answer):
    """How long the node's log is, after it was shown a checkpoint. Where that is of a part that was lost: the root
    key's word for it (verify.lost), and a checkpoint with the proof that it extends what was kept.
    """

    size: Uint
    lost: str = ""
    checkpoint: str = ""
    log_keys: str = ""
    consistency: Proof = ()


class NodeTime(Answer):
    """The node's clock, in unix milliseconds; not `time_told`: the node itself does not believe it, and is silent."""

    time_ms: Uint
    time_told: bool = True


class Problem(Answer):
    """A refusal of the node (RFC 9457): `code` is for programs, `detail` for people. `status` is that of the answer."""

    status: int = 0
    code: str = ""
    detail: str = ""
    time_ms: Uint | None = None
    wipe: bool = False

    def sentence(self) -> str:
        """For a status line."""
        return f"the ledger node refuses ({self.status} {self.code}): {self.detail}".rstrip(" :")


@dataclass(frozen=True, slots=True)
class Revoked:
    """The node says that this device was revoked. Only the log's entry makes it so: see verify.revocation."""

    detail: str
