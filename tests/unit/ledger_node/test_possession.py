"""The table of keys that entries name: complete, true to the shapes, and held to by the rules.

Attack: whoever reads a stranger's public key in the log has it put down as their own.
"""

import json
from pathlib import Path
from typing import get_type_hints

import pytest

from ledger_node.contract import bodies_market as market
from ledger_node.contract import shape
from ledger_node.contract.apply import BODIES, PROOF_SINCE, RULES
from ledger_node.contract.body import options_of, shape_of
from ledger_node.contract.commitments import identity_reference
from ledger_node.contract.facts import Identity
from ledger_node.contract.outcome import Outcome
from ledger_node.contract.possession import NAMED, VOUCHED
from ledger_node.contract.ruleset import NEWEST, rules_of
from scanner.verify.entry import open_entry, seal
from scanner.verify.gatecode import event_hash
from scanner.verify.possession import device_message, identity_message
from tests.fakes.box_office import EVENT, NODE, NOW, OPERATOR, enrol, key, manifest, opening
from tests.fakes.contract_log import Log
from tests.fakes.market import LATER, PROVIDER, Person, attestation, cast, identity_proof, order, policy, stage

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "possession.json").read_text(encoding="utf-8"))
INSIDE = {
    "ticket.issue": {"rows[].holder_key"},
    "identity.attest": {"attestation.key"},
    "key.rotate": {"keys[].public_key"},
    "event.create": {"manifest.keys[].public_key"},
    "event.update": {"manifest.keys[].public_key"},
}
"""Keys inside a list, a map or a quotation, where a shape does not show them."""
NO_KEY_INSIDE = {
    "policy.set": "a policy's parties are pseudonyms",
    "sale": "lines are numbers, a payment is a receipt of money: its parties are pseudonyms",
    "activation": "commitments",
    "transfer.accept": "a receipt of money",
    "resale.buy": "a receipt of money",
    "payment.capture": "a receipt of money",
    "payment.release": "a receipt of money",
    "ticket.refund": "a receipt of money",
    "sponsor.grant": "commitments",
    "ticket.state": "numbers",
}
OPAQUE = {shape.items, shape.mapping, shape.quoted}


def shapes() -> dict[str, shape.Shape]:
    return {**shape.SHAPES, **{body.TYPE: shape_of(body) for body in BODIES}}


def test_the_table_names_every_key_of_every_shape() -> None:
    for kind, fields in shapes().items():
        plain = {name for name, of in fields.items() if of is shape.key}
        opaque = {name for name, of in fields.items() if of in OPAQUE}
        assert NAMED.get(kind, {}).keys() == plain | INSIDE.get(kind, set()), kind
        if opaque:
            assert (kind in INSIDE) != (kind in NO_KEY_INSIDE), f"{kind}: does {opaque} hold a key?"


def test_what_is_only_vouched_for_says_why() -> None:
    assert {kind for kind, keys in NAMED.items() if "vouched" in keys.values()} == VOUCHED.keys()
    assert NAMED.keys() <= RULES.keys()


def test_what_is_proven_carries_its_proof() -> None:
    optional = {**shape.OPTIONS, **{body.TYPE: options_of(body) for body in BODIES}}
    for kind, keys in NAMED.items():
        if "by its signature" in keys.values() and kind != "ticket.issue":
            assert shape.signature in {*shapes()[kind].values(), *optional.get(kind, {}).values()}, kind
    assert {kind for kind, fields in optional.items() if "proof" in fields} == PROOF_SINCE


def test_an_optional_field_is_there_or_not_and_never_empty() -> None:
    for body in BODIES:
        hints = get_type_hints(body, include_extras=True)
        for name in options_of(body).keys() - shape.EVERY_ACT.keys():
            assert not hints[name].__metadata__[0](body.__dataclass_fields__[name].default), (body, name)
    assert not shape.nonce(b"")


@pytest.fixture
def log() -> Log:
    made = stage()
    ada = Person("ada")
    for raw in (order(0, number="a"), ada.activate(0)):
        assert isinstance(made.put(raw), Outcome)
    return made


def says(tickets, raw, proof=b"", at=NOW):
    return market.AttestIdentity(tickets, raw, proof).seal(EVENT, at, PROVIDER)


def test_a_stranger_cannot_have_the_holders_key_attested_as_theirs(log: Log) -> None:
    ada, mallory = Person("ada"), key("mallory")
    hers = attestation(ada.key(0, 0).public, "mallory")
    assert log.refused(says([0], hers)) == "proof-needed"
    assert log.refused(says([0], hers, mallory.sign(b"x"))) == "bad-proof"
    assert log.refused(says([0], hers, identity_proof(mallory, hers))) == "bad-proof"
    assert log.refused(says([], hers, identity_proof(mallory, hers))) == "bad-proof"


def test_a_proof_that_was_read_in_the_log_is_good_for_no_other_attestation(log: Log) -> None:
    ada = Person("ada")
    mine = attestation(ada.key(0, 0).public, "ada")
    proof = identity_proof(ada.key(0, 0), mine)
    assert isinstance(log.put(says([0], mine, proof)), Outcome)
    again = attestation(ada.key(0, 0).public, "mallory", level=3, at=NOW + 1)
    assert log.refused(says([0], again, proof, NOW + 1)) == "bad-proof"
    assert log.refused(says([], again, proof, NOW + 1)) == "bad-proof"


