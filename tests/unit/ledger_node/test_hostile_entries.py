"""Every type of entry in every form that a hostile or broken writer could give it, signed by whoever may sign it, so
that nothing but the form is wrong. Each is refused, and a refusal changes nothing (`Log.refused` looks).
"""

import cbor2
import pytest

from ledger_node.contract.apply import RULES
from ledger_node.contract.entries import NewTicket
from scanner.verify.entry import MAX_BYTES, Entry, canonical, open_entry, signature_good
from tests.fakes.box_office import EVENT, NODE, OPERATOR, code, enrol, gates, holder, key, manifest, proof
from tests.fakes.market import LATER, Person, owned, stage
from tests.unit.ledger_node.test_life_house import ALL, samples

U64 = 2**64 - 1
UNCOUNTED = {"view_size", "time_error_ms"}
PEOPLE = Person("ann").key(0, 0)
DOMAINS = [
    b"", b"ticketme/v1/entry/", b"ticketme/v1/entry/sale\0", b"ticketme/v1/snapshot\0", b"ticketme/v1/state\0",
    b"ticketme/v1/event-manifest\0", b"ticketme/v1/provider/hold\0", b"ticketme/v1/trail-head\0",
    b"gatecode/v1/holder\0", b"gatecode/v1/cert\0", b"gatecode/v1/possession\0", b"cosignature/v1\ntime 1\n",
]  # fmt: skip


def of_people_and_houses() -> list[tuple[bytes, object]]:
    """An entry of each type that has a class, and who signs it."""
    signers = [next((ALL[name] for name in ALL if name in body.SIGNERS), PEOPLE) for body in samples()]
    return [(body.seal(EVENT, LATER, signer), signer) for body, signer in zip(samples(), signers, strict=True)]


def of_operators_and_gates() -> list[tuple[bytes, object]]:
    """An entry of each of the other types."""
    gate = gates()[0]
    by_operator = [
        OPERATOR.create_event(manifest(event="new"), LATER),
        OPERATOR.update_event(manifest(version=2), LATER),
        next(OPERATOR.issue(EVENT, [NewTicket(99, 1, 1, 1, 5)], LATER)),
        OPERATOR.register_key(EVENT, 5, 0, holder(5).public, proof(5, 0), LATER),
        OPERATOR.set_state(EVENT, [5], "blocked", "x", LATER),
        enrol("gate-new", key("d"), "A1", at=LATER),
        OPERATOR.revoke_device(EVENT, "gate-a1", "lost", LATER),
    ]
    by_gate = [gate.admit(code(1)), gate.refuse(code(1)), gate.void(), gate.release(1), gate.incident()]
    return [*((raw, NODE) for raw in by_operator), *((raw, gate.key) for raw in by_gate)]


ENTRIES = of_people_and_houses() + of_operators_and_gates()


def kind(raw: bytes) -> str:
    entry = open_entry(raw)
    assert isinstance(entry, Entry)
    return entry.type


@pytest.fixture(scope="module")
def log():
    return owned(stage(), Person("ann"), Person("bob"))


def payload_of(raw: bytes, **changes: object) -> dict[str, object]:
    entry = open_entry(raw)
    assert isinstance(entry, Entry)
    return {name: getattr(entry, name) for name in ("type", "event", "at", "actor", "body")} | changes


def signed(payload: bytes, type_: str, signer, domain: bytes | None = None) -> bytes:
    """Signed as an entry of `type_` is, whatever the payload looks like."""
    domain = b"ticketme/v1/entry/" + type_.encode() + b"\0" if domain is None else domain
    return signer.sign(domain + payload) + payload


def spellings(fields: dict[str, object]) -> list[bytes]:
    """The same map in encodings that are CBOR, but not the canonical one (RFC 8949 4.2)."""
    good = canonical(fields)
    assert good[0] == 0xA5
    backwards = cbor2.dumps(dict(sorted(fields.items(), reverse=True)))
    return [
        good + b"\0", b"\xd9\xd9\xf7" + good, b"\xbf" + good[1:] + b"\xff", b"\xb8\x05" + good[1:], backwards,
        b"\xb9\x00\x05" + good[1:], b"\xa6" + good[1:] + b"\x62at\x00",
    ]  # fmt: skip


