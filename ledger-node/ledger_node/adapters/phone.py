"""Telephone numbers as people and ticketing systems write them, made E.164 (ITU-T). Not whether anybody answers.

A number without a country is one of Hong Kong: 8 digits, the first of them 2 to 9 (OFCA's numbering plan).
"""

import re
import unicodedata

HONG_KONG = "+852"
_BETWEEN = re.compile(r"[ ().\-\u2010-\u2015]")
_INTERNATIONAL = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_LOCAL = re.compile(r"[2-9]\d{7}", re.ASCII)


def e164(text: str) -> str | None:
    """The number as + and digits, or None for what is no number.

    Read besides: spaces, hyphens, dots, brackets, full-width digits, 00 for +, 852 without +.
    """
    plain = _BETWEEN.sub("", unicodedata.normalize("NFKC", text).strip())
    if plain.startswith("00"):
        plain = f"+{plain[2:]}"
    if _LOCAL.fullmatch(plain):
        return HONG_KONG + plain
    if plain.startswith("852") and _LOCAL.fullmatch(plain[3:]):
        return f"+{plain}"
    if plain.startswith(HONG_KONG):
        return plain if _LOCAL.fullmatch(plain[len(HONG_KONG) :]) else None
    return plain if _INTERNATIONAL.fullmatch(plain) else None
