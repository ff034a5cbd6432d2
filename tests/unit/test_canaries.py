"""The search for people finds them in every hiding place that it claims to know, or it proves nothing."""

import base64
import json
import sqlite3
from contextlib import closing
from urllib.parse import quote

import cbor2
import pytest
import zstandard

from tests.fakes.canaries import found, written_below

PLACES = ("Canary Chan 陳金絲雀", "canary@example.hk", "+85291230001", "Z9876543")


@pytest.mark.parametrize("canary", PLACES)
@pytest.mark.parametrize(
    "hide",
    [
        str.encode,
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-be"),
        lambda text: text.encode("big5hkscs"),
        lambda text: json.dumps({"name": text}).encode(),
        lambda text: repr(text).encode(),
        lambda text: ascii(text).encode(),
        lambda text: quote(text).encode(),
        lambda text: text.upper().encode(),
        lambda text: text.removeprefix("+852").encode(),
        lambda text: text.encode().hex().encode(),
        lambda text: text.encode().hex().upper().encode(),
        lambda text: base64.b64encode(f"{text}, and more".encode()),
        lambda text: base64.b64encode(f".{text}".encode()),
        lambda text: base64.urlsafe_b64encode(f"..{text}??>".encode()),
        lambda text: base64.b64encode(text.encode("utf-16-le")),
        lambda text: cbor2.dumps({"contact": [1, {"name": text}]}),
        lambda text: b"head" + zstandard.compress(b"rows" * 100 + text.encode()),
        lambda text: b"head" + zstandard.compress(b"a") + zstandard.compress(cbor2.dumps([text])) + b"tail",
    ],
)
def test_a_canary_is_found_wherever_it_hides(hide, canary):
    data = b"\0before " + hide(canary) + b" after\xff"
    assert found({"log": data, "other": b"nothing"}, [*PLACES, "Nobody"]) >= {("log", canary)}


def test_a_name_of_a_file_counts_too(tmp_path):
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "orders.csv").write_text("Z9876543")
    (tmp_path / "snap-Z9876543").write_text("")
    assert found(written_below(tmp_path, but=tmp_path / "given"), PLACES) == {("snap-Z9876543", "Z9876543")}


def test_what_is_in_a_database_or_its_log_is_found(tmp_path):
    path = tmp_path / "some.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE t (a)")
        db.execute("INSERT INTO t VALUES (?)", ("canary@example.hk",))
        places = written_below(tmp_path, but=tmp_path / "none")
    assert found(places, PLACES) == {("some.sqlite3-wal", "canary@example.hk")}
    assert found(places, PLACES, {"some.sqlite3": {"canary@example.hk"}}) == set()


def test_noise_hides_nobody():
    assert found({"noise": bytes(range(256)) * 100 + b"\x28\xb5\x2f\xfd not a frame"}, PLACES) == set()
