"""Whoever follows a log's key lists, in whatever order they are shown, never goes back to a key that was omitted."""

from hypothesis import given
from hypothesis import strategies as st

from scanner.verify.checkpoint import Checkpoint, VerifierKey, sign_checkpoint
from scanner.verify.keys import SigningKey
from scanner.verify.log_keys import LogKeys, Suspicious, sign_log_keys

ORIGIN = "ticketme.example/coliseum"
ROOT_KEY = SigningKey(b"R" * 32)
ROOT = VerifierKey(ORIGIN, ROOT_KEY.public)
KEYS = [SigningKey(bytes([n]) * 32) for n in range(1, 6)]
NOTES = {n: sign_checkpoint(ORIGIN, 1, bytes(32), key) for n, key in enumerate(KEYS)}

lists = st.tuples(st.integers(1, 6), st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True))


def signed(version, members):
    return sign_log_keys(ORIGIN, version, 1_795_000_000, [KEYS[n].public for n in members], ROOT_KEY)


@given(st.lists(lists, max_size=12))
def test_any_order_of_lists_never_goes_back(shown):
    known, believed = LogKeys.unlisted(ROOT), {}
    for version, members in shown:
        before = known.version
        answer = known.newer(signed(version, members))
        if version < before:
            assert isinstance(answer, Suspicious)
            assert answer.kind == "older"
        elif version == before and believed[version] != members:
            assert isinstance(answer, Suspicious)
            assert answer.kind == "another"
        else:
            assert isinstance(answer, LogKeys)
            assert answer.version == version
            known, believed[version] = answer, members
        assert known.version >= before
        good = believed.get(known.version, [])
        for n, note in NOTES.items():
            assert isinstance(known.open_checkpoint(note), Checkpoint) == (n in good)


@given(st.permutations([(v, [v % 5]) for v in range(1, 7)]))
def test_every_order_ends_with_the_newest(shown):
    known = LogKeys.unlisted(ROOT)
    for version, members in shown:
        answer = known.newer(signed(version, members))
        known = answer if isinstance(answer, LogKeys) else known
    assert (known.version, [key.public_key for key in known.keys]) == (6, [KEYS[1].public])
