"""Tickets in bulk: a bad row is named by its line and nothing of its file is kept."""

import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from ledger_node.services.errors import ServiceError
from ledger_node.services.events import EventOrder, create_event, read_event
from ledger_node.services.issue import COLUMNS, Lot, import_file, issue_lot
from ledger_node.services.node import Node
from ledger_node.services.tickets import read_ticket
from scanner.verify.manifest import GateGroup
from tests.fakes.running_node import DOORS, EVENT, open_home
from tests.fakes.wallet import Wallet

HEADER = ",".join(COLUMNS)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with open_home(tmp_path / "home") as made:
        create_event(made, EventOrder(EVENT, "Harbour Nights", DOORS, DOORS + 5400, 50))
        yield made


def written(tmp_path: Path, *rows: str, header: str = HEADER, ending: str = "\n", start: str = "") -> Path:
    path = tmp_path / "tickets.csv"
    path.write_bytes((start + ending.join([header, *rows]) + ending).encode())
    return path


def refused(node: Node, path: Path) -> ServiceError:
    size = node.ledger.size
    with pytest.raises(ServiceError) as caught:
        import_file(node, EVENT, path)
    assert (node.ledger.size, read_event(node, EVENT).issued) == (size, 0), "nothing of the file is kept"
    return caught.value


def test_a_file_from_a_spreadsheet_is_read(node: Node, tmp_path: Path) -> None:
    wallet = Wallet.new(Random(1))
    proof = wallet.proof(EVENT, 7)
    path = written(tmp_path, f"7,1207,2,3,88000,{wallet.public.hex()},{proof.hex()}", "8,1208,2,3,88000,,", "",
                   ending="\r\n", start="\ufeff")  # fmt: skip
    assert import_file(node, EVENT, path) == 2
    ticket = read_ticket(node, EVENT, 7)
    row = ticket.row
    assert (row.seat, row.category, row.gate_group, ticket.face_value) == (1207, 2, 3, 88000)
    assert (row.holder_key, read_ticket(node, EVENT, 8).row.holder_key) == (wallet.public, bytes(32))


def test_the_manuals_file_is_good(node: Node, tmp_path: Path) -> None:
    manual = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
    (example,) = re.findall(r"```text\n(index,.*?)```", manual, re.DOTALL)
    (tmp_path / "tickets.csv").write_text(example)
    assert import_file(node, EVENT, tmp_path / "tickets.csv") == 2
    assert read_ticket(node, EVENT, 2).row.seat == 102


def test_columns_may_stand_in_another_order(node: Node, tmp_path: Path) -> None:
    path = written(tmp_path, ",,500,1,0,9,3", header="proof,holder_key,face_value,gate_group,category,seat,index")
    assert import_file(node, EVENT, path) == 1
    assert read_ticket(node, EVENT, 3).row.seat == 9


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("x,1,0,1,0,,", "index is 'x'"),
        ("4294967296,1,0,1,0,,", "index is '4294967296'"),
        ("-1,1,0,1,0,,", "index is '-1'"),
        ("2,,0,1,0,,", "seat is ''"),
        ("2,1,256,1,0,,", "category is '256'"),
        ("2,1,0,1,12.50,,", r"face_value \(in cents\) is '12.50'"),
        ("2,1,0,1,0,zz,", "holder_key is not 32 bytes in hex"),
        ("2,1,0,1,0,aabb,", "holder_key is not 32 bytes in hex"),
        (f"2,1,0,1,0,{'ab' * 32},", "give both or neither"),
        ("2,1,0,1", "4 columns instead of 7"),
        ("1,1,0,1,0,,", "index 1 stands in line 2 already"),
        ("٣,1,0,1,0,,", "index is"),
        ('2,"1,0,1,0,,', "unexpected end of data"),
    ],
)
def test_a_bad_row_is_named_by_its_line(node: Node, tmp_path: Path, row: str, says: str) -> None:
    error = refused(node, written(tmp_path, "1,1,0,1,0,,", row, "9,1,0,1,0,,"))
    assert "line 3" in str(error) or "line 4" in str(error)
    with pytest.raises(ServiceError, match=says):
        raise error


def test_all_bad_rows_are_named_at_once(node: Node, tmp_path: Path) -> None:
    error = refused(node, written(tmp_path, "x,1,0,1,0,,", "1,1,0,1,0,,", "2,y,0,1,0,,"))
    assert "line 2" in str(error)
    assert "line 4" in str(error)


def test_what_only_the_contract_can_know_is_named_by_its_line_too(node: Node, tmp_path: Path) -> None:
    wallet = Wallet.new(Random(1))
    of_another = wallet.proof(EVENT, 6).hex()
    error = refused(node, written(tmp_path, "4,1,0,1,0,,", f"5,1,0,1,0,{wallet.public.hex()},{of_another}"))
    assert error.code == "bad-proof"
    assert "line 3" in str(error)


def test_a_small_order_key_is_refused(node: Node, tmp_path: Path) -> None:
    error = refused(node, written(tmp_path, f"5,1,0,1,0,01{'00' * 31},{'00' * 64}"))
    assert error.code == "bad-key"


