import pytest
from cryptography.exceptions import InvalidSignature
from tlog_scales import signing, tlog

from scanner.verify.checkpoint import COSIGNATURE, Checkpoint, NoteSignature, VerifierKey, sign_checkpoint
from scanner.verify.entry import Malformed
from scanner.verify.keys import SigningKey
from scanner.verify.log_keys import MOST_KEYS, LogKeys, Suspicious, Unlisted, sign_log_keys

ORIGIN = "ticketme.example/coliseum"
ROOT_KEY, FIRST, SECOND, THIEF = (SigningKey(letter * 32) for letter in (b"R", b"1", b"2", b"T"))
ROOT = VerifierKey(ORIGIN, ROOT_KEY.public)


def listed(version, *keys, root=ROOT_KEY, at=1_795_000_000):
    return sign_log_keys(ORIGIN, version, at, [key.public for key in keys], root)


def checkpoint(*keys, size=7):
    return sign_checkpoint(ORIGIN, size, bytes(32), *keys)


def keys_of(note):
    opened = LogKeys.open(note, ROOT)
    assert isinstance(opened, LogKeys), opened
    return opened


def test_without_a_list_the_root_key_signs_itself():
    keys = keys_of("")
    assert keys.version == 0
    assert isinstance(keys.open_checkpoint(checkpoint(ROOT_KEY)), Checkpoint)
    refused = keys.open_checkpoint(checkpoint(FIRST))
    assert isinstance(refused, Unlisted)
    assert "no list of its keys (/log-keys) came" in refused.reason


def test_a_list_says_who_signs_from_now_on():
    keys = keys_of(listed(1, FIRST))
    assert (keys.version, keys.at) == (1, 1_795_000_000)
    assert isinstance(keys.open_checkpoint(checkpoint(FIRST)), Checkpoint)
    assert isinstance(keys.open_checkpoint(checkpoint(ROOT_KEY)), Unlisted)


def test_checkpoint_by_an_omitted_key():
    keys = keys_of(listed(2, SECOND))
    refused = keys.open_checkpoint(checkpoint(FIRST))
    assert isinstance(refused, Unlisted)
    assert VerifierKey(ORIGIN, FIRST.public).key_id.hex() in refused.reason
    assert "version 2" in refused.reason
    assert "revoked" in refused.reason


def test_in_an_overlap_either_key_will_do_and_each_line_must_be_good():
    keys, both = keys_of(listed(2, SECOND, FIRST)), checkpoint(SECOND, FIRST)
    for note in (both, checkpoint(FIRST), checkpoint(SECOND)):
        assert isinstance(keys.open_checkpoint(note), Checkpoint)
    forged = both.replace(both.splitlines()[-1], checkpoint(FIRST, size=8).splitlines()[-1])
    refused = keys.open_checkpoint(forged)
    assert refused == Malformed("the log's signature is wrong")


def test_other_peoples_tools_verify_a_checkpoint_under_the_new_key():
    note = tlog.Checkpoint.from_text(checkpoint(SECOND, FIRST))
    for key in keys_of(listed(2, SECOND, FIRST)).keys:
        note.verify(signing.Vkey.from_string(key.encode()))
    with pytest.raises(Exception, match="ignature"):
        note.verify(signing.Vkey.from_string(VerifierKey(ORIGIN, THIEF.public).encode()))


class Note:
    """A signed note's text, as their verifier takes it."""

    def __init__(self, body):
        self._body = body

    def serialize_body(self):
        return self._body


def test_other_peoples_tools_verify_the_list_itself():
    body, _, line = listed(1, FIRST).rpartition("\n\n")
    theirs, key = signing.NoteSignature.from_line(line.strip()), signing.Vkey.from_string(ROOT.encode())
    assert key.match(theirs)
    key.get_verifier().verify(theirs.payload, Note(f"{body}\n"))
    with pytest.raises(InvalidSignature):
        key.get_verifier().verify(theirs.payload, Note(f"{body}x\n"))


