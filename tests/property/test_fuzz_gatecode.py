"""No damaged code opens a gate, and none stops one: more than 200,000 of them through the decoder and the decision.

Half of the shards start from a seed that never changes, half from a new one; GATECODE_FUZZ_SEED repeats a run.
"""

import os
from collections import Counter
from random import Random, SystemRandom

import pytest

from scanner.verify.admit import Now, Verdict, View, decide
from scanner.verify.gatecode import (
    COMPACT,
    FULL,
    Certificate,
    Core,
    GateCode,
    event_hash,
    parse,
    sign_certificate,
    sign_compact,
    sign_full,
)
from scanner.verify.keys import SigningKey
from scanner.verify.manifest import Beacon, EventManifest, GateGroup, LedgerKey
from scanner.verify.reasons import Reason
from scanner.verify.row import ACTIVE, Row
from tests.fakes.mutations import MUTATIONS, Good

SHARDS, EACH = 8, 25_500
NOW, STEP, SIZE = 1_800_000_000, 180_000_000, 1_000
EVENT = event_hash("ev:1")
HOLDERS = [SigningKey(bytes([n]) * 32) for n in range(1, 7)]
LEDGER = SigningKey(b"l" * 32)
BEACONS = tuple(Beacon(n, bytes([n]) * 16, 0, 2**32 - 1) for n in (1, 2, 3))
MANIFEST = EventManifest(
    "ev:1",
    "Event",
    NOW - 600,
    NOW,
    10,
    keys=(LedgerKey(1, LEDGER.public), LedgerKey(2, SigningKey(b"m" * 32).public)),
    gate_groups=(GateGroup(1, "North", "北", ("N1",)), GateGroup(2, "South", "南", ("N1", "S1"))),
    beacons=BEACONS,
)
KNOWN = {n: Row(n, 2, ACTIVE, 0, 1, 0, n, HOLDERS[n].public, 0, 0, 0, 0) for n in range(4)}
SOLD = {4: Row(4, 1, ACTIVE, 1, 1, 0, 4, HOLDERS[0].public, 0, 0, 0, 0)}
ROWS = KNOWN | SOLD


def good(kind: int, ticket: int, step: int, number: int) -> Good:
    holder = HOLDERS[ticket]
    core = Core(kind, EVENT[:4], ticket, 2, STEP + step, number)
    beacon = BEACONS[number - 1].value if number else b""
    if kind == COMPACT:
        code = sign_compact(EVENT, core, holder, beacon)
    else:
        certificate = Certificate(1, 0, 1, 1, ticket, SIZE + 5, NOW - 60, 60, holder.public)
        vouched = sign_certificate(EVENT, ticket, 2, certificate, LEDGER)
        code = sign_full(EVENT, core, certificate, vouched, holder, beacon)
    return Good(code.text(), code.raw)


MOMENTS = [(step, number) for step in (-3, 0, 1, 2) for number in (0, 1, 3)]
POOL = [
    *(good(COMPACT, ticket, step, number) for ticket in KNOWN for step, number in MOMENTS),
    *(good(FULL, ticket, step, number) for ticket in (3, 4, 5) for step, number in MOMENTS),
]
TEXTS, BYTES = {code.text for code in POOL}, {code.raw for code in POOL}


def verdict_on(text: str) -> tuple[Verdict, bytes]:
    code = parse(text)
    row = ROWS.get(code.core.ticket) if isinstance(code, GateCode) else None
    raw = code.raw if isinstance(code, GateCode) else b""
    return decide(code, MANIFEST, View(SIZE, row), Now(NOW), None, "N1"), raw


def test_every_code_that_is_to_be_damaged_opens_the_gate() -> None:
    assert {verdict_on(code.text)[0].reason for code in POOL} == {Reason.OK}
    assert len(TEXTS) == len(BYTES) == len(POOL) == 84
    assert SHARDS * EACH >= 200_000


@pytest.mark.parametrize("shard", range(SHARDS))
def test_damaged_codes_open_nothing_and_stop_nothing(shard: int) -> None:
    fresh = int(os.environ.get("GATECODE_FUZZ_SEED", SystemRandom().getrandbits(64)))
    seed = shard if shard % 2 == 0 else fresh + shard
    print(f"shard {shard}, seed {seed}" + (f"; GATECODE_FUZZ_SEED={fresh} repeats it" if shard % 2 else ""))
    random, tried, met = Random(seed), Counter[str](), Counter[Reason]()
    while tried.total() < EACH:
        mutation = random.choice(MUTATIONS)
        text = mutation(random, random.choice(POOL), random.choice(POOL))
        if text in TEXTS:
            continue
        try:
            verdict, raw = verdict_on(text)
        except Exception as error:
            error.add_note(f"seed {seed}, {mutation.__name__}: {text!r}")
            raise
        assert verdict.outcome != "admit", (seed, mutation.__name__, text)
        assert raw not in BYTES, ("a second spelling", seed, mutation.__name__, text)
        tried[mutation.__name__] += 1
        met[verdict.reason] += 1
    assert min(tried[mutation.__name__] for mutation in MUTATIONS) > EACH // 100, tried
    assert met[Reason.FORGED] > EACH // 4, met
    assert len(met) >= 8, met
