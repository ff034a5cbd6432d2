"""An address that is none is told so, in place of what a library says when it is used."""

import pytest

from scanner.errors import SyncError
from scanner.sync.address import address_fault
from scanner.sync.line import Line

GOOD = ["http://10.8.0.10:8440", "https://node.example.hk", "http://[fd00::10]:8440", "http://gate-net:8440/node/"]
BAD = [
    "",
    "http://",
    "10.8.0.10:8440",
    "http:/10.8.0.10",
    "ftp://10.8.0.10",
    "http://10.8.0.10:99999",
    "http://10.8.0.10:0",
    "http://10.8.0.10:port",
    "http://10.8.0.10: 8440",
    "http://10.8.0.10:8440 ",
    "http://[fd00::10",
    "http://user:word@10.8.0.10:8440",
    "http://10.8.0.10:8440?x=1",
    "http://10.8.0.10:8440/#top",
]


@pytest.mark.parametrize("url", GOOD)
def test_an_address_with_or_without_a_port_is_one(url: str) -> None:
    assert address_fault(url) == ""


@pytest.mark.parametrize("url", BAD)
def test_what_is_no_address_is_shown_a_right_one(url: str) -> None:
    assert address_fault(url) == (
        f"{url!r} is not the address of a ledger node: http:// or https:// and a name, like http://10.8.0.10:8444"
    )
    with pytest.raises(SyncError, match="is not the address of a ledger node"):
        Line(url, 1.0)
