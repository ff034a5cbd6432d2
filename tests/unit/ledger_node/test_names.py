"""Nothing that turns text around or hides in it gets into a name; a log that has such a name is read as before."""

import os
from typing import Any

import pytest

from ledger_node.config import load_keys
from ledger_node.names import name_fault
from ledger_node.services.errors import ServiceError
from ledger_node.services.events import COLISEUM, read_event
from ledger_node.services.keys import rotate
from ledger_node.services.lying_there import audit_home
from ledger_node.services.operations import perform
from scanner.verify.manifest import EventManifest, LedgerKey
from tests.fakes.running_node import DOORS, EVENT, open_home, stage

EVIL = [
    "\u202eevil",
    "two\nlines",
    "\x1b[2Jclear",
    "zero\u200bwidth",
    "\u2066isolate",
    "nul\0",
    "para\u2029graph",
    "   ",
]
GOOD = ["Harbour Nights 海港之夜", "Café – “Ça va?”", "演唱會🎤", "𠮷野家", "مرحبا", "A&B (2)"]


@pytest.mark.parametrize("text", EVIL)
def test_what_cannot_be_seen_is_named(text: str) -> None:
    assert name_fault(text)


@pytest.mark.parametrize("text", GOOD)
def test_every_script_may_be_a_name(text: str) -> None:
    assert name_fault(text) is None


def groups(**changes: Any) -> list[dict[str, Any]]:
    return [{"number": 1, "name_en": "main", "name_zh": "正門", "gates": ["M1"], **changes}]


def event(**changes: Any) -> dict[str, Any]:
    plain = {"event": "e1", "name": "E", "doors": DOORS, "starts": DOORS, "capacity": 5, "step": 10, "tolerance": 9}
    return {**plain, **changes}


def guest(question: str) -> dict[str, str]:
    return {"phone": "91234567", "question": question}


OPERATIONS = [
    ("event-create", lambda evil: event(name=evil)),
    ("event-create", lambda evil: event(gate_groups=groups(name_en=evil))),
    ("event-create", lambda evil: event(gate_groups=groups(name_zh=evil))),
    ("event-create", lambda evil: event(gate_groups=groups(gates=[evil]))),
    ("event-cancel", lambda evil: {"event": EVENT, "reason": evil}),
    ("tickets-state", lambda evil: {"event": EVENT, "indexes": [1], "state": "blocked", "reason": evil}),
    ("devices-revoke", lambda evil: {"event": EVENT, "device": "d", "reason": evil}),
    ("actors-add", lambda evil: {"event": EVENT, "actor": evil, "role": "organiser", "public_key": "00" * 32}),
    ("actors-revoke", lambda evil: {"event": EVENT, "actor": "a", "reason": evil}),
    ("sponsors-add", lambda evil: {"event": EVENT, "sponsor": evil}),
    ("sponsors-revoke", lambda evil: {"event": EVENT, "sponsor": "s", "reason": evil}),
    ("sponsors-invite", lambda evil: {"event": EVENT, "sponsor": "s", "guests": [guest(evil)]}),
    ("accounts-invite", lambda evil: {"role": "ops", "name": evil}),
    ("accounts-invite", lambda evil: {"role": "sponsor", "name": "Desk", "organisation": evil}),
    ("activations-replace", lambda evil: {"link": "l", "question": evil, "answer": "a"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory):
    with open_home(tmp_path_factory.mktemp("home")) as opened:
        stage(opened, 1)
        yield opened


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize(("operation", "values"), OPERATIONS)
def test_an_operator_puts_no_such_name_anywhere(node, operation: str, values, evil: str) -> None:
    size = node.ledger.size
    with pytest.raises(ServiceError) as refused:
        perform(node, operation, values(evil))
    assert refused.value.code == "bad-name"
    assert evil not in refused.value.sentence
    assert node.ledger.size == size


def test_a_gate_is_named_so_that_a_device_can_be_enrolled_there(node) -> None:
    for gate in ("紅一", "R 1", "x" * 49):
        with pytest.raises(ServiceError) as refused:
            perform(node, "event-create", event(gate_groups=groups(gates=[gate])))
        assert refused.value.code == "bad-name"


def test_a_log_with_such_a_name_is_read_and_audited_as_before(tmp_path) -> None:
    with open_home(tmp_path) as node:
        keys = tuple(LedgerKey(kid, key.public) for kid, key in node.keys.certificates.items())
        manifest = EventManifest("old", "\u202eevil", DOORS, DOORS, 5, keys=keys, gate_groups=COLISEUM)
        node.commit([node.operator.create_event(manifest, node.seconds)])
    with open_home(tmp_path) as node:
        assert read_event(node, "old").manifest.name == "\u202eevil"
        assert rotate(node) == 2, "the event goes on with the name that it has"
    keys = load_keys(tmp_path, None, os.urandom)
    assert audit_home(tmp_path, keys.origin, keys.node, signers=keys.signers).good
