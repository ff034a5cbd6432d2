"""What the JSON of histories, promises, alerts and the regulator's view looks like, for /openapi.json."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from ledger_node.web.schemas import Hex, Uint

Note = Annotated[str, Field(description="C2SP tlog-checkpoint, with its cosignatures")]
LogKeys = Annotated[
    str | None, Field(description="The keys that sign the log now, under its root key, if they changed")
]
Facts = Annotated[dict[str, Any], Field(description="What is public about an entry of its type")]


class SignerFacts(BaseModel):
    """Who signed: a role, an organisation's or device's name, and the first 16 hex digits of the key's SHA-256."""

    role: str
    name: str
    key: str


class ActFacts(BaseModel):
    """One entry without people. `at` is unix seconds."""

    position: Uint
    type: str
    at: Uint
    signer: SignerFacts
    facts: Facts


class StepFacts(ActFacts):
    """One entry about a ticket, with a proof if it was asked for."""

    leaf_hash: Hex | None = None
    inclusion: list[Hex] | None = None


class HistoryFacts(BaseModel):
    """A ticket's history at the size of the checkpoint; when `next` is not null, go on there."""

    event: str
    index: Uint
    size: Uint
    checkpoint: Note
    log_keys: LogKeys = None
    entries: list[StepFacts]
    next: Uint | None


class Capacity(BaseModel):
    """Tickets issued and licensed, the entries behind both, and those that broke the promise."""

    issued: Uint
    licensed: Uint
    breaches: list[Uint]
    licences: list[Uint] | None = None
    issues: list[tuple[int, int]] | None = None


class Share(BaseModel):
    """Tickets that sponsors have and may have (`share` in basis points of what is licensed)."""

    allotted: int
    allowed: Uint
    share: Uint
    most: Uint
    breaches: list[Uint]
    allotments: list[tuple[int, str, int]] | None = None
    recalls: list[tuple[int, int]] | None = None


class Prices(BaseModel):
    """Deals of a kind; `highest` price in basis points of the face value."""

    offered: Uint
    completed: Uint
    highest: Uint
    at_cap: Uint
    breaches: list[Uint]
    deals: list[tuple[int, int | None]] | None = None


class Promises(BaseModel):
    """Whether every promise holds, and the numbers."""

    holds: bool
    capacity: Capacity
    sponsors: Share
    transfers: Prices
    resales: Prices


class AssuranceFacts(Promises):
    """An event's promises at a log size."""

    event: str
    size: Uint
    checkpoint: Annotated[str | None, Field(description="Of this size, if cosignatures were asked for")] = None
    log_keys: LogKeys = None


class AlertFacts(BaseModel):
    """An alert; times are unix seconds."""

    id: Uint
    rule: str
    event: str
    subject: str
    state: str
    first_seen: int
    last_seen: int
    count: Uint
    position: Uint | None
    detail: dict[str, Any]


class Overview(BaseModel):
    """An event in the regulator's list."""

    event: str
    name: str
    doors: Uint
    starts: Uint
    standing: str
    size: Uint
    assurance: Promises


class EventTotals(Overview):
    """An event's totals: entries by type, money in cents."""

    entries: dict[str, int]
    money: dict[str, int]
    devices: Uint
    double_entries: Uint


class Acts(BaseModel):
    """A page of an event's acts."""

    event: str
    size: Uint
    acts: list[ActFacts]
    next: Uint | None
