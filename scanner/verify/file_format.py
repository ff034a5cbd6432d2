"""Which release may open a database: two numbers in its header say so, and are read before anything else of it is.

SQLite keeps both for its applications. user_version is the number of the format; application_id is "T" and the oldest
release that may open the file, a byte each for major, minor and patch. A file without them is of release 0.1.0, which
did not write them yet. Pure: the caller reads the header, and writes the numbers by PRAGMA.

A format gets a new number when its tables change; `oldest` rises only when a release before would not understand them.
"""

from typing import NamedTuple

Release = tuple[int, int, int]
RELEASE: Release = (0, 1, 0)
"""This release; setup.cfg says the same."""
HEADER_BYTES = 100
_VERSION, _APPLICATION = slice(60, 64), slice(68, 72)
_OURS = b"T"


class Format(NamedTuple):
    """What a database says of itself."""

    number: int = 1
    oldest: Release = (0, 1, 0)

    def pragmas(self) -> tuple[str, str]:
        """What writes it into an open database; the release first, as it is what another one goes by."""
        name = int.from_bytes(_OURS + bytes(self.oldest))
        return f"PRAGMA application_id = {name}", f"PRAGMA user_version = {self.number}"


def format_in(header: bytes) -> Format | None:
    """What the first HEADER_BYTES of a file say, None if they say nothing."""
    name = header[_APPLICATION]
    if len(header) < HEADER_BYTES or not name.startswith(_OURS):
        return None
    major, minor, patch = name[1:]
    return Format(int.from_bytes(header[_VERSION]), (major, minor, patch))


def refusal(path: str, header: bytes, known: Format, release: Release = RELEASE) -> str:
    """Why this release, which knows the format `known`, must not open the file, and which may; "" if it may.

    A later release that raises `oldest` raises the number as well. Only one of the two is a flipped bit: that is
    damage, which is looked for elsewhere, and no reason to keep a gate shut.
    """
    found = format_in(header)
    if found is None or found.oldest <= release or found.number <= known.number:
        return ""
    return (
        f"{path} has format {found.number}, which this release ({_said(release)}) does not know: install release"
        f" {_said(found.oldest)} or newer; nothing was changed"
    )


def _said(release: Release) -> str:
    return ".".join(map(str, release))
