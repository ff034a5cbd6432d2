"""A TOML file into a typed value: every fault at once, each with its line. What the settings mean is settings.py's."""

import re
import tomllib
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from scanner.errors import ConfigError

Settings = TypeVar("Settings")
_TABLE = re.compile(r"\s*\[([^\[\]]+)\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_\"'.-]+)\s*=")
_WORDS = {
    "extra_forbidden": "is not a setting; see `gate-scanner run --help` for those there are",
    "missing": "is missing",
    "model_type": "must be a table, or one of the words that docs/operations.md names",
}


class Fault(Exception):  # noqa: N818 - one of several, collected into a ConfigError
    """One thing that is wrong; `key` is dotted, e.g. pins.relay."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key, self.reason = key, reason


def read(path: Path, settings: type[Settings]) -> Settings:
    """Parse `path` into the dataclass `settings`, strictly. Raises ConfigError with all faults."""
    text = _text(path)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    try:
        model = _model(settings).model_validate(table)
    except ValidationError as error:
        raise config_error(path, _faults(error)) from error
    return cast("Settings", _value(model, settings))


def config_error(path: Path, faults: list[Fault]) -> ConfigError:
    """All faults of one file as one error, in the order of their lines."""
    lines = _lines(_text(path))
    placed = sorted(((_line_of(fault.key, lines), fault) for fault in faults), key=lambda pair: (pair[0], str(pair[1])))
    shown = [f"{path}:{line}: {fault}" if line else f"{path}: {fault}" for line, fault in placed]
    return ConfigError("\n".join(shown))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such file; docs/operations.md shows one to start from") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error


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


def _faults(error: ValidationError) -> list[Fault]:
    """One for each setting: where a table or a word may stand, only what is wrong inside the table is of interest."""
    faults: dict[str, Fault] = {}
    for item in error.errors():
        # Pydantic puts the branch of a union into the path: a class name, or literal['word'].
        names = [part for part in map(str, item["loc"]) if part.islower() and "[" not in part and not part.isdecimal()]
        key = ".".join(names) or "file"
        faults.setdefault(key, Fault(key, _WORDS.get(item["type"], item["msg"].lower())))
    return [fault for key, fault in faults.items() if not any(other.startswith(f"{key}.") for other in faults)]


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
