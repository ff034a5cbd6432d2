"""The ledger node over HTTP, with a real server, a real database and a client that checks every signature."""

import base64
import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from random import Random

import pytest
import requests
from structlog.testing import capture_logs

from ledger_node.services import tickets
from ledger_node.services.devices import revoke
from ledger_node.services.events import cancel_event, change_event
from ledger_node.web import schemas
from scanner.admission import claim_lost
from scanner.sync.answers import RecordAnswer
from scanner.sync.enrol import enrolment_of
from scanner.verify.admit import Verdict
from scanner.verify.checkpoint import Checkpoint, VerifierKey, open_checkpoint, sign_checkpoint
from scanner.verify.enrolment import EnrolmentCode, seal_code
from scanner.verify.entry import Malformed, decode_map
from scanner.verify.gatecode import event_hash
from scanner.verify.manifest import EventManifest
from scanner.verify.merkle import leaf_hash, verify_consistency, verify_inclusion
from scanner.verify.possession import device_message
from scanner.verify.reasons import Reason
from scanner.verify.revocation import check_revocation
from scanner.verify.row import Row
from scanner.verify.snapshot import SnapshotHeader, read_header, unpack_rows
from tests.fakes.gate_client import CBOR, GateClient
from tests.fakes.running_node import EVENT, Running, open_home, serving, stage
from tests.fakes.wallet import Wallet

TICKETS = 40


@dataclass(frozen=True)
class Venue:
    """A running node, the holders' wallets (ticket n is the n-th, from 1), and how to get one more gate."""

    running: Running
    wallets: list[Wallet]
    gates: list[GateClient]

    def gate(self, name: str = "R1") -> GateClient:
        made = GateClient(self.running.url, self.running.node.keys.node.public, EVENT)
        self.gates.append(made)
        assert made.enrol(self.running.code(name)).status == 200
        return made

    def stranger(self) -> GateClient:
        made = GateClient(self.running.url, self.running.node.keys.node.public, EVENT)
        self.gates.append(made)
        return made

    def code(self, ticket: int, later: float = 0) -> bytes:
        return self.wallets[ticket - 1].compact(EVENT, ticket, 0, time.time() + later).raw

    def checkpoint(self, text: str) -> Checkpoint:
        key = VerifierKey.parse(self.running.node.ledger.vkey)
        assert isinstance(key, VerifierKey)
        opened = open_checkpoint(text, key, self.running.node.keys.origin)
        assert isinstance(opened, Checkpoint)
        return opened


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    with open_home(tmp_path) as node:
        wallets = stage(node, TICKETS)
        with serving(node) as running:
            made = Venue(running, wallets, [])
            yield made
            for gate in made.gates:
                gate.close()


def test_enrolment_tells_the_gate_who_it_is_and_whom_to_believe(venue):
    answer = venue.stranger().enrol(venue.running.code("Y2")).json
    schemas.Enrolled.model_validate(answer)
    assert (answer["event"], answer["gate"]) == (EVENT, "Y2")
    assert answer["node_key"] == venue.running.node.keys.node.public.hex()
    assert answer["log"] == venue.running.node.ledger.vkey


def test_a_code_enrols_once_but_a_lost_answer_may_be_asked_for_again(venue):
    code, first, second = venue.running.code(), venue.stranger(), venue.stranger()
    told = first.enrol(code).json
    again = first.enrol(code).json
    assert {**again, "time_ms": 0} == {**told, "time_ms": 0}
    refused = second.enrol(code)
    assert (refused.status, refused.json["code"]) == (403, "code-refused")


def test_a_strangers_key_is_not_enrolled_with_its_own_proof_and_a_thiefs_code(venue):
    """The proof says nothing of the code, and a thief on the way sees it: only the request's own signer is enrolled."""
    victim, thief, code = venue.stranger(), venue.stranger(), venue.running.code("Y2")
    seen = victim.key.sign(device_message(victim.node_key, victim.key.public))
    own = seal_code(EnrolmentCode.parse(code), victim.key.public, victim.node_key)
    body = json.dumps({"code": own, "public_key": victim.key.public.hex(), "proof": seen.hex()}).encode()
    refused = thief.ask("POST", "/v1/enrol", body, "application/json")
    assert (refused.status, refused.json["code"]) == (422, "other-key")
    assert victim.enrol(code).status == 200, "the code was not spent"


