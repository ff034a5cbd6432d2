"""A TOML file into a typed value: every fault at once, each with its line. What the settings mean is settings.py's."""

import re
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from scanner.errors import ConfigError
from scanner.verify.toml_text import NotToml, parse_toml

Settings = TypeVar("Settings")
_TABLE = re.compile(r"\s*\[([^\[\]]+)\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_\"'.-]+)\s*=")

_KINDS = {
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "string_type": 'must be a text in quotes, "..."',
    "list_type": "must be a list in brackets, [...]",
}
"""What Pydantic calls a value of the wrong kind, in words for the person who writes the file."""


class Fault(Exception):  # noqa: N818 - one of several, collected into a ConfigError
    """One thing that is wrong; `key` is dotted, e.g. pins.relay, and `meant` the one that a misspelt key may mean."""

    def __init__(self, key: str, reason: str, meant: str = "") -> None:
        super().__init__(f"{key}: {reason}")
        self.key, self.reason, self.meant = key, reason, meant


def read(path: Path, settings: type[Settings], check: Callable[[Settings], list[Fault]]) -> Settings:
    """Parse `path` into the dataclass `settings`, strictly; `check` says what else is wrong with the value.

    Raises ConfigError with all faults: a line that cannot be read does not hide what is wrong with the others.
    """
    text = _text(path)
    try:
        table = parse_toml(text)
    except NotToml as error:
        raise ConfigError(f"{path}: {error}") from error
    try:
        model = _model(cast("type", settings)).model_validate(table)
    except ValidationError as error:
        faults = _faults(error, settings)
        rest = _without(table, [fault.key for fault in faults])
        raise config_error(path, [*faults, *_further(rest, settings, faults, check)]) from error
    value = cast("Settings", _value(model, settings))
    if found := check(value):
        raise config_error(path, found)
    return value


def config_error(path: Path, faults: list[Fault]) -> ConfigError:
    """All faults of one file as one error, in the order of their lines."""
    lines = _lines(_text(path))
    placed = sorted(((_line_of(fault.key, lines), fault) for fault in faults), key=lambda pair: (pair[0], str(pair[1])))
    shown = [f"{path}:{line}: {fault}" if line else f"{path}: {fault}" for line, fault in placed]
    return ConfigError("\n".join(shown))


def _text(path: Path) -> str:
    try:
        # Editors of Windows put a mark in front, and gate.toml is edited on a laptop.
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such file; docs/operations.md shows one to start from") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: is not text in UTF-8: save the file as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error


@cache
def _model(kind: type) -> type[BaseModel]:
    """A strict pydantic model with the fields and defaults of a dataclass."""
    hints = get_type_hints(kind)
    members: dict[str, Any] = {}
    for item in fields(kind):
        default: Any = ... if item.default is MISSING and item.default_factory is MISSING else None
        members[item.name] = (_strict(hints[item.name]), Field(default=default))
    return create_model(kind.__name__, __config__=ConfigDict(extra="forbid", strict=True), **members)


def _strict(hint: Any) -> Any:
    """Dataclasses inside become models; a list in TOML is what a tuple is in Python."""
    if is_dataclass(hint):
        return _model(cast("type", hint))
    if get_origin(hint) is tuple:
        return list[get_args(hint)[0]]  # type: ignore[misc]
    if hint is float:
        return float | int
    if get_origin(hint) in {Union, UnionType}:
        return Union[tuple(map(_strict, get_args(hint)))]  # noqa: UP007 - built from a list of members
    return hint


def _value(model: BaseModel, kind: type) -> Any:
    """Only what the file says is passed on, so a dataclass's own defaults are the only ones."""
    given = {name: getattr(model, name) for name in model.model_fields_set}
    hints = get_type_hints(kind)
    for name, value in given.items():
        if isinstance(value, BaseModel):
            given[name] = _value(value, _dataclass_in(hints[name]))
        elif isinstance(value, list):
            given[name] = tuple(value)
    return kind(**given)


def _dataclass_in(hint: Any) -> type:
    members = [hint, *getattr(hint, "__args__", ())]
    return next(cast("type", member) for member in members if is_dataclass(member))


