"""What the API's JSON looks like, for /openapi.json and for the few bodies that are not on a hot path.

Answers to gates are built by hand (speed); that they fit these models is held by tests.
"""

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ledger_node.services.errors import ServiceError
from ledger_node.strict_json import NotJson, parse_json

Hex = Annotated[str, Field(pattern=r"^([0-9a-f]{2})*$")]
Key = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="Ed25519 public key")]
Uint = Annotated[int, Field(ge=0)]
Verdict = Literal["accepted", "duplicate", "stale", "revoked", "unknown", "rejected"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Enrolment(_Strict):
    """A one-time code and the device's own key, which also signs the request. `code`: the code's 5 secret bytes, the 5
    that name the node, and the device's key, in a sealed box of libsodium for the node's key, in hex. `proof`: the
    device's signature over "ticketme/v1/possession/device" 0x00 | the node's key | the device's key. Gates of earlier
    releases have neither, and must be updated.
    """

    code: Annotated[str, Field(max_length=256)]
    public_key: Key
    proof: Annotated[str, Field(pattern=r"^([0-9a-f]{128})?$")] = ""


class Enrolled(_Strict):
    """Who the device is from now on, and whom it may believe."""

    device: str
    event: str
    gate: str
    node_key: Key
    log: Annotated[str, Field(description="The log's verifier key (C2SP signed-note)")]
    origin: str
    time_ms: Uint
    time_told: bool = True


class Shown(_Strict):
    """A checkpoint of this node's log, and the list of the log's keys by which it is good; empty before the first."""

    checkpoint: Annotated[str, Field(max_length=16_384)]
    log_keys: Annotated[str, Field(max_length=8_192)] = ""
    queue: Uint | None = None


class Heard(_Strict):
    """How long the log is here, and whether the checkpoint was news: this node has lost what it is of. `lost`: the root
    key's word that it is lost for good, with a checkpoint and the proof that it extends what was kept.
    """

    size: Uint
    news: bool
    lost: str = ""
    checkpoint: str = ""
    log_keys: str = ""
    consistency: list[Hex] = []
    time_ms: Uint
    time_told: bool = True


class State(BaseModel):
    """Two signed notes of the log at one size: its checkpoint, and the state digests of its events."""

    checkpoint: str
    statement: str


class Stated(_Strict):
    """What witnesses state of the events at one log size, each in a signed note."""

    size: Uint
    statements: list[str]
    time_ms: Uint
    time_told: bool = True


class Time(_Strict):
    """The node's time, unix milliseconds; `time_told` false: its clock has jumped, and gates do not go by it."""

    time_ms: Uint
    time_told: bool = True


class First(_Strict):
    """The admission that holds a ticket's use."""

    device: str
    counter: Uint
    gate: str
    at: Uint
    time_ms: Uint
    position: Uint


class Receipt(_Strict):
    """What became of one record; `position` is null only for "rejected", which is not in the log."""

    device: str | None
    counter: Uint | None
    position: Uint | None
    verdict: Verdict
    cause: str = ""
    first: First | None
    leaf_hash: Hex | None = None
    inclusion: list[Hex] | None = None
    error: str | None = None
    reason: str | None = None


class Proven(_Strict):
    """The log as it stands, and that it extends what the reader knew."""

    checkpoint: Annotated[str, Field(description="C2SP tlog-checkpoint")]
    log_keys: Annotated[str, Field(description="the list of the keys that sign it, once there is one")] = ""
    consistency: list[Hex]
    time_ms: Uint
    time_told: bool = True


class ClaimAnswer(Receipt):
    """The receipt of a claim."""

    time_ms: Uint
    time_told: bool = True


class Receipts(Proven):
    """One receipt a record, in order."""

    receipts: list[Receipt]


class ProvenReceipt(Receipt, Proven):
    """A receipt with its inclusion proof in the log of the checkpoint's size."""


class ProvenRevocation(Proven):
    """The entry that revoked a device, with its inclusion proof in the log of the checkpoint's size."""

    entry: Hex
    position: Uint
    inclusion: list[Hex]


class Changes(Proven):
    """Rows that changed at positions from `from` up to `to`; `consistency` starts at `verified` (default: `from`)."""

    event: str
    start: Annotated[Uint, Field(alias="from")]
    to: Uint
    rows: Annotated[list[str], Field(description="base64 of 54-byte rows")]
    manifest: Annotated[Hex | None, Field(description="canonical CBOR, if it changed")]
    wipe: bool


class Group(_Strict):
    """Gates that admit to one part of the house."""

    number: Uint
    name_en: str
    name_zh: str
    gates: list[str]


class EventFacts(_Strict):
    """What is public of an event. Times are unix seconds; people read them in `zone`."""

    event: str
    event_hash: Hex
    name: str
    doors: Uint
    starts: Uint
    zone: str
    capacity: Uint
    issued: Uint
    version: Uint
    gate_groups: list[Group]


class Happened(_Strict):
    """An admission of a ticket."""

    position: Uint
    gate: str
    time_ms: Uint
    time_told: bool = True
    verdict: Verdict
    cause: str


class TicketHistory(_Strict):
    """A ticket without its people."""

    event: str
    index: Uint
    owner_seq: Uint
    state: str
    gate_group: Uint
    category: Uint
    uses: Uint
    changed: Annotated[Uint, Field(description="Position of the entry that last changed it")]
    admissions: list[Happened]
    size: Uint


class Problem(BaseModel):
    """RFC 9457. `code` is stable; `detail` says what happened and what to do."""

    title: str
    status: int
    code: str
    detail: str
    time_ms: Uint | None = None
    time_told: bool = True
    wipe: bool | None = None


_M = TypeVar("_M", bound=BaseModel)
_MOST_FAULTS = 100


def read_json(model: type[_M], body: bytes) -> _M:
    """The body as this model. Raises ServiceError "bad-json" that names the first thing that is wrong."""
    try:
        made = model.model_validate_json(body)
        parse_json(body)
    except NotJson as error:
        raise ServiceError("bad-json", f"the body: {error}", 400) from None
    except ValidationError as error:
        if error.error_count() > _MOST_FAULTS:
            # Each would be spelt out, for a sentence about the first.
            raise ServiceError("bad-json", f"the body: {error.error_count()} things are wrong with it", 400) from None
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise ServiceError("bad-json", f"{place}: {first['msg']}", 400) from None
    return made
