"""The operator's socket on a full disk: a sentence that says which disk, and no fault of the node's own."""

from pathlib import Path
from typing import IO

import pytest

from ledger_node.cli.operator import operator
from ledger_node.services.errors import ServiceError
from ledger_node.web import admin
from tests.fakes.running_node import EVENT, open_home, serving


def on_a_full_disk(**_: object) -> IO[bytes]:
    """Takes what fits in a buffer, and nothing from there on to the disk: not when it is closed either."""
    return Path("/dev/full").open("w+b")


def no_room_for_a_name(**_: object) -> IO[bytes]:
    return Path("/dev/full/no/room").open("w+b")


@pytest.mark.parametrize("made", [on_a_full_disk, no_room_for_a_name])
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: object) -> None:
    monkeypatch.setattr(admin, "TemporaryFile", made)
    sent = tmp_path / "sent"
    with open_home(tmp_path / "home") as node, serving(node), operator(tmp_path / "home") as remote:
        for size in (10, 1 << 20):
            sent.write_bytes(bytes(size))
            for send in (
                lambda: remote.load(EVENT, sent, lambda _: None),
                lambda: remote.orders(EVENT, sent, lambda _: None, whole=False),
            ):
                with pytest.raises(ServiceError, match=f"{tmp_path / 'home'} cannot be written to") as refused:
                    send()
                assert (refused.value.code, refused.value.status) == ("disk", 503)


def test_a_snapshot_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with open_home(tmp_path / "home") as node, serving(node), operator(tmp_path / "home") as remote:
        (tmp_path / "home" / "snapshots").write_bytes(b"in the way")
        with pytest.raises(ServiceError, match="cannot be written to") as refused:
            remote.snapshot(EVENT, tmp_path / "out")
    assert refused.value.code == "disk"
