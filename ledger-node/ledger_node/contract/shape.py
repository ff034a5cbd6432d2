"""The shape of an operator's entry: which fields, of which kind, in which range. What they mean is for the rules."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from scanner.verify.entry import Entry, is_uint
from scanner.verify.keys import PUBLIC_KEY_BYTES, SIGNATURE_BYTES

MOST = 2**63 - 1
"""The largest integer that a ledger keeps: what a signed 64-bit column holds."""

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


def mapping(value: object) -> bool:
    """A map."""
    return isinstance(value, dict)


def items(value: object) -> bool:
    """A list of one item or more."""
    return isinstance(value, list) and len(value) > 0


def fault(body: Mapping[str, Any], shape: Shape) -> str | None:
    """What is wrong with the body, or None: exactly the fields of the shape, each of its kind."""
    if body.keys() != shape.keys():
        return f"fields are {', '.join(sorted(body))}, not {', '.join(sorted(shape))}"
    wrong = [name for name, kind in shape.items() if not kind(body[name])]
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
