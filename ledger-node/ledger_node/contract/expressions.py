"""The door to the CEL engine: rules that an organiser writes over named integers. Nobody else imports it.

A rule may compare, add, subtract, multiply, divide by a constant, and join with && || ! and ?:, and must be a truth
value. What is parsed is checked against that list node by node, so macros (which loop), functions, texts, floats and
regular expressions are refused when the rule is set; an error that depends on the facts (an overflow) is refused when
it happens. The engine's version is part of what a policy says, because every node must answer alike.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib.metadata import version
from typing import Any, Final

from cel_expr_python import cel

ENGINE: Final = "cel-expr-python/0.1.3"
"""What a policy with rules names, in the log for ever: under another engine its rules might mean another thing."""
FACTS: Final = (
    "now",
    "event.doors",
    "event.starts",
    "ticket.index",
    "ticket.seat",
    "ticket.category",
    "ticket.face_value",
    "ticket.owner_seq",
    "ticket.transfers",
    "offer.price",
    "offer.until",
    "sender.level",
    "receiver.level",
    "receiver.tickets",
)
"""What a rule may speak of: integers all. The receiver's are known when a deal is accepted, not when it is made."""
_LONGEST, _MOST_NODES = 500, 100
_CALL = re.compile(r"[A-Za-z_0-9]\s*\(")
_PLACE = re.compile(r"<input>:([0-9]{1,4}):([0-9]{1,4})")
_UNDECLARED = re.compile(r"undeclared reference to '([A-Za-z0-9_.]{1,100})'")
_OPERATORS = frozenset(
    {"_&&_", "_||_", "!_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_+_", "_-_", "-_", "_*_", "_?_:_"}
)
_DIVISIONS = frozenset({"_/_", "_%_"})
_ANY_VALUE, _CHECKED_EXPR = 2, 4
_CONST, _IDENT, _CALL_EXPR = 3, 4, 6
_FUNCTION, _ARGUMENT = 2, 3
_BOOL, _INT = 2, 3
_VARINT, _DELIMITED = 0, 2
_FIXED = {1: 8, 5: 4}
"""Bytes of a value by its wire type, as protobuf encodes it."""
_SAMPLES: Final = (0, 1, 1_000, 2**31, 2**53)


def engine() -> str:
    """The engine of this node."""
    return f"cel-expr-python/{version('cel-expr-python')}"


@lru_cache(maxsize=1024)
def fault(text: str) -> str | None:
    """Why this rule cannot be used, or None."""
    if len(text) > _LONGEST:
        return f"longer than {_LONGEST} characters"
    if _CALL.search(text):
        return "functions and macros are not allowed"
    try:
        rule = _environment().compile(text)
    except RuntimeError as error:
        return _unreadable(text, str(error))
    wrong = _tree_fault(rule.serialize())
    if wrong is None and rule.return_type() != cel.Type.BOOL:
        wrong = "its value is no truth value"
    if wrong is None and all(isinstance(holds(text, dict.fromkeys(FACTS, n)), str) for n in _SAMPLES):
        wrong = "it has no value, whatever the facts are"
    return wrong


def _unreadable(text: str, told: str) -> str:
    """Where the engine stopped reading, in a sentence; its own words name what it expects of a grammar."""
    found = _PLACE.search(told)
    if found is None:
        return "this is no expression in CEL"
    unknown = _UNDECLARED.search(told)
    if unknown:
        return f"it speaks of {unknown[1]}, which is no fact: there are {', '.join(FACTS)}"
    line, column = int(found[1]), int(found[2])
    written = text.split("\n")
    rest = written[line - 1][column - 1 :].strip() if line <= len(written) else ""
    where = f"column {column}" if len(written) == 1 else f"line {line}, column {column}"
    return f"it cannot be read at {where}: {rest!r} does not belong there" if rest else f"it ends too early, at {where}"


def holds(text: str, facts: Mapping[str, int]) -> bool | str:
    """Whether the rule is true of the facts; or why it has no truth value."""
    value = _compiled(text).eval(data=facts)
    if value.type() == cel.Type.BOOL:
        return value.value() is True
    return str(value.value())


def about_receiver(text: str) -> bool:
    """Whether the rule can only be judged when somebody accepts."""
    return "receiver." in text


def about_sender(text: str) -> bool:
    """Whether the rule looks at how well the giver is known."""
    return "sender." in text


@cache
def _environment() -> Any:
    return cel.NewEnv(variables=dict.fromkeys(FACTS, cel.Type.INT))


@lru_cache(maxsize=1024)
def _compiled(text: str) -> Any:
    return _environment().compile(text)


def _tree_fault(serialized: bytes) -> str | None:
    """Walks the checked tree (cel.expr.CheckedExpr in a protobuf Any) and names the first thing that is not allowed."""
    waiting = [_only(_only(serialized, _ANY_VALUE), _CHECKED_EXPR)]
    for seen, node in enumerate(iter(waiting.pop, None)):
        if seen >= _MOST_NODES:
            return f"more than {_MOST_NODES} terms"
        wrong = _node_fault(node, waiting)
        if wrong is not None:
            return wrong
        if not waiting:
            return None
    return None


def _node_fault(node: bytes, waiting: list[bytes]) -> str | None:
    fields = {number: value for number, value in _fields(node) if isinstance(value, bytes)}
    if fields.keys() == {_IDENT}:
        return None
    if fields.keys() == {_CONST}:
        kinds = {number for number, _ in _fields(fields[_CONST])}
        return None if kinds <= {_BOOL, _INT} else "only integers and truth values are allowed"
    if fields.keys() != {_CALL_EXPR}:
        return "lists, maps, fields and loops are not allowed"
    call = list(_fields(fields[_CALL_EXPR]))
    function = next(value for number, value in call if number == _FUNCTION)
    arguments = [value for number, value in call if number == _ARGUMENT and isinstance(value, bytes)]
    assert isinstance(function, bytes), "a function has a name"
    name = function.decode()
    if name not in _OPERATORS and not (name in _DIVISIONS and _is_number(arguments[1])):
        return f"{name.strip('_')} is not allowed here"
    waiting += arguments
    return None


def _is_number(node: bytes) -> bool:
    """Whether the node is an integer other than 0."""
    const = next((value for number, value in _fields(node) if number == _CONST and isinstance(value, bytes)), b"")
    return any(number == _INT and value != 0 for number, value in _fields(const))


def _only(message: bytes, wanted: int) -> bytes:
    return next(value for number, value in _fields(message) if number == wanted and isinstance(value, bytes))


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message, each with its number: a varint as an integer, everything else as bytes."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, wire = tag >> 3, tag & 7
        value, length = 0, _FIXED.get(wire, 0)
        if not length:
            value, at = _varint(message, at)
            length = value if wire == _DELIMITED else 0
        yield number, value if wire == _VARINT else message[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