def test_a_thief_on_the_way_enrols_no_device_of_its_own_with_what_a_gate_sent(venue):
    """Over plain http all of a request is seen, and its place can be taken before it arrives."""
    victim, thief, code = venue.stranger(), venue.stranger(), EnrolmentCode.parse(venue.running.code("Y2"))
    seen = enrolment_of(code, victim.key, victim.node_key)
    assert code.secret.hex().encode() not in seen.lower()
    assert code.text().encode() not in seen
    own = thief.key.sign(device_message(thief.node_key, thief.key.public)).hex()
    stolen = json.dumps({**json.loads(seen), "public_key": thief.key.public.hex(), "proof": own}).encode()
    refused = thief.ask("POST", "/v1/enrol", stolen, "application/json")
    assert (refused.status, refused.json["code"]) == (422, "bad-code")
    assert victim.ask("POST", "/v1/enrol", seen, "application/json").status == 200, "the code was not spent"


def test_a_code_that_is_not_sealed_is_not_taken(venue):
    gate, code = venue.stranger(), venue.running.code("Y2")
    proof = gate.key.sign(device_message(gate.node_key, gate.key.public)).hex()
    body = json.dumps({"code": code, "public_key": gate.key.public.hex(), "proof": proof}).encode()
    refused = gate.ask("POST", "/v1/enrol", body, "application/json")
    assert (refused.status, refused.json["code"]) == (422, "bad-code")
    assert "update the gate" in refused.json["detail"]


def test_a_code_of_another_node_is_told_apart_from_a_used_one(venue):
    other = venue.stranger().enrol("AAAA-AAAA-AAAA-AAAA")
    assert (other.status, other.json["code"]) == (403, "other-node")


def test_guessing_codes_is_slowed_down(venue):
    code = venue.running.code()
    node = code[10:]
    answers = [venue.stranger().enrol(f"AAAA-AAA{letter}-{node}") for letter in "ABCDEFGHIJKLMNOPQRSTUV"]
    assert {answer.json["code"] for answer in answers} == {"code-refused", "too-many-guesses"}
    assert answers[-1].status == 429


def test_the_snapshot_is_whole_signed_and_of_one_size(venue):
    gate = venue.gate()
    answer = gate.ask("GET", f"/v1/events/{EVENT}/snapshot")
    file = io.BytesIO(answer.content)
    header = read_header(file)
    assert isinstance(header, SnapshotHeader)
    rows = b"".join(run for run in unpack_rows(file, header) if isinstance(run, bytes))
    assert len(rows) == TICKETS * 54
    assert header.node_key == gate.node_key
    assert answer.headers["etag"] == f'"{header.size}"'
    checkpoint = venue.checkpoint(header.checkpoint)
    assert (checkpoint.size, checkpoint.root) == (header.size, header.root)


def test_a_head_request_says_what_the_snapshot_would_be(venue):
    gate = venue.gate()
    whole, head = gate.ask("GET", f"/v1/events/{EVENT}/snapshot"), gate.ask("HEAD", f"/v1/events/{EVENT}/snapshot")
    same = ("etag", "content-length", "content-digest")
    assert [head.headers[name] for name in same] == [whole.headers[name] for name in same]
    assert int(head.headers["content-length"]) == len(whole.content)


def test_changes_carry_the_rows_since_a_size_with_a_proof(venue):
    gate, node = venue.gate(), venue.running.node
    before = node.ledger.size, node.ledger.root
    tickets.set_state(node, EVENT, [3, 5], "cancelled", "test")
    answer = gate.changes(before[0]).json
    schemas.Changes.model_validate(answer)
    rows = [Row.unpack(base64.b64decode(row)) for row in answer["rows"]]
    assert [(row.ticket, row.state) for row in rows] == [(3, 1), (5, 1)]
    now = venue.checkpoint(answer["checkpoint"])
    proof = [bytes.fromhex(part) for part in answer["consistency"]]
    assert verify_consistency(before[0], now.size, before[1], now.root, proof)
    assert (answer["from"], answer["to"], answer["manifest"]) == (before[0], now.size, None)


