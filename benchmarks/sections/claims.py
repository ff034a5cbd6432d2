"""Claims over HTTP: one admission each, signed by its gate, compared and swapped, durable before the answer.

A real `ledger-node serve` with real requests (RFC 9421, fresh nonces), made just before they are sent. The limit is an
empty application on the same server, asked by the same clients, with the same bodies.
"""

import json
import time
from itertools import count, islice

from benchmarks import limits
from benchmarks.empty import empty_server
from benchmarks.figures import Bench, Figure, Limit, Target, ms
from benchmarks.house import EVENT, Served, holder, open_home, serve, stage
from benchmarks.load import Answered, Run, drive, request
from benchmarks.timing import best_of, spread
from scanner.verify.httpsig import Signed, verify_response
from tests.fakes.gate_client import CBOR, GateClient

GATES = 16
PATH = f"/v1/events/{EVENT}/claims"


def run(bench: Bench) -> list[Figure]:
    crowd, alone, rounds = bench.pick(1_000, 60), bench.pick(250, 20), bench.pick(5, 1)
    bench.tell("claims: an event with its holders' keys")
    with bench.room() as home, limits.commits(home) as commit, empty_server() as empty:
        with open_home(home) as node:
            stage(node, (crowd + alone) * rounds + GATES)
        with serve(home, GATES) as node:
            tickets = count(1)
            claim(node, list(islice(tickets, GATES)), GATES)
            bench.tell(f"claims: {rounds} rounds")
            taken = best_of(
                rounds,
                [
                    lambda: {"verify": limits.verify_s(), "sign": limits.sign_s(), "commit": commit()},
                    lambda: _empty(empty, crowd),
                    lambda: {"all": claim(node, list(islice(tickets, crowd)), GATES).seconds / crowd},
                    lambda: spread(claim(node, list(islice(tickets, alone)), 1).each),
                ],
            )
    return _figures(taken)


def _figures(taken: dict[str, float]) -> list[Figure]:
    crypto = 3 * taken["verify"] + taken["sign"]
    least = Limit("an empty answer + 3 verifies + one sign", 1 / (taken["empty all"] + crypto))
    least_alone = Limit("the same + one WAL-FULL commit", ms(taken["empty p50"] + crypto + taken["commit"]))
    return [
        Figure(f"claims over HTTP, {GATES} gates", 1 / taken["all"], "/s", least, Target.of_rate(6.5, least)),
        Figure("a claim, one gate: p50", ms(taken["p50"]), "ms", least_alone),
        Figure("a claim, one gate: p99", ms(taken["p99"]), "ms", least_alone),
        Figure("an empty application, the same clients", 1 / taken["empty all"], "/s"),
    ]


def claim(node: Served, tickets: list[int], clients: int) -> Run:
    """One claim of each ticket at the gates' port, over so many connections."""
    made = [_signed(node.gates[n % GATES], ticket) for n, ticket in enumerate(tickets)]
    done = drive(node.gates_port, [raw for raw, _ in made], clients)
    for answer, (_, signature) in zip(done.answers, made, strict=True):
        check(answer, node.gates[0].node_key, signature)
        assert json.loads(answer.body)["verdict"] == "accepted", answer
    return done


def _signed(gate: GateClient, ticket: int) -> tuple[bytes, str]:
    record = gate.admission(ticket, holder(ticket).compact(EVENT, ticket, 0, time.time()).raw)
    headers = gate.sign("POST", PATH, record, CBOR)
    return request("POST", PATH, headers, record), headers["Signature"]


def check(answer: Answered, node_key: bytes, signature: str) -> None:
    """The answer is the node's, to this very request. Not while the clock runs: it is the gate's work."""
    good = verify_response(answer.status, answer.headers, answer.body, node_key, signature)
    assert isinstance(good, Signed), (good, answer)
    assert answer.status == 200, answer


def _empty(port: int, crowd: int) -> dict[str, float]:
    asked = [request("POST", "/", {}, bytes(500))] * (5 * crowd)
    many, alone = drive(port, asked, GATES), drive(port, asked[:200], 1)
    assert all(answer.status == 200 for answer in (*many.answers, *alone.answers))
    return {"empty all": many.seconds / len(asked), "empty p50": spread(alone.each)["p50"]}
