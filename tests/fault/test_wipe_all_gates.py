"""Attack: whoever makes a gate believe that it was revoked makes it wipe its key, its enrolment and its list.

One answer that is not what it seems, or a node that lies, would close every gate of a venue for good. A gate lets go of
what it holds only by the log's entry that names it, proven to stand in the log that it follows.
"""

import pytest

from tests.fakes import node_faults as faults
from tests.fakes.fake_ledger import key
from tests.fakes.sync_bench import FakeGate


def forget(proof):
    return proof[:-1]


def flip(entry):
    return f"{int(entry[:2], 16) ^ 1:02x}" + entry[2:]


@pytest.mark.parametrize(
    ("lie", "why"),
    [
        (lambda _: None, "not-revoked"),
        (lambda node: node.ledger.revoke("A2-gate"), "does not name this device"),
        (lambda node: node.ledger.revoke("A1-gate", event="other"), "does not name this device"),
        (lambda node: node.ledger.revoke("A1-gate", by=key("thief")), "not signed by the log's operator"),
        (lambda node: revoked_with(node, inclusion=forget), "not proven to stand at position"),
        (lambda node: revoked_with(node, entry=flip), "not signed by the log's operator"),
        (lambda node: revoked_with(node, position=lambda at: at - 1), "not proven to stand at position"),
        (lambda node: node.always("/revocation", faults.server_error), "500"),
    ],
    ids=["no entry", "another gate", "another event", "by a thief", "cut proof", "changed", "elsewhere", "no answer"],
)
def test_a_gate_that_is_told_of_its_revocation_without_proof_goes_on(node, gate, lie, why):
    lie(node)
    node.revoked.add("A1-gate")
    node.change(3, state=1)
    gate.until(lambda now: "nothing is wiped" in now.last_error and why in now.last_error)
    assert not gate.worker.status().revoked
    node.revoked.clear()
    node.always("/revocation", None)
    gate.synced()


def revoked_with(node, **changes):
    """The entry is there, and the node shows something else for its proof."""
    node.ledger.revoke("A1-gate")
    node.always("/revocation", faults.edit(**changes))


def test_a_revocation_in_another_log_is_a_fork_and_no_revocation(node, gate):
    node.ledger.fork(3)
    node.revoke("A1-gate")
    gate.until(lambda now: "fork" in now.alarm)
    assert not gate.worker.status().revoked


@pytest.mark.parametrize("refuse", ["/changes", "/snapshot", "/time"])
def test_a_wipe_on_the_nodes_bare_word_is_asked_for_in_the_log_wherever_it_is_said(node, tmp_path, refuse):
    def say_revoked(exchange):
        status, kind, body = node.problem(403, "revoked", "wipe", wipe=True)
        exchange.send(*exchange.signed(status, kind, body))

    node.always(refuse, say_revoked)
    with FakeGate(node, tmp_path / "gate") as gate:
        gate.until(lambda now: "nothing is wiped" in now.last_error)
        assert not gate.worker.status().revoked
        node.always(refuse, None)
        gate.synced()


def test_uploads_that_are_refused_as_a_revoked_gates_wipe_nothing(node, gate):
    def say_revoked(exchange):
        status, kind, body = node.problem(403, "revoked", "wipe", wipe=True)
        exchange.send(*exchange.signed(status, kind, body))

    node.always("/admissions", say_revoked)
    gate.admit(1)
    gate.until(lambda now: "the ledger node says" in now.last_error)
    assert not gate.worker.status().revoked
    node.always("/admissions", None)
    gate.synced()


def test_a_proven_revocation_counts(node, gate):
    node.revoke("A1-gate")
    gate.until(lambda now: now.revoked)
    assert "this device was revoked: stolen" in gate.worker.status().last_error
