"""JSON from others (RFC 8259, UTF-8) that has one meaning: systems differ on which of two fields of one name counts."""

import json
from typing import Any


class NotJson(ValueError):  # noqa: N818 - a verdict on a text, named for what the text is
    """It is not JSON, or has two meanings; the message says why, without the content."""


def parse_json(text: str | bytes) -> Any:
    """The value. Raises NotJson, also for NaN and Infinity, and for more brackets in each other than can be read."""
    try:
        return json.loads(
            text if isinstance(text, str) else text.decode(), object_pairs_hook=_once, parse_constant=_constant
        )
    except NotJson:
        raise
    except json.JSONDecodeError as error:
        raise NotJson(f"{error.msg} at character {error.pos}") from None
    except UnicodeDecodeError:
        raise NotJson("it is not in UTF-8") from None
    except (ValueError, RecursionError):
        raise NotJson("too deep or not a value of JSON") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise NotJson("a field stands there twice")
    return made


def _constant(_name: str) -> None:
    raise NotJson("too deep or not a value of JSON")
