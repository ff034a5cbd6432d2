"""Every reader of bytes from others, by the name of the function that reads, with what it is fed; and where the rest of
what looks like one gets its bytes from. A test holds that no reader is in neither table.
"""

import base64
import hashlib
import hmac
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.hostile import shapes
from benchmarks.hostile.shapes import DEVICE, LOG_KEY, ORIGIN, ROOT, SIZE, WITNESS_KEY, Shapes
from ledger_node.adapters.orders import read_json_order
from ledger_node.adapters.webhook import open_webhook
from ledger_node.contract.provider import open_receipt
from ledger_node.log.looks import look
from ledger_node.log.remote import UnreadableLogError
from ledger_node.log.stated import open_state
from ledger_node.log.tiles import unbundle
from ledger_node.log.witness_protocol import AddCheckpoint
from ledger_node.services.accounts.passkeys import challenge_of, check_new
from ledger_node.services.accounts.site import Site
from ledger_node.services.errors import ServiceError
from ledger_node.services.evidence import Evidence
from ledger_node.services.records import open_batch
from ledger_node.strict_json import parse_json
from ledger_node.web.account_models import Activating
from ledger_node.web.schemas import Enrolment, read_json
from scanner.sync.answers import ChangesAnswer
from scanner.sync.peer_message import Message
from scanner.verify.cbor import reread, skim
from scanner.verify.checkpoint import Checkpoint, VerifierKey, cosigned_at, open_checkpoint, parse_checkpoint
from scanner.verify.enrolment import EnrolmentCode, open_code
from scanner.verify.entry import Malformed, canonical, decode_map, open_entry
from scanner.verify.gatecode import parse, parse_raw
from scanner.verify.httpsig import verify_request, verify_response
from scanner.verify.keys import SigningKey
from scanner.verify.log_keys import LogKeys
from scanner.verify.lost import LostPart
from scanner.verify.manifest import EventManifest, LedgerKey
from scanner.verify.snapshot import FILE_MAGIC, read_header, sign_header
from scanner.verify.statement import heard, open_statement
from scanner.verify.told import Peer, read_told

_PEER = Peer("R1-device", "R1", DEVICE.public, "")
_SITE = Site("http://localhost", "localhost")


@dataclass(frozen=True, slots=True)
class Reader:
    """What feeds a reader one shape; how it refuses is its own business. `made` makes its shapes; `known` says, where
    64 KB may take longer, whose bytes alone they are.
    """

    feed: Callable[[bytes], object]
    made: Callable[[], Shapes]
    known: str = ""


def _text(read: Callable[[str], object]) -> Callable[[bytes], object]:
    """A reader of texts: whoever hands it over has decoded it, and refused what is not UTF-8."""
    return lambda data: read(data.decode(errors="replace"))


def _cosigned(text: str) -> object:
    """A witness's line and the log's, both in one note that parses."""
    checkpoint = parse_checkpoint(text)
    return cosigned_at(checkpoint, WITNESS_KEY) if isinstance(checkpoint, Checkpoint) else checkpoint


