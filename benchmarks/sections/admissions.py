"""Uploaded admissions over HTTP: what gates that were cut off send when they are back, in the batches that they send.

For each admission the node checks the gate's signature and the holder's, applies the contract, logs it durably and
answers with a receipt and its inclusion proof; and each request is signed, too.
"""

import json
import time
from itertools import count, islice

from benchmarks import limits
from benchmarks.figures import Bench, Figure, Limit, Target
from benchmarks.house import EVENT, Served, holder, open_home, serve, stage
from benchmarks.load import drive, request
from benchmarks.sections.claims import check
from benchmarks.timing import best
from scanner.sync.uploader import BATCH
from scanner.verify.entry import canonical
from tests.fakes.gate_client import CBOR, GateClient

GATES = 4
PATH = f"/v1/events/{EVENT}/admissions?proofs=1&from=0"


def run(bench: Bench) -> list[Figure]:
    batches, rounds = bench.pick(40, 4), bench.pick(5, 1)
    bench.tell("admissions: an event with its holders' keys")
    with bench.room() as home:
        with open_home(home) as node:
            stage(node, batches * BATCH * rounds + GATES * BATCH)
        with serve(home, GATES) as node:
            tickets = count(1)
            _upload(node, list(islice(tickets, GATES * BATCH)))
            bench.tell(f"admissions: {rounds} rounds of {batches * BATCH:,}")
            taken = best(
                rounds,
                verify=limits.verify_s,
                each=lambda: _upload(node, list(islice(tickets, batches * BATCH))) / (batches * BATCH),
            )
    limit = Limit("two verifies each, on one core", 1 / (2 * taken["verify"]))
    what = f"admissions uploaded in batches of {BATCH} by {GATES} gates"
    return [Figure(what, 1 / taken["each"], "/s", limit, Target.of_rate(3, limit))]


def _upload(node: Served, tickets: list[int]) -> float:
    lots = [tickets[start : start + BATCH] for start in range(0, len(tickets), BATCH)]
    made = [_signed(node.gates[n % GATES], lot) for n, lot in enumerate(lots)]
    done = drive(node.gates_port, [raw for raw, _ in made], GATES)
    for answer, (_, signature) in zip(done.answers, made, strict=True):
        check(answer, node.gates[0].node_key, signature)
        receipts = json.loads(answer.body)["receipts"]
        assert len(receipts) == BATCH
        assert all(one["verdict"] == "accepted" and one["inclusion"] for one in receipts)
    return done.seconds


def _signed(gate: GateClient, tickets: list[int]) -> tuple[bytes, str]:
    records = [gate.admission(one, holder(one).compact(EVENT, one, 0, time.time()).raw) for one in tickets]
    body = canonical({"records": records})
    headers = gate.sign("POST", PATH, body, CBOR)
    return request("POST", PATH, headers, body), headers["Signature"]
