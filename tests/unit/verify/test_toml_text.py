"""A settings file that is not TOML is answered with the line and with what it may lack, not with a library's words."""

import pytest

from scanner.verify.toml_text import NotToml, parse_toml

RULES = 'text stands in "quotes", numbers and true or false do not, and each table and key stands once'


def test_toml_is_read():
    assert parse_toml('[mail]\nhost = "mail.example"\n') == {"mail": {"host": "mail.example"}}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[mail]\n  host = mail.example\n", "line 2, 'host = mail.example': Invalid value at column 10"),
        ("[a]\r\n[a]\r\n", "line 2, '[a]': Cannot declare ('a',) twice at column 3"),
        ('a = "x', "Unterminated string, at or before the last line"),
        ("a = " + "x" * 99, f"line 1, {'a = ' + 'x' * 56 + '...'!r}: Invalid value at column 5"),
    ],
)
def test_the_line_and_the_rules_are_said(text, sentence):
    with pytest.raises(NotToml) as refused:
        parse_toml(text)
    assert str(refused.value) == f"not TOML: {sentence}; {RULES}"


def test_brackets_without_end_are_refused_too():
    with pytest.raises(NotToml, match="too many brackets"):
        parse_toml("a = " + "[" * 5000)