def test_a_changed_manifest_comes_with_the_changes(venue):
    gate, node = venue.gate(), venue.running.node
    size = node.ledger.size
    change_event(node, EVENT, lambda manifest: manifest.__class__.from_map({**manifest.to_map(), "closed_groups": [2]}))
    manifest = EventManifest.from_map(decode_map(bytes.fromhex(gate.changes(size).json["manifest"])))
    assert isinstance(manifest, EventManifest)
    assert (manifest.closed_groups, manifest.version) == ((2,), 2)


def test_nothing_is_logged_for_a_gate_that_has_seen_more_of_the_log_than_the_node_has(venue):
    gate, ledger = venue.gate(), venue.running.node.ledger
    size = ledger.size
    record = gate.admission(9, venue.code(9))
    claims = f"/v1/events/{EVENT}/claims?from={size + 1}"
    answers = [gate.ask("POST", claims, record, CBOR), gate.upload([record], f"?from={size + 1}")]
    assert [(answer.status, answer.json["code"]) for answer in answers] == [(409, "log-behind")] * 2
    assert ledger.size == size
    assert gate.ask("POST", f"/v1/events/{EVENT}/claims?from={size}", record, CBOR).json["verdict"] == "accepted"


def test_a_checkpoint_is_heard_from_any_key_and_one_that_the_log_did_not_sign_from_none(venue):
    gate, stranger, node = venue.gate(), venue.stranger(), venue.running.node
    ours = {"checkpoint": node.ledger.checkpoint(), "log_keys": "", "queue": 0}
    forged = {"checkpoint": sign_checkpoint(node.keys.origin, 10**6, bytes(32), gate.key)}
    for asker in (gate, stranger):
        heard = asker.ask("POST", "/v1/newer", json.dumps(ours).encode(), "application/json")
        schemas.Heard.model_validate(heard.json)
        assert (heard.status, heard.json["news"]) == (200, False)
        refused = asker.ask("POST", "/v1/newer", json.dumps(forged).encode(), "application/json")
        assert (refused.status, refused.json["code"]) == (422, "not-ours")
    assert gate.claim(gate.admission(9, venue.code(9))).json["verdict"] == "accepted"


def test_a_gate_that_waits_hears_of_another_gates_admission_at_once(venue):
    waiting, other = venue.gate("R1"), venue.gate("R2")
    size = venue.running.node.ledger.size
    heard: list[dict] = []
    thread = threading.Thread(target=lambda: heard.append(waiting.changes(size, "&wait=20").json))
    began = time.monotonic()
    thread.start()
    other.claim(other.admission(9, venue.code(9)))
    thread.join()
    assert [Row.unpack(base64.b64decode(row)).ticket for row in heard[0]["rows"]] == [9]
    assert time.monotonic() - began < 15, "the wait ended because of the admission, not of the time"


def test_a_wait_without_a_change_ends_with_an_empty_answer(venue):
    gate = venue.gate()
    size = venue.running.node.ledger.size
    answer = gate.changes(size, "&wait=1").json
    assert (answer["rows"], answer["to"]) == ([], size)


def test_entries_that_move_no_row_do_not_wake_anybody_but_move_the_size(venue):
    waiting, size = venue.gate("R1"), venue.running.node.ledger.size
    heard: list[dict] = []
    thread = threading.Thread(target=lambda: heard.append(waiting.changes(size, "&wait=2").json))
    thread.start()
    venue.gate("R2")
    thread.join()
    assert (heard[0]["rows"], heard[0]["from"], heard[0]["to"]) == ([], size, size + 1)


def test_a_node_restored_from_an_old_backup_says_so(venue):
    answer = venue.gate().changes(10_000)
    assert (answer.status, answer.json["code"]) == (409, "log-behind")


def test_the_first_claim_gets_the_ticket_and_the_second_learns_where(venue):
    red, yellow = venue.gate("R1"), venue.gate("Y1")
    first = red.claim(red.admission(1, venue.code(1))).json
    second = yellow.claim(yellow.admission(1, venue.code(1, 10))).json
    schemas.ClaimAnswer.model_validate(second)
    assert (first["verdict"], first["first"]) == ("accepted", None)
    assert (second["verdict"], second["first"]["gate"], second["first"]["device"]) == ("duplicate", "R1", red.device)
    assert second["cause"] == "shared-or-cloned-key"


