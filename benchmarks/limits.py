"""The physical limits: what this machine needs for the steps that no gate and no ledger can leave out.

Each is one call of the library that the product uses, with nothing of the product around it; seconds each.
"""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from benchmarks.timing import Measure, median_of, once
from scanner.camera import decode
from scanner.verify.keys import SigningKey, valid_public_key, verify
from tests.show.phone import Phone, still

RECORD = 400
"""Bytes of a signed admission."""
_TIMES = 300
_KEY, _MESSAGE = SigningKey(bytes(32)), bytes(200)
_SIGNATURE = _KEY.sign(_MESSAGE)


def verify_s(times: int = _TIMES) -> float:
    """One libsodium Ed25519 verification."""
    return median_of(lambda: verify(_KEY.public, _MESSAGE, _SIGNATURE), times)


def sign_s(times: int = _TIMES) -> float:
    """One libsodium Ed25519 signature."""
    return median_of(lambda: _KEY.sign(_MESSAGE), times)


def point_s(times: int = _TIMES) -> float:
    """libsodium's check that a key is a point of the right group."""
    return median_of(lambda: valid_public_key(_KEY.public), times)


def sha256_s(size: int) -> float:
    """SHA-256 over so many bytes."""
    data = bytes(size)
    return once(lambda: hashlib.sha256(data).digest())


@contextmanager
def commits(folder: Path, times: int = 100) -> Iterator[Measure]:
    """One SQLite commit of RECORD bytes, WAL with synchronous=FULL, fsynced on the disk of `folder`."""
    with closing(sqlite3.connect(folder / "limit.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE record (raw BLOB)")

        def commit() -> None:
            database.execute("INSERT INTO record VALUES (randomblob(?))", (RECORD,))

        yield lambda: median_of(commit, times)


def decode_s() -> float:
    """zxing-cpp over one clean frame of 1280x720 that holds a compact code."""
    frame = still(Phone("T1" + "A" * 120), np.random.default_rng(1))
    return median_of(lambda: decode.read(frame), 30)