def integers(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Where integers stand in a body."""
    if type(value) is int:
        return [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for name, item in items for found in integers(item, (*path, name))]


def changed(value, path: tuple[object, ...], new: object):
    if not path:
        return new
    made = dict(value) if isinstance(value, dict) else list(value)
    made[path[0]] = changed(made[path[0]], path[1:], new)
    return made


def test_every_type_is_here():
    assert {kind(raw) for raw, _ in ENTRIES} == {*RULES, "admission", "refusal", "void", "release", "incident"}


every = pytest.mark.parametrize(("raw", "signer"), ENTRIES, ids=[kind(raw) for raw, _ in ENTRIES])


@every
def test_oversized(log, raw, signer):
    body = {**payload_of(raw)["body"], "padding": bytes(MAX_BYTES)}
    assert log.refused(signed(canonical(payload_of(raw, body=body)), kind(raw), signer)) == "not-an-entry"


@every
def test_non_canonical(log, raw, signer):
    for payload in spellings(payload_of(raw)):
        assert log.refused(signed(payload, kind(raw), signer)) == "not-an-entry"


@every
def test_unknown_type(log, raw, signer):
    for other in (kind(raw) + "x", "ticket", "x." + kind(raw).replace(".", "-")):
        payload = canonical(payload_of(raw, type=other))
        assert log.refused(signed(payload, other, signer)) in {"unknown-type", "not-an-entry"}


@every
def test_other_event(log, raw, signer):
    for event in ("", "elsewhere", EVENT + " ", EVENT.upper()):
        payload = canonical(payload_of(raw, event=event))
        assert log.refused(signed(payload, kind(raw), signer)) not in {"bad-signature", "unknown-type"}


@every
def test_signature_from_another_domain(log, raw, signer):
    payload = canonical(payload_of(raw))
    for domain in (*DOMAINS, b"ticketme/v1/entry/" + kind(raw).encode()):
        if domain != b"ticketme/v1/entry/" + kind(raw).encode() + b"\0":
            assert log.refused(signed(payload, kind(raw), signer, domain)) == "bad-signature"
    assert log.refused(bytes(64) + payload) == "bad-signature"


@every
def test_every_integer_negative_or_too_large(log, raw, signer):
    """Below 0 and at the end of 64 bits the body is refused; beyond 64 bits (CBOR's bignums) it is no entry at all.
    What a gate only tells (UNCOUNTED) has all 64 bits.
    """
    body = payload_of(raw)["body"]
    for path in integers(body):
        last = () if path[0] in UNCOUNTED else (U64,)
        for value in (-1, -(2**63), 2**64, 2**70, -(2**64), *last):
            payload = canonical(payload_of(raw, body=changed(body, path, value)))
            answer = log.refused(signed(payload, kind(raw), signer))
            beyond = value > U64 or value < -(2**63)
            expected = {"not-an-entry"} if beyond else {"malformed-body", "bad-manifest", "bad-policy"}
            assert answer in expected, (path, value, answer)


@every
def test_time_that_is_none_or_beyond_64_bits(log, raw, signer):
    for at in (-1, -(2**63), 2**64, True, None, "1"):
        assert log.refused(signed(canonical(payload_of(raw, at=at)), kind(raw), signer)) == "not-an-entry"


@every
def test_wrong_signer_even_with_the_right_name_on_it(log, raw, signer):
    """Signed by a stranger, or with the right actor's key named and a stranger's signature under it."""
    stranger = key("stranger")
    payload = canonical(payload_of(raw))
    assert log.refused(signed(payload, kind(raw), stranger)) == "bad-signature"
    assert signature_good(open_entry(raw))
    assert signer.public == open_entry(raw).actor
