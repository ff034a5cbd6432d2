"""Whom a gate believes about the log: a slip in these settings is found at the start, not when the log lies."""

import pytest

from scanner.cli.node import trust_of
from scanner.cli.settings import TrustSettings, load
from scanner.errors import ConfigError
from scanner.identity import Enrolled
from scanner.verify.checkpoint import COSIGNATURE, VerifierKey
from tests.fakes.fake_ledger import key

LOG = VerifierKey("ledger/1", key("node").public)
WITNESSES = [VerifierKey(f"w{n}.example", key(f"w{n}").public, COSIGNATURE) for n in range(2)]


def settings(tmp_path, lines):
    path = tmp_path / "gate.toml"
    path.write_text(f'pins = "mock"\n[trust]\n{lines}\n')
    return load(path)


def test_the_gate_wants_its_witnesses_for_the_log_that_it_was_enrolled_with(tmp_path):
    wanted = ", ".join(f'"{one.encode()}"' for one in WITNESSES)
    told = settings(tmp_path, f"witnesses = [{wanted}]\nquorum = 2").trust
    enrolled = Enrolled("http://node", "gate-1", "show", "A1", "00", LOG.encode(), LOG.name)
    trust = trust_of(enrolled, told)
    assert (trust.log_key, trust.witnesses, trust.quorum) == (LOG, tuple(WITNESSES), 2)
    assert trust_of(enrolled, TrustSettings()).quorum == 0


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("quorum = 1", "gate.toml:3: trust.quorum: must be from 0 to the number of trust.witnesses, 0"),
        ("quorum = -1", "trust.quorum"),
        ('witnesses = ["w1"]', "gate.toml:3: trust.witnesses: 'w1' is not a verifier key"),
        (f'witnesses = ["{LOG.encode()}"]', "is a log's key, not a witness's"),
        (f'witnesses = ["{WITNESSES[0].encode()}", "{WITNESSES[0].encode()}"]\nquorum = 2', "it would count as two"),
        ('witnesses = "all"', "trust.witnesses"),
        ("quorums = 1", "trust.quorums"),
    ],
)
def test_a_slip_is_named_with_its_line(tmp_path, lines, said):
    with pytest.raises(ConfigError) as raised:
        settings(tmp_path, lines)
    assert said in str(raised.value)