def _further(
    rest: dict[str, Any], settings: type[Settings], known: list[Fault], check: Callable[[Settings], list[Fault]]
) -> list[Fault]:
    """What is wrong with the lines that can be read. A default stands in for one that cannot: what is said of that one,
    or of the setting that a misspelt one was meant to be, would be about a value that nobody wrote.
    """
    try:
        value = cast("Settings", _value(_model(cast("type", settings)).model_validate(rest), settings))
    except ValidationError:
        return []
    unread = {fault.key for fault in known} | {fault.meant for fault in known if not _is_given(rest, fault.meant)}
    return [
        fault
        for fault in check(value)
        if not any(fault.key == key or fault.key.startswith(f"{key}.") for key in unread)
        and not any(key and re.search(rf"\b{re.escape(key)}\b", fault.reason) for key in unread)
    ]


def _is_given(table: dict[str, Any], key: str) -> bool:
    """Whether the file says something of this setting, too."""
    head, _, name = key.partition(".")
    inside = table.get(head)
    return name in inside if name and isinstance(inside, dict) else not name and head in table


def _without(table: dict[str, Any], keys: list[str]) -> dict[str, Any]:
    """The table less these dotted keys."""
    left = {name: dict(value) if isinstance(value, dict) else value for name, value in table.items()}
    for key in keys:
        head, _, name = key.partition(".")
        inside = left.get(head)
        if name and isinstance(inside, dict):
            inside.pop(name, None)
        else:
            # A quoted key may hold a dot.
            left.pop(key if key in left else head, None)
    return left


def _unknown(key: str, settings: type) -> Fault:
    """A key that is no setting, with the one that it was probably meant to be: in its table, or in another."""
    names = list(_keys(settings))
    table, _, name = key.rpartition(".")
    beside = {other.rpartition(".")[2]: other for other in names if other.rpartition(".")[0] == table}
    near = [beside[other] for other in get_close_matches(name, beside, 1, 0.7)]
    near = near or [other for other in names if other.rpartition(".")[2] == name]
    hint = f"is it {near[0]}?" if near else "`gate-scanner settings` prints all that there are"
    return Fault(key, f"is not a setting; {hint}", near[0] if near else "")


def _keys(settings: type, before: str = "") -> Iterator[str]:
    """Every dotted key, tables too."""
    hints = get_type_hints(settings)
    for item in fields(settings):
        yield before + item.name
        inner = [kind for kind in (hints[item.name], *getattr(hints[item.name], "__args__", ())) if is_dataclass(kind)]
        if inner:
            yield from _keys(cast("type", inner[0]), f"{before}{item.name}.")


def _faults(error: ValidationError, settings: type) -> list[Fault]:
    """One for each setting: where a table or a word may stand, only what is wrong inside the table is of interest."""
    faults: dict[str, Fault] = {}
    known = set(_keys(settings))
    for item in error.errors():
        unknown = item["type"] == "extra_forbidden"
        key = _key(item["loc"], known, unknown=unknown)
        if unknown:
            fault = _unknown(key, settings)
        elif item["type"] in {"model_type", "literal_error"}:
            fault = Fault(key, _table_or_word(key, settings))
        else:
            fault = Fault(key, _KINDS.get(item["type"], item["msg"].lower()))
        faults.setdefault(key, fault)
    return [fault for key, fault in faults.items() if not any(other.startswith(f"{key}.") for other in faults)]


def _key(place: tuple[int | str, ...], known: set[str], *, unknown: bool) -> str:
    """The dotted key of a place in the file. Pydantic puts more into the path: the branch of a union (a class's name,
    float, literal['word']) and the place in a list. What is no setting is named by the last part.
    """
    key = ""
    for part in place[:-1] if unknown else place:
        longer = f"{key}.{part}" if key else str(part)
        key = longer if longer in known else key
    return ".".join(filter(None, (key, str(place[-1])))) if unknown else key


def _table_or_word(key: str, settings: type) -> str:
    """What may stand where a table may."""
    hint = get_type_hints(settings)[key]
    words = [f'{key} = "{word}"' for kind in get_args(hint) if get_origin(kind) is Literal for word in get_args(kind)]
    return " or ".join([f"must be a table, [{key}]", *(f"the line {word}" for word in words)])


def _lines(text: str) -> dict[str, int]:
    """Dotted key -> line number; a table counts as a key too."""
    found: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.match(line):
            table = header[1].strip()
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            name = key[1].strip("\"'")
            found.setdefault(f"{table}.{name}" if table else name, number)
    return found


def _line_of(key: str, lines: dict[str, int]) -> int:
    while key not in lines and "." in key:
        key = key.rpartition(".")[0]
    return lines.get(key, 0)