def test_list_that_went_back():
    shown = keys_of(listed(3, SECOND)).newer(listed(2, FIRST))
    assert isinstance(shown, Suspicious)
    assert shown.kind == "older"
    assert "went back from version 3 to 2" in shown.reason


def test_two_lists_of_one_version():
    shown = keys_of(listed(3, SECOND)).newer(listed(3, THIEF))
    assert isinstance(shown, Suspicious)
    assert (shown.kind, "two different lists of version 3" in shown.reason) == ("another", True)


def test_the_same_list_and_none_are_no_news():
    keys = keys_of(listed(3, SECOND))
    assert keys.newer(listed(3, SECOND)) is keys
    assert keys.newer("") is keys


def test_versions_may_be_skipped():
    assert keys_of("").newer(listed(5, SECOND)) == keys_of(listed(5, SECOND))


def test_list_signed_by_another_key():
    refused = keys_of("").newer(listed(1, THIEF, root=THIEF))
    assert isinstance(refused, Malformed)
    assert "not signed by the log's root key" in refused.reason


def test_list_signed_by_a_listed_key_and_not_by_the_root():
    assert isinstance(keys_of(listed(1, FIRST)).newer(listed(2, FIRST, root=FIRST)), Malformed)


GOOD = listed(1, FIRST, SECOND)
COSIGNER = VerifierKey(ORIGIN, THIEF.public, COSIGNATURE).encode()
OF_ANOTHER = VerifierKey("other.example", THIEF.public).encode()
THIRD = VerifierKey(ORIGIN, SECOND.public).encode()


def resigned(change):
    """The list after a change, signed again: what is wrong then is its form and not its signature."""
    body = change(GOOD.rpartition("\n\n")[0])
    signature = ROOT_KEY.sign(f"{body}\n".encode())
    return f"{body}\n\n{NoteSignature(ORIGIN, ROOT.key_id, signature).line()}"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("/v1\n", "/v2\n"),
        lambda text: text.replace(f"\n{ORIGIN}\n", "\nother.example\n"),
        lambda text: text.replace("\n1\n", "\n0\n"),
        lambda text: text.replace("\n1\n", "\n01\n"),
        lambda text: text.replace("\n1\n", "\n-1\n"),
        lambda text: text.replace("\n1795000000\n", "\nsoon\n"),
        lambda text: text.replace(THIRD, COSIGNER),
        lambda text: text.replace(THIRD, OF_ANOTHER),
        lambda text: text.replace(THIRD, THIRD[:-1]),
        lambda text: f"{text}\n{THIRD}",
        lambda text: "\n".join(text.split("\n")[:4]),
        lambda text: text + "".join(f"\n{VerifierKey(ORIGIN, SigningKey(bytes([n]) * 32).public).encode()}"
                                    for n in range(MOST_KEYS)),
    ],
)  # fmt: skip
def test_a_list_of_another_form_is_refused_though_the_root_signed_it(change):
    assert keys_of(resigned(lambda text: text)).version == 1
    assert isinstance(LogKeys.open(resigned(change), ROOT), Malformed)


@pytest.mark.parametrize("note", ["\n\n", "x", GOOD[:-1], GOOD + "\n", GOOD.replace("\u2014", "-"), "x" * 9000, "\0"])
def test_what_is_no_signed_note_is_refused(note):
    assert isinstance(LogKeys.open(note, ROOT), Malformed)


@pytest.mark.parametrize("at", range(0, len(GOOD), 7))
def test_one_changed_character_is_refused(at):
    other = "B" if GOOD[at] == "A" else "A"
    assert isinstance(LogKeys.open(GOOD[:at] + other + GOOD[at + 1 :], ROOT), Malformed)


def test_a_list_that_nobody_could_read_is_not_signed():
    with pytest.raises(ValueError, match="1 to 8"):
        listed(1, FIRST, FIRST)
    with pytest.raises(ValueError, match="from 1 on"):
        listed(0, FIRST)
