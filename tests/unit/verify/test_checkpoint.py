import base64

import pytest
from tlog_scales import signing, tlog

from scanner.verify.checkpoint import (
    COSIGNATURE,
    Checkpoint,
    VerifierKey,
    cosign,
    cosigned_at,
    open_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
)
from scanner.verify.entry import Malformed
from scanner.verify.keys import SigningKey

ORIGIN = "ticketme.example/coliseum"
LOG_KEY, WITNESS_KEY = SigningKey(b"L" * 32), SigningKey(b"W" * 32)
LOG, WITNESS = VerifierKey(ORIGIN, LOG_KEY.public), VerifierKey("witness.example", WITNESS_KEY.public, COSIGNATURE)
ROOT = bytes(range(32))
NOTE = sign_checkpoint(ORIGIN, 1234, ROOT, LOG_KEY)


def cosigned(at):
    checkpoint = open_checkpoint(NOTE, LOG, ORIGIN)
    assert isinstance(checkpoint, Checkpoint)
    line = cosign(checkpoint, WITNESS.name, WITNESS_KEY, at)
    return Checkpoint(ORIGIN, 1234, ROOT, (*checkpoint.signatures, line)).text()


def test_an_independent_verifier_accepts_checkpoint_and_cosignature():
    theirs = tlog.Checkpoint.from_text(cosigned(1_800_000_000))
    assert (theirs.origin, theirs.size, theirs.root_hash) == (ORIGIN, 1234, ROOT)
    theirs.verify(signing.Vkey.from_string(LOG.encode()))
    theirs.verify(signing.Vkey.from_string(WITNESS.encode()))


def test_a_checkpoint_of_an_independent_signer_is_accepted():
    signer = signing.PlainEd25519Signer(ORIGIN, LOG_KEY.seed)
    text = tlog.Checkpoint.make_signed(ORIGIN, 7, ROOT, [signer]).serialize()
    key = VerifierKey.parse(signer.vkey.serialize())
    assert key == LOG
    assert text == sign_checkpoint(ORIGIN, 7, ROOT, LOG_KEY)
    assert isinstance(open_checkpoint(text, LOG, ORIGIN), Checkpoint)


def test_the_key_of_the_signed_note_specification_and_a_note_that_is_no_checkpoint():
    # C2SP signed-note.md, "Example"
    text = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
        "\n"
        "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1F"
        "FYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    key = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    assert isinstance(key, VerifierKey)
    assert key.key_id.hex() == "c74f20a3"
    # Two lines are no checkpoint, however well signed.
    assert isinstance(open_checkpoint(text, key, "PeterNeumann"), Malformed)


def test_a_witness_is_heard_only_for_what_it_signed():
    checkpoint = open_checkpoint(cosigned(1_800_000_000), LOG, ORIGIN)
    assert isinstance(checkpoint, Checkpoint)
    assert cosigned_at(checkpoint, WITNESS) == 1_800_000_000
    moved = Checkpoint(ORIGIN, 1235, ROOT, checkpoint.signatures)
    assert cosigned_at(moved, WITNESS) is None
    assert cosigned_at(checkpoint, VerifierKey(WITNESS.name, LOG_KEY.public, COSIGNATURE)) is None


def test_a_cosignature_with_another_time_does_not_verify():
    checkpoint = parse_checkpoint(cosigned(1_800_000_000))
    assert isinstance(checkpoint, Checkpoint)
    line = checkpoint.signatures[1]
    later = type(line)(line.name, line.key_id, (1_900_000_000).to_bytes(8) + line.blob[8:])
    assert cosigned_at(Checkpoint(ORIGIN, 1234, ROOT, (later,)), WITNESS) is None


def test_a_log_key_cannot_pose_as_a_witness():
    as_witness = VerifierKey(ORIGIN, LOG_KEY.public, COSIGNATURE)
    checkpoint = open_checkpoint(NOTE, LOG, ORIGIN)
    assert isinstance(checkpoint, Checkpoint)
    assert cosigned_at(checkpoint, as_witness) is None
    assert isinstance(open_checkpoint(NOTE, as_witness, ORIGIN), Malformed)


def test_every_flipped_bit_of_a_note_is_refused():
    data = NOTE.encode()
    for place in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        try:
            text = flipped.decode()
        except UnicodeDecodeError:
            continue
        assert isinstance(open_checkpoint(text, LOG, ORIGIN), Malformed), text


BODY, LINE = NOTE.split("\n\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        NOTE[:-1],
        NOTE + "\n",
        NOTE.replace("\n", "\r\n"),
        f"{BODY}\nan extension line\n\n{LINE}",
        f"{BODY}\n\n{BODY}\n\n{LINE}",
        NOTE.replace("\n1234\n", "\n01234\n"),
        NOTE.replace("\n1234\n", "\n+1234\n"),
        NOTE.replace("\n1234\n", "\n١٢٣٤\n"),
        NOTE.replace("\n1234\n", "\n-1\n"),
        NOTE.replace("\u2014", "-"),
        f"{BODY}\n\n{LINE}{LINE.replace(ORIGIN, 'a b')}",
        f"{BODY}\n\n{LINE * 101}",
        NOTE.replace(base64.b64encode(ROOT).decode(), base64.b64encode(ROOT[:31]).decode()),
        f"\ud800\n1234\n{base64.b64encode(ROOT).decode()}\n\n{LINE}",
    ],
)
def test_what_is_not_strictly_a_checkpoint_is_refused_with_a_reason(text):
    refusal = open_checkpoint(text, LOG, ORIGIN)
    assert isinstance(refusal, Malformed)
    assert refusal.reason


def test_a_checkpoint_of_another_log_is_refused_though_the_key_is_ours():
    other = sign_checkpoint("other.example", 5, ROOT, LOG_KEY)
    assert isinstance(open_checkpoint(other, VerifierKey("other.example", LOG_KEY.public), ORIGIN), Malformed)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a+b",
        LOG.encode()[:-1],
        LOG.encode() + "\n",
        "x" + LOG.encode(),
        LOG.encode().upper(),
        f"a+00000000+{'A' * 44}",
    ],
)
def test_a_verifier_key_that_is_not_its_own_is_refused(text):
    assert isinstance(VerifierKey.parse(text), Malformed)


def test_an_origin_that_cannot_be_a_key_name_is_refused():
    with pytest.raises(ValueError, match="cannot name a log"):
        sign_checkpoint("two words", 0, ROOT, LOG_KEY)