def test_a_proof_of_another_event_or_of_possession_for_a_ticket_is_none(log: Log) -> None:
    ada = Person("ada")
    mine, owner = attestation(ada.key(0, 0).public, "ada"), ada.key(0, 0)
    assert log.refused(says([0], mine, identity_proof(owner, mine, event="other"))) == "bad-proof"
    registered = open_entry(ada.activate(0)).body["proof"]
    assert log.refused(says([0], mine, registered)) == "bad-proof"


def test_a_device_joins_by_its_own_word(log: Log) -> None:
    device = key("new")
    good = enrol("gate-new", device, "A1")
    bodies = open_entry(good).body
    bare = {name: value for name, value in bodies.items() if name != "proof"}
    assert log.refused(seal("device.enrol", EVENT, NOW, bare, NODE)) == "proof-needed"
    forged = {**bodies, "proof": key("x").sign(device_message(NODE.public, device.public))}
    assert log.refused(seal("device.enrol", EVENT, NOW, forged, NODE)) == "bad-proof"
    elsewhere = {**bodies, "proof": device.sign(device_message(key("x").public, device.public))}
    assert log.refused(seal("device.enrol", EVENT, NOW, elsewhere, NODE)) == "bad-proof"
    assert isinstance(log.put(good), Outcome)


# Logs of earlier releases


def before(*more: bytes) -> Log:
    """An event as it was made before entries carried proofs."""
    first = seal("event.create", EVENT, NOW, {"manifest": manifest().to_map()}, NODE)
    return Log([first, *opening()[1:], *cast(), *more])


def test_an_earlier_log_replays_and_means_the_same() -> None:
    log, ada = before(), Person("ada")
    owner = ada.key(50, 0)
    said = attestation(owner.public, "ada")
    assert rules_of(log.state, EVENT) == 1
    assert isinstance(log.put(says([], said)), Outcome)
    assert log.state.find(Identity, EVENT, owner.public).pseudonym == ada.pseudonym
    bare = {"device": "gate-old", "public_key": key("old").public, "gate": "A1"}
    assert isinstance(log.put(seal("device.enrol", EVENT, NOW, bare, NODE)), Outcome)


def test_nothing_of_that_kind_is_taken_in_any_more_in_an_earlier_event() -> None:
    log, owner = before(), key("ada")
    said = attestation(owner.public, "ada")
    assert log.refused(says([], said), latest=NOW) == "proof-needed"
    bare = {"device": "gate-old", "public_key": key("old").public, "gate": "A1"}
    assert log.refused(seal("device.enrol", EVENT, NOW, bare, NODE), latest=NOW) == "proof-needed"
    assert log.refused(says([], said, key("x").sign(b"x"))) == "bad-proof"
    assert isinstance(log.put(says([], said, identity_proof(owner, said)), NOW), Outcome)


def test_an_earlier_event_moves_on_with_its_next_change_and_never_back() -> None:
    log = before(OPERATOR.update_event(manifest(version=2), NOW))
    assert rules_of(log.state, EVENT) == NEWEST
    assert log.refused(says([], attestation(key("a").public, "a"))) == "proof-needed"
    same = {"manifest": manifest(version=3).to_map()}
    for rules, code in (
        (1, "wrong-rules"),
        (0, "wrong-rules"),
        (NEWEST + 1, "wrong-rules"),
        (None, "malformed-body"),
    ):
        assert log.refused(seal("event.update", EVENT, NOW, {**same, "rules": rules}, NODE)) == code
    assert isinstance(log.put(seal("event.update", EVENT, NOW, same, NODE)), Outcome)
    assert rules_of(log.state, EVENT) == NEWEST


def test_by_the_first_rules_no_policy_overtakes_the_one_that_waits():
    log = before(policy(), policy(version=2, effective=LATER + 50))
    sooner = policy(version=3, effective=LATER)
    assert log.refused(sooner) == "policy-reaches-back", "as witnesses of the release before have it"
    assert isinstance(log.put(OPERATOR.update_event(manifest(version=2), NOW)), Outcome)
    assert isinstance(log.put(sooner), Outcome)


@pytest.mark.parametrize("rules", [0, NEWEST + 1, 255])
def test_a_version_that_this_program_does_not_know_is_refused(rules: int) -> None:
    body = {"manifest": manifest().to_map(), "rules": rules}
    assert Log().refused(seal("event.create", EVENT, NOW, body, NODE)) == "wrong-rules"


# Vectors


def test_the_messages_are_those_of_the_vectors() -> None:
    one, device = VECTORS["identity"], VECTORS["device"]
    public = bytes.fromhex(one["key"])
    reference = identity_reference(one["event"], public, one["authorisation"])
    assert reference == one["reference"]
    assert identity_message(event_hash(one["event"]), public, reference).hex() == one["message"]
    assert device_message(bytes.fromhex(device["operator"]), bytes.fromhex(device["key"])).hex() == device["message"]


def test_the_entries_are_those_of_the_vectors() -> None:
    """Old and new, byte for byte: whoever reads a log elsewhere has both before them."""
    for name in (
        "identity.attest, rules 1",
        "identity.attest, rules 2",
        "device.enrol, rules 1",
        "device.enrol, rules 2",
    ):
        entry = open_entry(bytes.fromhex(VECTORS["entries"][name]))
        assert entry.type == name.partition(",")[0]
        assert ("proof" in entry.body) == name.endswith("2")
