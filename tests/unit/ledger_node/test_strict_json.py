"""Attack: JSON of which two readers understand two things, or which no reader should be made to read."""

import pytest
from pydantic import BaseModel

from ledger_node.services.errors import ServiceError
from ledger_node.strict_json import NotJson, parse_json
from ledger_node.web.schemas import read_json

TWO_MEANINGS = {
    "one field twice": b'{"tickets": [11], "tickets": [12]}',
    "one field twice, further in": b'{"a": [{"b": 1, "b": 1}], "tickets": [1]}',
    "one field twice, once in other letters": b'{"tickets": [1], "\\u0074ickets": [2]}',
    "no number": b'{"tickets": [NaN]}',
    "no end": b'{"tickets": [-Infinity]}',
    "not utf-8": b'{"tickets": [1], "a": "\xff"}',
    "utf-16": '{"tickets": [1]}'.encode("utf-16"),
    "too deep": b'{"tickets": [1], "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "too many digits": b'{"tickets": [1], "a": ' + b"9" * 5000 + b"}",
    "cut off": b'{"tickets": [1]',
}


class Tickets(BaseModel):
    tickets: list[int]


@pytest.mark.parametrize("name", TWO_MEANINGS)
def test_what_has_two_meanings_is_refused(name):
    with pytest.raises(NotJson) as refused:
        parse_json(TWO_MEANINGS[name])
    assert "11" not in str(refused.value)
    with pytest.raises(ServiceError) as bad:
        read_json(Tickets, TWO_MEANINGS[name])
    assert (bad.value.code, bad.value.status) == ("bad-json", 400)


def test_what_has_one_meaning_is_read():
    assert parse_json('{"a": {"b": 1}, "c": {"b": 2}}') == {"a": {"b": 1}, "c": {"b": 2}}
    assert read_json(Tickets, b'{"tickets": [1], "more": null}') == Tickets(tickets=[1])