def test_the_same_ticket_at_many_gates_at_once_enters_once(venue):
    gates = [venue.gate(name) for name in ("R1", "R2", "R3", "R4")]
    records = [gate.admission(7, venue.code(7)) for gate in gates]
    verdicts: list[str] = []
    threads = [
        threading.Thread(target=lambda gate=gate, record=record: verdicts.append(gate.claim(record).json["verdict"]))
        for gate, record in zip(gates, records, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(verdicts) == ["accepted", "duplicate", "duplicate", "duplicate"]


def test_a_claim_sent_twice_is_logged_once_and_answered_the_same(venue):
    gate = venue.gate()
    record = gate.admission(2, venue.code(2))
    answers = [gate.claim(record).json for _ in range(2)]
    assert answers[0]["verdict"] == answers[1]["verdict"] == "accepted"
    assert answers[0]["position"] == answers[1]["position"]


def test_a_claim_for_somebody_elses_record_is_refused(venue):
    red, yellow = venue.gate("R1"), venue.gate("Y1")
    answer = red.claim(yellow.admission(2, venue.code(2)))
    assert (answer.status, answer.json["code"]) == (422, "not-a-claim")


def test_an_upload_gets_a_receipt_for_each_record_with_its_proof(venue):
    gate = venue.gate()
    batch = [gate.admission(ticket, venue.code(ticket)) for ticket in range(1, 6)]
    answer = gate.upload(batch, "?proofs=1&from=2").json
    schemas.Receipts.model_validate(answer)
    now = venue.checkpoint(answer["checkpoint"])
    for raw, receipt in zip(batch, answer["receipts"], strict=True):
        assert receipt["verdict"] == "accepted"
        proof = [bytes.fromhex(part) for part in receipt["inclusion"]]
        assert bytes.fromhex(receipt["leaf_hash"]) == leaf_hash(raw)
        assert verify_inclusion(leaf_hash(raw), receipt["position"], now.size, proof, now.root)
    assert answer["consistency"]


def test_a_batch_sent_twice_in_another_order_changes_nothing(venue):
    gate = venue.gate()
    batch = [gate.admission(ticket, venue.code(ticket)) for ticket in range(1, 6)]
    first = {one["counter"]: one["position"] for one in gate.upload(batch).json["receipts"]}
    size = venue.running.node.ledger.size
    again = {one["counter"]: one["position"] for one in gate.upload(batch[::-1]).json["receipts"]}
    assert first == again
    assert venue.running.node.ledger.size == size


def test_a_poisoned_record_is_set_aside_and_the_others_go_on(venue):
    gate = venue.gate()
    good = [gate.admission(ticket, venue.code(ticket)) for ticket in (1, 2)]
    flipped = bytearray(gate.admission(3, venue.code(3)))
    flipped[10] ^= 1
    answer = gate.upload([good[0], b"garbage", bytes(flipped), good[1]]).json
    assert [one["verdict"] for one in answer["receipts"]] == ["accepted", "rejected", "rejected", "accepted"]
    assert [one["error"] for one in answer["receipts"][1:3]] == ["not-an-entry", "bad-signature"]
    assert all(one["reason"] for one in answer["receipts"][1:3])


def test_an_uploaded_double_entry_becomes_one_incident(venue):
    red, yellow = venue.gate("R1"), venue.gate("Y1")
    red.upload([red.admission(4, venue.code(4))])
    batch = [yellow.admission(4, venue.code(4, 10))]
    size = venue.running.node.ledger.size
    assert yellow.upload(batch).json["receipts"][0]["cause"] == "shared-or-cloned-key"
    assert venue.running.node.ledger.size == size + 2, "the record and the incident"
    yellow.upload(batch)
    assert venue.running.node.ledger.size == size + 2


def test_a_duplicate_that_its_gate_has_voided_is_no_incident(venue):
    red, yellow = venue.gate("R1"), venue.gate("Y1")
    red.upload([red.admission(4, venue.code(4))])
    batch = [yellow.admission(4, venue.code(4, 10)), yellow.void(1)]
    size = venue.running.node.ledger.size
    yellow.upload(batch)
    assert venue.running.node.ledger.size == size + 2


@pytest.mark.parametrize("end", ["void", "release"])
def test_a_claim_for_what_was_taken_back_opens_no_gate(venue, end):
    """Answered as accepted, it opened its gate while the use was free: the ticket entered once more elsewhere."""
    broken, other = venue.gate("R1"), venue.gate("Y1")
    early, known = broken.admission(4, venue.code(4)), broken.admission(5, venue.code(5))
    broken.upload([known, getattr(broken, end)(1), getattr(broken, end)(2)])
    answers = [broken.claim(record).json for record in (early, known, known)]
    assert [one["verdict"] for one in answers] == ["stale"] * 3
    assert [one["cause"] for one in answers] == [f"{end}-came-first", "taken-back", "taken-back"]
    entered = other.upload([other.admission(ticket, venue.code(ticket, 10)) for ticket in (4, 5)]).json["receipts"]
    assert [one["verdict"] for one in entered] == ["accepted", "accepted"]
    receipts = broken.upload([known]).json["receipts"]
    assert receipts[0]["verdict"] == "accepted", "the receipt of the same bytes stays as it was"


def test_a_claim_that_the_ledger_refuses_says_on_the_screen_what_happened(venue):
    """The gate's list is from before: it took every one of these for a ticket that had been sold."""
    gate, node = venue.gate("R1"), venue.running.node

    def screen(ticket: int) -> Reason:
        answer = gate.claim(gate.admission(ticket, venue.code(ticket)))
        told = RecordAnswer.parse(answer.content)
        assert isinstance(told, RecordAnswer)
        return claim_lost(Verdict("admit", Reason.OK, ticket), told.receipt(ticket)).reason

    for ticket, state in enumerate(("cancelled", "refunded", "blocked"), 1):
        node.commit([node.operator.set_state(EVENT, [ticket], state, "test", node.seconds)])
        assert screen(ticket) == state
    cancel_event(node, EVENT, "test")
    assert screen(4) == Reason.EVENT_CANCELLED


def test_a_gate_that_took_one_admission_back_in_two_ways_is_named(venue):
    gate = venue.gate("R1")
    with capture_logs() as said:
        answer = gate.upload([gate.admission(4, venue.code(4)), gate.void(1), gate.release(1)]).json
    assert [one["verdict"] for one in answer["receipts"]] == ["accepted", "accepted", "unknown"]
    assert answer["receipts"][2]["cause"] == "contradicts-void"
    (line,) = [one for one in said if one["event"] == "a gate took one admission back in two ways"]
    assert (line["gate"], line["device"], line["counter"]) == ("R1", gate.device, 3)


def test_a_receipt_can_be_asked_for_later(venue):
    gate = venue.gate()
    record = gate.admission(8, venue.code(8))
    gate.claim(record)
    answer = gate.ask("GET", f"/v1/events/{EVENT}/receipts/{gate.device}/1").json
    schemas.ProvenReceipt.model_validate(answer)
    now = venue.checkpoint(answer["checkpoint"])
    proof = [bytes.fromhex(part) for part in answer["inclusion"]]
    assert verify_inclusion(leaf_hash(record), answer["position"], now.size, proof, now.root)
    missing = gate.ask("GET", f"/v1/events/{EVENT}/receipts/{gate.device}/2")
    assert (missing.status, missing.json["code"]) == (404, "no-such-record")


def test_a_revoked_device_is_told_to_wipe_but_its_records_are_kept(venue):
    gate, node = venue.gate(), venue.running.node
    record = gate.admission(6, venue.code(6))
    revoke(node, EVENT, gate.device, "lost")
    for answer in (gate.changes(0), gate.claim(record), gate.ask("GET", f"/v1/events/{EVENT}/snapshot")):
        assert (answer.status, answer.json["code"], answer.json["wipe"]) == (403, "revoked", True)
    assert gate.upload([record]).json["receipts"][0]["verdict"] == "revoked"


def test_a_revoked_device_is_shown_the_entry_that_revoked_it_with_its_proof(venue):
    gate, other, node = venue.gate(), venue.gate("R2"), venue.running.node
    path = f"/v1/events/{EVENT}/revocation?from=2"
    assert (gate.ask("GET", path).status, gate.ask("GET", path).json["code"]) == (404, "not-revoked")
    # Both in the same second, so that the second alone does not say which entry is whose.
    node.commit([node.operator.revoke_device(EVENT, one.device, one.gate, node.seconds) for one in (other, gate)])
    for one in (gate, other):
        answer = one.ask("GET", path).json
        schemas.ProvenRevocation.model_validate(answer)
        now = venue.checkpoint(answer["checkpoint"])
        proof = [bytes.fromhex(part) for part in answer["inclusion"]]
        raw, operator = bytes.fromhex(answer["entry"]), node.keys.node.public
        said = check_revocation(raw, answer["position"], proof, now, operator, EVENT, one.device)
        assert said == one.gate
        assert isinstance(check_revocation(raw, answer["position"], proof, now, operator, EVENT, "R9-else"), Malformed)


def test_a_revocation_is_proven_in_the_log_that_is_shown_with_it_also_while_the_log_grows(venue):
    gate, node = venue.gate(), venue.running.node
    revoke(node, EVENT, gate.device, "lost")
    look, grows, states = node.view, True, cycle(["blocked", "active"])

    @contextmanager
    def growing():
        nonlocal grows
        with look() as view:
            yield view
        if grows:
            grows = False
            tickets.set_state(node, EVENT, [2], next(states), "lost")
            grows = True

    node.view = growing
    answer = gate.ask("GET", f"/v1/events/{EVENT}/revocation?from=2").json
    proof, now = [bytes.fromhex(part) for part in answer["inclusion"]], venue.checkpoint(answer["checkpoint"])
    raw, operator = bytes.fromhex(answer["entry"]), node.keys.node.public
    assert check_revocation(raw, answer["position"], proof, now, operator, EVENT, gate.device) == "lost"


def test_a_device_that_waits_while_it_is_revoked_hears_of_it_at_once(venue):
    gate, node = venue.gate(), venue.running.node
    heard: list[int] = []
    thread = threading.Thread(target=lambda: heard.append(gate.changes(node.ledger.size, "&wait=25").status))
    began = time.monotonic()
    thread.start()
    revoke(node, EVENT, gate.device, "lost")
    thread.join()
    assert heard == [403]
    assert time.monotonic() - began < 20, "the wait ended because of the revocation, not of the time"


def test_a_ticket_sold_since_the_snapshot_enters_with_its_certificate(venue):
    node, buyer, gate = venue.running.node, Wallet.new(Random(99)), venue.gate()
    tickets.register_key(node, EVENT, 11, 1, buyer.public, buyer.proof(EVENT, 11, 1))
    certified = tickets.certificate(node, EVENT, 11)
    code = buyer.full(EVENT, 11, 1, time.time(), certified.certificate, certified.signature)
    assert code.ledger_signature_good(event_hash(EVENT), node.keys.certificates[1].public)
    assert gate.claim(gate.admission(11, code.raw, owner_seq=1)).json["verdict"] == "accepted"


def test_the_time_is_signed_even_for_a_gate_in_1970(venue):
    gate = venue.gate()
    gate.offset = -time.time() + 60
    answer = gate.ask("GET", "/v1/time")
    assert abs(answer.json["time_ms"] / 1000 - time.time()) < 30


def test_a_node_whose_clock_jumped_says_in_every_answer_that_its_time_is_not_to_be_taken(venue):
    gate = venue.gate()
    size = gate.ask("GET", f"/v1/events/{EVENT}/changes?from=0").json["to"]
    asked = ["/v1/time", f"/v1/events/{EVENT}/changes?from={size}", f"/v1/events/{EVENT}/state"]
    asked += [f"/v1/events/{EVENT}/peers", f"/v1/events/{EVENT}/changes?from={size + 9}"]
    poll = ("POST", f"/v1/events/{EVENT}/recalls?wait=0", b'{"given": [], "kept": []}', "application/json")
    assert all(gate.ask("GET", path).json.get("time_told", True) for path in asked)
    assert "time_told" not in gate.ask(*poll).json
    venue.running.node.jump = lambda: 3600.0
    answers = [gate.ask("GET", path) for path in asked]
    answers += [gate.upload([gate.admission(3, venue.code(3))]), gate.claim(gate.admission(4, venue.code(4)))]
    answers += [gate.ask("GET", "/v1/counter"), gate.ask(*poll)]
    assert [answer.json["time_told"] for answer in answers] == [False] * len(answers)


def test_each_answer_to_gates_that_carries_the_nodes_time_can_say_that_it_is_not_to_be_taken(venue):
    described = requests.get(f"{venue.running.url}/openapi.json", timeout=10).json()
    shapes = described["components"]["schemas"]
    answers = {
        operation["responses"]["200"]["content"]["application/json"]["schema"].get("$ref", "").rpartition("/")[2]
        for path in described["paths"].values()
        for operation in path.values()
        if "gates" in operation["tags"] and "content" in operation["responses"].get("200", {})
    }
    timed = {name for name in answers if "time_ms" in shapes.get(name, {}).get("properties", {})}
    assert {"CalledBack", "ClaimAnswer", "PeerList", "Counter", "Changes", "Time"} <= timed
    assert [name for name in sorted(timed) if "time_told" not in shapes[name]["properties"]] == []


def test_anybody_may_read_events_and_a_tickets_history_but_no_holder(venue):
    gate = venue.gate()
    gate.claim(gate.admission(2, venue.code(2)))
    base = f"{venue.running.url}/v1/events"
    events = requests.get(base, timeout=5).json()
    schemas.EventFacts.model_validate(events[0])
    history = requests.get(f"{base}/{EVENT}/tickets/2", timeout=5).json()
    schemas.TicketHistory.model_validate(history)
    assert (history["uses"], history["admissions"][0]["gate"]) == (1, "R1")
    assert "holder_key" not in json.dumps(history)
    for path in (f"/{EVENT}/tickets/999", f"/{EVENT}/tickets/-1", "/other", "/other/tickets/1"):
        missing = requests.get(base + path, timeout=5)
        assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")


def test_tiles_are_served_as_c2sp_says(venue):
    url, size = venue.running.url, venue.running.node.ledger.size
    note = requests.get(f"{url}/checkpoint", timeout=5)
    assert note.headers["content-type"] == "text/plain; charset=utf-8"
    assert venue.checkpoint(note.text).size == size
    tile = requests.get(f"{url}/tile/0/000.p/{size}", timeout=5)
    assert (tile.headers["content-type"], len(tile.content)) == ("application/octet-stream", size * 32)
    assert "immutable" in tile.headers["cache-control"]
    bundle = requests.get(f"{url}/tile/entries/000.p/1", timeout=5).content
    assert leaf_hash(bundle[2:]) == tile.content[:32]
    for path in (
        "0/000",
        "0/001",
        f"0/000.p/{size + 1}",
        "0/0",
        "0/000.p/0",
        "0/x000/000",
        "9/000",
        "entries/",
        "a/000",
    ):
        assert requests.get(f"{url}/tile/{path}", timeout=5).status_code == 404, path


def test_the_api_describes_itself_and_its_health(venue):
    url = venue.running.url
    described = requests.get(f"{url}/openapi.json", timeout=5).json()
    assert "/v1/events/{event}/claims" in described["paths"]
    named = [one["name"] for one in described["paths"]["/v1/events/{event}/changes"]["get"]["parameters"]]
    assert named == ["event", "from", "verified", "wait", "queue", "cosigned"]
    assert requests.get(f"{url}/healthz", timeout=5).json()["status"] == "ok"
    gate = venue.gate()
    gate.claim(gate.admission(2, venue.code(2)))
    text = requests.get(f"{url}/metrics", timeout=5).text
    assert 'ledger_claims_total{verdict="accepted"} 1.0' in text
    assert f"ledger_size_entries {float(venue.running.node.ledger.size)}" in text


def test_an_unsigned_request_is_refused_with_the_reason(venue):
    got = requests.post(
        f"{venue.running.url}/v1/events/{EVENT}/claims", data=b"x", headers={"Content-Type": CBOR}, timeout=5
    )
    assert (got.status_code, got.json()["code"]) == (401, "unsigned")
