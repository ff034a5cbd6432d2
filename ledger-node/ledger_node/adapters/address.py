"""E-mail addresses: what may be written to, in the one form in which it is kept. Not whether anybody reads it.

One address, bare: no name, no list, no comment, nothing that could become another header line (RFC 5321 4.1.2, without
quoted local parts). A domain in other letters than ASCII becomes its A-labels (IDNA); such a local part is refused,
because few servers take it.
"""

import re

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")


def mailbox(text: str) -> str | None:
    """The address with its domain in small letters, or None for what is none."""
    local, at, domain = text.strip(" ").rpartition("@")
    host = domain.lower() if domain.isascii() else _a_labels(domain)
    good = at and len(local) <= 64 and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(host)
    return f"{local}@{host}" if good else None


def _a_labels(domain: str) -> str:
    try:
        return domain.encode("idna").decode().lower()
    except UnicodeError:
        return ""
