"""One form for what people write in many: telephone and order numbers, e-mail addresses, ticket numbers, answers.

Whatever reads one of them from a person or from another system reads it here, so that what was put in one way is found
in every other: with and without +852, spaces and hyphens, full-width digits, small and capital letters. Whether
anybody answers there is not known here.
"""

import re
import unicodedata

HONG_KONG = "+852"
MOST_TICKET = 2**32 - 1
_BETWEEN_DIGITS = re.compile(r"[ ().\-\u2010-\u2015]")
_INTERNATIONAL = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_LOCAL = re.compile(r"[2-9]\d{7}", re.ASCII)
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
_ORDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
_GAPS = re.compile(r"[\s\-_.,()]+")
_ALL_GAPS = re.compile(r"[\s\-\u2010-\u2015_.,()/#]+")


def phone(text: str) -> str | None:
    """A telephone number as + and digits (E.164, ITU-T), or None for what is none.

    A number without a country is one of Hong Kong: 8 digits, the first of them 2 to 9 (OFCA's numbering plan). Read
    besides: spaces, hyphens, dots, brackets, full-width digits, 00 for +, 852 without +.
    """
    plain = _BETWEEN_DIGITS.sub("", unicodedata.normalize("NFKC", text).strip())
    if plain.startswith("00"):
        plain = f"+{plain[2:]}"
    if _LOCAL.fullmatch(plain):
        return HONG_KONG + plain
    if plain.startswith("852") and _LOCAL.fullmatch(plain[3:]):
        return f"+{plain}"
    if plain.startswith(HONG_KONG):
        return plain if _LOCAL.fullmatch(plain[len(HONG_KONG) :]) else None
    return plain if _INTERNATIONAL.fullmatch(plain) else None


def mail(text: str) -> str | None:
    """An e-mail address as it is written to, its domain in small letters, or None for what is none.

    One address, bare: no name, no list, no comment, nothing that could become another header line (RFC 5321 4.1.2,
    without quoted local parts). A domain in other letters than ASCII becomes its A-labels (IDNA); such a local part is
    refused, because few servers take it. Letters before the @ stay as they are, since a server may tell them apart;
    to find somebody they do not count (`found_by`).
    """
    local, at, domain = text.strip(" ").rpartition("@")
    if not text.isascii():
        local, at, domain = unicodedata.normalize("NFKC", text).strip(" ").rpartition("@")
    host = domain.lower() if domain.isascii() else _a_labels(domain)
    good = at and len(local) <= 64 and _LOCAL_PART.fullmatch(local) and _DOMAIN.fullmatch(host)
    return f"{local}@{host}" if good else None


def order_number(text: str) -> str | None:
    """An order's number as it is kept: full-width letters and digits made plain, no blanks around it; None for what is
    none. Capital and small letters stay, because a ticketing system may tell them apart.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    return plain if _ORDER.fullmatch(plain) else None


def ticket_number(text: str) -> int | None:
    """The index of a ticket: digits, also full-width ones, with or without a # in front and blanks between."""
    plain = re.sub(r"[\s,]", "", unicodedata.normalize("NFKC", text)).removeprefix("#")
    good = plain.isascii() and plain.isdecimal() and len(plain) <= 10 and int(plain) <= MOST_TICKET
    return int(plain) if good else None


def found_by(field: str, text: str) -> str:
    """What a person is found by: the same for every spelling of their phone, e-mail, document or order's number."""
    if field == "phone":
        return phone(text) or _folded(text)
    if field == "email":
        return (mail(text) or _folded(text)).lower()
    return _ALL_GAPS.sub("", _folded(text))


def answer(text: str) -> bytes:
    """An answer as it is stretched and compared: small and full-width letters, spaces and hyphens do not matter."""
    return _GAPS.sub("", _folded(text)).encode()


def answers(text: str) -> list[bytes]:
    """All that somebody may have meant who wrote this: the answer itself, and the telephone number that it may be."""
    number = phone(text)
    plain = answer(text)
    return [plain] if number is None or answer(number) == plain else [plain, answer(number)]


def as_read(name: str) -> str:
    """The same for names that people do not tell apart: by capital letters, width, normal form or blanks."""
    return " ".join(_folded(name).split())


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


def _a_labels(domain: str) -> str:
    try:
        return domain.encode("idna").decode().lower()
    except UnicodeError:
        return ""
