"""64 KB each of what makes readers work: nesting, many small things, one huge thing, names that are known and do not
fit, signatures without end. Made anew on each run, of fixed seeds; nothing is measured here.
"""

import base64
from collections.abc import Mapping
from random import Random

from scanner.verify.base45 import encode
from scanner.verify.cbor import canonical
from scanner.verify.checkpoint import COSIGNATURE, LOG, NoteSignature, VerifierKey
from scanner.verify.entry import seal
from scanner.verify.keys import SigningKey

SIZE = 65_535
Shapes = Mapping[str, bytes]
ORIGIN = "gate.example/log"
ROOT, WITNESS, DEVICE = (SigningKey(bytes([n]) * 32) for n in (1, 2, 3))
LOG_KEY = VerifierKey(ORIGIN, ROOT.public, LOG)
WITNESS_KEY = VerifierKey("witness.example", WITNESS.public, COSIGNATURE)
_SIGNATURE = 64
_KEY = b"\xa1\x61a"


def filled(part: bytes, size: int = SIZE) -> bytes:
    """`part` over and over."""
    return (part * (size // len(part) + 1))[:size]


def anything() -> Shapes:
    """For whoever reads bytes of no form."""
    return {
        "zeros": bytes(SIZE),
        "ones": b"\xff" * SIZE,
        "noise": Random(8).randbytes(SIZE),
        "spaces": b" " * SIZE,
        "lines": filled(b"\n"),
        "digits": filled(b"7"),
        "letters": filled(b"A"),
        "not UTF-8": filled(b"a\xed\xa0\x80"),
        "wide": filled("\u4e00".encode(), SIZE // 3 * 3),
    }


def cbor(most: int = SIZE) -> Shapes:
    """Maps, for whoever reads CBOR; `most` bytes."""

    def listed(item: bytes, room: int = 0) -> bytes:
        count = (most - 8 - room) // len(item)
        return _KEY + b"\x9a" + count.to_bytes(4, "big") + item * count

    rows = [[256 + index, 0, 1, 1, 0] for index in range(most * 7_500 // SIZE)]
    named = {f"{n:04x}": 0 for n in range(most // 7)}
    regex = ("(?i)" + "[\\0-\U0010ffff]" * 3_000).encode()[: most - 20]
    return {
        **{name: data[:most] for name, data in anything().items()},
        "nested lists": b"\x81" * most,
        "nested maps": filled(_KEY, most),
        "a list of zeros": listed(b"\x00"),
        "a list of empty lists": listed(b"\x80"),
        "a list of empty maps": listed(b"\xa0"),
        "a list of wide numbers": listed(b"\x1b" + b"\xff" * 8),
        "a list of empty texts": listed(b"\x60"),
        "a list of floats": listed(b"\xf9\x3c\x00"),
        "lists in lists": listed(b"\x81" * 14 + b"\x00"),
        "rows, as dense as may be": canonical({"rows": rows}),
        "one map of many names": canonical({"a": named})[:most],
        "one name twice, often": _KEY
        + b"\xb9"
        + (most // 3 - 4).to_bytes(2, "big")
        + filled(b"\x61a\x00", most // 3 * 3),
        "one long text": _KEY + b"\x7a" + (most - 8).to_bytes(4, "big") + b"a" * (most - 8),
        "a regular expression in a tag": _KEY + b"\xd8\x23\x79" + len(regex).to_bytes(2, "big") + regex,
        "a huge number in a tag": _KEY + b"\xc2\x5a" + (most - 9).to_bytes(4, "big") + b"\xff" * (most - 9),
    }


def entries(most: int = SIZE) -> Shapes:
    """CBOR behind a signature, and entries that are well-formed and signed by a key that is known."""
    rows = [[256 + index, 0, 1, 1, 0] for index in range((most - 400) * 7_500 // SIZE)]
    made = {f"signed: {name}": seal("ticket.issue", "e", 1, body, DEVICE) for name, body in {
        "dense rows": {"rows": rows},
        "one long text": {"text": "a" * (most - 300)},
        "many names": {f"{n:04x}": n for n in range((most - 400) // 8)},
    }.items()}  # fmt: skip
    return {**made, **{name: bytes(_SIGNATURE) + data for name, data in cbor(most - _SIGNATURE).items()}}


def json() -> Shapes:
    """For whoever reads JSON."""
    return {
        **anything(),
        "nested lists": b"[" * SIZE,
        "nested objects": filled(b'{"a":'),
        "nested and closed": b"[" * (SIZE // 2) + b"]" * (SIZE // 2),
        "a list of zeros": b"[" + filled(b"0,", SIZE - 3) + b"0]",
        "a list of lists": b"[" + filled(b"[],", SIZE - 6) + b"[]]",
        "a list of objects": b"[" + filled(b"{},", SIZE - 6) + b"{}]",
        "one huge number": b'{"a":' + b"7" * (SIZE - 6) + b"}",
        "huge numbers": b"[" + filled(b"7" * 4_000 + b",", SIZE - 4_100) + b"7]",
        "a huge exponent": b'{"a":1e' + b"7" * (SIZE - 8) + b"}",
        "many names": b"{" + b",".join(b'"%06x":0' % n for n in range(SIZE // 11)) + b"}",
        "one name, often": b"{" + b",".join([b'"a":0'] * (SIZE // 6 - 1)) + b"}",
        "escapes": b'{"a":"' + filled(b"\\u0041", (SIZE - 9) // 6 * 6) + b'"}',
        "one long text": b'{"a":"' + b"a" * (SIZE - 8) + b'"}',
        "an open text": b'{"a":"' + b"a" * (SIZE - 6),
        "NaN": b"[" + filled(b"NaN,", SIZE - 8) + b"NaN]",
    }


def notes() -> Shapes:
    """For whoever reads signed notes: checkpoints, lists of keys, statements, lost parts."""
    root = base64.b64encode(bytes(32)).decode()
    head = f"{ORIGIN}\n7\n{root}\n\n"

    def signed(name: str, key_id: bytes, length: int, count: int) -> bytes:
        random = Random(count)
        lines = "".join(NoteSignature(name, key_id, random.randbytes(length)).line() for _ in range(count))
        return (head + lines).encode()

    most = (SIZE - len(head)) // 120
    return {
        **anything(),
        "lines of nobody": signed("nobody.example", bytes(4), 64, 100),
        "more lines of nobody than there may be": signed("nobody.example", bytes(4), 64, most),
        "a hundred forged lines of the log": signed(ORIGIN, LOG_KEY.key_id, 64, 100),
        "a hundred forged lines of a witness": signed(WITNESS_KEY.name, WITNESS_KEY.key_id, 72, 100),
        "one line of one huge signature": signed(ORIGIN, LOG_KEY.key_id, 48_000, 1),
        "empty lines": (head + "\n" * (SIZE - len(head))).encode(),
        "dashes": (head + "\u2014 " * 15_000).encode(),
        "a long name": (head + "\u2014 " + "n" * 60_000 + " AAAA\n").encode(),
        "a huge size": f"{ORIGIN}\n{'7' * 60_000}\n{root}\n\n\u2014 a AAAAAAAA\n".encode(),
        "statement lines": (f"ticketme-gate/state/v1\n{ORIGIN}\n7\n{root}\n" + f"e {root} {root}\n" * 640).encode()
        + signed(ORIGIN, LOG_KEY.key_id, 64, 1)[len(head) - 1 :],
        "keys": (f"ticketme-gate/log-keys/v1\n{ORIGIN}\n1\n1\n" + f"{LOG_KEY.encode()}\n" * 70).encode()
        + signed(ORIGIN, LOG_KEY.key_id, 64, 1)[len(head) - 1 :],
    }


def codes() -> Shapes:
    """For whoever reads gate codes."""
    random = Random(5)
    return {
        **anything(),
        "a long code": b"T1" + encode(random.randbytes(40_000)).encode(),
        "the longest QR": b"T1" + encode(random.randbytes(2_862)).encode(),
        "almost base45": b"T2" + b"A" * (SIZE - 3) + b"!",
        "a new version": b"\x2f" * SIZE,
    }


def headers() -> Shapes:
    """For whoever reads Signature-Input and Signature; one half goes into each."""
    return {
        **anything(),
        "many labels": filled(b'gate=("@method");created=1,'),
        "many parameters": filled(b'gate=();a="b"'),
        "parameters without an end": b"gate=()" + filled(b';a="b"', SIZE - 7),
        "brackets": b"gate=" + b"(" * (SIZE - 5),
        "components": b"gate=(" + filled(b'"@method" ', SIZE - 20) + b")",
        "a long signature": b"gate=:" + b"A" * (SIZE - 8) + b":",
        "quotes": b'gate=("' + b"\\" * (SIZE - 7),
        "just short enough": b"gate=()" + filled(b';a="b"', 1_998),
    }
