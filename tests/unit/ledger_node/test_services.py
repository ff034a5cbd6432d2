"""Use cases of the operator: events, certificates, devices, keys, snapshots."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ledger_node.contract.state import Device
from ledger_node.services import devices, events, keys, tickets
from ledger_node.services.changes import read_page
from ledger_node.services.errors import ServiceError
from ledger_node.services.node import Node
from ledger_node.services.operations import perform
from ledger_node.services.records import report_double_entries
from ledger_node.services.snapshot import Snapshots, export_snapshot
from ledger_node.services.told_times import when
from scanner.verify.enrolment import EnrolmentCode, seal_code
from scanner.verify.gatecode import event_hash
from scanner.verify.keys import SigningKey
from scanner.verify.possession import device_message
from scanner.verify.snapshot import SnapshotHeader, read_header
from tests.fakes.running_node import DOORS, EVENT, open_home, stage
from tests.fakes.wallet import Wallet

START = 1_795_000_000


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.time = float(START)

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def node(tmp_path: Path, clock: Clock) -> Iterator[Node]:
    with open_home(tmp_path, clock) as made:
        yield made


@pytest.fixture
def wallets(node: Node) -> list[Wallet]:
    return stage(node, 10)


def code_of(error: pytest.ExceptionInfo[ServiceError]) -> str:
    return error.value.code


def test_an_event_has_the_coliseums_colours_unless_it_names_its_gates(node: Node) -> None:
    manifest = events.create_event(node, events.EventOrder("e", "E", DOORS, DOORS, 10)).manifest
    assert [group.name_zh for group in manifest.gate_groups] == ["紅", "黃", "綠", "藍"]
    assert manifest.gate_groups[1].gates == ("Y1", "Y2", "Y3", "Y4")
    assert manifest.keys[0].public_key == node.keys.certificates[1].public


def test_an_event_elsewhere_is_told_in_its_own_zone(node: Node) -> None:
    for zone, said in (("Europe/London", "11:46"), ("Asia/Hong_Kong", "19:46")):
        order = events.EventOrder(zone.replace("/", ":"), "E", 1_767_268_000, 1_767_268_000, 10, zone=zone)
        manifest = events.create_event(node, order).manifest
        assert manifest.zone == zone
        assert when(manifest.doors, manifest.zone) == f"2026-01-01 {said}"


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (events.EventOrder("e", "E", 1, 1, 1, zone="Mars/Olympus"), "bad-zone"),
        (events.EventOrder("two words", "E", 1, 1, 1), "bad-event"),
        (events.EventOrder("a/b", "E", 1, 1, 1), "bad-event"),
        (events.EventOrder("e", "", 1, 1, 1), "bad-manifest"),
        (events.EventOrder("e", "E", 2, 1, 1), "bad-manifest"),
        (events.EventOrder(EVENT, "E", 1, 1, 1), "event-exists"),
    ],
)
def test_an_event_that_cannot_be_is_refused(
    node: Node, wallets: list[Wallet], order: events.EventOrder, code: str
) -> None:
    assert wallets
    with pytest.raises(ServiceError) as error:
        events.create_event(node, order)
    assert code_of(error) == code


def test_a_certificate_is_of_the_ticket_as_it_is_now(node: Node, wallets: list[Wallet]) -> None:
    made = tickets.certificate(node, EVENT, 3, ttl=60)
    code = wallets[2].full(EVENT, 3, 0, START, made.certificate, made.signature)
    assert code.ledger_signature_good(event_hash(EVENT), node.keys.certificates[1].public)
    assert (made.certificate.ledger_size, made.certificate.issued_at) == (node.ledger.size, START)
    assert made.certificate.expires_at() == START + 3600


def test_no_certificate_for_a_ticket_that_could_not_enter(node: Node, wallets: list[Wallet]) -> None:
    assert wallets
    tickets.set_state(node, EVENT, [1], "blocked", "test")
    perform(
        node,
        "tickets-issue",
        {"event": EVENT, "count": 1, "first": 50, "category": 0, "gate_group": None, "face_value": 0},
    )
    for index, code in ((1, "ticket-not-active"), (50, "no-holder-key"), (99, "unknown-ticket")):
        with pytest.raises(ServiceError) as error:
            tickets.certificate(node, EVENT, index)
        assert code_of(error) == code


def test_a_rotated_key_signs_from_then_on_and_the_old_one_can_be_retired(node: Node, wallets: list[Wallet]) -> None:
    assert wallets
    assert keys.rotate(node) == 2
    manifest = events.read_event(node, EVENT).manifest
    assert [(key.kid, key.retired) for key in manifest.keys] == [(1, False), (2, False)]
    assert tickets.certificate(node, EVENT, 1).certificate.kid == 2
    keys.rotate(node, retire=True)
    assert [key.retired for key in events.read_event(node, EVENT).manifest.keys] == [True, True, False]


def test_a_lost_certificate_keys_number_is_not_given_to_another_key(node: Node, wallets: list[Wallet]) -> None:
    assert wallets
    keys.rotate(node)
    lost = node.keys.certificates[2].public
    node.keys = replace(node.keys, certificates={1: node.keys.certificates[1]})
    (node.home / "keys" / "ledger-2.key").unlink()
    assert keys.rotate(node) == 3
    manifest = events.read_event(node, EVENT).manifest
    assert [key.kid for key in manifest.keys] == [1, 2, 3]
    assert manifest.ledger_key(2).public_key == lost


def join(node: Node, code: str, key: SigningKey) -> Device:
    """As a gate does."""
    proof = key.sign(device_message(node.keys.node.public, key.public))
    read = EnrolmentCode.parse(code)
    assert isinstance(read, EnrolmentCode)
    return devices.enrol(node, seal_code(read, key.public, node.keys.node.public), key.public, proof)


def test_a_code_expires_and_only_its_hash_is_kept(node: Node, wallets: list[Wallet], clock: Clock) -> None:
    assert wallets
    code = devices.make_code(node, EVENT, "R1", lifetime=60)
    assert code.secret not in (node.home / "node.sqlite3-wal").read_bytes()
    clock.time += 61
    with pytest.raises(ServiceError) as error:
        join(node, code.text(), SigningKey(b"d" * 32))
    assert code_of(error) == "code-refused"


def test_a_code_that_nobody_gave_enrols_nobody(node: Node, wallets: list[Wallet]) -> None:
    assert wallets
    guess = EnrolmentCode(b"guess", devices.fingerprint(node.keys.node.public))
    with pytest.raises(ServiceError) as error:
        join(node, guess.text(), SigningKey(b"d" * 32))
    assert code_of(error) == "code-refused"


def test_one_key_is_one_device(node: Node, wallets: list[Wallet]) -> None:
    assert wallets
    key = SigningKey(b"d" * 32)
    first = join(node, devices.make_code(node, EVENT, "R1").text(), key)
    with pytest.raises(ServiceError) as error:
        join(node, devices.make_code(node, EVENT, "Y1").text(), key)
    assert code_of(error) == "device-exists"
    assert devices.find(node, key.public) == first


def test_a_lost_answer_is_given_again_and_the_device_stands_once(
    node: Node, wallets: list[Wallet], clock: Clock
) -> None:
    assert wallets
    key, code = SigningKey(b"d" * 32), devices.make_code(node, EVENT, "R1", lifetime=60).text()
    first = join(node, code, key)
    size = node.ledger.size
    clock.time += 61
    assert join(node, code, key) == first
    assert node.ledger.size == size
    with pytest.raises(ServiceError) as error:
        join(node, code, SigningKey(b"e" * 32))
    assert code_of(error) == "code-refused"


def test_an_enrolment_that_cannot_be_spends_no_code(node: Node, wallets: list[Wallet]) -> None:
    """The gate is told the way out, and the same code is good for it."""
    assert wallets
    key = SigningKey(b"d" * 32)
    device = join(node, devices.make_code(node, EVENT, "R1").text(), key)
    other, again = (devices.make_code(node, EVENT, gate).text() for gate in ("Y1", "R1"))
    with pytest.raises(ServiceError, match=r"enrolled at gate R1 of .*`gate-scanner forget`.*the same code") as error:
        join(node, other, key)
    assert code_of(error) == "device-exists"
    devices.revoke(node, EVENT, device.device, "stolen")
    with pytest.raises(ServiceError, match=r"revoked.*`gate-scanner forget`") as error:
        join(node, again, key)
    assert code_of(error) == "device-revoked"
    fresh = SigningKey(b"f" * 32)
    assert join(node, other, fresh).gate == "Y1"
    assert join(node, again, SigningKey(b"g" * 32)).gate == "R1"


def test_a_ledger_that_could_not_be_written_leaves_the_code_to_the_device(
    node: Node, wallets: list[Wallet], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert wallets
    key, code = SigningKey(b"d" * 32), devices.make_code(node, EVENT, "R1").text()

    def full(_node: Node, _entries: object) -> None:
        raise ServiceError("disk", "the disk is full", 503)

    monkeypatch.setattr(Node, "commit", full)
    with pytest.raises(ServiceError, match="full"):
        join(node, code, key)
    monkeypatch.undo()
    assert join(node, code, key).gate == "R1"


def test_no_code_for_a_gate_that_is_not_there(node: Node, wallets: list[Wallet]) -> None:
    assert wallets
    with pytest.raises(ServiceError, match="R1, R2"):
        devices.make_code(node, EVENT, "Z9")


def test_a_snapshot_is_made_anew_when_it_is_out_of_date_and_not_before(
    node: Node, wallets: list[Wallet], clock: Clock
) -> None:
    assert wallets
    snapshots = Snapshots(node)
    first = snapshots.get(EVENT)
    tickets.set_state(node, EVENT, [1], "blocked", "test")
    assert snapshots.get(EVENT) == first
    clock.time += 10
    second = snapshots.get(EVENT)
    assert second.size == node.ledger.size > first.size
    assert first.path.exists(), "somebody may be about to read it"
    tickets.set_state(node, EVENT, [2], "blocked", "test")
    clock.time += 10
    snapshots.get(EVENT)
    assert not first.path.exists()


def test_a_snapshot_of_an_event_without_tickets_is_whole(node: Node, tmp_path: Path) -> None:
    events.create_event(node, events.EventOrder("empty", "E", DOORS, DOORS, 10))
    export_snapshot(node, "empty", tmp_path / "empty.snap")
    header = read_header(io.BytesIO((tmp_path / "empty.snap").read_bytes()))
    assert isinstance(header, SnapshotHeader)
    assert header.count == 0


def test_a_snapshot_that_cannot_be_written_is_one_clear_error(
    node: Node, wallets: list[Wallet], tmp_path: Path
) -> None:
    assert wallets
    with pytest.raises(ServiceError, match="name another file"):
        export_snapshot(node, EVENT, tmp_path / "missing" / "x.snap")


def test_pages_of_changes_lead_to_the_newest_size(node: Node, wallets: list[Wallet]) -> None:
    assert wallets
    for index in range(1, 6):
        tickets.set_state(node, EVENT, [index], "blocked", "test")
    start, seen = 2, []
    while start < node.ledger.size:
        page = read_page(node, EVENT, start, start, limit=2)
        seen += [row[:4] for row in page.rows]
        assert page.to > start
        start = page.to
    assert [int.from_bytes(index) for index in seen] == [1, 2, 3, 4, 5]


def test_nothing_is_reported_when_nothing_is_doubtful(node: Node, wallets: list[Wallet]) -> None:
    assert wallets
    assert report_double_entries(node, EVENT) == 0


def test_operations_refuse_what_they_cannot_use(node: Node) -> None:
    for name, values, code in (("nothing", {}, "no-such-operation"), ("event-show", {}, "bad-values")):
        with pytest.raises(ServiceError) as error:
            perform(node, name, values)
        assert code_of(error) == code


def test_a_change_that_changes_nothing_is_not_written(node: Node, wallets: list[Wallet]) -> None:
    assert wallets
    size = node.ledger.size
    events.change_event(node, EVENT, lambda manifest: manifest)
    assert node.ledger.size == size
    events.change_event(node, EVENT, lambda manifest: replace(manifest, closed_groups=(1,)))
    assert node.ledger.size == size + 1