def test_a_taken_index_refuses_the_whole_file(node: Node, tmp_path: Path) -> None:
    import_file(node, EVENT, written(tmp_path, "5,1,0,1,0,,"))
    with pytest.raises(ServiceError, match="line 3"):
        import_file(node, EVENT, written(tmp_path, "4,1,0,1,0,,", "5,1,0,1,0,,"))
    assert read_event(node, EVENT).issued == 1


def test_unnamed_groups_are_made_for_an_event_without_groups_of_its_own(node: Node, tmp_path: Path) -> None:
    import_file(node, EVENT, written(tmp_path, "1,1,0,7,0,,", "2,2,0,0,0,,"))
    group = read_event(node, EVENT).manifest.group(7)
    assert group == GateGroup(7, "group 7", "第 7 組", ("7-1",))


def test_a_bad_file_leaves_no_group_behind(node: Node, tmp_path: Path) -> None:
    wallet = Wallet.new(Random(1))
    refused(node, written(tmp_path, f"1,1,0,7,0,{wallet.public.hex()},{'00' * 64}"))
    assert read_event(node, EVENT).manifest.group(7) is None


def test_an_event_with_groups_of_its_own_takes_no_others(tmp_path: Path) -> None:
    with open_home(tmp_path / "home") as node:
        groups = (GateGroup(1, "main", "正門", ("M1",)),)
        create_event(node, EventOrder(EVENT, "Club", DOORS, DOORS, 50, groups))
        assert refused(node, written(tmp_path, "1,1,0,2,0,,")).code == "unknown-gate-group"


def test_more_than_the_capacity_is_refused_before_anything_is_written(node: Node, tmp_path: Path) -> None:
    assert refused(node, written(tmp_path, *(f"{i},1,0,1,0,," for i in range(51)))).code == "over-capacity"


@pytest.mark.parametrize("header", ["", "index,seat", HEADER + ",name", HEADER.replace("seat", "Sitz")])
def test_another_header_is_said_to_be_one(node: Node, tmp_path: Path, header: str) -> None:
    assert refused(node, written(tmp_path, "1,1,0,1,0,,", header=header)).code == "bad-header"


def test_files_that_are_no_csv_are_refused(node: Node, tmp_path: Path) -> None:
    path = tmp_path / "tickets.csv"
    for content, code in ((b"", "bad-header"), (b"\xff\xfe\x00", "not-utf-8"), (HEADER.encode(), "no-rows")):
        path.write_bytes(content)
        assert refused(node, path).code == code
    assert refused(node, tmp_path / "missing.csv").code == "no-file"
    assert refused(node, tmp_path).code == "no-file"


def test_generated_tickets_follow_those_that_are_there(node: Node) -> None:
    assert issue_lot(node, Lot(EVENT, 10)) == (1, 10)
    assert issue_lot(node, Lot(EVENT, 5, gate_group=2, face_value=100)) == (11, 15)
    assert {read_ticket(node, EVENT, index).row.gate_group for index in range(1, 9)} == {1, 2, 3, 4}
    assert read_ticket(node, EVENT, 12).row.gate_group == 2
    with pytest.raises(ServiceError, match="room for 35"):
        issue_lot(node, Lot(EVENT, 36))


def test_standing_tickets_have_no_seats_and_may_be_any_number(node: Node, tmp_path: Path) -> None:
    import_file(node, EVENT, written(tmp_path, "1,2,0,0,0,,"))
    assert issue_lot(node, Lot(EVENT, 3, standing=True)) == (2, 4)
    with node.view() as view:
        assert [ticket.row.seat for ticket in view.tickets(EVENT)] == [2, 0, 0, 0]
    with pytest.raises(ServiceError) as taken:
        issue_lot(node, Lot(EVENT, 1, first=2))
    assert taken.value.code == "index-taken"


def test_of_a_long_file_whose_last_row_is_refused_nothing_is_kept(tmp_path: Path) -> None:
    """So long that much of it is written before the last row is looked at."""
    count = 22_000
    rows = [f"{index},{index},0,1,100,," for index in range(1, count + 1)]
    with open_home(tmp_path / "home") as node:
        create_event(node, EventOrder(EVENT, "Harbour Nights", DOORS, DOORS + 5400, count + 1))
        doubled = refused(node, written(tmp_path, *rows, f"{count + 1},1,0,1,100,,"))
        assert doubled.code == "seat-doubled"
        with node.view() as view:
            digest = view.contract_digest()
            assert list(view.tickets(EVENT)) == []
        assert import_file(node, EVENT, written(tmp_path, *rows)) == count
        assert refused_later(node, written(tmp_path, f"{count + 1},1,0,1,100,,")) == "seat-doubled"
        with node.view() as view:
            assert sum(1 for _ in view.tickets(EVENT)) == count
            assert view.contract_digest() != digest


def refused_later(node: Node, path: Path) -> str:
    with pytest.raises(ServiceError) as caught:
        import_file(node, EVENT, path)
    return caught.value.code
