"""The shape of an entry that is not a device's record: which fields, of which kind, in which range. What they mean is
for the rules. Types whose bodies have a class of their own (`body.Body`) take their shape from its fields.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from scanner.verify.entry import Entry, is_uint
from scanner.verify.keys import PUBLIC_KEY_BYTES, SIGNATURE_BYTES

MOST = 2**63 - 1
"""The largest integer that a ledger keeps: what a signed 64-bit column holds."""

MOST_CENTS = 2**53
"""The largest amount of money: what every reader of JSON can still hold exactly."""
DIGEST_BYTES = 32
_MOST_QUOTED = 2_000
"""Bytes of a receipt or an attestation that an entry quotes."""

Kind = Callable[[object], bool]
Shape = Mapping[str, Kind]
_DEVICE = re.compile(r"[!-~]{1,64}")


def u8(value: object) -> bool:
    """0 to 255."""
    return is_uint(value, 2**8 - 1)


def u16(value: object) -> bool:
    """0 to 65,535."""
    return is_uint(value, 2**16 - 1)


def u32(value: object) -> bool:
    """0 to 4,294,967,295."""
    return is_uint(value, 2**32 - 1)


def u63(value: object) -> bool:
    """0 to MOST."""
    return is_uint(value, MOST)


def text(value: object) -> bool:
    """A text of 1 to 200 characters."""
    return isinstance(value, str) and 0 < len(value) <= 200


def device_id(value: object) -> bool:
    """1 to 64 printable ASCII characters without spaces."""
    return isinstance(value, str) and _DEVICE.fullmatch(value) is not None


def key(value: object) -> bool:
    """As long as a public key; whether it is one is a rule's question."""
    return isinstance(value, bytes) and len(value) == PUBLIC_KEY_BYTES


def signature(value: object) -> bool:
    """As long as a signature."""
    return isinstance(value, bytes) and len(value) == SIGNATURE_BYTES


def cents(value: object) -> bool:
    """0 to MOST_CENTS."""
    return is_uint(value, MOST_CENTS)


def boolean(value: object) -> bool:
    """True or false."""
    return isinstance(value, bool)


def digest(value: object) -> bool:
    """As long as a SHA-256: a commitment, an id that was drawn or hashed, a secret."""
    return isinstance(value, bytes) and len(value) == DIGEST_BYTES


def digest_or_none(value: object) -> bool:
    """A digest, or empty for none."""
    return value == b"" or digest(value)


def quoted(value: object) -> bool:
    """A receipt or an attestation of a provider, or empty for none; whether it is good is a rule's question."""
    return isinstance(value, bytes) and len(value) <= _MOST_QUOTED


def indexes(value: object) -> bool:
    """A list of one ticket index or more, each once."""
    return items_or_none(value, u32) and value != []


def indexes_or_none(value: object) -> bool:
    """A list of ticket indexes, each once; it may be empty."""
    return items_or_none(value, u32)


def names(value: object) -> bool:
    """A list of one device id or more, each once."""
    return names_or_none(value) and value != []


def names_or_none(value: object) -> bool:
    """A list of device ids, each once; it may be empty."""
    return items_or_none(value, device_id)


def group(value: object) -> bool:
    """The number of a gate group, 1 to 255."""
    return u8(value) and value != 0


def mapping(value: object) -> bool:
    """A map."""
    return isinstance(value, dict)


def items(value: object) -> bool:
    """A list of one item or more."""
    return isinstance(value, list) and len(value) > 0


def items_or_none(value: object, kind: Kind) -> bool:
    """A list of values of one kind, none of them twice."""
    return isinstance(value, list) and all(map(kind, value)) and len(set(value)) == len(value)


U8 = Annotated[int, u8]
U16 = Annotated[int, u16]
U32 = Annotated[int, u32]
Seconds = Annotated[int, u63]
Counter = Annotated[int, u63]
Cents = Annotated[int, cents]
Flag = Annotated[bool, boolean]
Text = Annotated[str, text]
Name = Annotated[str, device_id]
PublicKey = Annotated[bytes, key]
Proof = Annotated[bytes, signature]
Digest = Annotated[bytes, digest]
DigestOrNone = Annotated[bytes, digest_or_none]
Quoted = Annotated[bytes, quoted]
Indexes = Annotated[Sequence[int], indexes]
IndexesOrNone = Annotated[Sequence[int], indexes_or_none]
Names = Annotated[Sequence[str], names]
NamesOrNone = Annotated[Sequence[str], names_or_none]
GroupNumber = Annotated[int, group]
Items = Annotated[Sequence[Any], items]
Map = Annotated[Mapping[str, Any], mapping]


NOTHING: Shape = {}


def fault(body: Mapping[str, Any], shape: Shape, optional: Shape = NOTHING) -> str | None:
    """What is wrong with the body, or None: the fields of the shape, each of its kind, and any of `optional`."""
    if not shape.keys() <= body.keys() <= shape.keys() | optional.keys():
        return f"fields are {', '.join(sorted(body))}, not {', '.join(sorted(shape))}"
    kinds = {**optional, **shape}
    wrong = [name for name, value in body.items() if not kinds[name](value)]
    return f"{', '.join(wrong)}: of the wrong kind or out of range" if wrong else None


SHAPES: Mapping[str, Shape] = {
    "event.create": {"manifest": mapping},
    "event.update": {"manifest": mapping},
    "ticket.issue": {"rows": items},
    "ticket.state": {"tickets": items, "state": text, "reason": text},
    "key.register": {"ticket": u32, "owner_seq": u16, "holder_key": key, "proof": signature},
    "device.enrol": {"device": device_id, "public_key": key, "gate": text},
    "device.revoke": {"device": device_id, "reason": text},
    "incident": {"kind": text, "device": device_id, "counter": u63, "cause": text},
}
"""What the operator may say."""

NONCE_BYTES = 16


def nonce(value: object) -> bool:
    """What one act alone has: 16 random bytes."""
    return isinstance(value, bytes) and len(value) == NONCE_BYTES


EVERY_ACT: Shape = {"nonce": nonce}
"""What every act may carry, so that doing, undoing and doing again within one second are three entries and not two."""

OPTIONS: Mapping[str, Shape] = {
    "event.create": {"rules": u8},
    "event.update": {"rules": u8, "heard": names},
    "device.enrol": {"proof": signature},
}
"""What may stand beside it: entries from before these fields were there have none of them."""

_ROW: tuple[Kind, ...] = (u32, u32, u8, u8, u63)
_PROVEN_ROW: tuple[Kind, ...] = (*_ROW, key, signature)


def row_fault(row: object) -> str | None:
    """What is wrong with a row: [index, seat, category, gate_group, face_value] and perhaps [holder_key, proof]."""
    if not isinstance(row, list) or len(row) not in {len(_ROW), len(_PROVEN_ROW)}:
        return "a row is index, seat, category, gate_group, face_value and perhaps holder_key, proof"
    kinds = _ROW if len(row) == len(_ROW) else _PROVEN_ROW
    good = all(kind(value) for kind, value in zip(kinds, row, strict=True))
    return None if good else f"row of ticket {row[0]!r}: a value of the wrong kind or out of range"


def record_fault(entry: Entry) -> str | None:
    """Integers of a device's record that no ledger can keep; `record.check_record` sees to everything else."""
    names = ("counter", "time_ms", "ticket", "owner_seq", "of")
    wrong = [name for name in names if entry.body.get(name, 0) > MOST]
    return f"{', '.join(wrong)}: out of range" if wrong else None
