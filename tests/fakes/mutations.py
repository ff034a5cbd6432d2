"""Damages gate codes as a forger or a bad camera would: in their bits, their fields, their base45 and their text.

Every mutation takes good codes and returns a text; whether that text is new is for the caller to see.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from scanner.verify import base45

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
ORDER = 2**252 + 27742317777372353535851937790883648493
SMALL = [bytes([1]) + bytes(31), bytes(32), b"\xec" + b"\xff" * 30 + b"\x7f", b"\xee" + b"\xff" * 30 + b"\x7f"]
CORE = {
    "head": (0, 1),
    "event tag": (1, 5),
    "ticket": (5, 9),
    "owner_seq": (9, 11),
    "step": (11, 15),
    "beacon": (15, 16),
}
COMPACT = CORE | {"holder R": (16, 48), "holder S": (48, 80)}
FULL = CORE | {
    "kid": (16, 17), "flags": (17, 18), "gate_group": (18, 19), "category": (19, 20), "seat": (20, 24),
    "ledger_size": (24, 28), "issued_at": (28, 32), "ttl": (32, 34), "holder_key": (34, 66), "ledger R": (66, 98),
    "ledger S": (98, 130), "holder R": (130, 162), "holder S": (162, 194),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Good:
    """A code that opens the gate."""

    text: str
    raw: bytes

    @property
    def fields(self) -> dict[str, tuple[int, int]]:
        """Where its fields begin and end."""
        return COMPACT if len(self.raw) == 80 else FULL


Mutation = Callable[[Random, Good, Good], str]


def _again(good: Good, raw: bytes) -> str:
    return good.text[:2] + base45.encode(raw)


def _put(good: Good, field: str, value: bytes) -> str:
    start, end = good.fields[field]
    return _again(good, good.raw[:start] + value + good.raw[end:])


def flip_bits(random: Random, good: Good, _: Good) -> str:
    number = int.from_bytes(good.raw, "big")
    for bit in random.sample(range(len(good.raw) * 8), random.choice((1, 1, 1, 2, 3, 8))):
        number ^= 1 << bit
    return _again(good, number.to_bytes(len(good.raw), "big"))


def change_bytes(random: Random, good: Good, _: Good) -> str:
    raw = bytearray(good.raw)
    for place in random.sample(range(len(raw)), random.choice((1, 1, 2, 5))):
        raw[place] = random.randrange(256)
    return _again(good, bytes(raw))


def change_a_field(random: Random, good: Good, _: Good) -> str:
    field = random.choice(list(good.fields))
    start, end = good.fields[field]
    value = random.choice((bytes(end - start), b"\xff" * (end - start), random.randbytes(end - start)))
    return _put(good, field, value)


def count_up_or_down(random: Random, good: Good, _: Good) -> str:
    field = random.choice(
        [f for f in ("ticket", "owner_seq", "step", "beacon", "ledger_size", "ttl") if f in good.fields]
    )
    start, end = good.fields[field]
    value = int.from_bytes(good.raw[start:end], "big") + random.choice((-3, -2, -1, 1, 2, 3, 90))
    return _put(good, field, (value % 256 ** (end - start)).to_bytes(end - start, "big"))


def take_a_field_of_another(random: Random, good: Good, other: Good) -> str:
    field = random.choice([field for field in good.fields if field in other.fields])
    start, end = other.fields[field]
    return _put(good, field, other.raw[start:end])


def take_a_run_of_another(random: Random, good: Good, other: Good) -> str:
    start, end = sorted(random.sample(range(len(good.raw) + 1), 2))
    return _again(good, good.raw[:start] + other.raw[start:end] + good.raw[end:])


def take_a_signature_of_another(random: Random, good: Good, other: Good) -> str:
    return _again(good, good.raw[:-64] + random.choice((other.raw[-64:], other.raw[66:130].ljust(64, b"\0"))))


def respell_a_signature(random: Random, good: Good, _: Good) -> str:
    field = random.choice([field for field in ("holder S", "ledger S") if field in good.fields])
    start, end = good.fields[field]
    scalar = int.from_bytes(good.raw[start:end], "little")
    other = random.choice((scalar + ORDER, scalar + 15 * ORDER, ORDER - scalar, scalar ^ 1 << 255, ORDER, 0))
    return _put(good, field, other.to_bytes(32, "little"))


def sign_with_a_point_of_small_order(random: Random, good: Good, _: Good) -> str:
    raw = good.raw[:-64] + random.choice(SMALL) + bytes(32)
    if "holder_key" in good.fields and random.random() < 0.5:
        raw = raw[:34] + random.choice(SMALL) + raw[66:]
    return _again(good, raw)


def cut_or_lengthen(random: Random, good: Good, other: Good) -> str:
    cut = random.choice((1, 2, 16, 64, 114, random.randrange(1, len(good.raw))))
    more = random.choice((b"\0", b"\0\0", good.raw[-64:], other.raw, random.randbytes(cut)))
    return _again(good, random.choice((good.raw[:-cut], good.raw[cut:], good.raw + more, more + good.raw)))


def move_a_byte(random: Random, good: Good, _: Good) -> str:
    raw, place = bytearray(good.raw), random.randrange(len(good.raw))
    if random.random() < 0.5:
        raw.insert(random.randrange(len(raw)), raw.pop(place))
    else:
        del raw[place]
    return _again(good, bytes(raw))


def change_the_prefix(random: Random, good: Good, _: Good) -> str:
    prefix = random.choice(("T1", "T2", "T3", "T0", "t1", "t2", "", "T", " T1", "T11", "HC1:", "\ufeffT1"))
    return prefix + good.text[2:]


def change_characters(random: Random, good: Good, _: Good) -> str:
    text = list(good.text)
    for place in random.sample(range(len(text)), random.choice((1, 1, 2, 4))):
        text[place] = random.choice(ALPHABET)
    return "".join(text)


def change_case(random: Random, good: Good, _: Good) -> str:
    start = random.randrange(len(good.text))
    return good.text[:start] + good.text[start : start + random.choice((1, 3, 300))].lower() + good.text[start + 300 :]


def put_in_or_take_out(random: Random, good: Good, _: Good) -> str:
    place = random.randrange(len(good.text) + 1)
    into = random.choice(("\n", "\r\n", " ", "\0", "\t", "0", "00", "000", ":::", "GGW", "\u0661", "Ａ", "\u200b"))
    return random.choice((good.text[:place] + into, good.text[:place] + good.text[place + 1 :])) + random.choice(
        (good.text[place:], "")
    )


def hang_on(random: Random, good: Good, other: Good) -> str:
    more = random.choice(("\n", " ", "\0", "\r\n", "0", "00", "000", other.text, "0" * 4000))
    return random.choice((good.text + more, more + good.text))


def respell_three_characters(random: Random, good: Good, _: Good) -> str:
    """The same two bytes if a reader takes numbers modulo 65536; else three characters that mean none."""
    start = 2 + 3 * random.randrange((len(good.text) - 2) // 3)
    low, middle, high = (ALPHABET.index(character) for character in good.text[start : start + 3])
    number = low + 45 * middle + 2025 * high + 0x10000
    triple = ALPHABET[number % 45] + ALPHABET[number // 45 % 45] + ALPHABET[number // 2025] if number < 45**3 else ":::"
    return good.text[:start] + random.choice((triple, triple, "GGW")) + good.text[start + 3 :]


MUTATIONS: tuple[Mutation, ...] = (
    flip_bits, flip_bits, change_bytes, change_a_field, count_up_or_down, take_a_field_of_another,
    take_a_run_of_another, take_a_signature_of_another, respell_a_signature, sign_with_a_point_of_small_order,
    cut_or_lengthen, move_a_byte, change_the_prefix, change_characters, change_case, put_in_or_take_out, hang_on,
    respell_three_characters,
)  # fmt: skip
