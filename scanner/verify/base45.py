"""Base45 (RFC 9285), strictly: one text for one byte string, and no other text is taken.

Written here because the strictness is the point: the packages that were tried accept a trailing newline.
"""

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUE = {character: value for value, character in enumerate(_ALPHABET)}
_PAIR = [low + high for high in _ALPHABET for low in _ALPHABET]


def encode(data: bytes) -> str:
    """Two bytes become three characters, a last odd byte two."""
    out = []
    for start in range(0, len(data) - 1, 2):
        high, rest = divmod(data[start] << 8 | data[start + 1], 2025)
        out.append(_PAIR[rest] + _ALPHABET[high])
    if len(data) % 2:
        out.append(_PAIR[data[-1]])
    return "".join(out)


def decode(text: str) -> bytes | None:
    """The bytes of `text`, or None if it is not exactly what `encode` would have written."""
    tail = len(text) % 3
    if tail == 1:
        return None
    try:
        values = [_VALUE[character] for character in text]
    except KeyError:
        return None
    out = bytearray()
    for start in range(0, len(values) - tail, 3):
        number = values[start] + 45 * values[start + 1] + 2025 * values[start + 2]
        if number > 0xFFFF:
            return None
        out += number.to_bytes(2, "big")
    if tail:
        number = values[-2] + 45 * values[-1]
        if number > 0xFF:
            return None
        out.append(number)
    return bytes(out)
