"""Settings files in TOML 1.0: read, or refused in a sentence that shows the line and what it may lack."""

import re
import tomllib
from typing import Any

_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")
_END = " (at end of document)"
_RULES = 'text stands in "quotes", numbers and true or false do not, and each table and key stands once'
_LONGEST = 60


class NotToml(ValueError):  # noqa: N818 - a verdict on a text, named for what the text is
    """The text is not TOML; the message is a sentence without a full stop, for the person who wrote the file."""


def parse_toml(text: str) -> dict[str, Any]:
    """The tables of `text`. Raises NotToml."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotToml(_sentence(text, str(error))) from error
    except RecursionError as error:
        raise NotToml("not TOML: too many brackets in each other") from error


def _sentence(text: str, said: str) -> str:
    place = _PLACE.search(said)
    if place is None:
        return f"not TOML: {said.removesuffix(_END)}, at or before the last line; {_RULES}"
    number, column = int(place[1]), int(place[2])
    line = text.split("\n")[number - 1].strip()
    shown = line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
    return f"not TOML: line {number}, {shown!r}: {said[: place.start()]} at column {column}; {_RULES}"