def _request(data: bytes) -> object:
    """Half as Signature-Input, half as Signature; a body beside them."""
    text = data.decode("latin-1")
    fields = {"Signature-Input": text[: SIZE // 2], "Signature": text[SIZE // 2 :], "Content-Digest": text[:500]}
    return verify_request("POST", "/v1/peer", _Lines(fields), data, lambda _: DEVICE.public, 1.0)


def _answer(data: bytes) -> object:
    text = data.decode("latin-1")
    fields = {"Signature-Input": text, "Signature": f"gate=:{'A' * 86}==:", "Content-Digest": text[:500]}
    return verify_response(200, _Lines(fields), data, DEVICE.public, None)


class _Lines(dict[str, str]):
    """Header lines."""


def _credential(data: bytes) -> object:
    text = data.decode("latin-1")
    given = {"id": text[:100], "rawId": text[:100], "type": "public-key", "response": _response(text)}
    return challenge_of(given), check_new(_SITE, "00" * 16, given, bytes(32))


def _response(text: str) -> dict[str, str]:
    return {"clientDataJSON": text, "attestationObject": text}


def _webhook(data: bytes) -> object:
    """Signed by the partner: what counts is what its body may do."""
    secret = bytes(32)
    made = base64.b64encode(hmac.digest(secret, b"m.1." + data, hashlib.sha256)).decode()
    fields = {"webhook-id": "m", "webhook-timestamp": "1", "webhook-signature": f"v1,{made} " + "v1,x " * 1_000}
    return open_webhook(fields, data, [secret, secret], 1.0)


def _heads() -> Shapes:
    """Whole heads of snapshots: a node's, which gates trust by its key only after they have read it."""
    made = {}
    keys = [SigningKey(n.to_bytes(32)).public for n in range(1, 256)]
    manifest = EventManifest("e", "E", 0, 0, 0, keys=tuple(LedgerKey(n, key) for n, key in enumerate(keys)))
    made["signed: many keys"] = sign_header(manifest, 1, bytes(32), bytes(32), 1, 0, "c", DEVICE)
    note = "s" * 600
    made["signed: many statements"] = sign_header(
        EventManifest("e", "E", 0, 0, 0), 1, bytes(32), bytes(32), 1, 0, note, DEVICE, statements=[note] * 100
    )
    return {name: _with_length(head) for name, head in (made | dict(shapes.cbor())).items()}


def _head(data: bytes) -> object:
    """As a gate reads one that it fetched from the node that it trusts."""
    return read_header(io.BytesIO(data), node_key=ROOT.public)


def _with_length(head: bytes) -> bytes:
    return FILE_MAGIC + len(head).to_bytes(4) + head


def _manifests() -> Shapes:
    key = LedgerKey(1, DEVICE.public)
    many = EventManifest("e", "E", 0, 0, 0, keys=(key,)).to_map()
    rows = {name: dict(many) for name in ("one key, often", "groups", "beacons", "closed groups")}
    rows["one key, often"]["keys"] = many["keys"] * 900
    group = {"number": 1, "name_en": "a", "name_zh": "b", "gates": ["g"] * 20}
    rows["groups"]["gate_groups"] = [group] * 600
    beacon = {"number": 1, "value": bytes(16), "not_before": 0, "not_after": 1}
    rows["beacons"]["beacons"] = [beacon] * 900
    rows["closed groups"]["closed_groups"] = [1] * 40_000
    return {name: canonical(row) for name, row in rows.items()}


def _manifest(data: bytes) -> object:
    fields = decode_map(data)
    return fields if isinstance(fields, Malformed) else EventManifest.from_map(fields)


def _batches() -> Shapes:
    records = {
        "many small records": canonical({"records": [bytes(20)] * 2_900}),
        "as many as may be": canonical({"records": [bytes(60)] * 1_000}),
    }
    return {**records, **shapes.cbor()}


def _batch(data: bytes) -> object:
    try:
        return open_batch(data)
    except ServiceError as error:
        return error


def _refusing(read: Callable[[bytes], object], *refusals: type[Exception]) -> Callable[[bytes], object]:
    def feed(data: bytes) -> object:
        try:
            return read(data)
        except refusals as error:
            return error

    return feed


def _read_json(model: type[Any]) -> Callable[[bytes], object]:
    return _refusing(lambda data: read_json(model, data), ServiceError)


def _log_keys(text: str) -> object:
    return LogKeys.unlisted(LOG_KEY).open_checkpoint(text), LogKeys.open(text, LOG_KEY)


def _state(data: bytes) -> object:
    opened = _refusing(
        lambda given: open_state(given, LOG_KEY, lambda text: open_checkpoint(text, LOG_KEY, ORIGIN)),
        UnreadableLogError,
    )
    return opened(data)


_KNOWN = "entries of a log's copy, and uploads of an enrolled gate, whose signature on the request is good"
_GATES = "an enrolled gate's, whose signature on the request is good"
_NODES = "an answer of the node, whose signature on it is good"

READERS: Mapping[str, Reader] = {
    "scanner.verify.entry:open_entry": Reader(open_entry, shapes.entries, _KNOWN),
    "scanner.verify.entry:open_entry (4 KB, as people send it)": Reader(open_entry, partial(shapes.entries, 4_096)),
    "scanner.verify.entry:decode_map": Reader(decode_map, shapes.cbor, _KNOWN),
    "scanner.verify.cbor:reread": Reader(_refusing(reread, ValueError), shapes.cbor, _KNOWN),
    "scanner.verify.cbor:skim": Reader(_refusing(skim, ValueError), shapes.cbor),
    "scanner.verify.manifest:EventManifest.from_map": Reader(_manifest, _manifests, _NODES),
    "scanner.verify.told:read_told": Reader(lambda data: read_told(data, _PEER, "e"), shapes.entries),
    "ledger_node.log.looks:look": Reader(lambda data: look([data]), shapes.entries, _KNOWN),
    "ledger_node.services.records:open_batch": Reader(_batch, _batches, _GATES),
    "ledger_node.contract.provider:open_receipt": Reader(open_receipt, shapes.entries),
    "ledger_node.log.tiles:unbundle": Reader(unbundle, shapes.anything),
    "scanner.verify.snapshot:read_header": Reader(_head, _heads, _NODES),
    "scanner.verify.gatecode:parse": Reader(_text(parse), shapes.codes),
    "scanner.verify.gatecode:parse_raw": Reader(parse_raw, shapes.codes),
    "scanner.verify.enrolment:EnrolmentCode.parse": Reader(_text(EnrolmentCode.parse), shapes.anything),
    "scanner.verify.enrolment:open_code": Reader(_text(lambda text: open_code(text, bytes(32), ROOT)), shapes.anything),
    "scanner.verify.checkpoint:VerifierKey.parse": Reader(_text(VerifierKey.parse), shapes.anything),
    "scanner.verify.checkpoint:parse_checkpoint": Reader(_text(parse_checkpoint), shapes.notes),
    "scanner.verify.checkpoint:open_checkpoint": Reader(
        _text(lambda text: open_checkpoint(text, LOG_KEY, ORIGIN)), shapes.notes
    ),
    "scanner.verify.checkpoint:cosigned_at": Reader(_text(_cosigned), shapes.notes),
    "scanner.verify.log_keys:LogKeys.open": Reader(_text(_log_keys), shapes.notes),
    "scanner.verify.statement:open_statement": Reader(_text(lambda text: open_statement(text, LOG_KEY)), shapes.notes),
    "scanner.verify.statement:heard": Reader(
        _text(lambda text: heard([text], [LOG_KEY, WITNESS_KEY], ORIGIN, 7, bytes(32))), shapes.notes
    ),
    "scanner.verify.lost:LostPart.open": Reader(_text(lambda text: LostPart.open(text, LOG_KEY)), shapes.notes),
    "ledger_node.log.witness_protocol:AddCheckpoint.parse": Reader(AddCheckpoint.parse, shapes.notes),
    "ledger_node.log.stated:open_state": Reader(_state, shapes.json),
    "ledger_node.services.evidence:Evidence.from_json": Reader(Evidence.from_json, shapes.json),
    "scanner.verify.httpsig:verify_request": Reader(_request, shapes.headers),
    "scanner.verify.httpsig:verify_response": Reader(_answer, shapes.headers),
    "scanner.sync.answers:Answer.parse": Reader(ChangesAnswer.parse, shapes.json, _NODES),
    "scanner.sync.peer_message:Message.parse": Reader(Message.parse, shapes.json),
    "ledger_node.web.schemas:read_json": Reader(_read_json(Enrolment), shapes.json),
    "ledger_node.web.account_models:Activating": Reader(_read_json(Activating), shapes.json),
    "ledger_node.strict_json:parse_json": Reader(_refusing(parse_json, ValueError), shapes.json),
    "ledger_node.services.accounts.passkeys:check_new": Reader(_credential, shapes.cbor),
    "ledger_node.adapters.webhook:open_webhook": Reader(_webhook, shapes.json),
    "ledger_node.adapters.orders:read_json_order": Reader(_text(lambda text: read_json_order(text, 1)), shapes.json),
}

OWN = "a file or a process of this machine's own"
_WITHIN = "reads by another of this table: "
_CBOR, _NOTE, _JSON = f"{_WITHIN}open_entry", f"{_WITHIN}a checkpoint or a list of keys", f"{_WITHIN}parse_json"

OTHERS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "scanner.camera.child:main",
            "scanner.camera.wire:decode",
            "scanner.cli.clock:ClockDesk.asked",
            "scanner.cli.status:read_status",
            "scanner.hw.beacon:wiring",
            "scanner.hw.relay_pin:relay_pin",
            "scanner.identity:Identities.enrolled",
            "scanner.kept_time:Kept.unpack",
            "scanner.list_age:Unheard.unpack",
            "scanner.verify.toml_text:parse_toml",
            "ledger_node.cli.market:Change.convert",
            "ledger_node.cli.served_node:_last_line",
            "ledger_node.cli.witnessing:_settle",
            "ledger_node.contract.facts:Fact.of",
            "ledger_node.contract.facts:PolicyVersion.of",
            "ledger_node.contract.facts:LeasesBefore.of",
            "ledger_node.log.ledger:Ledger.open",
            "ledger_node.sandbox.bank:Bank.perform",
            "ledger_node.sandbox.bank:Bank.answered",
            "ledger_node.services.accounts.passkeys:creation_options",
            "ledger_node.services.accounts.passkeys:request_options",
            "ledger_node.services.alerts:_alert",
            "ledger_node.services.letters:_deliver",
            "ledger_node.services.lost_part:LostParts.__init__",
            "ledger_node.services.newer_log:NewerLog._read",
            "ledger_node.services.witness_memory:Memory._read_guard",
            "ledger_node.web.witness:_Desk.evidence",
        ),
        OWN,
    ),
    **dict.fromkeys(
        (
            "scanner.sync.reconcile:advance",
            "scanner.sync.reconcile:settle",
            "scanner.sync.reconcile:check_changes",
            "scanner.sync.reconcile:check_snapshot",
            "scanner.sync.reconcile:check_view",
            "scanner.sync.trust:known_from",
            "scanner.sync.trust:learn_keys",
            "scanner.sync.trust:open_trusted",
            "scanner.verify.checkpoint:open_by_any",
            "scanner.verify.log_keys:LogKeys.open_checkpoint",
            "scanner.verify.log_keys:LogKeys.newer",
            "ledger_node.services.audited_keys:AuditedKeys.open_seen",
            "ledger_node.services.watch:Watch.add",
            "ledger_node.services.watched_keys:WatchedKeys.open",
            "ledger_node.services.witness:Witness.add_checkpoint",
            "ledger_node.services.witness:Witness.follow",
            "ledger_node.services.witness:Witness.statement",
        ),
        _NOTE,
    ),
    **dict.fromkeys(("scanner.sync.reconcile:prove_revocation", "scanner.verify.revocation:check_revocation"), _CBOR),
    **dict.fromkeys(("ledger_node.sandbox.desk:Desk.answer", "ledger_node.adapters.orders:read_order"), _JSON),
    "ledger_node.services.accounts.passkeys:challenge_of": f"{_WITHIN}check_new",
    "ledger_node.services.accounts.passkeys:check_use": f"{_WITHIN}check_new",
    "scanner.verify.httpsig_library:verify_message": f"{_WITHIN}verify_request",
    "scanner.verify.snapshot:unpack_rows": "a stream whose length and digest the signed head names; see section large",
}
"""What a look for readers finds besides, and why it is not fed: see `tests/unit/test_hostile_readers.py`."""
