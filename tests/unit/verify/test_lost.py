"""A lost part is lost by the root key's word alone, and only for who knew exactly that."""

import json

import pytest

from scanner.sync.answers import Heard
from scanner.sync.reconcile import left_line
from scanner.sync.trust import Alarm, Known, LogTrust
from scanner.verify.checkpoint import Checkpoint, VerifierKey, sign_checkpoint
from scanner.verify.entry import Malformed
from scanner.verify.keys import SigningKey
from scanner.verify.lost import LostPart
from scanner.verify.merkle import Frontier, leaf_hash

ORIGIN = "ticketme-gate/ledger/test"
ROOT, THIEF = SigningKey(bytes(31) + b"r"), SigningKey(bytes(31) + b"t")
KEY = VerifierKey(ORIGIN, ROOT.public)
TRUST = LogTrust(ORIGIN, KEY)


def root(*leaves: bytes) -> bytes:
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf_hash(leaf))
    return frontier.root()


KEPT, LOST = root(b"a"), root(b"a", b"b", b"c")
PART = LostPart(1, KEPT, 3, LOST)
NOTE = PART.sign(ORIGIN, ROOT)
KNOWN = Known(3, LOST)


def heard(note: str = NOTE, signer: SigningKey = ROOT, proof: tuple[bytes, ...] = (leaf_hash(b"x"),)) -> Heard:
    """The log went on from `a` with `x`."""
    checkpoint = sign_checkpoint(ORIGIN, 2, root(b"a", b"x"), signer)
    told = {"size": 2, "lost": note, "checkpoint": checkpoint, "consistency": [one.hex() for one in proof]}
    answer = Heard.parse(json.dumps(told).encode())
    assert isinstance(answer, Heard)
    return answer


def test_it_is_read_as_it_was_signed() -> None:
    assert LostPart.open(NOTE, KEY) == PART


def test_who_knew_exactly_what_was_lost_goes_on_from_what_was_kept() -> None:
    part = left_line(TRUST, KNOWN, heard())
    assert isinstance(part, tuple)
    assert isinstance(part[1], Checkpoint)
    assert (part[0], part[1].size) == (PART, 2)


@pytest.mark.parametrize(
    "note",
    [
        PART.sign(ORIGIN, THIEF),
        PART.sign("ticketme-gate/ledger/other", ROOT),
        NOTE.replace("\n3 ", "\n4 ", 1),
        NOTE.replace("lost-part/v1", "lost-part/v2", 1),
        f"{NOTE}{NOTE}",
        NOTE.partition("\n\n")[0],
        "",
        "x" * 10_000,
        sign_checkpoint(ORIGIN, 2, root(b"a", b"x"), ROOT),
    ],
)
def test_without_the_root_keys_word_nothing_is_left(note: str) -> None:
    assert isinstance(left_line(TRUST, KNOWN, heard(note)), Malformed)


@pytest.mark.parametrize(
    "known", [Known(), Known(3, root(b"a", b"b", b"d")), Known(2, root(b"a", b"b")), Known(4, LOST)]
)
def test_the_word_about_another_line_changes_nothing(known: Known) -> None:
    assert isinstance(left_line(TRUST, known, heard()), Malformed)


def test_a_log_that_does_not_go_on_from_what_was_kept_is_an_alarm() -> None:
    assert isinstance(left_line(TRUST, KNOWN, heard(proof=(leaf_hash(b"y"),))), Alarm)


def test_a_checkpoint_by_another_key_is_not_taken() -> None:
    answer = left_line(TRUST, KNOWN, heard(signer=THIEF))
    assert isinstance(answer, Malformed | Alarm)
