"""What two gates say to each other: one shape for the request and for its answer. Only the shape is checked here.

A message travels as JSON, signed with its sender's device key (RFC 9421); its records are signed entries themselves.
"""

import base64
import binascii
from math import ceil
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer

from scanner.clock import NTP, RTC, ClockReading
from scanner.sync.answers import Answer
from scanner.verify.entry import Malformed
from scanner.verify.record import MOST_RECORD

PATH = "/v1/peer"
MOST_RECORDS = 64
MOST_BODY = 512 * 1024
"""Bytes. Records are some hundred bytes each; a message holds fewer of them if they are long."""
FILL = MOST_BODY // 2
_MOST_COLONS = 1_000
"""One for each field, and those that stand in names; base64 has none."""


def _raw(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from error


Raw = Annotated[
    bytes,
    BeforeValidator(_raw),
    PlainSerializer(lambda raw: base64.b64encode(raw).decode()),
    Field(max_length=MOST_RECORD),
]
"""A record; base64 on the wire."""


Count = Annotated[int, Field(ge=0, le=2**53)]


class Message(Answer):
    """`have`: the highest counter that the sender has of the other's chain. `newest`, `settled`, `position` and
    `pending` are those of the sender's own chain (ports.ChainPage), and so are `records`. An answer tells the time, too
    (`time_ms`, 0 = no time told), how far off it may be, and on whose word alone it rests ("" = the sender's own).
    """

    event: Annotated[str, Field(max_length=128)]
    to: Annotated[str, Field(max_length=200)]
    have: Count
    newest: Count
    settled: Count
    position: Count
    pending: Count
    records: tuple[Raw, ...] = Field(max_length=MOST_RECORDS)
    time_ms: Count = 0
    time_error_ms: Count = 0
    time_root: Annotated[str, Field(max_length=200)] = ""

    @classmethod
    def parse(cls, body: bytes) -> "Message | Malformed":
        """From JSON; a body of more fields than there are is not read."""
        if body.count(b":") > _MOST_COLONS:
            return Malformed("more fields than a message has")
        return super().parse(body)

    def at_time(self, reading: ClockReading) -> "Message":
        """The same with our time, if we trust it."""
        if not reading.trusted:
            return self
        # What we have of our own clocks rests on us; who hears it knows our name.
        root = "" if reading.root in {NTP, RTC} else reading.root
        told = {"time_ms": int(reading.seconds * 1000), "time_error_ms": ceil(reading.error_s * 1000) + 1}
        return self.model_copy(update={**told, "time_root": root})

    def pack(self) -> bytes:
        """As it is sent."""
        return self.model_dump_json().encode()


def fill(records: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """As many of the first as fit into one message; at least one, so that none holds up those behind it."""
    room, taken = FILL, 0
    for raw in records[:MOST_RECORDS]:
        room -= len(raw)
        if room < 0 and taken:
            break
        taken += 1
    return records[:taken]
