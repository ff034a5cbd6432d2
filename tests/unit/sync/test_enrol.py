"""A device joins the node that gave its code, and no other."""

import secrets

import pytest

from scanner.clock import ClockReading
from scanner.errors import SyncError
from scanner.sync.enrol import enrol
from scanner.sync.signed import Signer, Timeouts
from scanner.verify.enrolment import EnrolmentCode, fingerprint
from tests.fakes import node_faults as faults
from tests.fakes.fake_ledger import EVENT, FakeLedger, key
from tests.fakes.node_server import FakeNode

NOW = 1_790_000_000.0
SECRET = b"12345"
BRISK = Timeouts(connect=1.0, silence=0.4, total=0.8)


@pytest.fixture
def node():
    with FakeNode(FakeLedger(), now=lambda: NOW) as running:
        running.codes[SECRET] = None
        yield running


def code_of(node):
    return EnrolmentCode(SECRET, fingerprint(node.ledger.key.public)).text()


def signer(name="device", now=NOW):
    reading = ClockReading(now, trusted=False, error_s=1.0, source="test")
    return Signer(key(name), lambda: reading, lambda: secrets.token_hex(16))


def test_device_learns_who_it_is_and_whom_to_believe(node):
    told = enrol(node.url, code_of(node), signer(), BRISK)
    assert (told.event, told.gate, told.url) == (EVENT, "A1", node.url)
    assert told.node_key == node.ledger.key.public
    assert told.log == node.ledger.vkey
    assert told.origin == node.ledger.origin
    assert node.ledger.devices[key("device").public] == told.device


def test_code_typed_by_a_person_is_good(node):
    typed = code_of(node).lower().replace("-", " ")
    assert enrol(node.url, typed, signer(), BRISK).gate == "A1"


def test_board_without_a_clock_can_enrol(node):
    assert enrol(node.url, code_of(node), signer(now=0.0), BRISK).gate == "A1"


def test_asking_again_after_a_lost_answer_is_safe(node):
    node.trouble("/enrol", faults.lose_answer)
    with pytest.raises(SyncError, match="broke the connection off"):
        enrol(node.url, code_of(node), signer(), BRISK)
    assert enrol(node.url, code_of(node), signer(), BRISK).gate == "A1"


def test_used_code_is_refused(node):
    enrol(node.url, code_of(node), signer(), BRISK)
    with pytest.raises(SyncError, match="this code is not good"):
        enrol(node.url, code_of(node), signer("another device"), BRISK)


def test_impostor_at_the_address_is_refused_and_never_sees_the_code(node):
    code = code_of(node)
    with (
        FakeNode(FakeLedger(name="impostor"), now=lambda: NOW) as impostor,
        pytest.raises(SyncError, match="is not the one that gave this code"),
    ):
        enrol(impostor.url, code, signer(), BRISK)
    assert impostor.count("/enrol") == 0


def test_impostor_that_names_the_right_key_but_has_it_not_is_refused(node):
    def pretend(exchange):
        status, headers, body = exchange.answer()
        right = node.ledger.key.public.hex()
        wrong = exchange.node.ledger.key.public.hex()
        headers["Signature-Input"] = headers["Signature-Input"].replace(wrong, right)
        exchange.send(status, headers, body)

    with FakeNode(FakeLedger(name="impostor"), now=lambda: NOW) as impostor:
        impostor.always("/v1/time", pretend)
        with pytest.raises(SyncError, match="not given to this request"):
            enrol(impostor.url, code_of(node), signer(), BRISK)
        assert impostor.count("/enrol") == 0


@pytest.mark.parametrize("fault", [faults.captive_portal, faults.redirect, faults.proxy_error])
def test_captive_portal_is_named(node, fault):
    node.always("/v1/time", fault)
    with pytest.raises(SyncError, match="not the ledger node"):
        enrol(node.url, code_of(node), signer(), BRISK)


@pytest.mark.parametrize("text", ["", "ABCD", "ABCD-EFGH-IJKL-MNO!", "x" * 500])
def test_mistyped_code_is_said_before_anything_is_sent(node, text):
    with pytest.raises(SyncError, match="four groups of four"):
        enrol(node.url, text, signer(), BRISK)
    assert node.asked == []


@pytest.mark.parametrize(
    ("lie", "sentence"),
    [
        ({"log": lambda _: "x+00000000+AAAA"}, "names a key that is not good"),
        ({"node_key": lambda _: key("other").public.hex()}, "names a key that is not good"),
        ({"device": lambda _: 7}, "enrolment is malformed .device"),
    ],
)
def test_enrolment_that_makes_no_sense_is_refused(node, lie, sentence):
    node.trouble("/enrol", faults.edit(**lie))
    with pytest.raises(SyncError, match=sentence):
        enrol(node.url, code_of(node), signer(), BRISK)
