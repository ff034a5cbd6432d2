"""Enrolling: what is wrong with the words is said of the right one. A device that is enrolled: the same node decides,
another one is not asked at all.
"""

from pathlib import Path

import pytest

from scanner.cli.enrol import enrol_device
from scanner.errors import GateError
from scanner.identity import Identities
from scanner.verify.enrolment import EnrolmentCode, fingerprint
from tests.fakes.fake_ledger import FakeLedger
from tests.fakes.node_server import FakeNode

SECRET = b"12345"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    path = tmp_path / "gate.toml"
    path.write_text(f'state = "{tmp_path / "state"}"\n')
    return path


def code_of(node: FakeNode) -> str:
    return EnrolmentCode(SECRET, fingerprint(node.ledger.key.public)).text()


def test_a_repeated_enrolment_is_answered_alike(config: Path) -> None:
    with FakeNode(FakeLedger()) as node:
        node.codes[SECRET] = None
        first = enrol_device(node.url, code_of(node), config)
        assert enrol_device(node.url, code_of(node), config) == first


def test_the_code_of_another_node_is_not_spent_on_an_enrolled_device(config: Path) -> None:
    with FakeNode(FakeLedger()) as node, FakeNode(FakeLedger(name="other")) as other:
        node.codes[SECRET] = other.codes[SECRET] = None
        enrol_device(node.url, code_of(node), config)
        before = Identities(config.parent / "state").enrolled()
        with pytest.raises(GateError, match=r"at another ledger node .*`gate-scanner forget` ends that"):
            enrol_device(other.url, code_of(other), config)
        assert other.asked == []
        assert other.codes[SECRET] is None
        assert Identities(config.parent / "state").enrolled() == before


CODE = "K4YT-7U3L-UE5D-6K7B"
URL = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((CODE, ""), ["the address of the ledger node is missing before the code"]),
        ((CODE, URL), ["address and code stand in the wrong order"]),
        (("", ""), ["the address of the ledger node and the code are missing"]),
        ((URL, ""), ["the code is missing"]),
        ((URL, "K4YT-7U3L"), ["an enrolment code has four groups"]),
        (("10.8.0.10:8440", CODE), ["'10.8.0.10:8440' is not the address"]),
        (("10.8.0.10:8440", "K4YT"), ["'10.8.0.10:8440' is not the address", "an enrolment code has four groups"]),
    ],
)
def test_what_is_wrong_with_address_and_code_is_said_of_the_right_one(
    config: Path, words: tuple[str, str], said: list[str]
) -> None:
    with pytest.raises(GateError) as error:
        enrol_device(*words, config)
    told = str(error.value).split("; ")
    assert len(told) == len(said)
    assert all(part.startswith(start) for part, start in zip(told, said, strict=True))
    assert CODE not in str(error.value), "the code is still good"
    assert not (config.parent / "state").exists()
